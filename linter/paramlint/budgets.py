"""Budgets: which limits hold for a model, and where its numbers stand against them.

Limits come from the config, the command line, the spec itself and targets. All of them hold at once, except that
the command line's ``max`` replaces the config's for the same metric; a spec can never loosen what the config demands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from paramlint.errors import InputError, LoadError
from paramlint.ir import Model, Quantity, Source, Stated, Total, Unknown
from paramlint.measure import Measured
from paramlint.quantities import BYTES, COUNT, QuantityError, is_share, parse_percent, parse_share, parse_size
from paramlint.spelling import hint


class Metric(NamedTuple):
    """Something that can be budgeted: its name for people, its key in the totals, its unit, its rule."""

    name: str
    key: str
    unit: str
    rule: str
    phrase: str
    per_layer: bool = False


_METRICS = (
    Metric("params", "params", COUNT, "PL101", "parameters", True),
    Metric("trainable", "trainable_params", COUNT, "PL107", "trainable parameters", True),
    Metric("weights", "param_bytes", BYTES, "PL102", "bytes of weights", True),
    Metric("flash", "flash_bytes", BYTES, "PL108", "bytes of flash"),
    Metric("ram", "ram.arena_total", BYTES, "PL103", "bytes of RAM", True),
    Metric("ram.bound", "ram.bound", BYTES, "PL103", "bytes of live tensors"),
    Metric("ram.arena", "ram.arena", BYTES, "PL103", "bytes of planned RAM"),
    Metric("ram.best", "ram.best", BYTES, "PL103", "bytes of RAM in the best order"),
    Metric("macs", "macs", COUNT, "PL104", "multiply-accumulates", True),
    Metric("file", "file_bytes", BYTES, "PL105", "bytes on disk"),
    Metric("layers", "layers", COUNT, "PL106", "layers"),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _METRICS}
PER_LAYER: tuple[str, ...] = tuple(metric.name for metric in _METRICS if metric.per_layer)


class Growth(NamedTuple):
    """How much a metric may grow against a base; where both are given, both must be exceeded to fail."""

    share: Fraction | None = None
    amount: int | None = None


class Limit(NamedTuple):
    """A limit on a model's metric. ``warn`` is a share of ``max`` above which the rule speaks as a warning.

    ``max`` is None where only growth is limited.
    """

    metric: str
    max: int | None
    source: Source
    warn: Fraction | None = None
    growth: Growth | None = None


class LayerLimit(NamedTuple):
    """A limit on each layer whose name or type matches ``match``: a size or a share of the model's total."""

    metric: str
    max: int | None
    share: Fraction | None
    source: Source
    match: str | None = None


class Limits(NamedTuple):
    """Everything a model is held against; ``warn_at`` applies where a limit has no mark of its own."""

    model: tuple[Limit, ...] = ()
    layers: tuple[LayerLimit, ...] = ()
    warn_at: Fraction | None = None

    @property
    def metrics(self) -> frozenset[str]:
        """Names of the metrics that have to be known."""
        return frozenset([limit.metric for limit in self.model] + [limit.metric for limit in self.layers])


class Budget(NamedTuple):
    """One limit and where the model stands: ``pass``, ``warn``, ``fail`` or ``unknown``.

    ``measured`` is a lower bound where ``reasons`` are given. ``upper`` is the upper end of an estimate, which is
    what is compared. ``warn`` is the largest value that does not warn.
    """

    metric: Metric
    measured: int | None
    limit: int
    warn: int | None
    state: str
    source: Source
    reasons: tuple[str, ...] = ()
    upper: int | None = None
    mark: Fraction | None = None


def metric(name: str) -> Metric:
    """A metric by name; QuantityError with a did-you-mean for an unknown one."""
    if name not in METRICS:
        raise QuantityError(f"unknown metric {name!r}", hint(name, METRICS))
    return METRICS[name]


def read_limit(name: str, raw: object, source: Source) -> Limit:
    """A budget entry: a size, or ``{max, warn, max-increase}``; QuantityError says what is wrong."""
    unit = metric(name).unit
    if not isinstance(raw, Mapping):
        return Limit(name, _size(raw, unit), source)
    for key in raw:
        if key not in ("max", "warn", "max-increase"):
            raise QuantityError(f"unknown key {key!r} in the budget of {name}", hint(str(key), _KEYS))
    growth = read_growth(raw["max-increase"], unit) if "max-increase" in raw else None
    if "max" not in raw and growth is None:
        raise QuantityError(f"the budget of {name} has no max", "write {max: 1M, warn: 90%}")
    most = _size(raw["max"], unit) if "max" in raw else None
    return Limit(name, most, source, _warn(raw["warn"]) if "warn" in raw else None, growth)


_KEYS = ("max", "warn", "max-increase")


def _warn(raw: object) -> Fraction:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Fraction)):
        raise QuantityError(f"{raw!r} is not a share", "write 90%")
    return parse_share(raw)


def _size(raw: object, unit: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Fraction)):
        raise QuantityError(f"a {type(raw).__name__} is not a size", "write a size, or {max: ..., warn: 90%}")
    return parse_size(raw, unit)


def read_growth(raw: object, unit: str) -> Growth:
    """``2%``, ``+10k`` or ``2%,+10k``."""
    if not isinstance(raw, str):
        raise QuantityError(f"{raw!r} is not a growth", "write 2% or 2%,+10k")
    share: Fraction | None = None
    amount: int | None = None
    for part in raw.split(","):
        text = part.strip()
        if is_share(text) and share is None:
            share = parse_percent(text.removeprefix("+"))
        elif amount is None:
            amount = parse_size(text.removeprefix("+"), unit)
        else:
            raise QuantityError(f"{raw!r} is not a growth", "write 2% or 2%,+10k")
    return Growth(share, amount)


def read_layer_limit(name: str, raw: object, source: Source, match: str | None = None) -> LayerLimit:
    """A layer budget entry: a size or a share of the model; QuantityError says what is wrong."""
    found = metric(name)
    if not found.per_layer:
        raise QuantityError(f"{name} has no value per layer", f"per layer there are: {', '.join(PER_LAYER)}")
    if is_share(raw):
        return LayerLimit(name, None, parse_share(str(raw)), source, match)
    return LayerLimit(name, _size(raw, found.unit), None, source, match)


def resolve(limits: Limits, model: Model) -> Limits:
    """The limits that hold for this model: those given and its own. Targets have theirs, and numbers of their own.

    A malformed one in the model's own file is a LoadError with its place.
    """
    model_limits, layer_limits = list(limits.model), list(limits.layers)
    errors: list[InputError] = []
    for stated in model.limits:
        try:
            if stated.match is not None:
                layer_limits.append(read_layer_limit(stated.metric, stated.value, stated.source, stated.match))
            else:
                model_limits.append(read_limit(stated.metric, stated.value, stated.source))
        except QuantityError as error:
            errors.append(_input_error(model, stated, error))
    if errors:
        raise LoadError(*errors)
    if model.format == "spec":  # a spec has no file of weights
        model_limits = [limit for limit in model_limits if limit.metric != "file"]
    return Limits(marked(model_limits, limits.warn_at), tuple(layer_limits), limits.warn_at)


def marked(limits: Iterable[Limit], warn_at: Fraction | None) -> tuple[Limit, ...]:
    """``limits`` with the general warn mark where they have none of their own."""
    return tuple(limit if limit.warn is not None else limit._replace(warn=warn_at) for limit in limits)


def _input_error(model: Model, stated: Stated, error: QuantityError) -> InputError:
    source = stated.source
    path, text = source.path or model.path, source.text
    return InputError(path, error.message, source.line, source.column, hint=error.hint, frame=text)


def compare(limits: Iterable[Limit], measured: Measured) -> tuple[Budget, ...]:
    """Every model limit with its state, in the order of the metrics."""
    return ordered(_compare(limit, limit.max, measured) for limit in limits if limit.max is not None)


def ordered(budgets: Iterable[Budget]) -> tuple[Budget, ...]:
    """Budgets in the order of the metrics; those of one metric as they come."""
    order = list(METRICS)
    return tuple(sorted(budgets, key=lambda budget: order.index(budget.metric.name)))


def _compare(limit: Limit, most: int, measured: Measured) -> Budget:
    which = METRICS[limit.metric]
    total = measured.total(which.key)
    upper = upper_end(which, measured)
    mark = None if limit.warn is None else most * limit.warn.numerator // limit.warn.denominator
    state = _state(total, upper, most, mark)
    return Budget(which, total.value, most, mark, state, limit.source, total.reasons, upper, limit.warn)


def upper_end(which: Metric, measured: Measured) -> int | None:
    """The upper end of an estimate; None for a number that is none."""
    if which.name == "flash" and measured.flash is not None:
        return _number(measured.flash.upper)
    if which.name == "ram" and measured.ram is not None:
        return _number(measured.ram.arena_upper)
    return None


def _number(quantity: Quantity) -> int | None:
    return None if isinstance(quantity, Unknown) else quantity


def _state(total: Total, upper: int | None, most: int, mark: int | None) -> str:
    value = total.value if upper is None else upper
    if value is not None and value > most:
        return "fail"  # a lower bound above the limit is above it whatever is missing
    if value is None or not total.exact:
        return "unknown"
    return "warn" if mark is not None and value > mark else "pass"


def merge(config: Sequence[Limit], line: Sequence[Limit]) -> tuple[Limit, ...]:
    """The config's limits with those of the command line: the same metric takes the command line's ``max``."""
    by_metric = {limit.metric: limit for limit in config}
    for limit in line:
        held = by_metric.get(limit.metric)
        if held is not None:
            limit = limit._replace(warn=held.warn, growth=held.growth)
        by_metric[limit.metric] = limit
    return tuple(by_metric.values())

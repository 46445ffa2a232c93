"""From words to plans: what each file is held against, by config and command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from paramlint import budgets, config, rules
from paramlint.budgets import LayerLimit, Limit, Limits
from paramlint.config import Config
from paramlint.engine import Plan
from paramlint.errors import UsageError
from paramlint.findings import LEVELS, Level
from paramlint.invocation.options import PRECISIONS, Settings, choice, dimensions, listed, pairs, shapes
from paramlint.ir import DType, Source
from paramlint.loaders import Request
from paramlint.quantities import QuantityError, parse_share
from paramlint.spelling import hint

if TYPE_CHECKING:
    from paramlint.targets import Target

_T = TypeVar("_T")


class Planner:
    """Makes the plan of each file; what does not depend on the file is made once."""

    def __init__(self, settings: Settings, every: bool = False, totals: bool = False) -> None:
        self.settings, self.every, self.totals = settings, every, totals
        self.dtype = DType(choice(settings.as_dtype, PRECISIONS, "--as")) if settings.as_dtype else None
        self.limits = model_limits(settings.most)
        self.layer_limits = layer_limits(settings.most_layer)
        self.warn_at = None if settings.warn_at is None else _read(partial(parse_share, settings.warn_at), "--warn-at")
        self.dims = dimensions(settings.dims)
        self.shapes = shapes(settings.input_shapes)
        self.variables = pairs(settings.variables, "--set", "width=32")
        self.severity = _severity(settings.severity)
        self.fail_level = _fail_level(settings.fail_level)
        self.fixed = config.read(settings.config) if settings.config else None
        self.made: dict[str | None, tuple[rules.RuleSet, tuple[Target, ...]]] = {}

    def config(self, folder: str) -> Config:
        """The config that holds for the files of a folder."""
        if self.fixed is not None:
            return self.fixed
        if self.settings.isolated:
            return config.DEFAULT._replace(folder=os.getcwd())
        return config.nearest(os.path.abspath(folder))

    def plan(self, path: str, held: Config) -> Plan:
        """What one file is held against."""
        rule_set, targets = self.for_config(held)
        limits = Limits(
            budgets.merge(held.limits_for(path), self.limits),
            (*held.layer_budget, *self.layer_limits),
            self.warn_at if self.warn_at is not None else held.warn_at,
        )
        request = Request(
            set=self.variables,
            dims={**held.dims, **self.dims},
            input_shapes=self.shapes,
            duplicates="PL006" in rule_set.asked,
        )
        fail_level = self.fail_level[0] if self.fail_level else held.fail_level
        return Plan(
            request, limits, rule_set, targets, self.dtype, every=self.every, totals=self.totals, fail_level=fail_level
        )

    def for_config(self, held: Config) -> tuple[rules.RuleSet, tuple[Target, ...]]:
        """Rules and targets of one config with the command line's."""
        key = held.path
        if key not in self.made:
            self.made[key] = (rules.rule_set(self.choice(held)), self.targets(held))
        return self.made[key]

    def choice(self, held: Config) -> rules.Choice:
        """Which rules run: the command line's ``--select`` replaces the config's select and ignore."""
        _check_config_rules(held)
        select, ignore = listed(self.settings.select), listed(self.settings.ignore)
        rules.check_words([*select, *ignore, *self.severity], held.plugins)
        return rules.Choice(
            select or held.select,
            ignore if select else (*held.ignore, *ignore),
            {**held.severity, **self.severity},
            held.rule,
            held.plugins,
            held.suppress,
        )

    def targets(self, held: Config) -> tuple[Target, ...]:
        """Those of the command line, else those of the config; a name given twice counts once."""
        names = self.settings.target or held.target
        if not names and not held.targets:
            return ()
        from paramlint import targets

        own = targets.from_config(held.targets, held.source)
        try:
            found = [targets.find(name, own) for name in names]
        except UsageError as error:
            if self.settings.target:
                raise
            raise UsageError(error.message, error.hint, held.source("target", "=")) from error
        return tuple({target.id: target for target in found}.values())


def _check_config_rules(held: Config) -> None:
    for key, words in (("select", held.select), ("ignore", held.ignore)):
        for index, word in enumerate(words):
            rules.check_words([word], held.plugins, lambda _, key=key, index=index: held.source(key, index))  # type: ignore[misc]  # defaults bind the loop's values
    rules.check_words(held.severity, held.plugins, lambda word: held.source("severity", word))
    for index, entry in enumerate(held.suppress):
        rules.check_words([entry.rule], held.plugins, lambda _, index=index: held.source("suppress", index, "rule"))  # type: ignore[misc]  # as above
    rules.check_settings(held.rule, held.plugins, held.source)


def _read(read: Callable[[], _T], option: str) -> _T:
    """A value of the command line; what is wrong with it names the option."""
    try:
        return read()
    except QuantityError as error:
        raise UsageError(f"{option}: {error.message}", error.hint) from error


def _split(word: str, flag: str) -> tuple[str, str]:
    """``METRIC=SIZE``; a bare size is of parameters."""
    name, sign, size = word.partition("=")
    if not sign:
        return "params", word
    if not size.strip():
        raise UsageError(f"{flag} {word!r} has no size", f"write {flag} {name}=1M")
    return name.strip(), size


def model_limits(words: tuple[str, ...]) -> tuple[Limit, ...]:
    """``--max``: of two limits on one metric the later holds."""
    found: dict[str, Limit] = {}
    for word in words:
        name, size = _split(word, "--max")
        source = Source("command-line", text=f"--max {word}")
        found[name] = _read(partial(budgets.read_limit, name, size, source), f"--max {word}")
    return tuple(found.values())


def layer_limits(words: tuple[str, ...]) -> tuple[LayerLimit, ...]:
    """``--max-layer``: a size, or a share of the model."""
    found: dict[str, LayerLimit] = {}
    for word in words:
        name, size = _split(word, "--max-layer")
        source = Source("command-line", text=f"--max-layer {word}")
        found[name] = _read(partial(budgets.read_layer_limit, name, size, source), f"--max-layer {word}")
    return tuple(found.values())


def _severity(words: tuple[str, ...]) -> Mapping[str, Level]:
    found = {}
    for rule, word in pairs(words, "--severity", "PL402=warning").items():
        if word not in LEVELS:
            raise UsageError(f"--severity {rule}={word}: unknown level {word!r}", hint(word, LEVELS))
        found[rule] = LEVELS[word]
    return found


def _fail_level(word: str | None) -> tuple[Level | None] | None:
    """What ``--fail-level`` says: nothing, or a level in a box of its own (``never`` is None)."""
    if word is None:
        return None
    return (None if choice(word, (*LEVELS, config.NEVER), "--fail-level") == config.NEVER else LEVELS[word],)

"""Rules: one file each, found by listing this folder. A rule's docstring is its page of the manual.

A rule is a class under ``@rule``. Its docstring says what it checks, why, how to fix it, and shows a ``Bad`` and a
``Good`` example, which run as tests; ``check`` looks at one measured model and yields findings. It changes nothing::

    @rule("PL401", "dense-after-flatten", Level.NOTE, "A dense layer right after Flatten holds most parameters")
    class DenseAfterFlatten(Rule):
        \"\"\"...\"\"\"

        options = {"share": 50}

        def check(self, measured: Measured) -> Iterable[Finding]: ...

Rules of outside packages use the same decorator; the config names the packages (``plugins = ["acme_rules"]``).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from paramlint.findings import Finding, Level, UsageError
from paramlint.ir import Source

if TYPE_CHECKING:
    from paramlint.measure import Measured


class Rule:
    """What every rule has; ``@rule`` fills in code, name, level and summary."""

    code: ClassVar[str]
    name: ClassVar[str]
    level: ClassVar[Level]
    summary: ClassVar[str]
    #: The package that brought it; None for paramlint's own.
    plugin: ClassVar[str | None] = None
    #: Options and their defaults, set in ``[tool.paramlint.rule.CODE]``.
    options: ClassVar[Mapping[str, int]] = {}
    #: A rule that costs extra reading runs only when it is selected by its own code.
    opt_in: ClassVar[bool] = False
    #: A finding that cannot be ignored or suppressed.
    fixed: ClassVar[bool] = False

    def __init__(self, settings: Mapping[str, int] | None = None) -> None:
        self.settings = {**self.options, **(settings or {})}

    def check(self, measured: Measured) -> Iterable[Finding]:
        """The findings of one model."""
        raise NotImplementedError(type(self).__name__)

    def finding(
        self,
        message: str,
        source: Source,
        *,
        level: Level | None = None,
        layer: str | None = None,
        measured: int | None = None,
        limit: int | None = None,
        unit: str | None = None,
        limit_source: Source | None = None,
        help: str | None = None,
    ) -> Finding:
        """A finding of this rule, at its default level unless another is said."""
        level = self.level if level is None else level
        return Finding(
            self.code, self.name, level, message, source, layer, measured, limit, unit, limit_source, help
        )


_Class = TypeVar("_Class", bound=type[Rule])

#: Every rule known so far, by code.
RULES: dict[str, type[Rule]] = {}


class _Importing:
    """The plugin whose modules are being imported, so that its rules can be told apart."""

    plugin: str | None = None


def rule(code: str, name: str, level: Level, summary: str) -> Callable[[_Class], _Class]:
    """Register a rule class. A code or name that is taken is a defect of the newcomer."""

    def register(cls: _Class) -> _Class:
        if code in RULES or any(name == other.name for other in RULES.values()):
            raise RuntimeError(f"rule {code} ({name}) is defined twice")
        cls.code, cls.name, cls.level, cls.summary = code, name, level, summary
        cls.plugin = _Importing.plugin
        RULES[code] = cls
        return cls

    return register


def load(plugins: Sequence[str] = ()) -> dict[str, type[Rule]]:
    """Every rule of paramlint and of the named plugins, by code in order. A plugin that is absent is a UsageError."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    for plugin in plugins:
        _Importing.plugin = plugin
        try:
            importlib.import_module(plugin)
        except Exception as error:  # outside code: whatever it raises, the config that names it must be told
            raise UsageError(f"plugin {plugin!r} cannot be imported: {error}", "is it installed?") from error
        finally:
            _Importing.plugin = None
    chosen = {code: cls for code, cls in RULES.items() if cls.plugin is None or cls.plugin in plugins}
    return dict(sorted(chosen.items()))


class Choice(NamedTuple):
    """Which rules run and how loud they are."""

    select: tuple[str, ...] = ("PL",)
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Level] = {}
    settings: Mapping[str, Mapping[str, int]] = {}
    plugins: tuple[str, ...] = ()


def matches(cls: type[Rule], word: str) -> bool:
    """True when ``word`` names this rule: its code, the beginning of its code, its name, or ALL."""
    return cls.code.startswith(word) or cls.name == word or word == "ALL"


def chosen(choice: Choice) -> list[Rule]:
    """The rules that run. The longer prefix wins between select and ignore; a plugin's rules count as selected."""
    return [
        cls(choice.settings.get(cls.code))
        for cls in load(choice.plugins).values()
        if cls.fixed or _selected(cls, choice)
    ]


def _selected(cls: type[Rule], choice: Choice) -> bool:
    wanted = [word for word in choice.select if matches(cls, word)]
    unwanted = [word for word in choice.ignore if matches(cls, word)]
    if cls.opt_in:
        wanted = [word for word in wanted if word in (cls.code, cls.name)]
    if not wanted and cls.plugin in choice.plugins and choice.select == ("PL",):
        wanted = [""]
    if not wanted:
        return False
    return max(_weight(cls, word) for word in wanted) > max((_weight(cls, word) for word in unwanted), default=-1)


def _weight(cls: type[Rule], word: str) -> int:
    """How exactly ``word`` names the rule; a full name is as exact as the code."""
    if word == "ALL":
        return 0
    return len(cls.code) + 1 if word in (cls.code, cls.name) else len(word)

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
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from paramlint.config import Silence
from paramlint.findings import Finding, Level, UsageError
from paramlint.folders import modules
from paramlint.ir import Source, Suppression
from paramlint.layer_budgets import glob
from paramlint.patterns import matches
from paramlint.report import Card, Report
from paramlint.spelling import did_you_mean

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
    #: It looks at shapes or steps: it speaks only where they were computed, and asking for it by code computes them.
    needs_shapes: ClassVar[bool] = False

    def __init__(self, settings: Mapping[str, int] | None = None, severity: Level | None = None) -> None:
        self.settings = {**self.options, **(settings or {})}
        self.severity = severity

    def check(self, measured: Measured) -> Iterable[Finding]:
        """The findings of one model."""
        raise NotImplementedError(type(self).__name__)  # every rule says its own

    def applies(self, measured: Measured) -> bool:
        """False where the rule has nothing to judge, so that a suppression of it is not called unused."""
        return measured.shapes or not self.needs_shapes

    def review(self, measured: Measured, silenced: Silenced) -> Iterable[Finding]:
        """Findings about the suppressions themselves, asked for once every rule has spoken."""
        return ()

    def findings(self, measured: Measured) -> list[Finding]:
        """The findings at the level that the user wants."""
        if self.needs_shapes and not measured.shapes:
            return []
        return [self.at_level(finding) for finding in self.check(measured)]

    def at_level(self, finding: Finding) -> Finding:
        """``finding`` with the user's severity. One milder than the rule's default (a warn mark) is never raised."""
        if self.severity is None:
            return finding
        mild = finding.level < self.level
        return finding._replace(level=min(finding.level, self.severity) if mild else self.severity)

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
        return Finding(self.code, self.name, level, message, source, layer, measured, limit, unit, limit_source, help)


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
    for module in modules(__path__):
        importlib.import_module(f"{__name__}.{module}")
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


class Silenced(NamedTuple):
    """What the suppressions of one model did: which rules ran, and which suppression silenced which finding."""

    active: tuple[Rule, ...]
    used: frozenset[tuple[Suppression, str]]  # the comment and the word in it that silenced something ("" for all)


class RuleSet(NamedTuple):
    """The rules that run on a file, and the findings that its config silences."""

    active: tuple[Rule, ...]
    silences: tuple[Silence, ...] = ()
    asked: frozenset[str] = frozenset()  # codes that were selected one by one

    @property
    def need_shapes(self) -> bool:
        """True when a rule that looks at shapes was asked for by its code."""
        return any(rule.needs_shapes and rule.code in self.asked for rule in self.active)

    def suppress(self, measured: Measured, findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
        """Findings to show and findings silenced by a comment or by the config."""
        shown: list[Finding] = []
        hidden: list[Finding] = []
        used: set[tuple[Suppression, str]] = set()
        for finding in findings:
            words = comments(measured, finding)
            used.update(words)
            silenced = words or any(silences(entry, measured.model.path, finding) for entry in self.silences)
            (hidden if silenced else shown).append(finding)
        outcome = Silenced(self.active, frozenset(used))
        for rule in self.active:
            shown += [rule.at_level(finding) for finding in rule.review(measured, outcome)]
        return shown, hidden


def names(word: str, finding: Finding) -> bool:
    """True when ``word`` names the finding's rule: its code, the beginning of it, its name, or nothing (all)."""
    return finding.rule.startswith(word) or finding.name == word


def comments(measured: Measured, finding: Finding) -> list[tuple[Suppression, str]]:
    """The comments that silence a finding: on its line or its limit's; if about the whole model, on ``layers:`` too."""
    model = measured.model
    places = [finding.source, finding.limit_source]
    if finding.layer is None:
        places.append(model.source)
    lines = {place.line for place in places if place is not None and place.kind == "file" and place.path == model.path}
    return [
        (comment, word)
        for comment in model.suppressions
        if comment.source.line in lines and comment.source.line is not None
        for word in comment.rules or ("",)
        if names(word, finding)
    ]


def silences(entry: Silence, path: str, finding: Finding) -> bool:
    """True when a config's ``suppress`` entry accepts this finding."""
    if not names(entry.rule, finding):
        return False
    if entry.layer is not None and (finding.layer is None or not glob(entry.layer).fullmatch(finding.layer)):
        return False
    relative = os.path.relpath(os.path.abspath(path), entry.folder).replace(os.sep, "/")
    return entry.path is None or matches((entry.path,), relative)


class Choice(NamedTuple):
    """Which rules run and how loud they are, as config and command line say."""

    select: tuple[str, ...] = ("PL",)
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Level] = {}
    settings: Mapping[str, Mapping[str, int]] = {}
    plugins: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()


def named(cls: type[Rule], word: str) -> bool:
    """True when ``word`` names this rule: its code, the beginning of its code, its name, or ALL."""
    return cls.code.startswith(word) or cls.name == word or word == "ALL"


def rule_set(choice: Choice) -> RuleSet:
    """The rules that run. Between select and ignore the word that names a rule more exactly wins."""
    active = [
        cls(choice.settings.get(cls.code) or choice.settings.get(cls.name), _severity(cls, choice.severity))
        for cls in load(choice.plugins).values()
        if _selected(cls, choice)
    ]
    asked = frozenset(rule.code for rule in active if {rule.code, rule.name} & set(choice.select))
    return RuleSet(tuple(active), choice.silences, asked)


def _severity(cls: type[Rule], severity: Mapping[str, Level]) -> Level | None:
    words = [word for word in severity if named(cls, word)]
    return severity[max(words, key=lambda word: _weight(cls, word))] if words else None


def _selected(cls: type[Rule], choice: Choice) -> bool:
    wanted = [_weight(cls, word) for word in choice.select if named(cls, word)]
    unwanted = [_weight(cls, word) for word in choice.ignore if named(cls, word)]
    if cls.opt_in:
        wanted = [weight for weight in wanted if weight > len(cls.code)]
    if cls.plugin is not None and choice.select == ("PL",):  # who names a plugin wants its rules
        wanted.append(0)
    return bool(wanted) and max(wanted) > max(unwanted, default=-1)


def _weight(cls: type[Rule], word: str) -> int:
    """How exactly ``word`` names the rule; a full name is as exact as the code."""
    if word == "ALL":
        return 0
    return len(cls.code) + 1 if word in (cls.code, cls.name) else len(word)


def check_words(
    words: Iterable[str], plugins: Sequence[str] = (), source: Callable[[str], Source] | None = None
) -> None:
    """Refuse words that name no rule; UsageError with a did-you-mean."""
    known = load(plugins)
    for word in words:
        if not any(named(cls, word) for cls in known.values()) or not word:
            near = did_you_mean(word, [*known, *(cls.name for cls in known.values())])
            raise UsageError(f"unknown rule {word!r}", near or "paramlint rules lists them", source and source(word))


def check_settings(
    settings: Mapping[str, Mapping[str, int]], plugins: Sequence[str], source: Callable[..., Source]
) -> None:
    """Refuse options that no rule has."""
    known = load(plugins)
    for word, options in settings.items():
        cls = next((cls for cls in known.values() if word in (cls.code, cls.name)), None)
        if cls is None:
            check_words([word], plugins, lambda word: source("rule", word))
            raise UsageError(f"{word!r} names more than one rule", "options are set for one", source("rule", word))
        for option in options:
            if option not in cls.options:
                near = did_you_mean(option, cls.options) if cls.options else f"{cls.code} has no options"
                raise UsageError(f"unknown option {option!r} of {cls.code}", near, source("rule", word, option))


def review_silences(report: Report, rule_sets: Mapping[str, RuleSet]) -> Report:
    """``report`` with the findings about ``suppress`` entries of configs, which only a whole run can judge."""
    from paramlint.rules.pl901_unused_suppression import unused_entries

    models = list(report.models)
    for index, finding in unused_entries(report, rule_sets):
        models[index] = models[index]._replace(findings=(*models[index].findings, finding))
    return report._replace(models=tuple(models))


def cards(report: Report, plugins: Sequence[str] = ()) -> tuple[Card, ...]:
    """What the report says of each rule that has something to say in it."""
    spoke = {finding.rule for judged in report.models for finding in (*judged.findings, *judged.suppressed)}
    spoke |= {"PL000"} if report.errors else set()
    return tuple(
        Card(cls.code, cls.name, cls.level, cls.summary, cleandoc(cls.__doc__ or ""))
        for cls in load(plugins).values()
        if cls.code in spoke
    )


def cleandoc(text: str) -> str:
    """A docstring without its indent; ``inspect``, which does the same, costs more than a small run."""
    first, *rest = text.strip().splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first, *(line[indent:].rstrip() for line in rest)])

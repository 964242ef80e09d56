"""What a check of a rule's sense is: a number, words for its page, and a function over what the rule says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from livefire.diagnostics import NOWHERE, Diagnostic, Fix, Label, Severity, Source, Span
from livefire.lint.tests import Facts

PREFIX = {"error": "E", "warning": "W", "notice": "N"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A rule as its checks see it: the text, its language, the facts of its plan, and what its file or page says about it.

    `whole` is false where a step of the rule is not supported, so that what it would make is not known.
    """

    source: Source
    language: str
    facts: Facts
    about: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a rule meets a check; `severity` differs from the check's own only where the place is surer or milder."""

    span: Span
    message: str
    help: str = ""
    fix: Fix | None = None
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a rule's sense.

    `number` is its row in the catalogue of codes; `severity` is error where the rule cannot do what
    it says, warning where it will disappoint, notice where a person should know. `why`, `example`
    and `mend` are the text of its page; `languages` is empty where it is for all.
    """

    number: int
    severity: Severity
    title: str
    why: str
    example: str
    mend: str
    run: Callable[[Reading], Iterator[Found]] = field(repr=False)
    languages: frozenset[str] = frozenset()

    @property
    def code(self) -> str:
        """The code with the letter of its severity."""
        return f"{PREFIX[self.severity]}{self.number}"

    def __call__(self, reading: Reading) -> Iterator[Diagnostic]:
        """Yield a diagnostic for each place; nothing for a language that the check is not for."""
        if self.languages and reading.language not in self.languages:
            return
        for found in self.run(reading):
            yield Diagnostic(self.severity, self.code, found.message, found.span or NOWHERE, found.help or self.mend, found.fix, found.labels)


def check(
    number: int, severity: Severity, title: str, *, why: str, example: str, mend: str, languages: tuple[str, ...] = ()
) -> Callable[[Callable[[Reading], Iterator[Found]]], Check]:
    """Return a decorator that makes a check of a function."""
    made = Check(number, severity, title, why, example, mend, lambda _reading: iter(()), frozenset(languages))
    return lambda run: replace(made, run=run)

"""What a checker says: counts, and each offence by the rule it breaks and the ids it concerns. Never a word of any
content."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN_PER_RULE = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`offences` names how often each rule is broken, `examples` the first few of each."""

    law: str
    counts: dict[str, int]
    offences: dict[str, int]
    examples: dict[str, tuple[str, ...]]

    @property
    def holds(self) -> bool:
        return not self.offences

    def lines(self) -> Iterable[str]:
        """The verdict as a person reads it."""
        told = ", ".join(f"{number} {name}" for name, number in self.counts.items())
        yield f"{'holds ' if self.holds else 'BROKEN'}  {self.law}: {told}"
        for rule, number in self.offences.items():
            yield f"        {rule}: {number}, e.g. {'; '.join(self.examples[rule])}"


@dataclass(kw_only=True, slots=True)
class Findings:
    """Gathers what a checker finds while it looks."""

    law: str
    _counts: dict[str, int] = field(default_factory=dict)
    _offences: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, list[str]] = field(default_factory=dict)

    def count(self, what: str, number: int) -> None:
        """Something that was looked at."""
        self._counts[what] = number

    def offence(self, rule: str, *who: object) -> None:
        """A rule is broken by somebody, named by ids."""
        self._offences[rule] += 1
        examples = self._examples.setdefault(rule, [])
        if len(examples) < SHOWN_PER_RULE:
            examples.append(" ".join(map(str, who)))

    def demand(self, holds: bool, rule: str, *who: object) -> bool:
        """An offence unless it holds; passes on whether it does."""
        if not holds:
            self.offence(rule, *who)
        return holds

    def verdict(self, *, judged: int) -> Verdict:
        """The verdict on `judged` cases; of none, that nothing was judged."""
        if judged == 0:
            self.offence("there was nothing to judge", self.law)
        return Verdict(
            law=self.law,
            counts=dict(self._counts),
            offences=dict(self._offences),
            examples={rule: tuple(examples) for rule, examples in self._examples.items()},
        )

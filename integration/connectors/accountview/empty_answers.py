"""How this installation says that nothing was found: learned of each object before anything it says is believed.

Public clients have seen several ways: an empty list, no list, no content, a 404. A system that is out of order answers
in the same ways, so what is not an empty list counts only where a question that nothing fits is answered so twice, and
one that something fits is not.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.core.errors import IntegrationError, RejectedError, UnavailableError

ROWS = ""  # some were found
EMPTY = "200 []"  # a list without rows, which no system answers by accident

NOBODY = "~~"  # two signs that no key has; the shortest keys have two


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One object to learn about: the column a condition names, and whether there must be rows of it."""

    of: BusinessObject
    key: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class _Learned:
    form: str
    key: str  # the column of the condition
    ignores: bool = False  # conditions change nothing
    refusal: RejectedError | None = None  # of a condition


Ask = Callable[[ProbeTarget, bool], str]
"""Asks for one row of an object, with a condition that nothing meets or without one, and returns the form of the
answer."""


@dataclass(slots=True)
class EmptyAnswerProbe:
    """What one client has learned of how it is told that nothing was found. Safe to share between threads."""

    ask: Ask
    proof: ProbeTarget  # an object that surely has rows
    learned_of: dict[str, _Learned] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)  # objects that are to be asked again
    counts_from_one: bool = False  # pages are: until that was seen, each object is asked for a row
    proven: set[str] = field(default_factory=set)  # how objects say it that were seen to have rows
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)

    def learn(self, about: ProbeTarget, *, by_key: bool = False) -> _Learned:
        """Ask an object for nothing, and for any row where that may decide; `by_key` asks again by another column.

        Raises UnavailableError where it has rows for neither, in another way than by an empty list, and must have some
        or nothing else was seen to say it so.
        """
        with self._one_at_a_time:
            code = about.of.code
            known = self.learned_of.get(code)
            if known is None or code in self.stale or (by_key and known.key != about.key):
                known = self.learned_of[code] = self._asked(about)
                self.stale.discard(code)
            return known

    def remember(self, before: "EmptyAnswerProbe") -> None:
        """Count what another client has learned of the same installation."""
        self.learned_of, self.stale, self.proven = dict(before.learned_of), set(before.stale), set(before.proven)
        self.counts_from_one = before.counts_from_one

    def learn_anew(self) -> None:
        """Ask each object again before its next answer is believed; until then it counts what was learned of it."""
        with self._one_at_a_time:
            self.stale |= self.learned_of.keys()
            self.proven.clear()

    def expect_conditions(self, about: ProbeTarget, *, taken: bool = False) -> None:
        """Raise UnavailableError where conditions change nothing: what was found was not looked for.

        With `taken`, raise RejectedError where one on the key is refused.
        """
        learned = self.learn(about)
        if learned.ignores:
            self.learned_of.pop(about.of.code, None)  # asked again next time: somebody may have mended it
            raise UnavailableError("filter_ignored", system=SYSTEM, object=about.of.code)
        if taken and learned.refusal is not None:
            raise learned.refusal

    def expect_meant(self, of: BusinessObject, form: str) -> None:
        """Raise UnavailableError for an answer without rows that does not mean that there are none."""
        learned = self.learned_of.get(of.code)
        if form not in {ROWS, EMPTY, learned.form if learned else EMPTY}:
            self.learned_of.pop(of.code, None)  # learned again next time: a new version may say it in another way
            raise _unlike(of, form)

    def _asked(self, about: ProbeTarget) -> _Learned:
        refusal = None
        try:
            none = self.ask(about, True)
        except RejectedError as refused:
            none, refusal = EMPTY, refused
        learned = _Learned(EMPTY if none == ROWS else none, about.key, none == ROWS, refusal)
        if learned.form == EMPTY and self.counts_from_one:
            return learned  # nothing but an empty list will be believed, whatever it says without a condition
        some = self.ask(about, False)
        if learned.form != EMPTY and self.ask(about, True) != none:  # a system may fail for a moment
            raise _unlike(about.of, none)
        if some == ROWS:
            self.proven.add(learned.form)
        elif some != EMPTY and not (some == learned.form and not about.filled and self._is_proven(some)):
            raise UnavailableError(
                "nothing_but_nothing", system=SYSTEM, object=about.of.code, answer=form_caption(some)
            )
        return learned

    def _is_proven(self, form: str) -> bool:
        if form not in self.proven:
            try:
                self.learn(self.proof)
            except IntegrationError:
                return False
        return form in self.proven


def form_caption(form: str) -> str:
    """Return a form of an answer as people see it."""
    return f"HTTP {form.partition(' ')[0]}"


def _unlike(of: BusinessObject, form: str) -> UnavailableError:
    return UnavailableError("nothing_in_another_way", system=SYSTEM, object=of.code, answer=form_caption(form))

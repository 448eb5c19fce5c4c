"""Learns for each object how this installation answers when nothing was found, before its answers are trusted.

Public clients have seen several forms: an empty list, no list, no content, a 404. A failing system answers in the same
forms. A form other than an empty list is therefore trusted only if two queries with a condition that no row meets are
answered in this form, and a query without a condition for existing rows is answered in another.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.core.errors import IntegrationError, RejectedError, UnavailableError

ROWS = ""  # rows were found
EMPTY = "200 []"  # a list without rows, which no system returns by accident

NOBODY = "~~"  # two characters that no key contains; the shortest keys have two


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One object to learn about: the column for the condition, and whether the object must have rows."""

    of: BusinessObject
    key: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class _ProbeResult:
    form: str
    key: str  # the column of the condition
    ignores: bool = False  # conditions have no effect
    refusal: RejectedError | None = None  # the error that a condition was refused with


Ask = Callable[[ProbeTarget, bool], str]
"""Asks for one row of an object, with a condition that nothing meets or without one, and returns the form of the
answer."""


@dataclass(slots=True)
class EmptyAnswerProbe:
    """Stores for the objects of one installation the form of an answer when nothing was found. Thread-safe."""

    ask: Ask
    proof: ProbeTarget  # an object that surely has rows
    results: dict[str, _ProbeResult] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)  # objects to query again
    counts_from_one: bool = False  # pages are counted from 1; until that is known, a row of each object is read
    proven: set[str] = field(default_factory=set)  # forms of "nothing found" of objects that were seen to have rows
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def learn(self, about: ProbeTarget, *, by_key: bool = False) -> _ProbeResult:
        """Ask an object for a nonexistent row, and for any row where needed; `by_key` asks again by another column.

        Raises UnavailableError if both answers have no rows and a form other than an empty list, and either the object
        must have rows or this form was not seen for any object that has rows.
        """
        with self._lock:
            code = about.of.code
            result = self.results.get(code)
            if result is None or code in self.stale or (by_key and result.key != about.key):
                result = self.results[code] = self._probe(about)
                self.stale.discard(code)
            return result

    def remember(self, before: "EmptyAnswerProbe") -> None:
        """Copy the facts that another client learned about the same installation."""
        self.results, self.stale, self.proven = dict(before.results), set(before.stale), set(before.proven)
        self.counts_from_one = before.counts_from_one

    def learn_anew(self) -> None:
        """Mark all objects as stale, so that each is asked again before its next answer is trusted."""
        with self._lock:
            self.stale |= self.results.keys()
            self.proven.clear()

    def require_conditions(self, about: ProbeTarget, *, check_refusal: bool = False) -> None:
        """Raise UnavailableError if conditions have no effect, because the rows found are then not the rows asked for.

        With `check_refusal`, raise RejectedError if a condition on the key is refused.
        """
        learned = self.learn(about)
        if learned.ignores:
            self.results.pop(about.of.code, None)  # asked again next time: the fault may have been fixed
            raise UnavailableError("filter_ignored", system=SYSTEM, object=about.of.code)
        if check_refusal and learned.refusal is not None:
            raise learned.refusal

    def require_known_form(self, of: BusinessObject, form: str) -> None:
        """Raise UnavailableError for an answer without rows whose form does not mean that there are none."""
        learned = self.results.get(of.code)
        if form not in {ROWS, EMPTY, learned.form if learned else EMPTY}:
            self.results.pop(of.code, None)  # learned again next time: a new version may use another form
            raise _unknown_form_error(of, form)

    def _probe(self, about: ProbeTarget) -> _ProbeResult:
        refusal = None
        try:
            none = self.ask(about, True)
        except RejectedError as refused:
            none, refusal = EMPTY, refused
        learned = _ProbeResult(EMPTY if none == ROWS else none, about.key, none == ROWS, refusal)
        if learned.form == EMPTY and self.counts_from_one:
            return learned  # only an empty list will be trusted, so the read without a condition is not needed
        unfiltered_form = self.ask(about, False)
        if learned.form != EMPTY and self.ask(about, True) != none:  # a system may fail for a moment
            raise _unknown_form_error(about.of, none)
        if unfiltered_form == ROWS:
            self.proven.add(learned.form)
        elif unfiltered_form != EMPTY and not (
            unfiltered_form == learned.form and not about.filled and self._is_proven(unfiltered_form)
        ):
            raise UnavailableError(
                "nothing_but_nothing", system=SYSTEM, object=about.of.code, answer=form_caption(unfiltered_form)
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
    """Return the form of an answer as people see it."""
    return f"HTTP {form.partition(' ')[0]}"


def _unknown_form_error(of: BusinessObject, form: str) -> UnavailableError:
    return UnavailableError("nothing_in_another_way", system=SYSTEM, object=of.code, answer=form_caption(form))

"""Writing as a pipeline: while calls are under way the next page is looked at, and the one before is read back.

What is on disk before a call leaves is the same as if one waited for the other: no more lines are marked as sent than
calls are under way, so whatever ends this process leaves no more questions than those.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any

from integration.connectors.parallel import BackgroundWorker, BoundedExecutor
from integration.core.errors import IntegrationError
from integration.core.plan_lines import PlanRow
from integration.core.run import Outcome
from integration.core.states import Step
from integration.runner.dispatch import Dispatch, DispatchAnswer, Dispatcher, LookedUpPage, accepted_references

AHEAD = 8  # so many times the calls in flight are left to send when the next page is looked at
MOST_BEHIND = 2  # pages that are read back, or wait to be

Following = Callable[[Sequence[PlanRow], int], LookedUpPage | None]
"""Looks at the page behind a line of the plan, given the lines that are at work; None where those have to end first."""


def nothing_follows(_at_work: Sequence[PlanRow], _after: int) -> None:
    """Let one page be all of it."""


class _Page:
    """What of one page is under way, and what the target accepted of it."""

    def __init__(self, looked: LookedUpPage) -> None:
        self.rows = looked.rows
        self.ready = looked.ready
        self.open = len(looked.ready)
        self.accepted: dict[int, str] = {}

    def take_accepted(self) -> tuple[list[Dispatch], dict[int, str]]:
        """Return what was accepted and is to be read back; nothing of it is left here."""
        accepted, self.accepted = self.accepted, {}
        return [one for one in self.ready if one.row.seq in accepted], accepted


class Pipeline:
    """One way of some pages through it, from what was looked at to what is proven."""

    def __init__(self, sender: Dispatcher, following: Following) -> None:
        self._dispatcher = sender
        self._following = following
        self._pages: list[_Page] = []  # of which not all is proven
        self._waiting: deque[Dispatch] = deque()
        self._page_of: dict[int, _Page] = {}
        self._unkept: dict[int, str] = {}  # what was accepted, and is on disk with the next ones that are sent
        self._last = 0
        self._ends = False  # nothing more is looked at
        self._stopped: IntegrationError | None = None  # nothing more is sent
        self._coming: Future[LookedUpPage | None] | None = None
        self._proofs: dict[Future[list[Outcome]], _Page] = {}

    def send(self, looked: LookedUpPage) -> None:
        """Send a page and those that follow, each change marked before its call, and prove what was accepted.

        Raises IntegrationError where the target cannot be reached, and `deviation_stops` for a change of an exact stage
        that it holds otherwise; what was accepted is proven all the same.
        """
        if not looked.ready:
            return
        self._exact = self._dispatcher.flow.stage(looked.rows[0].stage).one_by_one
        limit = 1 if self._exact else self._dispatcher.target.in_flight
        with (
            BackgroundWorker() as self._looking,
            BackgroundWorker() as self._proving,
            BoundedExecutor(self._dispatcher.write, limit) as self._calls,
        ):
            self._take(looked)
            try:
                self._pass(limit * AHEAD)
            finally:
                self._prove_the_rest()

    def _pass(self, few: int) -> None:
        try:
            while self._calls or self._coming or (self._waiting and self._stopped is None):
                self._look_ahead(few)
                self._begin()
                self._come()
        except Exception:  # what is under way all the same is not left without its answer
            while self._calls:
                self._accepted(accepted_references(self._calls.ended()))
            raise
        if self._stopped is not None:
            raise self._stopped

    def _take(self, looked: LookedUpPage) -> None:
        page = _Page(looked)
        self._last = max(row.seq for row in looked.rows)
        if page.open:
            self._pages.append(page)
            self._waiting.extend(looked.ready)
            self._page_of |= {one.row.seq: page for one in looked.ready}

    def _look_ahead(self, few: int) -> None:
        """Have the next page looked at when few changes of those that were are left to send."""
        if self._ends or self._stopped is not None or self._coming is not None or len(self._waiting) > few:
            return
        at_work = [row for page in self._pages for row in page.rows]
        self._coming = self._looking.begin(self._following, at_work, self._last)

    def _begin(self) -> None:
        """Begin as many calls as there is room for, each marked as sent before."""
        if self._stopped is not None or len(self._proofs) > MOST_BEHIND:
            return
        some = [self._waiting.popleft() for _ in range(min(self._calls.room, len(self._waiting)))]
        if some and self._dispatcher.deps.safeguards.ledger:
            kept, self._unkept = self._unkept, {}
            if not self._dispatcher.mark(some, kept):  # somebody wants it to stop: what is left stays as it was planned
                self._waiting.clear()
                self._ends = True
                return
        self._calls.begin(some)

    def _come(self) -> None:
        """Wait for whatever ends first, and take it in."""
        coming: list[Future[Any]] = [self._coming] if self._coming else []
        if answers := self._calls.ended([*self._proofs, *coming]):
            self._take_in(answers)
        if self._coming is not None and self._coming.done():
            done, self._coming = self._coming, None
            if (looked := done.result()) is None:
                self._ends = True
            else:
                self._take(looked)
        for one in [proof for proof in self._proofs if proof.done()]:
            self._pages.remove(self._proofs.pop(one))
            self._ends |= any(outcome.step is Step.IN_DOUBT for outcome in one.result())

    def _take_in(self, answers: Sequence[DispatchAnswer]) -> None:
        accepted = accepted_references(answers)
        if not self._exact:
            self._accepted(accepted)
        ends = self._dispatcher.take_in(answers)
        self._stopped = self._stopped or ends.stopped
        self._ends = self._ends or ends.doubtful
        if self._exact:  # each by itself
            sent = [one for one, _ in answers if one.row.seq in accepted]
            if any(one.step is Step.PARKED for one in self._dispatcher.read_back(sent, accepted)):
                raise IntegrationError("deviation_stops", system=self._dispatcher.flow.target, key=sent[0].row.title)
        for one, _ in answers:
            page = self._page_of.pop(one.row.seq)
            page.open -= 1
            if not page.open:
                self._prove(page)

    def _accepted(self, told: dict[int, str]) -> None:
        for seq, reference in told.items():
            self._page_of[seq].accepted[seq] = reference
        self._unkept |= told

    def _prove(self, page: _Page) -> None:
        """Have read back what was accepted of a page; that keeps what the target said yes to."""
        sent, accepted = page.take_accepted()
        self._unkept = {seq: told for seq, told in self._unkept.items() if seq not in accepted}
        self._proofs[self._proving.begin(self._dispatcher.read_back, sent, accepted)] = page

    def _prove_the_rest(self) -> None:
        """Prove what is left, and wait until all is: also where something went wrong."""
        for page in self._pages:
            if page.accepted:
                self._prove(page)
        for one in wait(self._proofs).done:
            one.result()

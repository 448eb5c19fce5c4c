"""Write pipeline: while calls are in progress, the next page is looked up and the previous one is read back.

Each change is marked as sent on disk before its call. A change that is not repeatable is marked right before its call,
so at most as many of them are marked as there are calls in progress. Repeatable changes are marked in windows. If the
process ends, the changes of the window are looked up, and those that the target lacks are sent; none is a question.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any

from integration.connectors.parallel import BackgroundWorker, BoundedExecutor
from integration.core.clocks import boottime_seconds
from integration.core.errors import IntegrationError
from integration.core.plan_lines import PlanRow
from integration.core.run import Outcome
from integration.core.states import Step
from integration.runner.dispatch import Dispatch, DispatchAnswer, Dispatcher, LookedUpPage, accepted_references

AHEAD = 8  # the next page is looked up when at most this many times the calls in flight are left
WINDOW = 50  # repeatable changes that are marked at once
CANCEL_SECONDS = 0.5  # between two checks whether a person asked the run to stop, while marked changes wait
MOST_BEHIND = 2  # pages that are being read back or wait for it

Following = Callable[[Sequence[PlanRow], int], LookedUpPage | None]
"""Returns the looked-up page after a line, given the lines in progress; None if those lines have to end first."""


def nothing_follows(_at_work: Sequence[PlanRow], _after: int) -> None:
    """Return None: no page follows."""


class _Page:
    """State of one page: its changes to send, and the references that the target accepted."""

    def __init__(self, looked: LookedUpPage) -> None:
        self.rows = looked.rows
        self.ready = looked.ready
        self.open = len(looked.ready)
        self.accepted: dict[int, str] = {}

    def take_accepted(self) -> tuple[list[Dispatch], dict[int, str]]:
        """Return the accepted changes to read back, and remove their references from this page."""
        accepted, self.accepted = self.accepted, {}
        return [one for one in self.ready if one.row.seq in accepted], accepted


class Pipeline:
    """Sends the changes of consecutive pages and verifies them."""

    def __init__(self, sender: Dispatcher, following: Following) -> None:
        self._dispatcher = sender
        self._following = following
        self._pages: list[_Page] = []  # pages with unproven changes
        self._waiting: deque[Dispatch] = deque()
        self._marked: deque[Dispatch] = deque()  # marked as sent, and not called yet
        self._checked_at = boottime_seconds()
        self._page_of: dict[int, _Page] = {}
        self._unkept: dict[int, str] = {}  # accepted references, stored when the next changes are marked
        self._last = 0
        self._ends = False  # if True, no further page is looked up
        self._stopped: IntegrationError | None = None  # if set, nothing more is sent
        self._coming: Future[LookedUpPage | None] | None = None
        self._proofs: dict[Future[list[Outcome]], _Page] = {}

    def send(self, looked: LookedUpPage) -> None:
        """Send a page and the pages that follow, marking each change before its call, and verify accepted changes.

        Raises IntegrationError if the target cannot be reached. Raises it with `deviation_stops` if the target has
        other values than planned after a change of a stage that is written one by one. Accepted changes are verified in
        both cases.
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
            while self._calls or self._coming or ((self._waiting or self._marked) and self._stopped is None):
                self._look_ahead(few)
                self._begin()
                self._come()
        except Exception:  # calls in progress still need their answers recorded
            while self._calls:
                self._accepted(accepted_references(self._calls.wait_finished()))
            self._unmark()
            raise
        self._unmark()
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
        """Start the lookup of the next page when few changes are left to send."""
        if self._ends or self._stopped is not None or self._coming is not None or len(self._waiting) > few:
            return
        at_work = [row for page in self._pages for row in page.rows]
        self._coming = self._looking.begin(self._following, at_work, self._last)

    def _begin(self) -> None:
        """Start as many calls as the limit allows, each marked as sent before."""
        if self._stopped is not None or len(self._proofs) > MOST_BEHIND:
            return
        if self._marked and self._is_cancelled():
            self._unmark()
            self._end()
        elif len(self._marked) < self._calls.free_slots:
            self._mark()
        self._calls.begin([self._marked.popleft() for _ in range(min(self._calls.free_slots, len(self._marked)))])

    def _mark(self) -> None:
        """Mark the next changes: those whose calls can start now, and the repeatable ones of the window after them."""
        startable = self._calls.free_slots - len(self._marked)
        some: list[Dispatch] = []
        while self._waiting and len(some) < (WINDOW if self._waiting[0].repeatable else startable):
            some.append(self._waiting.popleft())
        if some and self._dispatcher.deps.safeguards.ledger:
            kept, self._unkept = self._unkept, {}
            self._checked_at = boottime_seconds()
            if not self._dispatcher.mark(some, kept):
                self._end()
                return
        self._marked.extend(some)

    def _is_cancelled(self) -> bool:
        """Return True if a person asked the run to stop. Looks only from time to time: every mark looks as well."""
        if boottime_seconds() - self._checked_at < CANCEL_SECONDS:
            return False
        self._checked_at = boottime_seconds()
        return self._dispatcher.deps.runs.cancel_requested(self._dispatcher.run.id)

    def _unmark(self) -> None:
        """Plan marked changes again whose calls will not start."""
        some = list(self._marked)
        self._marked.clear()
        if some and self._dispatcher.deps.safeguards.ledger:
            self._dispatcher.unmark(some)

    def _end(self) -> None:
        """Start nothing more, because the run is to stop. The changes that were not called stay planned."""
        self._waiting.clear()
        self._ends = True

    def _come(self) -> None:
        """Wait for the first task that finishes, and process its result."""
        coming: list[Future[Any]] = [self._coming] if self._coming else []
        if answers := self._calls.wait_finished([*self._proofs, *coming]):
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
        if self._exact:  # each change is verified before the next one
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
        """Start reading back the accepted changes of a page. Reading back also stores their references."""
        sent, accepted = page.take_accepted()
        self._unkept = {seq: told for seq, told in self._unkept.items() if seq not in accepted}
        self._proofs[self._proving.begin(self._dispatcher.read_back, sent, accepted)] = page

    def _prove_the_rest(self) -> None:
        """Verify all remaining accepted changes and wait for the results, also after an error."""
        for page in self._pages:
            if page.accepted:
                self._prove(page)
        for one in wait(self._proofs).done:
            one.result()

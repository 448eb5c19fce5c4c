"""Write pipeline: while calls are in progress, the next page is looked up and the previous one is read back.

Each change is marked as sent on disk before its call. A change that is not repeatable is marked right before its call,
so at most as many of them are marked as there are calls in progress. Repeatable changes are marked several at a time
(`WINDOW`). If the process ends, the changes of this window are looked up and those that the target lacks are sent
again, without asking a person.
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

# The next page is looked up when at most this many changes per free call are left to send
PREFETCH_FACTOR = 8
WINDOW = 50  # repeatable changes that are marked at once
# Shortest time between two checks for a cancellation, while marked changes wait
CANCEL_SECONDS = 0.5
MAX_UNVERIFIED_PAGES = 2  # pages that are being read back or wait for it

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
        return [dispatch for dispatch in self.ready if dispatch.row.seq in accepted], accepted


class Pipeline:
    """Sends the changes of consecutive pages and verifies them."""

    def __init__(self, sender: Dispatcher, following: Following) -> None:
        self._dispatcher = sender
        self._look_up_next = following
        self._pages: list[_Page] = []  # pages with unproven changes
        self._waiting: deque[Dispatch] = deque()
        self._marked: deque[Dispatch] = deque()  # marked as sent, and not called yet
        self._checked_at = boottime_seconds()
        self._page_of: dict[int, _Page] = {}
        self._unsaved_references: dict[int, str] = {}  # accepted references, stored when the next changes are marked
        self._last_seq = 0
        self._is_ending = False  # if True, no further page is looked up
        self._stop_error: IntegrationError | None = None  # if set, nothing more is sent
        self._next_lookup: Future[LookedUpPage | None] | None = None
        self._proofs: dict[Future[list[Outcome]], _Page] = {}

    def send(self, looked: LookedUpPage) -> None:
        """Send a page and the pages that follow, marking each change before its call, and verify accepted changes.

        Raises IntegrationError if the target cannot be reached. Raises it with `deviation_stops` if the target has
        other values than planned after a change of a stage that is written one by one. Accepted changes are verified in
        both cases.
        """
        if not looked.ready:
            return
        self._verifies_each = self._dispatcher.flow.stage(looked.rows[0].stage).one_by_one
        limit = 1 if self._verifies_each else self._dispatcher.target.in_flight
        with (
            BackgroundWorker() as self._looking,
            BackgroundWorker() as self._proving,
            BoundedExecutor(self._dispatcher.write, limit) as self._calls,
        ):
            self._enqueue(looked)
            try:
                self._process_page(limit * PREFETCH_FACTOR)
            finally:
                self._prove_the_rest()

    def _process_page(self, few: int) -> None:
        try:
            while self._calls or self._next_lookup or ((self._waiting or self._marked) and self._stop_error is None):
                self._look_ahead(few)
                self._begin()
                self._process_finished()
        except Exception:  # calls in progress still need their answers recorded
            while self._calls:
                self._add_accepted(accepted_references(self._calls.wait_finished()))
            self._unmark()
            raise
        self._unmark()
        if self._stop_error is not None:
            raise self._stop_error

    def _enqueue(self, looked: LookedUpPage) -> None:
        page = _Page(looked)
        self._last_seq = max(row.seq for row in looked.rows)
        if page.open:
            self._pages.append(page)
            self._waiting.extend(looked.ready)
            self._page_of |= {dispatch.row.seq: page for dispatch in looked.ready}

    def _look_ahead(self, few: int) -> None:
        """Start the lookup of the next page when few changes are left to send."""
        if self._is_ending or self._stop_error is not None or self._next_lookup is not None or len(self._waiting) > few:
            return
        at_work = [row for page in self._pages for row in page.rows]
        self._next_lookup = self._looking.begin(self._look_up_next, at_work, self._last_seq)

    def _begin(self) -> None:
        """Start as many calls as the limit allows, each marked as sent before."""
        if self._stop_error is not None or len(self._proofs) > MAX_UNVERIFIED_PAGES:
            return
        if self._marked and self._is_cancelled():
            self._unmark()
            self._stop_dispatching()
        elif len(self._marked) < self._calls.free_slots:
            self._mark()
        self._calls.begin([self._marked.popleft() for _ in range(min(self._calls.free_slots, len(self._marked)))])

    def _mark(self) -> None:
        """Mark the next changes: those whose calls can start now, and the repeatable ones of the window after them."""
        startable = self._calls.free_slots - len(self._marked)
        dispatches: list[Dispatch] = []
        while self._waiting and len(dispatches) < (WINDOW if self._waiting[0].repeatable else startable):
            dispatches.append(self._waiting.popleft())
        if dispatches:
            references, self._unsaved_references = self._unsaved_references, {}
            self._checked_at = boottime_seconds()
            if not self._dispatcher.mark(dispatches, references):
                self._stop_dispatching()
                return
        self._marked.extend(dispatches)

    def _is_cancelled(self) -> bool:
        """Return True if a person asked the run to stop. Looks only from time to time: every mark looks as well."""
        if boottime_seconds() - self._checked_at < CANCEL_SECONDS:
            return False
        self._checked_at = boottime_seconds()
        return self._dispatcher.deps.runs.cancel_requested(self._dispatcher.run.id)

    def _unmark(self) -> None:
        """Plan marked changes again whose calls will not start."""
        dispatches = list(self._marked)
        self._marked.clear()
        if dispatches:
            self._dispatcher.unmark(dispatches)

    def _stop_dispatching(self) -> None:
        """Start nothing more, because the run is to stop. The changes that were not called stay planned."""
        self._waiting.clear()
        self._is_ending = True

    def _process_finished(self) -> None:
        """Wait for the first task that finishes, and process its result."""
        coming: list[Future[Any]] = [self._next_lookup] if self._next_lookup else []
        if answers := self._calls.wait_finished([*self._proofs, *coming]):
            self._take_in(answers)
        if self._next_lookup is not None and self._next_lookup.done():
            lookup, self._next_lookup = self._next_lookup, None
            if (looked := lookup.result()) is None:
                self._is_ending = True
            else:
                self._enqueue(looked)
        for finished in [proof for proof in self._proofs if proof.done()]:
            self._pages.remove(self._proofs.pop(finished))
            self._is_ending |= any(outcome.step is Step.IN_DOUBT for outcome in finished.result())

    def _take_in(self, answers: Sequence[DispatchAnswer]) -> None:
        accepted = accepted_references(answers)
        if not self._verifies_each:
            self._add_accepted(accepted)
        ends = self._dispatcher.store_refused(answers)
        self._stop_error = self._stop_error or ends.stopped
        self._is_ending = self._is_ending or ends.doubtful
        if self._verifies_each:  # each change is verified before the next one
            dispatches = [dispatch for dispatch, _ in answers if dispatch.row.seq in accepted]
            if any(outcome.step is Step.PARKED for outcome in self._dispatcher.read_back(dispatches, accepted)):
                raise IntegrationError(
                    "deviation_stops", system=self._dispatcher.flow.target, key=dispatches[0].row.title
                )
        for dispatch, _ in answers:
            page = self._page_of.pop(dispatch.row.seq)
            page.open -= 1
            if not page.open:
                self._prove(page)

    def _add_accepted(self, references: dict[int, str]) -> None:
        for seq, reference in references.items():
            self._page_of[seq].accepted[seq] = reference
        self._unsaved_references |= references

    def _prove(self, page: _Page) -> None:
        """Start reading back the accepted changes of a page. Reading back also stores their references."""
        dispatches, accepted = page.take_accepted()
        self._unsaved_references = {
            seq: reference for seq, reference in self._unsaved_references.items() if seq not in accepted
        }
        self._proofs[self._proving.begin(self._dispatcher.read_back, dispatches, accepted)] = page

    def _prove_the_rest(self) -> None:
        """Verify all remaining accepted changes and wait for the results, also after an error."""
        for page in self._pages:
            if page.accepted:
                self._prove(page)
        for proof in wait(self._proofs).done:
            proof.result()

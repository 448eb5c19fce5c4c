"""Dependencies shared by previews and commits, and the cursors where the next run starts."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from integration.connectors.protocol import Connector
from integration.core.basis import Basis
from integration.core.errors import PlanStaleError
from integration.core.foreign_documents import ForeignDocuments
from integration.core.records import Record, with_corrections
from integration.core.run import ALL_FOR, PARKED_FOR, Mode, Run
from integration.flows.spec import FlowLogic
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.customer_merges import CustomerMergeStore
from integration.store.database import Clock
from integration.store.erasure_register import ErasureRegister
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore


@dataclass(frozen=True, slots=True)
class VisibilityTimeout:
    """Period that an accepted record may stay invisible in the target before it counts as not written."""

    visible_within: timedelta = timedelta(seconds=60)
    look_again: timedelta = timedelta(seconds=2)

    @property
    def pause(self) -> timedelta:
        """Return the time until the next lookup, never longer than the visibility timeout itself."""
        return min(self.look_again, self.visible_within)


class FlowLogics(Protocol):
    """Provides the logic of each flow, and marks of the inputs that decide it."""

    def current_logic(self, flow: str) -> FlowLogic:
        """Return the logic of a flow with its current settings, mapping and value tables."""

    def earlier(self, flow: str, version: int) -> FlowLogic:
        """Return the logic of a flow with an earlier version of its mapping."""

    def input_fingerprints(self, flow: str) -> Mapping[str, str]:
        """Return a hash of each input of a flow's logic, by input name. It changes with the input."""

    def basis(self, flow: str, version: int, *, asks: bool) -> Basis:
        """Return the marks of the inputs that decide a plan; with `asks`, also of values that the systems report."""

    def read_fields(self, flow: str) -> None:
        """Read the fields of the books again, for a run that is about to write."""


class WriteHold(Protocol):
    """Decides whether a flow may write."""

    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return why a flow may not write now, or None if it may."""


class SystemIdentityCheck(Protocol):
    """Checks that both systems are still the ones that were connected before."""

    def check(self) -> None:
        """Compare both systems with their known identity; a system that cannot be reached is compared later."""

    def suspect(self, system: str, contradicting: int, compared: int) -> None:
        """Report how many of the compared records of a run contradict their links."""


class ForeignDocumentCheck(Protocol):
    """Finds documents that have the prefix of a flow, are not ours and have not been accepted by a person."""

    def foreign_documents_of(self, flow: str) -> ForeignDocuments:
        """Return the foreign documents in the books. Raises IntegrationError if the books cannot be queried."""

    def accept(self, flow: str, references: Collection[str], by: str) -> None:
        """Record that a person has accepted these documents."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Objects that a preview and a commit use. Protocols describe the part of the application that they need."""

    connectors: Mapping[str, Connector]
    logics: FlowLogics
    runs: RunStore
    previews: Previews
    plans: PlanStore
    ledger: Ledger
    links: Links
    cursors: Cursors
    corrections: Corrections
    customer_merges: CustomerMergeStore
    erased: ErasureRegister
    holds: WriteHold
    identities: SystemIdentityCheck
    foreign_documents: ForeignDocumentCheck
    clock: Clock
    patience: VisibilityTimeout = VisibilityTimeout()

    def logic_of(self, run: Run) -> FlowLogic:
        """Return the logic of a run's flow, with the mapping version that the run was started with."""
        if run.has_earlier_mapping:
            return self.logics.earlier(run.flow, run.mapping_version)
        return self.logics.current_logic(run.flow)

    def corrected(self, flow: str, records: Sequence[Record]) -> list[Record]:
        """Return the source records of a flow with the corrections that persons entered."""
        return with_corrections(records, self.corrections.corrections_of(flow, [record.key for record in records]))

    def basis(self, flow: str, version: int, *, asks: bool) -> Basis:
        """Return the marks of the inputs that decide a plan of a flow now.

        With `asks`, queries both systems and checks their identity first.
        """
        if asks:
            self.identities.check()
        return self.logics.basis(flow, version, asks=asks)


FILLED = "filled"  # cursor: the number of records with a value in each source field
LINKS = "links"  # input of parked records: the links that they may wait for
INPUT_MARKS_NOTE = "input_marks"  # note of a run: the marks of the inputs of its logic when it began


def changed_input_notes(deps: Dependencies, logic: FlowLogic, waits: Run | None) -> dict[str, str]:
    """Return the notes of a new run: the marks of its inputs, and the inputs that changed since the last run.

    Everything is read for a changed input of the logic, except documents, because a booked document is written once.
    For a changed link, and for documents, only the parked records are read. An input is not changed if the waiting plan
    of the complete flow was made with the same marks.
    """
    flow = logic.flow.name
    now = dict(deps.logics.input_fingerprints(flow))
    if logic.flow.by_changes:
        now[LINKS] = deps.links.mark(logic.flow.link_inputs)
    marks = json.dumps(now, sort_keys=True)
    if waits is not None and waits.notes.get(INPUT_MARKS_NOTE) == marks:
        return {INPUT_MARKS_NOTE: marks}
    stored_marks = {name: deps.cursors.get(flow, f"input:{name}") for name in now}
    new = [name for name, mark in now.items() if stored_marks[name] not in (None, mark)]
    of_logic = [] if logic.flow.counted_stage.write_once else [name for name in new if name != LINKS]
    reason = {ALL_FOR: ",".join(of_logic)} if of_logic else {PARKED_FOR: ",".join(new)} if new else {}
    return {INPUT_MARKS_NOTE: marks, **reason}


def next_cursors(run: Run, logic: FlowLogic) -> dict[str, str]:
    """Return the cursors for the next run; none if this run read only chosen records."""
    if run.mode in (Mode.CHOSEN, Mode.UNDO):
        return {}
    stamps, marker = run.position.stamps, run.position.marker
    inputs = {f"input:{name}": mark for name, mark in json.loads(run.notes.get(INPUT_MARKS_NOTE, "{}")).items()}
    cursors = {f"source:{stage.source}": stamps[stage.source] for stage in logic.flow.stages if stage.source in stamps}
    if run.parses_everything:
        cursors[FILLED] = json.dumps(run.position.filled)
    return cursors | inputs | ({f"target:{logic.flow.counted_stage.target}": marker} if marker else {})

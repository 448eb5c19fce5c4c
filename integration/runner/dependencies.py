"""What a preview and a commit share: their dependencies, and where the next run starts."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from integration.connectors.protocol import Connector
from integration.core.basis import Basis
from integration.core.errors import PlanStaleError
from integration.core.foreign_documents import ForeignDocuments
from integration.core.records import Record, corrected
from integration.core.run import ALL_FOR, Mode, Run
from integration.flows.spec import FlowLogic
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.database import Clock
from integration.store.erasure_register import ErasureRegister
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore


@dataclass(frozen=True, slots=True)
class VisibilityTimeout:
    """How long what was accepted may stay invisible before we believe that it never was."""

    visible_within: timedelta = timedelta(seconds=60)
    look_again: timedelta = timedelta(seconds=2)

    @property
    def pause(self) -> timedelta:
        """Return how long to wait for the next look: never longer than it is worth waiting for at all."""
        return min(self.look_again, self.visible_within)


@dataclass(frozen=True, slots=True)
class Safeguards:
    """What keeps trouble from doing harm. All of it is on; the fault lab alone leaves one out, to see the harm."""

    fencing: bool = True  # a page claims its run, and the claim is asked for before each write
    look: bool = True  # what is new, or in doubt, is looked for before it is sent
    ledger: bool = True  # what is sent is kept as sent before the call


ALL_ON = Safeguards()


class FlowLogics(Protocol):
    """The logic of each flow, and marks of what decides it."""

    def now(self, flow: str) -> FlowLogic:
        """Return the logic of a flow, with its settings, mapping and value tables as they are now."""

    def earlier(self, flow: str, version: int) -> FlowLogic:
        """Return the logic of a flow with a mapping that was in force before."""

    def fed(self, flow: str) -> Mapping[str, str]:
        """Return marks of what the logic of a flow is made of, by their names."""

    def basis(self, flow: str, version: int, *, asks: bool) -> Basis:
        """Return marks of what decides a plan made with a version of the mapping; `asks` adds what systems tell."""

    def read_fields(self, flow: str) -> None:
        """Read again which fields the books have, for a run that is about to write."""


class WriteHold(Protocol):
    """A reason why a flow may write nothing for now."""

    def held(self, flow: str) -> PlanStaleError | None:
        """Return the reason, or None where the flow may write."""


class SystemIdentityCheck(Protocol):
    """Compares both systems with what is known of them."""

    def check(self) -> None:
        """Compare both systems with what is known of them; a system that cannot be asked is compared later."""

    def suspect(self, system: str, contradicting: int, compared: int) -> None:
        """Report how many of the compared records of a run contradict their links."""


class ForeignDocumentCheck(Protocol):
    """Documents under the prefix of a flow that are not ours and that nobody has accepted."""

    def of(self, flow: str) -> ForeignDocuments:
        """Return those documents. Raises IntegrationError where the books cannot be asked."""

    def accept(self, flow: str, references: Collection[str], by: str) -> None:
        """Keep that a person has accepted these documents."""


class CommitListener(Protocol):
    """Acts after a commit."""

    def written(self, run: Run) -> None:
        """Act on a commit that has finished."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The objects that a preview and a commit use. Those of the application are described here as far as they are."""

    connectors: Mapping[str, Connector]
    logics: FlowLogics
    runs: RunStore
    previews: Previews
    plans: PlanStore
    ledger: Ledger
    links: Links
    cursors: Cursors
    corrections: Corrections
    erased: ErasureRegister
    holds: WriteHold
    identities: SystemIdentityCheck
    foreign_documents: ForeignDocumentCheck
    commit_listener: CommitListener
    clock: Clock
    patience: VisibilityTimeout = VisibilityTimeout()
    safeguards: Safeguards = ALL_ON

    def logic_of(self, run: Run) -> FlowLogic:
        """Return what is particular to a run's flow, with the mapping the run was begun with on purpose."""
        if run.has_earlier_mapping:
            return self.logics.earlier(run.flow, run.mapping_version)
        return self.logics.now(run.flow)

    def corrected(self, flow: str, records: Sequence[Record]) -> list[Record]:
        """Return records of a flow's source with the values that persons said they should have."""
        return corrected(records, self.corrections.of(flow, [record.key for record in records]))

    def basis(self, flow: str, version: int, *, asks: bool) -> Basis:
        """Return marks of what decides a plan of a flow now; where the systems are asked, they are compared as well."""
        if asks:
            self.identities.check()
        return self.logics.basis(flow, version, asks=asks)


FED = "fed"  # the note with what the logic was made of when a run began


def changed_input_notes(deps: Dependencies, logic: FlowLogic, waits: Run | None) -> dict[str, str]:
    """Return the notes of a run that begins: what its logic is made of, and what of that is new since the last one.

    What only a plan that waits has read everything for is not new. Documents are written once: what is booked stays.
    """
    flow = logic.flow.name
    if logic.flow.counted.write_once:
        return {}
    now = dict(deps.logics.fed(flow))
    told = json.dumps(now, sort_keys=True)
    if waits is not None and waits.notes.get(FED) == told:
        return {FED: told}
    known = {name: deps.cursors.get(flow, f"fed:{name}") for name in now}
    new = [name for name, mark in now.items() if known[name] not in (None, mark)]
    return {FED: told} | ({ALL_FOR: ",".join(new)} if new else {})


def next_cursors(run: Run, logic: FlowLogic) -> dict[str, str]:
    """Return where the next run starts: nothing when this one read only chosen records."""
    if run.mode in (Mode.CHOSEN, Mode.UNDO):
        return {}
    stamps, marker = run.position.stamps, run.position.marker
    fed = {f"fed:{name}": mark for name, mark in json.loads(run.notes.get(FED, "{}")).items()}
    cursors = {f"source:{one.source}": stamps[one.source] for one in logic.flow.stages if one.source in stamps}
    return cursors | fed | ({f"target:{logic.flow.counted.target}": marker} if marker else {})

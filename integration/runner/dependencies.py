"""What a preview and a commit share: their dependencies, and where the next run starts."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.connectors.protocol import Connector
from integration.core.basis import Basis
from integration.core.errors import PlanStaleError
from integration.core.records import Record
from integration.core.run import ALL_FOR, Mode, Run
from integration.core.strangers import NO_STRANGERS, Strangers
from integration.flows.spec import FlowLogic
from integration.store.cursors import Cursors
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore


@dataclass(frozen=True, slots=True)
class Patience:
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


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the application gives: both systems, what is particular to each flow, and where everything is kept."""

    connectors: Mapping[str, Connector]
    logic: Callable[[str], FlowLogic]
    runs: RunStore
    previews: Previews
    plans: PlanStore
    ledger: Ledger
    links: Links
    cursors: Cursors
    clock: Callable[[], datetime]
    patience: Patience = Patience()
    earlier: Callable[[str, int], FlowLogic] | None = None  # with a mapping that was in force before
    corrected: Callable[[str, Sequence[Record]], Sequence[Record]] = (
        lambda _, records: records  # what persons said values should be
    )
    corrections: Callable[[str], Mapping[str, str]] = lambda _: {}  # marks of what they said so of, by record
    fed: Callable[[str], Mapping[str, str]] = lambda _: {}  # marks of what a flow's logic is made of, by their names
    basis: Callable[[str, int, bool], Basis] = (
        lambda *_: {}  # what decides a plan made with a version of the mapping, and whether the systems are asked
    )
    read_fields: Callable[[str], None] = lambda _: None  # reads again which fields there are, for who is about to write
    safeguards: Safeguards = ALL_ON
    ended: Callable[[Run], None] = lambda _: None  # told of each commit that is finished
    suspect: Callable[[str, int, int], None] = (
        lambda *_: None  # told of the system that records of a run contradict, of how many, and of how many compared
    )
    held: Callable[[str], PlanStaleError | None] = lambda _: None  # why nothing of a flow may be written for now
    strangers: Callable[[str], Strangers] = (
        lambda _: NO_STRANGERS  # documents under the prefix of a flow that are not ours and that nobody has accepted
    )
    accept: Callable[[str, Collection[str], str], None] = (
        lambda *_: None  # told which of them a person has accepted, and who
    )
    erased: Callable[[Sequence[tuple[str, str]]], Collection[tuple[str, str]]] = (
        lambda _: ()  # which numbers of debtors and relations are those of people who were erased
    )

    def logic_of(self, run: Run) -> FlowLogic:
        """Return what is particular to a run's flow, with the mapping the run was begun with on purpose."""
        if run.has_earlier_mapping and self.earlier:
            return self.earlier(run.flow, run.mapping_version)
        return self.logic(run.flow)


FED = "fed"  # the note with what the logic was made of when a run began


def fed_otherwise(deps: Dependencies, logic: FlowLogic, waits: Run | None) -> dict[str, str]:
    """Return the notes of a run that begins: what its logic is made of, and what of that is new since the last one.

    What only a plan that waits has read everything for is not new. Documents are written once: what is booked stays.
    """
    flow = logic.flow.name
    if logic.flow.counted.once:
        return {}
    now = dict(deps.fed(flow))
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

"""What a preview and a commit share: the parts they work with, and where the next run starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.connectors.protocol import Connector
from integration.core.records import Record
from integration.core.run import Mode, Run
from integration.flows.spec import FlowLogic
from integration.store.cursors import Cursors
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import Plans
from integration.store.previews import Previews
from integration.store.runs import Runs


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
class Parts:
    """What the application gives: both systems, what is particular to each flow, and where everything is kept."""

    connectors: Mapping[str, Connector]
    logic: Callable[[str], FlowLogic]
    runs: Runs
    previews: Previews
    plans: Plans
    ledger: Ledger
    links: Links
    cursors: Cursors
    clock: Callable[[], datetime]
    patience: Patience = Patience()
    earlier: Callable[[str, int], FlowLogic] | None = None  # with a mapping that was in force before
    corrected: Callable[[str, Sequence[Record]], Sequence[Record]] = (
        lambda _, records: records  # what persons said values should be
    )
    names: Callable[[], str] = lambda: ""  # a mark of what the systems call their objects and fields
    safeguards: Safeguards = ALL_ON

    def logic_of(self, run: Run) -> FlowLogic:
        """Return what is particular to a run's flow, with the mapping the run was begun with on purpose."""
        if run.has_earlier_mapping and self.earlier:
            return self.earlier(run.flow, run.mapping_version)
        return self.logic(run.flow)


def next_cursors(run: Run, logic: FlowLogic) -> dict[str, str]:
    """Return where the next run starts: nothing when this one read only chosen records."""
    if run.mode in (Mode.CHOSEN, Mode.UNDO):
        return {}
    stamps, marker = run.position.stamps, run.position.marker
    cursors = {f"source:{one.source}": stamps[one.source] for one in logic.flow.stages if one.source in stamps}
    return cursors | ({f"target:{logic.flow.counted.target}": marker} if marker else {})

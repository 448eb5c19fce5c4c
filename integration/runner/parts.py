"""What a preview and a commit share: the parts they work with, and what both need to know of a plan's lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.connectors.protocol import Connector
from integration.core.errors import PlanStaleError
from integration.core.records import Record
from integration.core.run import Mode, Run
from integration.flows.spec import FlowLogic
from integration.store.cursors import Cursors
from integration.store.links import Links
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


AS_IT_WAS, IN_FORCE = "mapping", "published"
"""Where the position of a run keeps the version it asked for, and the one that was in force at that moment."""

NAMES = "names"
"""Where it keeps the mark of the names that the systems give their fields, as they were at that moment."""


def _as_read(flow: str, records: Sequence[Record]) -> Sequence[Record]:
    del flow
    return records


def _unnamed() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What `bootstrap` gives: both systems, what is particular to each flow, and where everything is kept."""

    connectors: Mapping[str, Connector]
    logic: Callable[[str], FlowLogic]
    runs: Runs
    links: Links
    cursors: Cursors
    clock: Callable[[], datetime]
    patience: Patience = Patience()
    earlier: Callable[[str, int], FlowLogic] | None = None  # with a mapping that was in force before
    corrected: Callable[[str, Sequence[Record]], Sequence[Record]] = _as_read  # what persons said values should be
    names: Callable[[], str] = _unnamed  # a mark of what the systems call their objects and fields

    def logic_of(self, run: Run) -> FlowLogic:
        """Return what is particular to a run's flow, with the mapping the run was begun with on purpose."""
        asked = run.position.get(AS_IT_WAS, "")
        return self.earlier(run.flow, int(asked)) if asked and self.earlier else self.logic(run.flow)

    def outdated(self, run: Run, published: int) -> PlanStaleError | None:
        """Return why a plan no longer says what would be written, while this mapping is in force; None where it does.

        The mapping that has to be in force still is the plan's own, unless it was made with an earlier one on purpose.
        """
        if published != int(run.position.get(IN_FORCE) or run.mapping_version):
            made_with = run.mapping_version
            return PlanStaleError("mapping_published_since", flow=run.flow, version=made_with, current=published)
        if run.position.get(NAMES, now := self.names()) != now:
            return PlanStaleError("names_changed_since", flow=run.flow)
        return None


def next_cursors(run: Run, logic: FlowLogic) -> dict[str, str]:
    """Return where the next run starts: nothing when this one read only chosen records."""
    if run.mode in (Mode.CHOSEN, Mode.UNDO):
        return {}
    flow = logic.flow
    cursors = {
        f"source:{stage.source}": run.position[f"stamp:{stage.source}"]
        for stage in flow.stages
        if f"stamp:{stage.source}" in run.position
    }
    marker = run.position.get("marker")
    return cursors | ({f"target:{flow.stages[flow.counted].target}": marker} if marker else {})

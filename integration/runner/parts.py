"""What a preview and a commit share: the parts they work with, and what both need to know of a plan's lines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.connectors.protocol import Connector
from integration.core.run import Mode, Run
from integration.flows import FlowLogic
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

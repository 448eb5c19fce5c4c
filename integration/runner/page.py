"""The lines of one page of a plan while they are collected."""

from collections import Counter
from collections.abc import Callable

from integration.core.flow import Stage
from integration.core.issues import Issue, Skip
from integration.core.plan import Action, Change, made_inactive, records_changed
from integration.core.records import Kind
from integration.core.run import Link, PlanRow, Position, Step
from integration.flows.spec import FlowLogic
from integration.runner.parts import Parts


class PlanPage:
    """What records come to in a stage: lines of the plan, and those that need none."""

    def __init__(self, stage: Stage, order: int, calls: Callable[[Change], int]) -> None:
        self.stage = stage
        self.rows: list[PlanRow] = []
        self.unchanged: list[Link] = []
        self.unchanged_weight = 0
        self.weight = 0
        self._order = order
        self._calls = calls
        self._actions: Counter[Action] = Counter()
        self._watched: Counter[str] = Counter()

    def _weighed(self, weight: int) -> int:
        weight = weight if self.stage.counted else 0
        self.weight += weight
        return weight

    def park(self, issue: Issue, kind: Kind, title: str, group: str, weight: int = 1) -> None:
        """Add a record that waits for a person."""
        self.rows.append(
            PlanRow(
                0, self._order, Action.PARK, kind, issue.key, title, group, self._weighed(weight), cause=issue.cause,
                cause_field=issue.field, facts=issue.facts, step=Step.PARKED,
            )
        )  # fmt: skip

    def skip(self, skip: Skip, kind: Kind, title: str, group: str, weight: int = 1) -> None:
        """Add a record that takes no part."""
        self.rows.append(
            PlanRow(
                0, self._order, Action.SKIP, kind, skip.key, title, group, self._weighed(weight), cause=skip.reason,
                facts=skip.facts, step=Step.LEFT,
            )
        )  # fmt: skip

    def leave(self, link: Link | None, weight: int) -> None:
        """Count records that both systems agree on, and keep the link that says so."""
        self.unchanged_weight += self._weighed(weight)
        if link is not None:
            self.unchanged.append(link)

    def change(self, change: Change, watched: tuple[str, ...], reference: str = "") -> None:
        """Add what would be written."""
        self._actions[change.action] += 1
        if change.action is Action.RETIRE:
            watched += ("brake_retirements",) * made_inactive(change)
        self._watched.update(watched)
        self._watched["brake_changes"] += records_changed(change) if self.stage.counted else 0
        self.rows.append(
            PlanRow(
                0, self._order, change.action, change.kind, change.key, change.title, change.group,
                self._weighed(len(change.sources)), change=change, digest=change.digest(),
                brakes=tuple(dict.fromkeys(watched)),
                reference=reference, calls=self._calls(change),
            )
        )  # fmt: skip

    def counted(self, position: Position) -> Position:
        """Return a position with the changes of this page."""
        retirements = self._actions[Action.RETIRE]
        return position.counting(self._actions.total() - retirements, retirements, self._watched)


def page_of(parts: Parts, logic: FlowLogic, stage: Stage) -> PlanPage:
    """Return an empty page for what a stage comes to."""
    return PlanPage(stage, logic.flow.order(stage), parts.connectors[logic.flow.target].calls)

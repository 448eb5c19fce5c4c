"""Collects the lines of one page of a plan."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from integration.connectors.protocol import ChecksValues, Connector
from integration.core.errors import RejectedError
from integration.core.flow import Stage
from integration.core.guards import Guard, Measure
from integration.core.issues import Issue, Skip
from integration.core.link_evidence import Evidence
from integration.core.links import NO_HASHES, Hashes, Link
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.position import Position
from integration.core.records import Kind, Record
from integration.core.reverted_values import VALUE_REVERTED, RevertedValue
from integration.core.states import Step
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowLogic
from integration.runner.dependencies import Dependencies
from integration.store.reverted_values import Taken


class PlanPage:
    """Results for the records of a stage: lines of the plan, and records that need no line."""

    def __init__(self, stage: Stage, target: Connector, settings: FlowSettings) -> None:
        self.stage = stage
        self.rows: list[PlanRow] = []
        self.unchanged: list[Link] = []
        self.unchanged_weight = 0
        self.hashed: list[Link] = []  # with the hashes that recognize their unchanged records
        self.evidence: dict[tuple[Kind, str], Evidence] = {}  # by link, where the evidence changed
        self.wrong: list[Link] = []  # links whose stored hashes match, although the records do not agree
        self.weight = 0
        self.reverted_values: Taken = {}  # reverted values of the records of this page
        self.missing_dependencies: Mapping[tuple[Kind, str], Issue] = {}  # by the record that is missing
        self.moved_on: dict[str, frozenset[str]] = {}  # paths of reverted values that the source changed since
        self._target = target
        self._checks = target if isinstance(target, ChecksValues) else None
        self._settings = settings
        self._actions: Counter[Action] = Counter()
        self._guard_counts: Counter[str] = Counter()

    def _add_weight(self, weight: int) -> int:
        weight = weight if self.stage.is_counted else 0
        self.weight += weight
        return weight

    def park(self, issue: Issue, kind: Kind, title: str, group: str, weight: int = 1) -> None:
        """Add a record that waits for a person."""
        self.rows.append(
            PlanRow(
                0, self.stage.name, Action.PARK, kind, issue.key, title, group, self._add_weight(weight),
                cause=issue.cause, cause_field=issue.field, facts=issue.facts, step=Step.PARKED, about=issue.about,
            )
        )  # fmt: skip

    def skip(self, skip: Skip, kind: Kind, title: str, group: str, weight: int = 1) -> None:
        """Add a record that a rule or setting leaves out, with the reason."""
        self.rows.append(
            PlanRow(
                0,
                self.stage.name,
                Action.SKIP,
                kind,
                skip.key,
                title,
                group,
                self._add_weight(weight),
                cause=skip.reason,
                facts=skip.facts,
                step=Step.LEFT,
            )
        )

    def add_unchanged(self, link: Link | None, weight: int) -> None:
        """Count records that both systems agree on, and collect the link to store for them."""
        self.unchanged_weight += self._add_weight(weight)
        if link is not None:
            self.unchanged.append(link)

    def hash(self, link: Link | None, now: Hashes, *, agrees: bool) -> None:
        """Collect the current hashes of both sides of a record if they have changed.

        Records with reverted values are ignored, because their place in the plan does not depend on hashes alone. If
        both sides do not agree although the stored hashes match, the link is collected as wrong.
        """
        if link is None or now == NO_HASHES or self.reverted_values.get(link.key):
            return
        if agrees and link.hashes != now:
            self.hashed.append(replace(link, hashes=now))
        elif not agrees and link.hashes == now:
            self.wrong.append(link)

    def note(self, codes: Iterable[str]) -> None:
        """Add codes to the counts of the plan that are compared with limits or shown beside its lines."""
        self._guard_counts.update(codes)

    def is_parked(self, key: str) -> bool:
        """Return True if a record of this page waits for a person."""
        return any(row.key == key and row.action is Action.PARK for row in self.rows)

    def refusal(self, change: Change) -> Issue | None:
        """Return the issue of a change that the target would refuse before a call, or None.

        The change needs another record which the target will not have, or has a value that the target cannot store.
        """
        for kind_and_key in self.stage.needed_records(change.desired):
            if (issue := self.missing_dependencies.get(kind_and_key)) is not None:
                return replace(issue, key=change.key, facts={"key": change.key, **issue.facts})
        try:
            if self._checks is not None:
                self._checks.require_storable(change)
        except RejectedError as error:
            return Issue(error.code, change.key, facts={"key": change.title, **error.facts})
        return None

    def change(
        self,
        change: Change,
        reference: str = "",
        *,
        is_additional: bool = False,
        reverted: RevertedValue | None = None,
        current: Record | None = None,
    ) -> None:
        """Add a change of the target's `current` record. With `is_additional`, it accounts for no record that was read.

        `reverted` is set if the change is a reverted value: a person has to include it, so no guard counts it.
        """
        counts = self.stage.is_counted and not is_additional
        self._actions[change.action] += 1
        guard_counts = {
            guard: guard.count(change, self._settings, current)
            for guard in self._settings.guards
            if reverted is None and (counts or guard.measure is not Measure.SHARE)
        }
        self._guard_counts.update({guard.name: count for guard, count in guard_counts.items()})
        self._guard_counts[VALUE_REVERTED] += reverted is not None
        self.rows.append(
            PlanRow(
                0, self.stage.name, change.action, change.kind, change.key, change.title, change.group,
                self._add_weight(len(change.sources)) if counts else 0, change=change, digest=change.digest(),
                brakes=tuple(guard.code for guard, count in guard_counts.items() if count and self._marks_lines(guard)),
                cause="" if reverted is None else VALUE_REVERTED, facts={} if reverted is None else reverted.facts,
                reference=reference, calls=self._target.calls(change),
            )
        )  # fmt: skip

    def _marks_lines(self, guard: Guard) -> bool:
        return not guard.whole and self._settings.limits.get(guard.name, guard.limit) is not None

    def position_with_counts(self, position: Position) -> Position:
        """Return the position with the counts of this page added."""
        retirements = self._actions[Action.RETIRE]
        return position.with_counts(self._actions.total() - retirements, retirements, self._guard_counts)


def empty_page(deps: Dependencies, logic: FlowLogic, stage: Stage) -> PlanPage:
    return PlanPage(stage, deps.connectors[logic.flow.target], logic.settings)

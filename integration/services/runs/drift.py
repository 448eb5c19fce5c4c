"""Drift checks: whether the targets still hold the agreed values. They run every night and on request."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from integration.core.authorization import requires
from integration.core.drift import NO_COUNTS, DriftCheckResult, DriftCounts, DriftedRecord
from integration.core.errors import IntegrationError, PlanStaleError
from integration.core.flow import Flow, Stage
from integration.core.issues import Issue, IssueOccurrence
from integration.core.people import Right
from integration.core.records import Kind, Value
from integration.core.rules import as_text
from integration.core.vat import is_vat_code, vat_value
from integration.flows.tables import VAT_RATES
from integration.runner.dependencies import Dependencies
from integration.runner.drift import DriftPage, compare_page, stages_of
from integration.services.mappings.code_lists import CodeLists
from integration.services.runs.flows import Flows
from integration.services.write_holds.post_restore_check import PostRestoreCheck
from integration.store.database import Clock
from integration.store.drift import DriftStore
from integration.store.erasure_register import ErasureRegister, SoFar
from integration.store.issues import Issues
from integration.store.links import Links

CAUSES = ("document_changed_in_target", "record_changed_in_target", "record_gone_in_target")
MAX_SHOWN = 200  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class DriftProgress:
    """Progress of a drift check: the current flow and kind of record, and the number of records checked."""

    flow: str
    kind: Kind
    checked_count: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Position of a drift check: the remaining kinds, of which the first is current, and the counts so far.

    It contains no personal data, because the engine stores it, and an erasure does not search there.
    """

    remaining_kinds: tuple[tuple[str, str], ...]
    after: str = ""
    began: str = ""
    counts: DriftCounts = NO_COUNTS

    def text(self) -> str:
        """Return the position as JSON text, which the database stores between two pages."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "_Place":
        """Parse a position from the text that `text` returned."""
        shape = json.loads(text)
        remaining = tuple((flow, kind) for flow, kind in shape["remaining_kinds"])
        return cls(remaining, shape["after"], shape["began"], DriftCounts(**shape["counts"]))

    def next_kind(self) -> "_Place | None":
        """Return the start of the next kind, or None after the last."""
        return _Place(self.remaining_kinds[1:]) if self.remaining_kinds[1:] else None


class Drift:
    """Compares written records with the target, page by page, and stores the differences."""

    def __init__(
        self,
        flows: Collection[str],
        restore_check: PostRestoreCheck,
        deps: Dependencies,
        drifts: DriftStore,
        erased: ErasureRegister,
        issues: Issues,
        links: Links,
        clock: Clock,
        flow_service: Flows,
        lists: CodeLists,
    ) -> None:
        self._lists = lists
        self._flows = flows
        self._restore_check = restore_check
        self._deps = deps
        self._drifts = drifts
        self._erased = erased
        self._issues = issues
        self._links = links
        self._clock = clock
        self._flow_service = flow_service

    @requires(Right.SEE)
    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return why the flow may not write for now, or None if it may."""
        return self._restore_check.hold_reason(flow)

    @requires(Right.SEE)
    def latest(self) -> list[DriftCheckResult]:
        """Return the result of the last check of each kind of record, in the order of the flows."""
        order = {flow: place for place, flow in enumerate(self._flows)}
        results = [result for result in self._drifts.latest() if result.flow in order]
        return sorted(results, key=lambda result: order[result.flow])

    @requires(Right.COMPARE)
    def check_all(self, on_progress: Callable[[DriftProgress], None] = lambda _: None) -> list[DriftCheckResult]:
        """Check everything now and return the results. Calls `on_progress` before every page. Writes to no system."""
        position = self.page("")
        while position:
            place = _Place.parse(position)
            on_progress(
                DriftProgress(
                    place.remaining_kinds[0][0], Kind.stored(place.remaining_kinds[0][1]), place.counts.compared
                )
            )
            position = self.page(position)
        return self.latest()

    def page(self, position: str) -> str:
        """Check one page and return the position of the next, or an empty text at the end.

        An empty position starts a check.

        A page may be repeated. If a system does not answer, the check of its kind ends, and its result so far is
        stored.
        """
        place = _Place.parse(position) if position else self._begin()
        if place is None:
            return ""
        if not position:
            return place.text()
        following = self._erased.retry_if_erased(lambda so_far: self._check_page(place, so_far))
        return following.text() if following else ""

    def _begin(self) -> _Place | None:
        due_flows = (name for name in self._flows if self._flow_service.is_on(name) or self._restore_check.is_due(name))
        remaining = tuple((name, str(stage.target)) for name in due_flows for stage in self._restore_check.stages(name))
        return _Place(remaining) if remaining else None

    def _check_page(self, place: _Place, so_far: SoFar) -> _Place | None:
        (name, kind), began = place.remaining_kinds[0], place.began or self._clock().isoformat()
        try:
            logic = self._deps.logics.current_logic(name)
            stages = stages_of(logic.flow, self._links.kinds(name))
            stage = next((flow_stage for flow_stage in stages if flow_stage.target == kind), None)
            if stage is None:  # the settings changed since
                return place.next_kind()
            if not place.after:
                self._deps.connectors[logic.flow.target].begin()
            page = compare_page(self._deps, logic, stage, place.after)
        except IntegrationError as error:
            self._keep(place, began, place.counts, error)
            return place.next_kind()
        self._drifts.differ(name, stage.target, datetime.fromisoformat(began), page.different, so_far)
        self._tell(logic.flow, stage, page, so_far)
        counts = place.counts.plus(page.counts)
        if page.after is not None:
            return _Place(place.remaining_kinds, page.after, began, counts)
        self._keep(place, began, counts)
        return place.next_kind()

    def _keep(self, place: _Place, began: str, counts: DriftCounts, error: IntegrationError | None = None) -> None:
        flow, kind = place.remaining_kinds[0]
        code, facts = (error.code, dict(error.facts)) if error else ("", {})
        begun, now = datetime.fromisoformat(began), self._clock()
        self._drifts.keep(DriftCheckResult(flow, Kind.stored(kind), begun, now, counts, error=code, facts=facts))

    def _tell(self, flow: Flow, stage: Stage, page: DriftPage, so_far: SoFar) -> None:
        """Open an exception for each difference, and close the exceptions of records that match again."""
        rates = self._lists.captions(flow.target, VAT_RATES) if page.different else {}
        occurrences = [
            IssueOccurrence(drift_issue(flow, stage, record, rates), str(stage.target), record.title)
            for record in page.different
        ]
        self._issues.store_check_result(flow.name, page.compared_keys, CAUSES, occurrences, so_far)


def drift_issue(flow: Flow, stage: Stage, record: DriftedRecord, rates: Mapping[str, str]) -> Issue:
    """Return the issue of a record whose values in the target differ from the agreed ones.

    `rates` are the percentages of the target's VAT codes.
    """
    facts = {"key": record.title, "system": flow.target, "kind": str(stage.target), "reference": record.reference}
    if not record.edits:
        return Issue("record_gone_in_target", record.key, facts=facts)
    first = record.edits[0]
    agreed, current = (_value_text(value, first.field, flow.target, rates) for value in (first.agreed, first.current))
    facts |= {"fields": _fields(record), "agreed": agreed, "found": current}
    cause = "document_changed_in_target" if stage.write_once else "record_changed_in_target"
    return Issue(cause, record.key, facts=facts)


def _fields(record: DriftedRecord) -> str:
    """Return the names of the fields that differ, each once. Added and removed parts appear by their kind."""
    return ", ".join(dict.fromkeys(edit.field.rpartition(".")[2] for edit in record.edits))


def _value_text(value: Value, field: str, system: str, rates: Mapping[str, str]) -> str:
    text = as_text(value)[:MAX_SHOWN]
    if text and is_vat_code(field):
        return vat_value(text, Decimal(rates[text]) if text in rates else None, system)
    return text

"""The exception queue: parked records in groups that one repair serves, and the repairs."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from integration.core.authorization import requires
from integration.core.causes import CAUSES, RepairKind, grouping_detail
from integration.core.errors import IntegrationError
from integration.core.issues import CauseGroup, Issue, IssueGroupKey, IssueState, OpenIssue, source_mark
from integration.core.link_evidence import Evidence, evidence_from_json, identities_of
from integration.core.links import Link
from integration.core.missing_codes import MissingCode, missing_codes_in
from integration.core.people import Actor, Right
from integration.core.plan_lines import PlanRow
from integration.core.records import Correction, Field, Kind, Record, Value
from integration.core.rules import as_text
from integration.core.run import Run
from integration.core.states import RunState
from integration.flows.deciding import decision_text
from integration.flows.forms import Code, single_fields
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, ValueTable
from integration.flows.spec import FlowSpec
from integration.runner.parked_records import source_keys
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.runs.candidates import Candidate, candidates
from integration.services.runs.cause_sheet import with_listed_facts
from integration.services.runs.conflict_resolution import answer_identity_questions, resolve_conflicts
from integration.services.runs.retries import tried_cause
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.corrections import Corrections
from integration.store.events import Event
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.runs import RunStore

MAX_GROUP_RECORDS = 10_000  # records of a group in one repair
AT_ONCE = 500  # source records per call
PAGE = 1_000
DAYS = 14  # of history in the number of new records
FEW = 20  # records of a group that are searched for an example
RUNS_BACK = 10  # runs of a flow that are searched for a retry of a cause
AMOUNT = re.compile(r"-?\d{1,12}(\.\d+)?")
ARTICLES = "articles"  # the value table of substitutes for articles that the books do not have
ARTICLE_CAUSES = frozenset({"article_missing", "article_not_linked"})
UNMAPPED = "value_unmapped"  # the cause of missing rows in tables without a cause of their own


ISSUE_COLUMNS = (
    "flow", "cause", "field", "detail", "key", "title", "state", "first_seen", "last_seen", "occurrences", "assigned",
    "note", "reason", "by", "sold",
)  # fmt: skip


def amount_at_stake(issue: Issue) -> Decimal | None:
    """Return the total of the till document behind an issue, or None if the issue does not have it."""
    amount_text = issue.facts.get("sold", "")
    return Decimal(amount_text) if AMOUNT.fullmatch(amount_text) else None


# Causes that a person decides before anything is booked.
UNBOOKED = frozenset({"reference_of_another", "refund_before_order", "sale_beyond_order"})
# Causes with differences of booked days.
BOOKED_DAYS = frozenset({"day_differs", "day_changed_after_booking", "day_changed_after_filing"})


@dataclass(frozen=True, slots=True)
class AmountAtStake:
    """The amount in euros that a cause affects: the unbooked amount, or the difference in the bookings.

    `is_named` if it is an amount that the cause names, because the record itself has no total.
    """

    amount: Decimal
    is_difference: bool
    is_named: bool = False


def group_amount(group: CauseGroup) -> AmountAtStake | None:
    """Return the amount in euros that a group affects, or None if its documents do not have it."""
    facts = group.facts
    is_document = bool(facts.get("source") and facts.get("mark")) and group.cause not in UNBOOKED
    is_booked = is_document or group.cause in BOOKED_DAYS
    if not group.sold or (is_booked and not ("difference" in facts or "amount" in facts)):
        return None
    return AmountAtStake(group.sold, is_booked, facts.get("amount", "") == facts.get("sold"))


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A missing row of a value table, with the parts of its key."""

    table: ValueTable
    key_values: Mapping[str, str]

    @property
    def code(self) -> str:
        return self.key_values.get(self.table.code.name, "")


@dataclass(frozen=True, slots=True)
class RetryResult:
    """The result of a preview of all records parked for one cause, counted in records read."""

    group: CauseGroup  # as it was when the retry started
    run: Run
    same: int  # still parked for that cause
    counts_by_cause: Mapping[IssueGroupKey, int]  # parked for another one

    @property
    def solved(self) -> int:
        """The number of records that are no longer parked."""
        return max(0, self.run.counts.read_count - self.same - self.moved_count)

    @property
    def moved_count(self) -> int:
        """The number of records that are parked for another cause now."""
        return sum(self.counts_by_cause.values())


# Sort orders of causes. Equal ranks are sorted by amount, largest first, and then by age, oldest first.
RANKS: Mapping[str, Callable[[CauseGroup], object]] = {
    "money": lambda group: -(group.sold or 0),
    "oldest": lambda group: group.first_seen,
    "newest": lambda group: -group.first_seen.timestamp(),
    "count": lambda group: -group.count,
}


def _urgency(group: CauseGroup) -> tuple[object, ...]:
    return -(group.sold or 0), group.first_seen, -group.count, group.flow, group.cause, group.detail


def group_address(cause: IssueGroupKey) -> str:
    """Return the short, stable name of a group in addresses of pages."""
    identity = f"{cause.flow}\n{cause.cause}\n{cause.field}\n{cause.detail}"
    return hashlib.sha256(identity.encode()).hexdigest()[:10]


def cause_of(flow: str, cause: str, field: str, facts: Mapping[str, str]) -> IssueGroupKey:
    """Return the group key of a parked record."""
    return IssueGroupKey(flow, cause, field, grouping_detail(cause, facts))


def missing_row(spec: FlowSpec, cause: str, facts: Mapping[str, str]) -> MissingRow | None:
    """Return the row of a value table that would repair a cause, or None if a row does not repair it."""
    if cause == UNMAPPED and facts.get("table"):
        named_table = spec.table(facts["table"])
        return MissingRow(named_table, {named_table.code.name: facts.get("value", "")})
    table = next((value_table for value_table in spec.tables if cause in value_table.causes), None)
    return MissingRow(table, table.key_of_missing_row(facts)) if table is not None else None


def codes_without_rows(issue: Issue) -> tuple[MissingCode, ...]:
    """Return the missing codes of an issue: those that its record collected, or else the code of its cause."""
    own_code = MissingCode(issue.cause, issue.facts, amount_at_stake(issue) or Decimal(0))
    return missing_codes_in(issue.facts) or (own_code,)


def missing_rows_of_issue(spec: FlowSpec, issue: Issue) -> Iterator[tuple[MissingRow, MissingCode]]:
    """Yield the rows of value tables that would repair an issue, each with its code.

    Rows that depend on the counterpart of another one are left out.
    """
    for code in codes_without_rows(issue):
        row = None if code.counterpart_of else missing_row(spec, code.cause, code.facts)
        if row is not None and row.code:
            yield row, code


def repair_address(spec: FlowSpec, cause: str, field: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    """Return the address of the tab that repairs a cause, or None if no tab does."""
    repair = spec.repair_of(cause)
    if not repair.flow and not spec.has_place(repair):
        return None
    if cause == "flow_setting_invalid" and facts.get("flow") != spec.name:
        return None
    parameter = {"tables": "table", "settings": "setting"}.get(repair.tab)
    name = repair.name or (facts.get(parameter, "") if parameter else field.rpartition("/")[2])
    return {"flow": repair.flow or spec.name, "tab": repair.tab, "table" if repair.tab == "tables" else "field": name}


def missing_articles(cause: str, facts: Mapping[str, str]) -> list[str]:
    """Return the articles that documents need and the books do not have: by code, or as the till names them."""
    codes = facts.get("article", "").split(", ") if cause in ARTICLE_CAUSES else []
    return [code for code in codes if code]


class Exceptions:
    """The records that wait for a person, and the decisions and repairs that a person can make."""

    def __init__(
        self,
        flows: Specs,
        corrections: Corrections,
        issues: Issues,
        ledger: Ledger,
        links: Links,
        plans: PlanStore,
        runs: RunStore,
        access: ConnectorFactory,
        logics: Logics,
        mappings: Mappings,
        lists: CodeLists,
    ) -> None:
        self._flows = flows
        self._corrections = corrections
        self._issues = issues
        self._ledger = ledger
        self._links = links
        self._plans = plans
        self._runs = runs
        self._access = access
        self._logics = logics
        self._mappings = mappings
        self._lists = lists

    # ---- queries

    @requires(Right.SEE)
    def groups(
        self,
        flow: str = "",
        state: IssueState = IssueState.OPEN,
        assigned: str = "",
        find: str = "",
        sort: str = "money",
    ) -> list[CauseGroup]:
        """Return the groups of a flow, or of all flows, sorted by the rank `sort` of `RANKS`.

        `assigned` limits them to the groups of one person, and `find` to groups with a matching record.
        """
        rank = RANKS[sort]
        groups = sorted(
            self._causes(flow or None, state), key=lambda cause_group: (rank(cause_group), *_urgency(cause_group))
        )
        matches = self._issues.matching_groups(find, state) if find else None
        return [
            group
            for group in groups
            if (not assigned or group.assigned == assigned) and (matches is None or group.group_key in matches)
        ]

    @requires(Right.SEE)
    def of_run(self, run: Run) -> list[CauseGroup]:
        """Return the open groups with causes for which records of this run were parked; see `groups`."""
        causes = self._plans.facets(run.id, "parked")["cause"]
        return [group for group in self.groups(run.flow) if group.cause in causes]

    @requires(Right.SEE)
    def group(self, cause: IssueGroupKey, state: IssueState = IssueState.OPEN) -> CauseGroup | None:
        """Return one group, or None if it has no records in this state."""
        return next((group for group in self._causes(cause.flow, state) if group.group_key == cause), None)

    @requires(Right.SEE)
    def counts_of_removed_flows(self) -> dict[str, int]:
        """Return the number of open records of each flow that no longer exists.

        They can neither be repaired nor written.
        """
        groups = [group for group in self._issues.causes() if group.flow not in self._flows]
        return {
            flow: sum(group.count for group in groups if group.flow == flow)
            for flow in {group.flow for group in groups}
        }

    def _causes(self, flow: str | None, state: IssueState) -> list[CauseGroup]:
        groups = [group for group in self._issues.causes(flow, state) if group.flow in self._flows]
        return [with_listed_facts(group, partial(self.list_issues, group.group_key, state)) for group in groups]

    @requires(Right.SEE)
    def open_issue(self, flow: str, key: str) -> Issue | None:
        """Return the open issue of a record, or None if there is none."""
        issues = self._issues.of_key(flow, key)
        return next((open_issue.issue for open_issue in issues if open_issue.state is IssueState.OPEN), None)

    @requires(Right.SEE)
    def retry_results(self) -> list[RetryResult]:
        """Return the results of recent retries of causes, the latest of each cause."""
        results: dict[IssueGroupKey, RetryResult] = {}
        for flow in self._flows:
            for run in self._runs.latest(flow, limit=RUNS_BACK):
                group = tried_cause(run)
                if group is not None and group.group_key not in results:
                    results[group.group_key] = self._outcome(run, group)
        return [result for result in results.values() if result.run.state is not RunState.DISCARDED]

    def _outcome(self, run: Run, group: CauseGroup) -> RetryResult:
        counts: Counter[IssueGroupKey] = Counter()
        for row in self._parked_rows(run):
            counts[cause_of(run.flow, row.cause, row.cause_field, row.facts)] += row.weight
        same = counts.pop(group.group_key, 0)
        return RetryResult(group, run, same, dict(counts.most_common()))

    def _parked_rows(self, run: Run) -> Iterator[PlanRow]:
        offset = 0
        while rows := self._plans.rows(run.id, "park", offset=offset, limit=PAGE):
            offset += len(rows)
            yield from (row for row in rows if row.weight)

    @requires(Right.SEE)
    def daily_counts(self, local_now: datetime) -> dict[IssueGroupKey, dict[date, int]]:
        """Return the number of new records per cause and day, for the last days up to `local_now`.

        Settled records count too, and a record that returned counts on the day of its return. A cause whose records all
        came on one day is left out, because it has no course.
        """
        days = [local_now.date() - timedelta(days=days_back) for days_back in reversed(range(DAYS))]
        since = datetime.combine(days[0], time(), local_now.tzinfo)
        by_cause: dict[IssueGroupKey, dict[date, int]] = {}
        for group_key, moments in self._issues.appearances(since).items():
            counts = dict.fromkeys(days, 0)
            for at, number in moments.items():
                counts[min(at.astimezone(local_now.tzinfo).date(), days[-1])] += number
            if sum(map(bool, counts.values())) > 1:
                by_cause[group_key] = counts
        return by_cause

    @requires(Right.SEE)
    def mapping_version(self, group: CauseGroup) -> int:
        """Return the mapping version with which a group was last parked, or 0 if the run no longer exists."""
        try:
            return self._runs.get(group.run).mapping_version
        except KeyError:
            return 0

    @requires(Right.SEE)
    def issues_of(
        self,
        cause: IssueGroupKey,
        state: IssueState = IssueState.OPEN,
        find: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> list[OpenIssue]:
        """Return issues of a group, the longest waiting first."""
        return self._issues.list(
            cause.flow,
            cause.cause,
            cause.field,
            detail=cause.detail,
            state=state,
            find=find,
            offset=offset,
            limit=limit,
        )

    @requires(Right.SEE)
    def sources(self, flow: str, open_issues: Sequence[OpenIssue]) -> dict[int, tuple[str, ...]]:
        """Return the keys of the source records behind each issue, by issue id; see `source_keys`."""
        return source_keys(self._links, self._plans, self._logics.flow(flow), open_issues)

    @requires(Right.SEE)
    def keys(self, flow: str, cause: str, field: str | None = None, detail: str | None = None) -> list[str]:
        """Return the source keys of all open issues of a cause."""
        open_issues = self._issues.list(flow, cause, field, detail=detail, limit=MAX_GROUP_RECORDS)
        source_keys = (key for keys in self.sources(flow, open_issues).values() for key in keys)
        return list(dict.fromkeys(source_keys))

    @requires(Right.SEE)
    def unmapped(self, flow: str, table: str) -> dict[str, int]:
        """Return the values of parked records that a value table lacks, with the number of issues for each."""
        spec = self._flows[flow]
        counts = Counter[str]()
        for cause in self.row_causes(flow):
            for open_issue in self._issues.list(flow, cause, limit=MAX_GROUP_RECORDS):
                rows = (row for row, _ in missing_rows_of_issue(spec, open_issue.issue))
                counts.update({row.code for row in rows if row.table.name == table})
        return dict(counts)

    @requires(Right.SEE)
    def row_causes(self, flow: str, table: str = "") -> list[str]:
        """Return the causes that a new row repairs: in any value table of the flow, or in `table`."""
        tables = [value_table for value_table in self._flows[flow].tables if table in ("", value_table.name)]
        own = [cause for value_table in tables for cause in value_table.causes] or [UNMAPPED]
        several = [code for code, cause in CAUSES.items() if cause.repair.by is RepairKind.ROWS]
        return list(dict.fromkeys([*own, *([] if table else [UNMAPPED]), *several]))

    @requires(Right.SEE)
    def records(self, flow: str, keys: Collection[str]) -> dict[str, Record]:
        """Return the current source records by key, without those that no longer exist."""
        logic = self._logics.flow(flow)
        unique_keys, records = list(dict.fromkeys(keys)), {}  # type: tuple[list[str], dict[str, Record]]
        for stage in logic.counted_stages:
            missing_keys = [key for key in unique_keys if key not in records]
            for start in range(0, len(missing_keys), AT_ONCE):
                batch = self._access.connector(logic.source).fetch(stage.source, missing_keys[start : start + AT_ONCE])
                records |= {record.key: record for record in batch}
        return records

    @requires(Right.SEE)
    def candidates(self, flow: str, open_issue: OpenIssue) -> list[Candidate]:
        """Return the records of the target that may be the right one for an issue, with their current values."""
        kind = self._flows[flow].repair_of(open_issue.issue.cause).kind
        target = self._access.connector(self._logics.flow(flow).target)
        return candidates(target, self._links, open_issue, kind) if kind is not None else []

    @requires(Right.SEE)
    def customers_of(self, open_issue: OpenIssue) -> list[Record]:
        """Return the customer of an issue with its current source values, or nothing if the source no longer has it."""
        records = self.records(open_issue.flow, self.sources(open_issue.flow, [open_issue])[open_issue.id][:1]).values()
        customers = [next((part for part in record.parts if part.kind is Kind.RELATION), record) for record in records]
        return [replace(customer, key=open_issue.issue.key) for customer in customers]

    @requires(Right.EXPORT)
    def listed(self, groups: Sequence[CauseGroup], state: IssueState, find: str = "") -> list[list[object]]:
        """Return every record of the groups with the values of `ISSUE_COLUMNS`."""
        return [
            [
                open_issue.flow,
                open_issue.issue.cause,
                open_issue.issue.field,
                group.group_key.detail,
                open_issue.issue.key,
                open_issue.title,
                open_issue.state,
                open_issue.first_seen.isoformat(),
                open_issue.last_seen.isoformat(),
                open_issue.occurrences,
                group.assigned,
                group.note,
                open_issue.reason,
                open_issue.by,
                amount_at_stake(open_issue.issue),
            ]
            for group in groups
            for open_issue in self.list_issues(group.group_key, state, find)
        ]

    @requires(Right.SEE)
    def list_issues(self, cause: IssueGroupKey, state: IssueState, find: str = "") -> Iterator[OpenIssue]:
        """Yield every issue of a group, the longest waiting first."""
        offset = 0
        while page := self.issues_of(cause, state, find, offset, PAGE):
            offset += len(page)
            yield from page

    # ---- dismissing

    @requires(Right.REPAIR)
    def dismiss(self, cause: IssueGroupKey, reason: str, by: Actor, only: Collection[int] = ()) -> int:
        """Dismiss a group, or some of its issues, with a reason, and return the number of dismissed issues.

        They stay dismissed until their cause is gone, a person reopens them, or their source record changes. If the
        source does not answer now, a later change of the record cannot be detected and does not reopen them.
        """
        open_issues = [
            open_issue for open_issue in self.list_issues(cause, IssueState.OPEN) if not only or open_issue.id in only
        ]
        sources = self.sources(cause.flow, open_issues)
        try:
            records = self.records(cause.flow, [key for keys in sources.values() for key in keys])
        except IntegrationError:
            records = {}
        passing = self._logics.flow(cause.flow).volatile_prefixes
        record_marks = {key: source_mark(record, passing) for key, record in records.items()}
        marks = {
            issue_id: {key: record_marks[key] for key in keys if key in record_marks}
            for issue_id, keys in sources.items()
        }
        return self._issues.dismiss_all(marks, reason.strip(), by.ref)

    @requires(Right.REPAIR)
    def reopen(self, cause: IssueGroupKey, by: Actor, only: Collection[int] = ()) -> None:
        """Reopen a dismissed group, or some of its issues."""
        issue_ids = (open_issue.id for open_issue in self.list_issues(cause, IssueState.DISMISSED))
        self._issues.reopen_issues([issue_id for issue_id in issue_ids if not only or issue_id in only], by.ref)

    # ---- repairs

    @requires(Right.SEE)
    def field_to_correct(self, flow: str, cause: str, field: str) -> Field | None:
        """Return the source field whose value repairs a cause, or None if no single field does."""
        if self._flows[flow].repair_of(cause).by is not RepairKind.VALUE:
            return None
        target = field.rpartition("/")[2]
        try:
            return self._source_field(flow, target if "." in target else f"article.{target}")
        except IntegrationError:
            return None

    @requires(Right.SEE)
    def code_setting(self, flow: str, setting: str) -> Code:
        """Return the form field of a setting that holds one code. Raises KeyError if the flow has none."""
        shapes = (shape for section in self._flows[flow].sections for shape in single_fields(section.shapes))
        form_field = next(
            (candidate for candidate in shapes if isinstance(candidate, Code) and candidate.name == setting), None
        )
        if form_field is None:
            raise KeyError(setting)
        return form_field

    @requires(Right.SEE)
    def proposed_code(self, flow: str, setting: str) -> str:
        """Return the code that both systems suggest for a setting, or an empty text. Only a person sets it."""
        propose = self.code_setting(flow, setting).propose
        return propose(lambda code_list: self._lists.readable(code_list.system, code_list.name) or {})

    def _source_field(self, flow: str, target: str) -> Field | None:
        """Return the source field that fills a target field, or None if several or none do."""
        rules = self._mappings.published(flow).mapping.rules
        rule = next((rule for rule in rules if rule.target == target), None)
        if rule is None or not rule.source:
            return None
        spec, whole = self._flows[flow], self._logics.flow(flow)
        source_kind = spec.parts_of(whole).get(Kind(target.partition(".")[0]), whole.counted_stage.source)
        fields = self._lists.fields(spec.flow.source, source_kind)
        return next((field for field in fields if field.name == rule.source), None)

    @requires(Right.SEE)
    def article(self, code: str) -> Record | None:
        """Return an article of the books by its code, or None if there is none."""
        records: Sequence[Record] = self._access.connector(BOOKS.system).fetch(Kind.ARTICLE, [code]) if code else ()
        return records[0] if records else None

    @requires(Right.REPAIR)
    def correct(
        self, flow: str, field: Field, values: Mapping[str, Value], by: Actor, titles: Mapping[str, str]
    ) -> None:
        """Store corrections that replace the source's values of one field, by key of the source record.

        A correction applies until the source changes the value; it is never written to the source. Records that the
        source no longer has are left out.
        """
        records = self.records(flow, list(values))
        corrections = [
            Correction(
                records[key].kind,
                key,
                field.name,
                records[key].values.get(field.name),
                value,
                titles.get(key, ""),
                by.ref,
            )
            for key, value in values.items()
            if key in records
        ]
        self._corrections.keep(flow, corrections, by.ref)

    @requires(Right.SEE)
    def sold(self, cause: IssueGroupKey, articles: Collection[str]) -> dict[str, Record]:
        """Return for each of these articles a till line that sold it, if the first records of the group have one."""
        lines: dict[str, Record] = {}
        keys = [open_issue.issue.key for open_issue in self.issues_of(cause, limit=FEW)]
        for record in self.records(cause.flow, keys).values():
            for part in record.parts:
                codes = {as_text(part.values.get(name)) for name in ("code", "article")}
                for code in codes & set(articles) if part.kind is Kind.LINE else ():
                    lines.setdefault(code, part)
        return lines

    @requires(Right.REPAIR)
    def answer(self, open_issue: OpenIssue, number: str | None, by: Actor) -> None:
        """Store a person's answer about a change in doubt: the record has this number, or (None) does not exist.

        An existing record is linked and counts as accepted, because nobody has proven it. A missing one may be sent
        once more by the next plan. Raises IntegrationError `answered_meanwhile` if nothing is in doubt any more.
        """
        facts = {"by": by.ref, "reference": number or ""}
        event = "not_there" if number is None else "found_by_hand"
        log_event = Event(
            event=event, flow=open_issue.flow, key=open_issue.issue.key, title=open_issue.title, facts=facts
        )
        if not self._ledger.answer_doubts(open_issue.flow, open_issue.issue.key, number, log_event):
            raise IntegrationError("answered_meanwhile", flow=open_issue.flow, key=open_issue.issue.key)

    @requires(Right.REPAIR)
    def choose(self, open_issue: OpenIssue, chosen: Candidate, by: Actor) -> None:
        """Link the record of an issue to the chosen candidate of the target.

        The link stores the identifying values of both records as the person saw them. Raises KeyError for a cause that
        has no candidates.
        """
        kind = self._flows[open_issue.flow].repair_of(open_issue.issue.cause).kind
        if kind is None:
            raise KeyError(open_issue.issue.cause)
        source = evidence_from_json(json.loads(open_issue.issue.facts.get("evidence_json", "{}"))).source
        evidence = Evidence(source, identities_of(chosen.record) if chosen.record else {})
        facts = {
            "by": by.ref,
            "reference": chosen.reference,
            "candidates": open_issue.issue.facts.get("candidates", ""),
        }
        self._links.keep(
            open_issue.flow,
            [Link(kind, open_issue.issue.key, chosen.reference, evidence=evidence)],
            Event(
                event="linked_by_hand",
                flow=open_issue.flow,
                kind=kind,
                key=open_issue.issue.key,
                title=open_issue.title,
                facts=facts,
            ),
        )

    @requires(Right.REPAIR)
    def decide(self, flow: str, open_issues: Sequence[OpenIssue], option: str, by: Actor, reason: str = "") -> None:
        """Store the repair option that a person chose for each of these issues of a flow, with the reason.

        A decision applies to the state that the person saw, identified by a mark in the issue, and not to later states.
        Raises KeyError for an option that a cause does not have.
        """
        for open_issue in open_issues:
            if option not in self._flows[flow].repair_of(open_issue.issue.cause).options:
                raise KeyError(option)
        open_issues = resolve_conflicts(self._links, self._issues, flow, open_issues, option, by.ref)
        open_issues = answer_identity_questions(self._links, flow, open_issues, option, by.ref)
        corrections: list[Correction] = []
        for open_issue in open_issues:
            decision = decision_text(option, open_issue.issue.facts["mark"], reason.strip())
            kind = Kind.stored(open_issue.issue.facts.get("source") or self._logics.flow(flow).counted_stage.source)
            corrections.append(
                Correction(kind, open_issue.issue.key, open_issue.issue.field, None, decision, open_issue.title, by.ref)
            )
        self._corrections.keep(flow, corrections, by.ref)

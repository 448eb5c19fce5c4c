"""The exception queue: parked records in groups that one repair serves, and the repairs."""

import hashlib
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
from integration.core.link_evidence import NO_EVIDENCE, Evidence, identities_of
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

MOST = 10_000  # records of a group in one repair
AT_ONCE = 500  # source records per call
PAGE = 1_000
DAYS = 14  # of history in the number of new records
FEW = 20  # records of a group that are searched for an example
RUNS_BACK = 10  # runs of a flow that are searched for a retry of a cause
AMOUNT = re.compile(r"-?\d{1,12}(\.\d+)?")
ARTICLES = "articles"  # the value table of substitutes for articles that the books do not have
UNMAPPED = "value_unmapped"  # the cause of missing rows in tables without a cause of their own


ISSUE_COLUMNS = (
    "flow", "cause", "field", "detail", "key", "title", "state", "first_seen", "last_seen", "seen", "assigned", "note",
    "reason", "by", "sold",
)  # fmt: skip


def amount_at_stake(issue: Issue) -> Decimal | None:
    """Return the total of the till document behind an issue, or None if the issue does not have it."""
    told = issue.facts.get("sold", "")
    return Decimal(told) if AMOUNT.fullmatch(told) else None


# Causes that a person decides before anything is booked.
UNBOOKED = frozenset({"reference_of_another", "refund_before_order", "sale_beyond_order"})
# Causes with differences of booked days.
BOOKED_DAYS = frozenset({"day_differs", "day_changed_after_booking", "day_changed_after_filing"})


@dataclass(frozen=True, slots=True)
class AmountAtStake:
    """The amount in euros that a cause affects: not booked yet, or the difference in what is booked."""

    amount: Decimal
    is_difference: bool


def group_amount(group: CauseGroup) -> AmountAtStake | None:
    """Return the amount in euros that a group affects, or None if its documents do not have it."""
    facts = group.facts
    is_document = bool(facts.get("source") and facts.get("mark")) and group.cause not in UNBOOKED
    is_booked = is_document or group.cause in BOOKED_DAYS
    if not group.sold or (is_booked and not ("difference" in facts or "amount" in facts)):
        return None
    return AmountAtStake(group.sold, is_booked)


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A missing row of a value table, with the parts of its key."""

    table: ValueTable
    asked: Mapping[str, str]

    @property
    def code(self) -> str:
        """The code that has no row."""
        return self.asked.get(self.table.code.name, "")


@dataclass(frozen=True, slots=True)
class RetryResult:
    """The result of a preview of all records parked for one cause, counted in records read."""

    group: CauseGroup  # as it was when the retry started
    run: Run
    same: int  # still parked for that cause
    others: Mapping[IssueGroupKey, int]  # parked for another one

    @property
    def solved(self) -> int:
        """The number of records that are no longer parked."""
        return max(0, self.run.counts.read - self.same - self.moved_count)

    @property
    def moved_count(self) -> int:
        """The number of records that are parked for another cause now."""
        return sum(self.others.values())


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
    named = f"{cause.flow}\n{cause.cause}\n{cause.field}\n{cause.detail}"
    return hashlib.sha256(named.encode()).hexdigest()[:10]


def cause_of(flow: str, cause: str, field: str, facts: Mapping[str, str]) -> IssueGroupKey:
    """Return the group key of a parked record."""
    return IssueGroupKey(flow, cause, field, grouping_detail(cause, facts))


def missing_row(spec: FlowSpec, cause: str, facts: Mapping[str, str]) -> MissingRow | None:
    """Return the row of a value table that would repair a cause, or None if a row does not repair it."""
    if cause == UNMAPPED and facts.get("table"):
        named = spec.table(facts["table"])
        return MissingRow(named, {named.code.name: facts.get("value", "")})
    table = next((one for one in spec.tables if cause in one.causes), None)
    return MissingRow(table, table.key_of_missing_row(facts)) if table is not None else None


def codes_without_rows(issue: Issue) -> tuple[MissingCode, ...]:
    """Return the missing codes of an issue: those that its record collected, or else the code of its cause."""
    told = MissingCode(issue.cause, issue.facts, amount_at_stake(issue) or Decimal(0))
    return missing_codes_in(issue.facts) or (told,)


def lacked_rows(spec: FlowSpec, issue: Issue) -> Iterator[tuple[MissingRow, MissingCode]]:
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
    named = {"tables": "table", "settings": "setting"}.get(repair.tab)
    name = repair.name or (facts.get(named, "") if named else field.rpartition("/")[2])
    return {"flow": repair.flow or spec.name, "tab": repair.tab, "table" if repair.tab == "tables" else "field": name}


def missing_articles(cause: str, facts: Mapping[str, str]) -> list[str]:
    """Return the codes of the articles that a document needs and the books do not have."""
    named = facts.get("article", "").split(", ") if cause == "article_missing" else []
    return [code for code in named if code]


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
        groups = sorted(self._causes(flow or None, state), key=lambda one: (rank(one), *_urgency(one)))
        found = self._issues.matching_groups(find, state) if find else None
        return [
            group
            for group in groups
            if (not assigned or group.assigned == assigned) and (found is None or group.group_key in found)
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
        found = [one for one in self._issues.causes() if one.flow not in self._flows]
        return {flow: sum(one.count for one in found if one.flow == flow) for flow in {one.flow for one in found}}

    def _causes(self, flow: str | None, state: IssueState) -> list[CauseGroup]:
        found = [one for one in self._issues.causes(flow, state) if one.flow in self._flows]
        return [with_listed_facts(one, partial(self.list_issues, one.group_key, state)) for one in found]

    @requires(Right.SEE)
    def waits(self, flow: str, key: str) -> Issue | None:
        """Return the open issue of a record, or None if there is none."""
        known = self._issues.of_key(flow, key)
        return next((one.issue for one in known if one.state is IssueState.OPEN), None)

    @requires(Right.SEE)
    def tries(self) -> list[RetryResult]:
        """Return the results of recent retries of causes, the latest of each cause."""
        found: dict[IssueGroupKey, RetryResult] = {}
        for flow in self._flows:
            for run in self._runs.latest(flow, limit=RUNS_BACK):
                group = tried_cause(run)
                if group is not None and group.group_key not in found:
                    found[group.group_key] = self._outcome(run, group)
        return [one for one in found.values() if one.run.state is not RunState.DISCARDED]

    def _outcome(self, run: Run, group: CauseGroup) -> RetryResult:
        counted: Counter[IssueGroupKey] = Counter()
        for row in self._parked(run):
            counted[cause_of(run.flow, row.cause, row.cause_field, row.facts)] += row.weight
        same = counted.pop(group.group_key, 0)
        return RetryResult(group, run, same, dict(counted.most_common()))

    def _parked(self, run: Run) -> Iterator[PlanRow]:
        offset = 0
        while rows := self._plans.rows(run.id, "park", offset=offset, limit=PAGE):
            offset += len(rows)
            yield from (row for row in rows if row.weight)

    @requires(Right.SEE)
    def daily_counts(self, here: datetime) -> dict[IssueGroupKey, dict[date, int]]:
        """Return the number of records that each cause got per day, for the last days up to `here`, in its time zone.

        Settled records count too, and a record that returned counts on the day of its return. A cause whose records all
        came on one day is left out, because it has no course.
        """
        days = [here.date() - timedelta(days=back) for back in reversed(range(DAYS))]
        since = datetime.combine(days[0], time(), here.tzinfo)
        found: dict[IssueGroupKey, dict[date, int]] = {}
        for trouble, moments in self._issues.appearances(since).items():
            counted = dict.fromkeys(days, 0)
            for at, number in moments.items():
                counted[min(at.astimezone(here.tzinfo).date(), days[-1])] += number
            if sum(map(bool, counted.values())) > 1:
                found[trouble] = counted
        return found

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
    def sources(self, flow: str, found: Sequence[OpenIssue]) -> dict[int, tuple[str, ...]]:
        """Return the keys of the source records behind each issue.

        For a product these are all its articles; for a debtor or an address, the documents from which it is derived.
        """
        stages = self._logics.flow(flow).stages
        derived = [stage.target for stage in stages if stage.derived or stage.write_once]
        named = {one.id: (one.issue.facts.get("documents") or one.issue.key).split(",") for one in found}
        counted = [stage.target for stage in stages if stage.counted][-1]
        owners = self._links.get(flow, counted, [key for keys in named.values() for key in keys])

        def behind(key: str) -> tuple[str, ...]:
            agreed = owners[key].agreed if key in owners else None
            if agreed:
                return agreed.sources
            return (self._plans.sources(flow, derived, key) if derived else ()) or (key,)

        return {
            one: tuple(dict.fromkeys(source for key in keys for source in behind(key))) for one, keys in named.items()
        }

    @requires(Right.SEE)
    def keys(self, flow: str, cause: str, field: str | None = None, detail: str | None = None) -> list[str]:
        """Return the source keys of all open issues of a cause."""
        found = self._issues.list(flow, cause, field, detail=detail, limit=MOST)
        every = (key for keys in self.sources(flow, found).values() for key in keys)
        return list(dict.fromkeys(every))

    @requires(Right.SEE)
    def unmapped(self, flow: str, table: str) -> dict[str, int]:
        """Return the values of parked records that a value table lacks, with the number of issues for each."""
        spec = self._flows[flow]
        found = Counter[str]()
        for cause in self.row_causes(flow):
            for one in self._issues.list(flow, cause, limit=MOST):
                rows = (row for row, _ in lacked_rows(spec, one.issue))
                found.update({row.code for row in rows if row.table.name == table})
        return dict(found)

    @requires(Right.SEE)
    def row_causes(self, flow: str, table: str = "") -> list[str]:
        """Return the causes that rows of a flow's value tables repair, or rows of one table."""
        tables = [one for one in self._flows[flow].tables if table in ("", one.name)]
        own = [cause for one in tables for cause in one.causes] or [UNMAPPED]
        several = [code for code, one in CAUSES.items() if one.repair.by is RepairKind.ROWS]
        return list(dict.fromkeys([*own, *([] if table else [UNMAPPED]), *several]))

    @requires(Right.SEE)
    def records(self, flow: str, keys: Collection[str]) -> dict[str, Record]:
        """Return the current source records by key, without those that no longer exist."""
        logic = self._logics.flow(flow)
        wanted, found = list(dict.fromkeys(keys)), {}  # type: tuple[list[str], dict[str, Record]]
        for stage in logic.counted_stages:
            left = [key for key in wanted if key not in found]
            for start in range(0, len(left), AT_ONCE):
                some = self._access.connector(logic.source).fetch(stage.source, left[start : start + AT_ONCE])
                found |= {record.key: record for record in some}
        return found

    @requires(Right.SEE)
    def candidates(self, flow: str, one: OpenIssue) -> list[Candidate]:
        """Return the records of the target that may be the right one for an issue, with their current values."""
        kind = self._flows[flow].repair_of(one.issue.cause).kind
        target = self._access.connector(self._logics.flow(flow).target)
        return candidates(target, self._links, one, kind) if kind is not None else []

    @requires(Right.SEE)
    def customers_of(self, one: OpenIssue) -> list[Record]:
        """Return the customer of an issue with its current source values, or nothing if the source no longer has it."""
        found = self.records(one.flow, self.sources(one.flow, [one])[one.id][:1]).values()
        meant = [next((part for part in each.parts if part.kind is Kind.RELATION), each) for each in found]
        return [replace(each, key=one.issue.key) for each in meant]

    @requires(Right.EXPORT)
    def listed(self, groups: Sequence[CauseGroup], state: IssueState, find: str = "") -> list[list[object]]:
        """Return every record of the groups with the values of `ISSUE_COLUMNS`."""
        return [
            [
                one.flow, one.issue.cause, one.issue.field, group.group_key.detail, one.issue.key, one.title, one.state,
                one.first_seen.isoformat(), one.last_seen.isoformat(), one.seen, group.assigned, group.note,
                one.reason, one.by, amount_at_stake(one.issue),
            ]
            for group in groups
            for one in self.list_issues(group.group_key, state, find)
        ]  # fmt: skip

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
        found = [one for one in self.list_issues(cause, IssueState.OPEN) if not only or one.id in only]
        sources = self.sources(cause.flow, found)
        try:
            records = self.records(cause.flow, [key for keys in sources.values() for key in keys])
        except IntegrationError:
            records = {}
        passing = self._logics.flow(cause.flow).passing
        known = {key: source_mark(record, passing) for key, record in records.items()}
        marks = {one: {key: known[key] for key in keys if key in known} for one, keys in sources.items()}
        return self._issues.dismiss_all(marks, reason.strip(), by.ref)

    @requires(Right.REPAIR)
    def take_back(self, cause: IssueGroupKey, by: Actor, only: Collection[int] = ()) -> None:
        """Reopen a dismissed group, or some of its issues."""
        found = (one.id for one in self.list_issues(cause, IssueState.SET_ASIDE))
        self._issues.reopen_issues([one for one in found if not only or one in only], by.ref)

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
        found = next((one for one in shapes if isinstance(one, Code) and one.name == setting), None)
        if found is None:
            raise KeyError(setting)
        return found

    @requires(Right.SEE)
    def proposed_code(self, flow: str, setting: str) -> str:
        """Return the code that both systems suggest for a setting, or an empty text. Only a person sets it."""
        propose = self.code_setting(flow, setting).propose
        return propose(lambda listed: self._lists.readable(listed.system, listed.name) or {})

    def _source_field(self, flow: str, target: str) -> Field | None:
        """Return the source field that fills a target field, or None if several or none do."""
        rules = self._mappings.published(flow).mapping.rules
        rule = next((rule for rule in rules if rule.target == target), None)
        if rule is None or not rule.source:
            return None
        spec, whole = self._flows[flow], self._logics.flow(flow)
        read = spec.parts_of(whole).get(Kind(target.partition(".")[0]), whole.counted_stage.source)
        fields = self._lists.fields(spec.flow.source, read)
        return next((field for field in fields if field.name == rule.source), None)

    @requires(Right.SEE)
    def article(self, code: str) -> Record | None:
        """Return an article of the books by its code, or None if there is none."""
        found: Sequence[Record] = self._access.connector(BOOKS.system).fetch(Kind.ARTICLE, [code]) if code else ()
        return found[0] if found else None

    @requires(Right.REPAIR)
    def correct(
        self, flow: str, field: Field, values: Mapping[str, Value], by: Actor, titles: Mapping[str, str]
    ) -> None:
        """Store corrections that replace the source's values of one field, by key of the source record.

        A correction applies until the source changes the value; it is never written to the source. Records that the
        source no longer has are left out.
        """
        records = self.records(flow, list(values))
        kept = [
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
        self._corrections.keep(flow, kept, by.ref)

    @requires(Right.SEE)
    def sold(self, cause: IssueGroupKey, articles: Collection[str]) -> dict[str, Record]:
        """Return for each of these articles a till line that sold it, if the first records of the group have one."""
        found: dict[str, Record] = {}
        keys = [one.issue.key for one in self.issues_of(cause, limit=FEW)]
        for record in self.records(cause.flow, keys).values():
            for part in record.parts:
                named = {as_text(part.values.get(name)) for name in ("code", "article")}
                for code in named & set(articles) if part.kind is Kind.LINE else ():
                    found.setdefault(code, part)
        return found

    @requires(Right.REPAIR)
    def answer(self, one: OpenIssue, number: str | None, by: Actor) -> None:
        """Store a person's answer about a change in doubt: the record has this number, or (None) does not exist.

        An existing record is linked and counts as accepted, because nobody has proven it. A missing one may be sent
        once more by the next plan. Raises IntegrationError `answered_meanwhile` if nothing is in doubt any more.
        """
        facts = {"by": by.ref, "reference": number or ""}
        event = "not_there" if number is None else "found_by_hand"
        told = Event(event=event, flow=one.flow, key=one.issue.key, title=one.title, facts=facts)
        if not self._ledger.answer_doubts(one.flow, one.issue.key, number, told):
            raise IntegrationError("answered_meanwhile", flow=one.flow, key=one.issue.key)

    @requires(Right.REPAIR)
    def choose(self, one: OpenIssue, chosen: Candidate, by: Actor) -> None:
        """Link the record of an issue to the chosen candidate of the target.

        The link stores the identifying values of the candidate as the person saw them. Raises KeyError for a cause that
        has no candidates.
        """
        kind = self._flows[one.flow].repair_of(one.issue.cause).kind
        if kind is None:
            raise KeyError(one.issue.cause)
        evidence = Evidence(target=identities_of(chosen.record)) if chosen.record else NO_EVIDENCE
        facts = {"by": by.ref, "reference": chosen.reference, "candidates": one.issue.facts.get("candidates", "")}
        self._links.keep(
            one.flow,
            [Link(kind, one.issue.key, chosen.reference, evidence=evidence)],
            Event(event="linked_by_hand", flow=one.flow, kind=kind, key=one.issue.key, title=one.title, facts=facts),
        )

    @requires(Right.REPAIR)
    def decide(self, flow: str, found: Sequence[OpenIssue], option: str, by: Actor, reason: str = "") -> None:
        """Store the repair option that a person chose for each of these issues of a flow, with the reason.

        A decision applies to the state that the person saw, identified by a mark in the issue, and not to later states.
        Raises KeyError for an option that a cause does not have.
        """
        for one in found:
            if option not in self._flows[flow].repair_of(one.issue.cause).options:
                raise KeyError(option)
        found = resolve_conflicts(self._links, self._issues, flow, found, option, by.ref)
        found = answer_identity_questions(self._links, flow, found, option, by.ref)
        kept: list[Correction] = []
        for one in found:
            decided = decision_text(option, one.issue.facts["mark"], reason.strip())
            kind = Kind.stored(one.issue.facts.get("source") or self._logics.flow(flow).counted_stage.source)
            kept.append(Correction(kind, one.issue.key, one.issue.field, None, decided, one.title, by.ref))
        self._corrections.keep(flow, kept, by.ref)

"""The exception queue as a person works on it: groups by what one repair serves, and the repairs themselves."""

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
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, ValueTable
from integration.flows.spec import FlowSpec
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.runs.candidates import Candidate, candidates
from integration.services.runs.cause_sheet import listing
from integration.services.runs.conflict_resolution import without_conflicts, without_identity_questions
from integration.services.runs.retries import tried_cause
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.corrections import Corrections
from integration.store.events import Event
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.runs import RunStore

MOST = 10_000  # records of a group that are repaired at once
AT_ONCE = 500  # source records asked for with one call
PAGE = 1_000
DAYS = 14  # of which it is told how many records came
FEW = 20  # records of a group that are looked into for an example
RUNS_BACK = 10  # runs of a flow in which a try at a cause is looked for
AMOUNT = re.compile(r"-?\d{1,12}(\.\d+)?")
ARTICLES = "articles"  # the value table of what stands in for articles the books do not have
UNMAPPED = "value_unmapped"  # the cause of what lacks a row of a table that has no cause of its own


ISSUE_COLUMNS = (
    "flow", "cause", "field", "detail", "key", "title", "state", "first_seen", "last_seen", "seen", "assigned", "note",
    "reason", "by", "sold",
)  # fmt: skip


def amount_at_stake(issue: Issue) -> Decimal | None:
    """Return the amount that a document of the till comes to, as far as the issue tells."""
    told = issue.facts.get("sold", "")
    return Decimal(told) if AMOUNT.fullmatch(told) else None


# What a person decides about before anything of it is booked.
UNBOOKED = frozenset({"reference_of_another", "refund_before_order", "sale_beyond_order"})
# What booked days are off by.
BOOKED_DAYS = frozenset({"day_differs", "day_changed_after_booking", "day_changed_after_filing"})


@dataclass(frozen=True, slots=True)
class AmountAtStake:
    """Euros that a cause is about: not booked yet, or the difference of what is booked."""

    amount: Decimal
    is_difference: bool


def group_amount(group: CauseGroup) -> AmountAtStake | None:
    """Return the euros that a group is about, None where its documents do not say."""
    facts = group.facts
    is_document = bool(facts.get("source") and facts.get("mark")) and group.cause not in UNBOOKED
    is_booked = is_document or group.cause in BOOKED_DAYS
    if not group.sold or (is_booked and not ("difference" in facts or "amount" in facts)):
        return None
    return AmountAtStake(group.sold, is_booked)


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A row that a value table lacks: what it is for, by the parts of its key."""

    table: ValueTable
    asked: Mapping[str, str]

    @property
    def code(self) -> str:
        """The code that has no row."""
        return self.asked.get(self.table.code.name, "")


@dataclass(frozen=True, slots=True)
class Try:
    """What a preview of everything that was parked for one cause came to, in records read."""

    group: CauseGroup  # as it was when it was tried again
    run: Run
    same: int  # still parked for that cause
    others: Mapping[IssueGroupKey, int]  # parked for another one

    @property
    def solved(self) -> int:
        """How many are no longer parked."""
        return max(0, self.run.counts.read - self.same - self.elsewhere)

    @property
    def elsewhere(self) -> int:
        """How many are parked for another cause by now."""
        return sum(self.others.values())


# By what causes are sorted; those of one rank as `money` has them: the most of it first, then the longest waiting.
RANKS: Mapping[str, Callable[[CauseGroup], object]] = {
    "money": lambda group: -(group.sold or 0),
    "oldest": lambda group: group.first_seen,
    "newest": lambda group: -group.first_seen.timestamp(),
    "count": lambda group: -group.count,
}


def _urgency(group: CauseGroup) -> tuple[object, ...]:
    return -(group.sold or 0), group.first_seen, -group.count, group.flow, group.cause, group.detail


def group_address(cause: IssueGroupKey) -> str:
    """Return under which short name a group is found in an address; always the same for the same group."""
    named = f"{cause.flow}\n{cause.cause}\n{cause.field}\n{cause.detail}"
    return hashlib.sha256(named.encode()).hexdigest()[:10]


def cause_of(flow: str, cause: str, field: str, facts: Mapping[str, str]) -> IssueGroupKey:
    """Return the group that a parked record belongs to."""
    return IssueGroupKey(flow, cause, field, grouping_detail(cause, facts))


def missing_row(spec: FlowSpec, cause: str, facts: Mapping[str, str]) -> MissingRow | None:
    """Return the row of a value table that would repair a cause, or None when that is no repair of it."""
    if cause == UNMAPPED and facts.get("table"):
        named = spec.table(facts["table"])
        return MissingRow(named, {named.code.name: facts.get("value", "")})
    table = next((one for one in spec.tables if cause in one.causes), None)
    return MissingRow(table, table.asked(facts)) if table is not None else None


def lacked_rows(spec: FlowSpec, issue: Issue) -> Iterator[tuple[MissingRow, MissingCode]]:
    """Yield the rows of value tables that would repair an issue, each with its code."""
    told = MissingCode(issue.cause, issue.facts, amount_at_stake(issue) or Decimal(0))
    for code in missing_codes_in(issue.facts) or (told,):
        row = missing_row(spec, code.cause, code.facts)
        if row is not None and row.code:
            yield row, code


def repair_address(spec: FlowSpec, cause: str, field: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    """Return the address of the tab that repairs a cause, or None when it is repaired elsewhere."""
    repair = spec.repair_of(cause)
    if not repair.flow and not spec.has_place(repair):
        return None
    if cause == "flow_setting_invalid" and facts.get("flow") != spec.name:
        return None
    named = {"tables": "table", "settings": "setting"}.get(repair.tab)
    name = repair.name or (facts.get(named, "") if named else field.rpartition("/")[2])
    return {"flow": repair.flow or spec.name, "tab": repair.tab, "table" if repair.tab == "tables" else "field": name}


def missing_articles(cause: str, facts: Mapping[str, str]) -> list[str]:
    """Return the articles a document needs and the books lack."""
    named = facts.get("article", "").split(", ") if cause == "article_missing" else []
    return [code for code in named if code]


class Exceptions:
    """What waits for a person, and everything a person can do about it."""

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

    # ---- looking

    @requires(Right.SEE)
    def groups(
        self,
        flow: str = "",
        state: IssueState = IssueState.OPEN,
        assigned: str = "",
        find: str = "",
        sort: str = "money",
    ) -> list[CauseGroup]:
        """Return the groups of a flow, or of all, that a person has (or anybody) and that have `find` in a record.

        They are sorted as `RANKS` names it.
        """
        rank = RANKS[sort]
        groups = sorted(self._causes(flow or None, state), key=lambda one: (rank(one), *_urgency(one)))
        found = self._issues.found(find, state) if find else None
        return [
            group
            for group in groups
            if (not assigned or group.assigned == assigned) and (found is None or group.of in found)
        ]

    @requires(Right.SEE)
    def of_run(self, run: Run) -> list[CauseGroup]:
        """Return the causes for which records of a run are parked, as far as they still wait; see `groups`."""
        causes = self._plans.facets(run.id, "parked")["cause"]
        return [group for group in self.groups(run.flow) if group.cause in causes]

    @requires(Right.SEE)
    def group(self, cause: IssueGroupKey, state: IssueState = IssueState.OPEN) -> CauseGroup | None:
        """Return one group, or None when nothing of it is left."""
        return next((group for group in self._causes(cause.flow, state) if group.of == cause), None)

    @requires(Right.SEE)
    def left(self) -> dict[str, int]:
        """Return how many records wait of each flow that is gone: none of them can be repaired, and none is written."""
        found = [one for one in self._issues.causes() if one.flow not in self._flows]
        return {flow: sum(one.count for one in found if one.flow == flow) for flow in {one.flow for one in found}}

    def _causes(self, flow: str | None, state: IssueState) -> list[CauseGroup]:
        found = [one for one in self._issues.causes(flow, state) if one.flow in self._flows]
        return [listing(one, partial(self.every, one.of, state)) for one in found]

    @requires(Right.SEE)
    def waits(self, flow: str, key: str) -> Issue | None:
        """Return why a record waits for a person, or None when it does not."""
        known = self._issues.of_key(flow, key)
        return next((one.issue for one in known if one.state is IssueState.OPEN), None)

    @requires(Right.SEE)
    def tries(self) -> list[Try]:
        """Return what became of causes that were tried again lately, the newest try of each."""
        found: dict[IssueGroupKey, Try] = {}
        for flow in self._flows:
            for run in self._runs.latest(flow, limit=RUNS_BACK):
                group = tried_cause(run)
                if group is not None and group.of not in found:
                    found[group.of] = self._outcome(run, group)
        return [one for one in found.values() if one.run.state is not RunState.DISCARDED]

    def _outcome(self, run: Run, group: CauseGroup) -> Try:
        counted: Counter[IssueGroupKey] = Counter()
        for row in self._parked(run):
            counted[cause_of(run.flow, row.cause, row.cause_field, row.facts)] += row.weight
        same = counted.pop(group.of, 0)
        return Try(group, run, same, dict(counted.most_common()))

    def _parked(self, run: Run) -> Iterator[PlanRow]:
        offset = 0
        while rows := self._plans.rows(run.id, "park", offset=offset, limit=PAGE):
            offset += len(rows)
            yield from (row for row in rows if row.weight)

    @requires(Right.SEE)
    def came(self, here: datetime) -> dict[IssueGroupKey, dict[date, int]]:
        """Return how many records each cause got on each of the last days up to a moment of somebody's clock.

        What has been settled since counts too, and what returned counts on the day it did. A cause that got all of its
        records on one day is left out, as it has no course.
        """
        days = [here.date() - timedelta(days=back) for back in reversed(range(DAYS))]
        since = datetime.combine(days[0], time(), here.tzinfo)
        found: dict[IssueGroupKey, dict[date, int]] = {}
        for trouble, moments in self._issues.came(since).items():
            counted = dict.fromkeys(days, 0)
            for at, number in moments.items():
                counted[min(at.astimezone(here.tzinfo).date(), days[-1])] += number
            if sum(map(bool, counted.values())) > 1:
                found[trouble] = counted
        return found

    @requires(Right.SEE)
    def made_with(self, group: CauseGroup) -> int:
        """Return with which version of its flow's mapping a group was parked last; 0 when nobody knows any more."""
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

        A product counts with all its articles, a debtor or an address with the documents it comes out of.
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
        """Return the source keys of everything open that is parked for a cause."""
        found = self._issues.list(flow, cause, field, detail=detail, limit=MOST)
        every = (key for keys in self.sources(flow, found).values() for key in keys)
        return list(dict.fromkeys(every))

    @requires(Right.SEE)
    def unmapped(self, flow: str, table: str) -> dict[str, int]:
        """Return the values that parked records have and a value table lacks, with the number of those records."""
        spec = self._flows[flow]
        found = Counter[str]()
        for cause in self.row_causes(flow):
            for one in self._issues.list(flow, cause, limit=MOST):
                rows = (row for row, _ in lacked_rows(spec, one.issue))
                found.update({row.code for row in rows if row.table.name == table})
        return dict(found)

    @requires(Right.SEE)
    def row_causes(self, flow: str, table: str = "") -> list[str]:
        """Return the causes that rows of the value tables of a flow repair, or rows of one table."""
        tables = [one for one in self._flows[flow].tables if table in ("", one.name)]
        own = [cause for one in tables for cause in one.causes] or [UNMAPPED]
        several = [code for code, one in CAUSES.items() if one.repair.by is RepairKind.ROWS]
        return list(dict.fromkeys([*own, *([] if table else [UNMAPPED]), *several]))

    @requires(Right.SEE)
    def records(self, flow: str, keys: Collection[str]) -> dict[str, Record]:
        """Return source records as they are now, by their keys; what is gone is left out."""
        logic = self._logics.flow(flow)
        wanted, found = list(dict.fromkeys(keys)), {}  # type: tuple[list[str], dict[str, Record]]
        for stage in logic.counting:
            left = [key for key in wanted if key not in found]
            for start in range(0, len(left), AT_ONCE):
                some = self._access.connector(logic.source).fetch(stage.source, left[start : start + AT_ONCE])
                found |= {record.key: record for record in some}
        return found

    @requires(Right.SEE)
    def candidates(self, flow: str, one: OpenIssue) -> list[Candidate]:
        """Return the records of the target that may be the one an issue is about, as they are now."""
        kind = self._flows[flow].repair_of(one.issue.cause).kind
        target = self._access.connector(self._logics.flow(flow).target)
        return candidates(target, self._links, one, kind) if kind is not None else []

    @requires(Right.SEE)
    def meant(self, one: OpenIssue) -> list[Record]:
        """Return the customer an issue is about, as its source tells it now; nothing where it is gone."""
        found = self.records(one.flow, self.sources(one.flow, [one])[one.id][:1]).values()
        meant = [next((part for part in each.parts if part.kind is Kind.RELATION), each) for each in found]
        return [replace(each, key=one.issue.key) for each in meant]

    @requires(Right.EXPORT)
    def listed(self, groups: Sequence[CauseGroup], state: IssueState, find: str = "") -> list[list[object]]:
        """Return every record of the groups with the values of `ISSUE_COLUMNS`."""
        return [
            [
                one.flow, one.issue.cause, one.issue.field, group.of.detail, one.issue.key, one.title, one.state,
                one.first_seen.isoformat(), one.last_seen.isoformat(), one.seen, group.assigned, group.note,
                one.reason, one.by, amount_at_stake(one.issue),
            ]
            for group in groups
            for one in self.every(group.of, state, find)
        ]  # fmt: skip

    @requires(Right.SEE)
    def every(self, cause: IssueGroupKey, state: IssueState, find: str = "") -> Iterator[OpenIssue]:
        """Yield every issue of a group, the longest waiting first."""
        offset = 0
        while page := self.issues_of(cause, state, find, offset, PAGE):
            offset += len(page)
            yield from page

    # ---- deciding

    @requires(Right.REPAIR)
    def set_aside(self, cause: IssueGroupKey, reason: str, by: Actor, only: Collection[int] = ()) -> int:
        """Take a group out of the queue with a reason, or some issues of it, and return how many that were.

        They stay out until their cause is gone, somebody takes them back, or their source is changed. While the source
        does not answer nobody can tell what it is like now: then only the first two bring them back.
        """
        found = [one for one in self.every(cause, IssueState.OPEN) if not only or one.id in only]
        sources = self.sources(cause.flow, found)
        try:
            records = self.records(cause.flow, [key for keys in sources.values() for key in keys])
        except IntegrationError:
            records = {}
        passing = self._logics.flow(cause.flow).passing
        known = {key: source_mark(record, passing) for key, record in records.items()}
        marks = {one: {key: known[key] for key in keys if key in known} for one, keys in sources.items()}
        return self._issues.set_all_aside(marks, reason.strip(), by.ref)

    @requires(Right.REPAIR)
    def take_back(self, cause: IssueGroupKey, by: Actor, only: Collection[int] = ()) -> None:
        """Put a group back into the queue that was set aside, or some issues of it."""
        found = (one.id for one in self.every(cause, IssueState.SET_ASIDE))
        self._issues.take_back([one for one in found if not only or one in only], by.ref)

    # ---- repairing

    @requires(Right.SEE)
    def field_to_correct(self, flow: str, cause: str, field: str) -> Field | None:
        """Return the field of the source whose value repairs a cause, or None when no single field does."""
        if self._flows[flow].repair_of(cause).by is not RepairKind.VALUE:
            return None
        target = field.rpartition("/")[2]
        try:
            return self._source_field(flow, target if "." in target else f"article.{target}")
        except IntegrationError:
            return None

    def _source_field(self, flow: str, target: str) -> Field | None:
        """Return the field of the source that a target field is filled from, None where it is not from one field."""
        rules = self._mappings.published(flow).mapping.rules
        rule = next((rule for rule in rules if rule.target == target), None)
        if rule is None or not rule.source:
            return None
        spec, whole = self._flows[flow], self._logics.flow(flow)
        read = spec.parts_of(whole).get(Kind(target.partition(".")[0]), whole.counted.source)
        fields = self._lists.fields(spec.flow.source, read)
        return next((field for field in fields if field.name == rule.source), None)

    @requires(Right.SEE)
    def article(self, code: str) -> Record | None:
        """Return an article of the books by its code, or None when there is none."""
        found: Sequence[Record] = self._access.connector(BOOKS).fetch(Kind.ARTICLE, [code]) if code else ()
        return found[0] if found else None

    @requires(Right.REPAIR)
    def correct(
        self, flow: str, field: Field, values: Mapping[str, Value], by: Actor, titles: Mapping[str, str]
    ) -> None:
        """Let values hold in the place of those the source has in a field, by the key of its records.

        They hold as long as the source does not change them, and never reach it. What is gone from it is left out.
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
        """Return for each of these articles a line of the till that sold it, as far as one of the group still tells."""
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
        """Keep what a person found of what is in doubt: it is there under a number, or (None) it is not.

        What is there is linked and counts as accepted, for nobody proved it; what is not may be sent once more, by the
        next plan. Raises IntegrationError `answered_meanwhile` where nothing is in doubt any more.
        """
        facts = {"by": by.ref, "reference": number or ""}
        event = "not_there" if number is None else "found_by_hand"
        told = Event(event=event, flow=one.flow, key=one.issue.key, title=one.title, facts=facts)
        if not self._ledger.answer_doubts(one.flow, one.issue.key, number, told):
            raise IntegrationError("answered_meanwhile", flow=one.flow, key=one.issue.key)

    @requires(Right.REPAIR)
    def choose(self, one: OpenIssue, chosen: Candidate, by: Actor) -> None:
        """Keep which record of the target an issue is about: the two are linked from now on.

        What identifies the record as the person saw it is kept with the link. Raises KeyError for an issue about which
        that cannot be said.
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
        """Keep which option of its repair a person took for each of these issues of a flow, and why.

        It holds for what the person was shown, of which the issue has a mark, and for nothing that comes after it.
        Raises KeyError for an option that a cause does not have.
        """
        for one in found:
            if option not in self._flows[flow].repair_of(one.issue.cause).options:
                raise KeyError(option)
        found = without_conflicts(self._links, self._issues, flow, found, option, by.ref)
        found = without_identity_questions(self._links, flow, found, option, by.ref)
        kept: list[Correction] = []
        for one in found:
            decided = decision_text(option, one.issue.facts["mark"], reason.strip())
            kind = Kind.stored(one.issue.facts.get("source") or self._logics.flow(flow).counted.source)
            kept.append(Correction(kind, one.issue.key, one.issue.field, None, decided, one.title, by.ref))
        self._corrections.keep(flow, kept, by.ref)

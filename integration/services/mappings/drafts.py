"""Unpublished mappings: drafts, their differences from the published version, and their effect.

Nothing here writes to a system, and no result of a trial is stored.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from integration.core.authorization import requires
from integration.core.compiled import rule_faults
from integration.core.errors import Reason
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue
from integration.core.people import Actor, Right
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind, Record, Value
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Rule, readable_rules, rules_to
from integration.core.traces import Trace
from integration.flows.functions.toolbox import Tools
from integration.flows.registry import Specs
from integration.flows.spec import page_in, stage_records
from integration.services.mappings.code_lists import CHOICES_CACHED_FOR, CodeLists
from integration.services.mappings.mappings import Logics, Mappings, kind_of
from integration.services.mappings.trials import Comparison, Effect, TargetLookup, Trial, TrialDifference, try_mapping
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.rules import MappingStore
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings

MAX_RECORDS = 200  # in one trial of a draft
MAX_SECONDS = 30.0  # for one trial of a draft
AT_ONCE = 20  # records between two calls of `progress`
RUNS_BACK = 5  # runs whose lines give the recent records
# The attributes in which two rules for one field can differ.
ASPECTS = tuple(attribute.name for attribute in fields(Rule) if attribute.name != "target")


# ---- differences ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A difference in the rule of one field. Without `before` the rule was added, without `after` it was removed."""

    target: str
    before: Rule | None
    after: Rule | None

    @property
    def aspects(self) -> tuple[str, ...]:
        """The names of the attributes that differ."""
        if self.before is None or self.after is None:
            rule = self.before or self.after or Rule(target=self.target)
            usual = Rule(target=self.target)
            return tuple(name for name in ASPECTS if getattr(rule, name) != getattr(usual, name))
        return tuple(name for name in ASPECTS if getattr(self.before, name) != getattr(self.after, name))


def mapping_changes(before: RuleMapping, after: RuleMapping) -> list[RuleChange]:
    """Return the differences between two mappings, field by field. The order of rules does not count."""
    old, new = _by_target(before), _by_target(after)
    pairs = ((target, old.get(target), new.get(target)) for target in {**old, **new})
    return [RuleChange(target, rule, other) for target, rule, other in pairs if rule != other]


def rebased(base: RuleMapping, edited: RuleMapping, published: RuleMapping) -> RuleMapping:
    """Return the published mapping with the changes of the edited one. A rule that both changed is the edited one."""
    result = _by_target(published)
    for change in mapping_changes(base, edited):
        if change.after is None:
            result.pop(change.target, None)
        else:
            result[change.target] = change.after
    return RuleMapping(published.version, tuple(result.values()))


def _by_target(mapping: RuleMapping) -> dict[str, Rule]:
    return {rule.target: rule for rule in mapping.rules}


# ---- drafts and trials of a console ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """An unpublished mapping: the version it was made from, and who changed it last."""

    base: int
    mapping: RuleMapping
    by: str
    changed_at: datetime


Progress = Callable[[int, int], None]


class Drafts:
    """Stored drafts of mappings, which survive a closed browser window, and their effect."""

    def __init__(
        self,
        flows: Specs,
        links: Links,
        plans: PlanStore,
        rules: MappingStore,
        runs: RunStore,
        stored_settings: StoredSettings,
        *,
        logics: Logics,
        mappings: Mappings,
        lists: CodeLists,
        access: ConnectorFactory,
    ) -> None:
        self._flows = flows
        self._links = links
        self._plans = plans
        self._rules = rules
        self._runs = runs
        self._stored = stored_settings
        self._logics = logics
        self._mappings = mappings
        self._lists = lists
        self._access = access

    # ---- drafts

    @requires(Right.SEE)
    def draft(self, flow: str) -> Draft | None:
        """Return the draft of a flow, or None if there is none."""
        record = self._stored.get(_name(flow)) or {}
        try:
            begun, changed_at = int(record["base"]), datetime.fromisoformat(record["changed_at"])
            return Draft(begun, readable_rules(dict(record["body"])), str(record["by"]), changed_at)
        except (KeyError, TypeError, ValueError):  # discarded, or not a valid draft
            return None

    @requires(Right.SEE)
    def version(self, flow: str, version: int) -> RuleMapping:
        """Return one published version. Raises KeyError if it does not exist."""
        return readable_rules(self._rules.body(flow, version))

    @requires(Right.SEE)
    def current(self, flow: str) -> int:
        """Return the number of the published version, or 0 if there is none."""
        published = self._rules.published(flow)
        return published[0] if published else 0

    @requires(Right.ARRANGE)
    def put_rule(self, flow: str, rule: Rule, by: Actor) -> None:
        """Store a rule in the draft in place of the one for the same field. Begins a draft if there is none."""
        base, mapping = self._current_mapping(flow)
        rules = _by_target(mapping)
        rules[rule.target] = rule
        self._keep(flow, base, RuleMapping(mapping.version, tuple(rules.values())), by)

    @requires(Right.ARRANGE)
    def remove_rule(self, flow: str, target: str, by: Actor) -> None:
        """Remove the rule for a field from the draft."""
        base, mapping = self._current_mapping(flow)
        rules = tuple(rule for rule in mapping.rules if rule.target != target)
        self._keep(flow, base, RuleMapping(mapping.version, rules), by)

    @requires(Right.ARRANGE)
    def restore_rule(self, flow: str, target: str, by: Actor) -> None:
        """Restore the rule for a field from the version that the draft was made from."""
        base, _ = self._current_mapping(flow)
        before = _by_target(self.version(flow, base)).get(target)
        if before is None:
            self.remove_rule(flow, target, by)
        else:
            self.put_rule(flow, before, by)

    @requires(Right.ARRANGE)
    def take_version(self, flow: str, version: int, by: Actor) -> None:
        """Make a draft of an earlier version. Raises KeyError if it does not exist."""
        self._keep(flow, self.current(flow), self.version(flow, version), by)

    @requires(Right.ARRANGE)
    def rebase(self, flow: str, by: Actor) -> None:
        """Apply the changes of the draft to the version that is published now."""
        draft = self.draft(flow)
        if draft is not None:
            now = self.current(flow)
            mapping = rebased(self.version(flow, draft.base), draft.mapping, self.version(flow, now))
            self._keep(flow, now, mapping, by)

    @requires(Right.ARRANGE)
    def discard(self, flow: str, by: Actor) -> None:
        """Delete the draft."""
        if self._stored.get(_name(flow)):
            self._stored.put(_name(flow), {}, by.ref)

    @requires(Right.ARRANGE)
    def publish(self, flow: str, by: Actor, note: str) -> int:
        """Publish the draft of a flow and return its version; see `Mappings.publish`.

        Without a draft, publish nothing.
        """
        draft = self.draft(flow)
        if draft is None:
            return self._mappings.published(flow).version
        version = self._mappings.publish(flow, draft.mapping, draft.base, by, note)
        self.discard(flow, by)
        return version

    def _current_mapping(self, flow: str) -> tuple[int, RuleMapping]:
        draft = self.draft(flow)
        if draft is not None:
            return draft.base, draft.mapping
        version = self.current(flow)
        return version, self.version(flow, version)

    def _keep(self, flow: str, base: int, mapping: RuleMapping, by: Actor) -> None:
        if not mapping_changes(self.version(flow, base), mapping):
            self.discard(flow, by)
            return
        at = datetime.now(UTC).isoformat()
        self._stored.put(_name(flow), {"base": base, "body": rules_to(mapping), "by": by.ref, "changed_at": at}, by.ref)

    # ---- rules that cannot work

    @requires(Right.SEE)
    def faults(self, flow: str, mapping: RuleMapping) -> dict[str, Reason]:
        """Return the fault of each rule that cannot work, by its target."""
        faults, found_by = rule_faults(mapping, Tools(self._rules.tables())), self._flows[flow].match_fields
        for rule in mapping.rules:
            if rule.target in found_by and rule.ownership is Ownership.NEVER:
                faults.setdefault(rule.target, Reason("reason_found_by"))
        return faults

    def _without_faulty_rules(self, flow: str, mapping: RuleMapping) -> RuleMapping:
        faults = self.faults(flow, mapping)
        return RuleMapping(mapping.version, tuple(rule for rule in mapping.rules if rule.target not in faults))

    # ---- trials

    @requires(Right.SEE)
    def records(self, flow: str, kind: Kind, keys: Collection[str]) -> list[Record]:
        """Return the current source records with these keys, with corrections applied."""
        return list(
            self._logics.corrected(flow, self._access.connector(self._logics.flow(flow).source).fetch(kind, keys))
        )

    @requires(Right.SEE)
    def recent(self, flow: str, kind: Kind, limit: int = MAX_RECORDS) -> list[Record]:
        """Return recent source records of a flow, cached for one minute.

        First those in the plans of its latest runs, then others from the source.
        """
        source, question = self._logics.flow(flow).source, f"recent {flow} {kind} {limit}"
        return list(self._lists.cached(source, question, CHOICES_CACHED_FOR, lambda _: self._recent(flow, kind, limit)))

    def _recent(self, flow: str, kind: Kind, limit: int) -> list[Record]:
        keys = list(dict.fromkeys(self._last_keys(flow, kind, limit)))[:limit]
        records = {record.key: record for record in self.records(flow, kind, keys)} if keys else {}
        logic, after = self._logics.trial(flow), None
        source = self._access.connector(logic.flow.source)
        stage = next(
            (flow_stage for flow_stage in logic.flow.stages if flow_stage.source is kind), Stage(kind, kind, kind)
        )
        while len(records) < limit:
            batch = page_in(source, logic, stage, since=None, after=after)
            fresh = [record for record in batch.records if record.key not in records]
            for record in self._logics.corrected(flow, fresh[: limit - len(records)]):
                records[record.key] = record
            after = batch.after
            if after is None:
                break
        return list(records.values())[:limit]

    def _last_keys(self, flow: str, kind: Kind, limit: int) -> Iterator[str]:
        reading = {stage.name for stage in self._logics.flow(flow).stages if stage.source is kind}
        for run in self._runs.latest(flow, limit=RUNS_BACK):
            for row in self._plans.rows(run.id, limit=limit):
                if row.stage in reading:
                    yield from _sources(row)

    @requires(Right.SEE)
    def trial(self, flow: str, mapping: RuleMapping, records: Sequence[Record]) -> list[Trial]:
        """Return the results of a mapping for these records. Rules that cannot work are left out.

        Raises ConfigurationError if the flow rejects the mapping as a whole.
        """
        if not records:
            return []
        good = self._without_faulty_rules(flow, mapping)
        logic = self._logics.trial(flow, good, [record.key for record in records])
        return try_mapping(self._flows[flow], logic, records)

    @requires(Right.SEE)
    def trace_record(self, flow: str, key: str, mapping: RuleMapping | None = None) -> list[Trace]:
        """Return the traces of the values of a record, optionally with an unpublished mapping; [] if unknown."""
        logic = self._logics.trial(flow, mapping)
        for stage in logic.flow.counted_stages:
            for record in self.records(flow, stage.source, [key]):
                return logic.trace(stage, record)
        return []

    @requires(Right.SEE)
    def objections(
        self, flow: str, cause: str, name: str, records: Mapping[str, Record], values: Mapping[str, Value]
    ) -> dict[str, Issue]:
        """Return the issues of this cause that would remain with other values of a field, by key of the record."""
        logic = self._logics.trial(flow, afresh=list(values))
        issues: dict[str, Issue] = {}
        for stage in logic.flow.counted_stages:
            sources = [records[key] for key in values if key in records and records[key].kind is stage.source]
            others = [replace(record, values={**record.values, name: values[record.key]}) for record in sources]
            for staged in stage_records(logic, stage, others) if others else ():
                if staged.issue and staged.issue.cause == cause:
                    issues[staged.key] = staged.issue
        return issues

    @requires(Right.SEE)
    def effect(
        self,
        flow: str,
        mapping: RuleMapping,
        progress: Progress = lambda _done, _total: None,
        seconds: float = MAX_SECONDS,
    ) -> Effect:
        """Return how the next plan of a flow's recent records would differ with this mapping from the published one.

        Queries both systems as a preview does. `progress` is called with the numbers of records done and in total.
        """
        before, whole = self.version(flow, self.current(flow)), self._logics.flow(flow)
        kinds = {whole.read_for(kind_of(change.target)) for change in mapping_changes(before, mapping)}
        records = [record for kind in sorted(kinds) for record in self._recent(flow, kind, MAX_RECORDS)]
        until, good = time.monotonic() + seconds, self._without_faulty_rules(flow, mapping)
        differences: list[TrialDifference] = []
        checked_count = 0
        keys = [record.key for record in records]
        old, new = (self._logics.trial(flow, rule_mapping, keys) for rule_mapping in (before, good))
        target = TargetLookup(self._access, self._links, self._logics.flow(flow))
        comparison = Comparison(old, new, records, target)
        for page in comparison.pages(AT_ONCE):
            if time.monotonic() > until:
                break
            differences += comparison.find_differences(page)
            checked_count += len(page)
            progress(checked_count, len(records))
        return Effect(checked_count, tuple(differences), cut=checked_count < len(records))


def _name(flow: str) -> str:
    return f"draft:{flow}"


def _sources(row: PlanRow) -> Sequence[str]:
    return row.change.sources if row.change else row.facts.get("documents", row.key).split(",")

"""Logic of the flow `customers`: debtors of the books become relations of the till, without duplicates."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.errors import Reason
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.plan import Change, retire
from integration.core.records import CurrentRecord, Kind, Record, Value, clean, is_same_value
from integration.core.rules import EMPTY, as_text, field_owners, rule_error, rules_from
from integration.core.source_values import with_source_values
from integration.core.staged_records import StagedRecord
from integration.core.traces import Trace, TraceStep, by_setting, explained_trace
from integration.core.vat_numbers import bare_vat_number
from integration.flows.customers.settings import FLOW, CountryDefaults, CustomerSettings
from integration.flows.functions.toolbox import Tools
from integration.flows.prices import Terms, as_stored_at_till, is_term, traced
from integration.flows.settings import RecordRejected, excluded_by_filter, require_filled
from integration.flows.spec import FlowLogic, TargetRecord
from integration.flows.vat_numbers import MEMBERS, checked_vat_number
from integration.words.countries import country_code

EXTERNAL_ID, EMAIL, VAT_NUMBER = "relation.external_id", "relation.email", "relation.vat_number"
VAT_METHOD, PRICE_GROUP = "relation.vat_method", "relation.price_group"
NO_TERMS = Terms()
# Internal values of a relation: other debtors with the same evidence. Never written.
SHARED = {"email": "shared_email", "vat_number": "shared_vat_number"}


class Customers(FlowLogic):
    """The logic of the flow `customers`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: CustomerSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        terms: Terms = NO_TERMS,
        prices_include_vat: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare everything that does not depend on a record.

        `terms` translates price agreements; `prices_include_vat` returns whether prices of the books include VAT.
        Raises ConfigurationError if the mapping cannot be used.
        """
        mapping, tools = rules_from(mapping_body), Tools(tables)
        owned = field_owners(mapping)
        if owned.get(EXTERNAL_ID) is Ownership.NEVER:  # needed to find an unanswered create again
            raise rule_error(EXTERNAL_ID, Reason("reason_found_by"))
        self.flow = FLOW
        self.settings = settings
        self.resends = settings.resends
        self.retires = settings.retire_gone
        self.mapping_version = version
        default_policy = dict.fromkeys((EXTERNAL_ID, VAT_METHOD, PRICE_GROUP), Ownership.ON_CREATE)
        self.policy = terms.policy({**default_policy, **owned})
        self._no_agreement = settings.no_agreement
        self._terms = terms
        self._prices_include_vat = prices_include_vat
        self._by_country = {country.upper(): defaults for country, defaults in settings.by_country.items()}
        self._excluded_numbers = frozenset(map(_fold_case, settings.leave_out))
        self._accounts = frozenset(map(_fold_case, settings.accounts))
        self._relations = compile(mapping, tools, {Kind.RELATION})
        self.reads = settings.fields_read() | self._relations.reads

    # ---- each record by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return each debtor as the desired relation; see `FlowLogic`."""
        return [self._debtor(record) for record in records]

    def _debtor(self, record: Record) -> StagedRecord:
        key, title = record.key, _title(record)
        if skip := self._skip_if_excluded(record):
            return StagedRecord(key, key, title, skip=skip)
        try:
            values = self._relation_values(record)
        except RecordRejected as rejected:
            return StagedRecord(key, key, title, issue=rejected.issue(key))
        counts = values.get("active") is not False
        number = as_text(values.get("vat_number")) if counts else ""
        mark = as_text(values.get("email")).casefold() if counts else ""
        return StagedRecord(key, key, title, number, mark, Record(Kind.RELATION, key, values))

    def _skip_if_excluded(self, record: Record) -> Skip | None:
        key, account = record.key, as_text(record.values.get("account")).strip()
        if _fold_case(key) in self._excluded_numbers:
            return Skip("left_out_by_number", key, {"key": key})
        if self._accounts and _fold_case(account) not in self._accounts:
            return Skip("not_a_debtor", key, {"key": key, "account": account})
        if record.values.get("blocked") is True and self.settings.blocked == "skip":
            return Skip("blocked", key, {"key": key})
        return excluded_by_filter(record, self.settings.filters)

    def _relation_values(self, record: Record) -> dict[str, Value]:
        """Return the values of the relation, including its evidence even if the mapping does not write that.

        Raises RecordRejected.
        """
        mapped = self._relations.apply(record)
        for issue in mapped.issues:
            raise self._mapping_rejection(issue, record)
        fields = ((name.partition(".")[2], clean(value)) for name, value in mapped.values.items())
        values = {name: as_stored_at_till(name, value) for name, value in fields}
        require_filled(values, "name", "relation.name", self.flow.target)
        values.setdefault("email", as_text(record.values.get("email")).strip())
        values.setdefault("vat_number", record.values.get("vat_number"))
        values["vat_number"] = _valid_vat_number(values["vat_number"], record)
        values["external_id"] = values.get("external_id") or record.key
        for name, step in self._default_steps(record, values).items():
            values[name] = step.value
        values |= with_source_values(values, record.values)
        return values | self._terms.of_customer(record, incl=self._prices_include_vat())

    def _mapping_rejection(self, issue: Issue, record: Record) -> RecordRejected:
        facts = {**issue.facts, "system": self.flow.target}
        if issue.cause == "field_too_long" and issue.field == EMAIL:  # truncated, it may be somebody else's
            return RecordRejected("email_too_long", EMAIL, **facts, customer=_title(record))
        return RecordRejected(issue.cause, issue.field, **facts)

    def _default_steps(self, record: Record, values: Mapping[str, Value]) -> dict[str, TraceStep]:
        """Return the defaults of the settings for values that the mapping does not give, each with its setting."""
        country = _country_of(record)
        own = self._by_country.get(country, CountryDefaults())
        with_number = own.vat_method_with_number if values.get("vat_number") else ""
        defaults = {"vat_method": with_number or own.vat_method, "price_group": own.price_group}
        others = {"vat_method": self.settings.default_vat_method, "price_group": self.settings.default_price_group}
        steps = {
            name: TraceStep(f"by_country {country}", value) if value else TraceStep(f"default_{name}", others[name])
            for name, value in defaults.items()
        }
        return {name: step for name, step in steps.items() if values.get(name) in EMPTY and step.value}

    # ---- target records

    def shape(
        self,
        stage: Stage,
        members: Sequence[StagedRecord],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> TargetRecord:
        """Return the only debtor of a parent, with the other debtors that share its VAT number or e-mail address."""
        (member,) = members
        if member.record is None:
            return TargetRecord.from_single_member(member)
        sharing = {
            SHARED["vat_number"]: tuple(key for key in duplicates.get(member.number, ()) if key != member.key),
            SHARED["email"]: tuple(key for key in marks.get(member.mark, ()) if key != member.key),
        }
        shared = {name: others for name, others in sharing.items() if others}
        desired = replace(member.record, values={**member.record.values, **shared})
        return TargetRecord(self._terms.withdrawn(desired), member.title)

    def objection(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> Issue | None:
        """Return an issue if a person must decide whether the relation that was found is this customer.

        A linked relation is already decided. Otherwise the evidence must match exactly one relation and one debtor, and
        the relation must not have the external id of another customer.
        """
        if current is None:
            return None
        facts = {
            "key": desired.key,
            "customer": as_text(desired.values.get("name")) or desired.key,
            "system": self.flow.target,
            "number": current.reference,
            "evidence": current.evidence,
        }
        if current.other_references:
            candidates = ", ".join((current.reference, *current.other_references))
            return Issue("customer_ambiguous", desired.key, facts=facts | {"candidates": candidates})
        if link is not None or current.evidence not in SHARED:
            return None
        if others := as_text(desired.values.get(SHARED[current.evidence])):
            return Issue("customer_shared", desired.key, facts=facts | {"others": others})
        theirs = _other_id(desired, current)
        if theirs and self.settings.other_external_id == "park":
            return Issue("customer_taken", desired.key, facts=facts | {"other": theirs})
        return None

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the values to write: no empty ones unless they clear a field, and no id over another one."""
        if current is None and not self.settings.create:
            return Skip("create_switched_off", desired.key, {"key": desired.key})
        if current is None and desired.values.get("active") is False:
            return Skip("blocked", desired.key, {"key": desired.key})
        out = set(SHARED.values())
        if current is None or self.settings.empty == "keep":
            empty = {name for name, value in desired.values.items() if value in EMPTY and not is_term(name)}
            withdrawn = self._withdrawn_fields(desired.key, empty, current.record) if current else set()
            out |= empty - withdrawn
            cleared_values = {name: self._no_agreement[name] for name in withdrawn & self._no_agreement.keys()}
            desired = replace(desired, values={**desired.values, **cleared_values})
        if current is not None and _other_id(desired, current):
            out.add("external_id")
        return replace(desired, values={name: value for name, value in desired.values.items() if name not in out})

    def _withdrawn_fields(self, key: str, empty: Collection[str], existing: Record) -> set[str]:
        """Return the fields that the books no longer have and that have the value we wrote at the till."""
        ours = {name for name in empty if self._may_clear(name) and existing.values.get(name) not in EMPTY}
        agreed = self._terms.agreed(key) if ours else None
        return {name for name in ours if agreed and is_same_value(agreed.values.get(name), existing.values.get(name))}

    def _may_clear(self, name: str) -> bool:
        """Return True if the books may clear a field: one kept equal, or one of an agreement that nobody edited."""
        owner = self.policy.get(f"{Kind.RELATION}.{name}")
        return owner is Ownership.KEEP_EQUAL or (owner is Ownership.KEEP_UNLESS_CHANGED and name in self._no_agreement)

    def remarks(
        self, stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None
    ) -> tuple[Issue, ...]:
        """Return a remark if the till keeps a price group that neither the books gave nor a flow wrote."""
        price_group = as_text(current.record.values.get("price_group")).strip() if current else ""
        is_asked = "price_group" in desired.values and self._may_clear("price_group")
        if (
            price_group in ("", self._no_agreement["price_group"])
            or not is_asked
            or desired.values["price_group"] not in EMPTY
            or self.settings.empty == "clear"
        ):
            return ()
        agreed = link.agreed.values.get("price_group") if link and link.agreed else None
        if is_same_value(agreed, price_group):
            return ()
        facts = {"key": as_text(desired.values.get("name")) or desired.key, "number": price_group}
        return (Issue("price_group_of_till", desired.key, "relation.price_group", facts),)

    def withdraw(self, stage: Stage, change: Change) -> Change | Skip | Issue:
        """Return the change that makes a created relation inactive, because it may have sales by now."""
        if change.agreed.values.get("active") is False:
            return super().withdraw(stage, change)
        return replace(retire(change.agreed, frozenset(), change.agreed, title=change.title), group=change.group)

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        rule_traces = self._relations.trace(record)
        traces = {trace.target: replace(trace, value=_stored_value(trace)) for trace in rule_traces}
        if VAT_NUMBER in traces:
            traces[VAT_NUMBER] = _vat_number_trace(traces[VAT_NUMBER], record)
        if EXTERNAL_ID not in traces or traces[EXTERNAL_ID].value in EMPTY:
            traces[EXTERNAL_ID] = explained_trace(EXTERNAL_ID, record.key, "own_number")
        values = {target.partition(".")[2]: trace.value for target, trace in traces.items()}
        values.setdefault("vat_number", record.values.get("vat_number"))
        for name, step in self._default_steps(record, values).items():
            before = traces.get(f"{Kind.RELATION}.{name}")
            steps, target = before.steps if before else (), f"{Kind.RELATION}.{name}"
            traces[target] = Trace(target, (*steps, step), step.value, reason=_default_reason(step))
        terms = partial(self._terms.of_customer, record, incl=self._prices_include_vat())
        return [*traces.values(), *traced(Kind.RELATION, record.key, terms)]

    def change_reasons(self, change: Change) -> Mapping[str, Reason]:
        """Return the reasons of prices and other agreements that are removed because the books no longer have them."""
        values = change.desired.values.items()
        cleared_names = (
            name for name, value in values if (value is None and is_term(name)) or self._removes_agreement(name, value)
        )
        return {name: Reason("because_agreement_gone") for name in cleared_names}

    def _removes_agreement(self, name: str, value: Value) -> bool:
        return name in self._no_agreement and (value in EMPTY or value == self._no_agreement[name])


def _stored_value(trace: Trace) -> Value:
    return as_stored_at_till(trace.target.partition(".")[2], clean(trace.value))


def _default_reason(step: TraceStep) -> Reason:
    kind, _, country = step.operation.partition(" ")
    return Reason("because_country", {"country": country}) if country else by_setting(kind)


def _title(record: Record) -> str:
    return as_text(record.values.get("name")).strip() or record.key


def _fold_case(text: str) -> str:
    return text.strip().casefold()


def _other_id(desired: Record, current: CurrentRecord) -> str:
    """Return the external id of the found relation if it is that of another customer."""
    theirs = as_text(current.record.values.get("external_id")).strip()
    return "" if theirs in (as_text(desired.values.get("external_id")), desired.key) else theirs


def _country_of(record: Record) -> str:
    """Return the ISO code of a customer's country, from any name the books use for it."""
    country = as_text(record.values.get("country")).strip()
    return country_code(country) or country.upper()


def _valid_vat_number(value: Value, record: Record) -> str:
    """Return a VAT number in one spelling with its country prefix. Raises RecordRejected for an invalid one.

    Only EU numbers can be checked. A number without prefix is read as one of the customer's country.
    """
    number, country = as_text(value).strip(), _country_of(record)
    bare, checked = bare_vat_number(number), checked_vat_number(number, country)
    has_prefix = bare[:2].isalpha()
    if checked or not bare or (has_prefix and bare[:2].lower() not in MEMBERS):
        return checked or bare
    facts = {"value": number, "customer": _title(record), "country": bare[:2] if has_prefix else country}
    raise RecordRejected("vat_number_invalid", VAT_NUMBER, **facts)


def _vat_number_trace(trace: Trace, record: Record) -> Trace:
    if trace.issue is not None:
        return trace
    try:
        number = _valid_vat_number(trace.value, record)
    except RecordRejected as rejected:
        return replace(trace, value=None, issue=rejected.issue(record.key))
    if number == as_text(trace.value):
        return trace
    return replace(trace, value=number, reason=Reason("because_vat_number"))

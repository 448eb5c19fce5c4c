"""Objections to a booking or a debtor: it changed after booking, or it is unclear which record is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.flow import Stage
from integration.core.issues import Issue
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record
from integration.core.rules import as_text
from integration.flows.deciding import DecisionSubject
from integration.flows.orders.credits import WITHOUT_CREDIT
from integration.flows.orders.decisions import decision_facts
from integration.flows.orders.identity import another_sale
from integration.flows.orders.latest_booking import booking_of, document_of
from integration.flows.orders.settings import OrderSettings
from integration.flows.settings import BOOKS


def booking_objection(stage: Stage, desired: Record, current: CurrentRecord | None, link: Link | None) -> Issue | None:
    """Return an issue if a booked document changed at the till, or if it is unclear which booking is meant."""
    if current is None and link is None:
        return None
    values, agreed = desired.values, link.agreed if link else None
    number = as_text(values.get("number")) or desired.key
    reference = current.reference if current else link.reference if link else ""
    before = agreed.values.get("sold_incl") if agreed else None
    now = values.get("sold_incl")
    key = document_of(desired.key)
    facts = {"key": key, "document": number, "reference": reference, "system": BOOKS.system}
    if current is not None and current.other_references and (link is None or agreed is not None):
        candidates = (current.reference, *current.other_references)
        facts |= {"reference": as_text(values.get("reference")), "candidates": ", ".join(candidates)}
        if link is None:
            return Issue("reference_found_twice", key, "", facts)
        first = link.reference if link.reference in candidates else current.reference
        facts |= {"number": first, "other": ", ".join(candidate for candidate in candidates if candidate != first)}
        return Issue("document_doubled", key, "", facts)
    if link is None and current is not None and (issue := another_sale(stage, desired, current)):
        return issue
    digest = agreed.values.get("digest") if agreed else None
    is_cancelled, is_changed = values.get("cancelled") is True, bool(digest and digest != values.get("digest"))
    if desired.kind in WITHOUT_CREDIT and (is_cancelled or is_changed):
        cause = "quotation_cancelled" if is_cancelled else "quotation_changed"
        facts |= _decision_facts(stage, desired)
        return Issue(cause, key, DecisionSubject.CHANGE, facts | {"before": as_text(before), "after": as_text(now)})
    if is_cancelled:
        amount = as_text(now if before is None else before)
        facts |= _decision_facts(stage, desired)
        return Issue(
            "document_cancelled_after_booking", key, DecisionSubject.CHANGE, facts | {"amount": amount, "sold": amount}
        )
    if is_changed:
        difference = now - before if isinstance(now, Decimal) and isinstance(before, Decimal) else None
        sums = {"difference": as_text(difference), "before": as_text(before), "after": as_text(now)}
        return Issue(
            "document_changed_after_booking",
            key,
            DecisionSubject.CHANGE,
            facts | _decision_facts(stage, desired) | sums | _difference_fact(difference),
        )
    if current is None and agreed is None:  # linked by a person to a missing record: it is not created again
        return Issue("target_record_missing", key, "", facts | {"key": number})
    return None


def _difference_fact(difference: Decimal | None) -> dict[str, str]:
    """Return the difference as the fact with the amount at stake; no fact without a difference."""
    return {} if difference is None else {"sold": as_text(abs(difference))}


def debtor_objection(
    settings: OrderSettings, required: Sequence[str], desired: Record, current: CurrentRecord | None, link: Link | None
) -> Issue | None:
    """Return why a debtor is ambiguous, blocked, or cannot be created, e.g. without a `required` field."""
    customer = as_text(desired.values.get("name")) or desired.key
    document_keys = desired.values.get("documents")
    documents = ",".join(document_keys if isinstance(document_keys, tuple) else ())
    facts = {"key": desired.key, "customer": customer, "system": BOOKS.system, "documents": documents}
    if current is None:
        return None if link is not None else _creation_objection(settings, required, desired, facts)
    if current.other_references:
        candidates = ", ".join((current.reference, *current.other_references))
        return Issue("customer_ambiguous", desired.key, "", facts | {"candidates": candidates})
    flags = ("blocked", "blocked_for_orders") if Kind.SALES_ORDER in settings.written else ("blocked",)
    if any(current.record.values.get(name) is True for name in flags):
        return Issue("debtor_blocked", desired.key, "", facts | {"debtor": current.reference, "document": documents})
    return None


def _creation_objection(
    settings: OrderSettings, required: Sequence[str], desired: Record, facts: Mapping[str, str]
) -> Issue | None:
    if not settings.create_debtors:
        return Issue("debtor_creation_off", desired.key, "", facts)
    for name in required:
        if not desired.values.get(name):
            field = f"debtor.{name}"
            return Issue("required_field_empty", desired.key, field, {**facts, "field": field})
    return None


def _decision_facts(stage: Stage, desired: Record) -> dict[str, str]:
    """Return the facts that identify a decision about a booked document."""
    return decision_facts(replace(desired, kind=stage.source), booking_of(desired.key))

"""Decisions about documents that changed or were cancelled at the till after booking. Nothing happens without one.

A booked document is never changed. Its credit is a separate document, and so is a later booking: each booking has its
own key, reference and credit. The latest booking represents the document.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from integration.core.flow import Ownership
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.plan import FOLLOWS, Policy
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.deciding import AGAIN, KEEP, DecisionSubject, PersonDecision, decision_mark, stored_decision
from integration.flows.orders.credits import CREDIT, WITHOUT_CREDIT, with_opposite_signs
from integration.flows.orders.latest_booking import LatestBooking, booking_key, newest_bookings
from integration.flows.orders.outcomes import document_title
from integration.flows.orders.payments import WITH_PAYMENTS, digest_of
from integration.flows.orders.references import LAST_BOOKING, of_credit
from integration.flows.orders.settings import LONGEST_REFERENCE
from integration.flows.periods import ClosedPeriods, moved_to
from integration.flows.settings import RecordRejected

TAKE_BACK = "credit"
ANEW = "anew"  # as an additional document, without a credit of the earlier one
CHANGED = (TAKE_BACK, AGAIN, KEEP)  # options for a changed document
CANCELLED = (TAKE_BACK, KEEP)
REVERSED = (AGAIN, KEEP)
OFFERED = (ANEW, KEEP)  # options for a quotation
BY_HAND = (KEEP,)  # if the console cannot create the correction
# Fields that affect the total of a line. A credit without one of them would have another total.
_AMOUNTS = ("article", "account", "quantity", "price", "discount_percent", "amount", "vat", "vat_code", "vat_base")
_BOOKING_ONLY = ("booked_as", FOLLOWS)  # fields of a booking that its credit does not have


class DecisionOption(StrEnum):
    """The result of a decision about a booked document."""

    STAYS = "stays"  # unchanged, or a question that is asked after the lookup in the books
    KEPT = "kept"
    CREDITED = "credited"
    BOOKED_AGAIN = "booked_again"
    IS_BACK = "is_back"
    ASKED = "asked"  # it was credited, and changed after that


@dataclass(frozen=True, slots=True)
class CurrentBooking(LatestBooking[Link]):
    """The latest booking of a document, from its link."""

    @property
    def reference(self) -> str:
        """Our reference of the latest booking."""
        agreed = self.latest.agreed
        return as_text(agreed.values.get("reference")) if agreed else self.latest.reference

    def with_booked_digest(self, document: Record) -> Record:
        """Return a document with the digest of its booked content; payments count only if they are booked too."""
        agreed = self.latest.agreed
        with_payments = agreed is not None and agreed.values.get(WITH_PAYMENTS) is True
        values = {**document.values, "digest": digest_of(document, with_payments=with_payments)}
        return replace(document, values=values)

    @property
    def stays(self) -> bool:
        """True if the latest booking is of a kind without credits, so that a new booking is added to it."""
        return _is_without_credit(self.latest)

    def mark(self, document: Record) -> str:
        """Return the mark of the current state of a document and of its latest booking."""
        return decision_mark(self.with_booked_digest(document), str(self.booking))

    def decision(self, document: Record) -> PersonDecision:
        """Return the decision of a person about the current state of the document."""
        return stored_decision(
            document, DecisionSubject.CHANGE, self.mark(document), OFFERED if self.stays else CHANGED
        )

    def decision_option(self, document: Record) -> DecisionOption:
        """Return the next action for the document in its current state."""
        agreed, option = self.latest.agreed, self.decision(document).option
        cancelled, digest = document.values.get("cancelled") is True, self.with_booked_digest(document).values["digest"]
        if self.is_reversed:
            known_digest = self.credit.agreed.values.get("digest") if self.credit and self.credit.agreed else digest
            if option == AGAIN and not cancelled:
                return DecisionOption.BOOKED_AGAIN
            return DecisionOption.IS_BACK if cancelled or known_digest == digest or option else DecisionOption.ASKED
        if agreed is None or not (cancelled or agreed.values.get("digest") not in (None, "", digest)):
            return DecisionOption.STAYS
        if option in (AGAIN, ANEW) and cancelled:
            return DecisionOption.STAYS
        ways = {
            KEEP: DecisionOption.KEPT,
            TAKE_BACK: DecisionOption.CREDITED,
            AGAIN: DecisionOption.BOOKED_AGAIN,
            ANEW: DecisionOption.BOOKED_AGAIN,
        }
        return ways.get(option, DecisionOption.STAYS)


def current_bookings(
    documents: Collection[str], linked: Callable[[Collection[str]], Mapping[str, Link]]
) -> dict[str, CurrentBooking]:
    """Return the latest bookings of those documents that are booked."""
    latest_bookings = newest_bookings(documents, linked, stays=_is_without_credit)
    return {
        key: CurrentBooking(booking.latest, booking.booking, booking.credit) for key, booking in latest_bookings.items()
    }


def _is_without_credit(link: Link) -> bool:
    return link.kind in WITHOUT_CREDIT


class Decisions:
    """Carries out decisions, for one version of the settings and the mapping."""

    def __init__(self, settings: ClosedPeriods, policy: Policy, periods: Mapping[str, str]) -> None:
        self._settings = settings
        self._policy = policy
        self._periods = periods

    def skipped(self, document: Record, life: CurrentBooking) -> Skip:
        """Return why nothing is written for a document that a person kept unchanged, or that was credited."""
        number = document_title(document)
        facts = {"key": number, "document": number, "reference": life.reference}
        reason = life.decision(document).reason
        if life.is_reversed:
            question_facts = {} if document.values.get("cancelled") is True else decision_facts(document, life.booking)
            return Skip("booking_reversed", document.key, {**facts, **question_facts})
        return Skip("document_kept", document.key, {**facts, "reason": reason})

    def question(self, document: Record, life: CurrentBooking) -> Issue:
        """Return the issue of a document that changed after it was credited."""
        facts = decision_facts(life.with_booked_digest(document), life.booking)
        before = life.latest.agreed.values.get("sold_incl") if life.latest.agreed else None
        facts |= {"before": as_text(before), "after": as_text(document.values.get("total_incl"))}
        number = document_title(document)
        facts |= {"key": number, "document": number, "reference": life.reference}
        return Issue("document_changed_after_credit", document.key, DecisionSubject.CHANGE, facts)

    def credit(self, document: Record, life: CurrentBooking) -> Record:
        """Return the credit of the latest booking: the booked document with opposite signs. Raises RecordRejected."""
        agreed, key = life.latest.agreed, life.latest.key + CREDIT
        if agreed is None or life.credit is not None:
            raise self._reference_rejection(document, life)
        if not self._is_credit_complete(agreed):
            facts = {
                "document": document_title(document),
                "reference": life.reference,
                **decision_facts(document, life.booking),
            }
            raise RecordRejected("credit_not_exact", DecisionSubject.CHANGE, **facts)
        reference = of_credit(agreed.kind, life.reference)
        if reference is None:
            raise self._reference_rejection(document, life)
        turned = with_opposite_signs(agreed, key, reference)
        values: dict[str, Value] = {name: value for name, value in turned.values.items() if name not in _BOOKING_ONLY}
        values |= {"digest": life.with_booked_digest(document).values["digest"], "cancelled": False}
        values |= self.dated(agreed, document_title(document))
        return replace(turned, values=values, source=document.key)

    def require_free_reference(self, document: Record, life: CurrentBooking) -> None:
        """Raise RecordRejected if all references for bookings of a document are used."""
        if life.booking >= LAST_BOOKING:
            raise self._reference_rejection(document, life)

    def booked_again(self, booking: Record, life: CurrentBooking, credit: Record | None) -> Record:
        """Return the next booking of a document, with the credit of the earlier booking as a part."""
        values = booking.values if life.stays else {**booking.values, FOLLOWS: life.latest.key + CREDIT}
        parts = booking.parts if credit is None else (*booking.parts, credit)
        key = booking_key(booking.key, life.booking + 1)
        return replace(booking, key=key, values=values, parts=parts, source=booking.key)

    def open_day(self, day: date, number: str) -> date:
        """Return the booking date of a credit or a later booking.

        Raises RecordRejected if the period is closed.
        """
        if (on := self._settings.open_day(day)) is None:
            raise RecordRejected(
                "document_period_closed", "date", document=number, closed=as_text(self._settings.closed_through)
            )
        return on

    def dated(self, booking: Record, number: str) -> dict[str, Value]:
        """Return the date of a credit, with its period if the date differs. Raises RecordRejected."""
        day = booking.values.get("date")
        return moved_to(self.open_day(day, number), booking, self._periods) if isinstance(day, date) else {}

    def undone_on(self, booking: Record) -> dict[str, Value]:
        """Return the date and period of the reversal of a booking, if they differ from its own."""
        return self._settings.reversal_date_of(booking, self._periods)

    def _is_credit_complete(self, agreed: Record) -> bool:
        """Return True if the credit would have every field that the total of the booking depends on."""
        lines = [part for part in agreed.parts if part.kind is Kind.LINE]
        names = {f"line.{name}" for part in lines for name in part.values if name in _AMOUNTS}
        names |= {f"{agreed.kind}.{name}" for name in ("reference", "date")}
        return bool(lines) and not any(self._policy.get(name, Ownership.NEVER) is Ownership.NEVER for name in names)

    def _reference_rejection(self, document: Record, life: CurrentBooking) -> RecordRejected:
        facts = {
            "document": document_title(document),
            "reference": life.reference,
            **decision_facts(document, life.booking),
        }
        return RecordRejected("document_without_reference", DecisionSubject.CHANGE, **facts)


def decision_facts(document: Record, booking: int) -> dict[str, str]:
    """Return the facts that identify a decision about a document: its kind and its mark."""
    return {"source": str(document.kind), "mark": decision_mark(document, str(booking))}


def split_credit(record: Record) -> tuple[Record, Record | None]:
    """Return a booking without its credit part, and the credit, or None."""
    credit = next((part for part in record.parts if part.kind in LONGEST_REFERENCE), None)
    return (replace(record, parts=tuple(part for part in record.parts if part is not credit)), credit)

"""Bookings that somebody deleted or changed in the books, so that it is unknown whether the figures include them.

A deleted booking returns its goods to the figure of the books, but may have been entered again under another number. A
lost booking or credit is therefore in doubt. The doubt ends when a check finds the booking or credit again, or when a
person dismisses the exception. After a dismissal the figure of the books is taken as correct: it includes the booking,
and a dismissed credit reverses nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from integration.core.booking_state import BookingStage, BookingStates
from integration.core.issues import Issue
from integration.core.records import Kind
from integration.flows.stock.included_count import is_credit

GONE, CHANGED = "record_gone_in_target", "document_changed_in_target"
LOSING = (GONE, CHANGED)
# Changed fields that a check reports for a document with other goods: lines, or articles and quantities in them.
GOODS_FIELDS = frozenset({str(Kind.LINE), "article", "quantity"})


def lost_bookings(issues: Iterable[Issue]) -> set[str]:
    """Return the keys of the bookings and credits that a check found deleted in the books, or with other goods."""
    return {
        issue.key
        for issue in issues
        if issue.cause == GONE or not GOODS_FIELDS.isdisjoint(issue.facts.get("fields", "").split(", "))
    }


def with_lost_bookings(
    booking_states: BookingStates, lost: Collection[str], answered: Collection[str]
) -> BookingStates:
    """Return the booking states, with lost bookings in doubt.

    A credit that a person dismissed reverses nothing; later bookings of its document still count.
    """
    where = {key: BookingStage.PARKED for key in answered if is_credit(key)} | dict.fromkeys(
        lost, BookingStage.DOUBTFUL
    )
    return {key: replace(state, stage=where.get(key, state.stage)) for key, state in booking_states.items()}

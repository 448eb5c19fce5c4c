"""Bookings that somebody deleted or changed in the books by hand: whether they are out of the figures nobody can tell.

What is deleted goes back into the books' figure, and may have been typed again under another number. So a booking
that is lost is one of which nobody knows whether it was taken back: what it sold counts as missing, and what it brought
back does not. That ends when it is there again, and when somebody answers for it: then the books are right.
"""

from collections.abc import Collection, Iterable

from integration.core.issues import Issue
from integration.core.records import Kind
from integration.core.standing import Standing, Standings, Where
from integration.flows.orders.credits import CREDIT

GONE, CHANGED = "record_gone_in_target", "document_changed_in_target"
LOSING = (GONE, CHANGED)
# What a look names of a document that may have other goods by now: lines that came or went, and what is in them.
OF_GOODS = frozenset({str(Kind.LINE), "article", "quantity"})


def lost_bookings(found: Iterable[Issue]) -> set[str]:
    """Return the keys of what a look found gone in the books, or with other goods in it."""
    return {
        one.key
        for one in found
        if one.cause == GONE or not OF_GOODS.isdisjoint(one.facts.get("fields", "").split(", "))
    }


def with_lost(found: Standings, keys: Collection[str], lost: Collection[str]) -> Standings:
    """Return where documents stand, with a credit that may be there for each booking of which something is lost.

    That is the booking itself, what takes it back, or what took that back again.
    """
    bookings = {one.removesuffix(CREDIT).removesuffix(CREDIT) for one in lost}
    credits_ = {one + CREDIT for one in bookings}.intersection(keys)
    kept = {key: one for key, one in found.items() if key.removesuffix(CREDIT) not in credits_}
    return {**kept, **{key: Standing(key, Where.DOUBTFUL) for key in credits_}}

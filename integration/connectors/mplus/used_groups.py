"""Turnover groups used in the last weeks, from the till's journals: unused groups need no account yet."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from integration.connectors.mplus.client import Client, Element, child_text, qualified
from integration.connectors.mplus.codec.days import SOURCES
from integration.connectors.mplus.financial_dates import financial_period, today_at
from integration.connectors.reference import new_reference
from integration.core.errors import RejectedError

WEEKS = 4
WEEK = timedelta(days=7)


def used_groups(client: Client, cards: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """Return the groups used in the last weeks with their names; empty where the till does not report them.

    A group is used if something was sold in it, or if a gift card of it was redeemed: `cards` returns the group of the
    gift cards that each payment method accepts.
    """
    try:
        journals = list(_journals(client, today_at(client)))
    except RejectedError:  # a till without this operation, or without the right for it
        return {}
    group_names: dict[str, str] = {}
    methods: set[str] = set()
    for journal in journals:
        for group in journal.iter(qualified("turnoverGroup")):
            number = child_text(group, "turnoverGroup")
            if number.strip("0") and _has_amount(group, "inclAmount", "exclAmount"):
                group_names[number] = child_text(group, "turnoverGroupName") or number
        methods |= {
            child_text(paid, "method") for paid in journal.iter(qualified("payment")) if _has_amount(paid, "amount")
        }
    paid_with = {group for method, group in cards().items() if method in methods} if group_names else set()
    return {**{group: group for group in paid_with}, **group_names}


def _journals(client: Client, today: date) -> Iterator[Element]:
    """Yield the journals of the last weeks, one week at a time for all documents together, since no sums are used."""
    reference = new_reference()
    for number in range(WEEKS):
        last = today - number * WEEK
        yield client.read(
            "getJournals",
            request={
                **financial_period(last - WEEK + timedelta(days=1), last),
                "branchNumbers": [],
                "journalFilterList": {"journalFilter": [f"JOURNAL-FILTER-{source.upper()}" for source in SOURCES]},
                "reference": f"{reference}-{number + 1}",
            },
        )


def _has_amount(element: Element, *amounts: str) -> bool:
    """Return True if an element has an amount other than 0, or no amount at all."""
    texts = [text for name in amounts if (text := child_text(element, name))]
    return not texts or any(text.strip("0") for text in texts)

"""Which turnover groups a till used in the last weeks, as its journals tell: what nobody sells wants no account yet."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from integration.connectors.mplus.client import Client, Element, qualified
from integration.connectors.mplus.codec.days import SOURCES
from integration.connectors.mplus.financial_dates import financial_period, today_at
from integration.connectors.reference import new_reference
from integration.core.errors import RejectedError

WEEKS = 4
WEEK = timedelta(days=7)


def used_groups(client: Client, cards: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """Return the groups of the last weeks with their names; none where the till does not tell.

    A group was used where something was sold in it, and where a card of it was paid with: `cards` returns the group of
    the gift cards that each payment method takes.
    """
    try:
        journals = list(_journals(client, today_at(client)))
    except RejectedError:  # a till that does not know the question, or does not answer it to this console
        return {}
    found: dict[str, str] = {}
    methods: set[str] = set()
    for journal in journals:
        for group in journal.iter(qualified("turnoverGroup")):
            number = _text(group, "turnoverGroup")
            if number.strip("0") and _is_any(group, "inclAmount", "exclAmount"):
                found[number] = _text(group, "turnoverGroupName") or number
        methods |= {_text(paid, "method") for paid in journal.iter(qualified("payment")) if _is_any(paid, "amount")}
    paid_with = {group for method, group in cards().items() if method in methods} if found else set()
    return {**{group: group for group in paid_with}, **found}


def _journals(client: Client, today: date) -> Iterator[Element]:
    """Yield the journals of the last weeks, a week at a time and of all documents at once: no sum of them is used."""
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


def _is_any(told: Element, *amounts: str) -> bool:
    """Tell whether something is listed with an amount that is not 0, or with none at all."""
    said = [text for name in amounts if (text := _text(told, name))]
    return not said or any(text.strip("0") for text in said)


def _text(told: Element, wire: str) -> str:
    return (told.findtext(qualified(wire)) or "").strip()

"""Balances of gift cards at the till sandbox: sold minus paid with."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from integration.connectors.mplus.client import Client
from integration.connectors.mplus.gift_cards import cards_left
from integration.connectors.protocol import GiftCardBalance
from integration.core.errors import MalformedAnswerError
from integration.sandbox.server import Sandbox
from tests.connectors.mplus.tills import answering, settings_of

SOLD = "80"
OLDER = Decimal("500.00")  # on cards of before the first day


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    till_client = Client(settings_of(sandbox))
    yield till_client
    till_client.close()


def balance_of_documents(sandbox: Sandbox) -> Decimal:
    """Return sales of gift cards minus payments with them, from the documents themselves."""
    cents = 0
    for row in (row for table in ("receipts", "invoices", "orders") for row in sandbox.state(table, "mplus")):
        lines: list[Any] = (row.get("lineList") or {}).get("line", ())
        if "orderState" not in row:
            cents += sum(
                line["data"]["totalInclAmount"] for line in lines if line["data"]["turnoverGroup"] == int(SOLD)
            )
        paid: list[Any] = (row.get("paymentList") or {}).get("payment", ())
        cents -= sum(payment["amount"] for payment in paid if payment["method"] == "GIFTCARD")
    return Decimal(cents) / 100


@pytest.mark.parametrize("page", [1000, 2])
def test_what_is_left_is_what_was_sold_less_what_was_paid(sandbox: Sandbox, client: Client, page: int) -> None:
    cards, vouchers = cards_left(client, page)

    assert (cards.group, vouchers.group) == (SOLD, "85")
    assert cards.balance == OLDER + balance_of_documents(sandbox)
    assert cards.count == sum(
        row["active"] and row["turnoverGroupNumber"] == int(SOLD) for row in sandbox.state("gift_cards", "mplus")
    )


def card(**fields: str) -> str:
    card_fields = {
        "cardId": "a", "cardNumber": "a", "syncMarker": "1", "active": "true", "cardTypeId": "t",
        "initialValue": "5000", "isManualValue": "false", "currentBalance": "1500", "turnoverGroupNumber": "80",
        "reference": "",
    } | fields  # fmt: skip
    return "<giftcard>" + "".join(f"<{name}>{value}</{name}>" for name, value in card_fields.items()) + "</giftcard>"


def client_with_pages(*pages: str) -> Client:
    """Return a client whose till answers with these pages of cards, then with none."""
    remaining_pages = iter(pages)

    def answer(_: object) -> str:
        return (
            '<GetGiftcardsResponse xmlns="urn:mplusqapi"><giftcardList>'
            f"{next(remaining_pages, '')}</giftcardList></GetGiftcardsResponse>"
        )

    return answering(answer)


def test_a_card_that_is_not_active_or_was_reported_twice_counts_once_or_not_at_all() -> None:
    first = card() + card(cardId="b", syncMarker="2", active="false")
    second = card(syncMarker="3", currentBalance="1000") + card(cardId="c", syncMarker="4", turnoverGroupNumber="85")
    assert cards_left(client_with_pages(first, second)) == [
        GiftCardBalance("80", 1, Decimal("10.00")), GiftCardBalance("85", 1, Decimal("15.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "group"),
    [
        (card(currentBalance="15,00"), "80"),
        (card(active="misschien"), "80"),
        (card(syncMarker=""), "80"),
        (card(turnoverGroupNumber="x"), ""),
        (card(cardId=""), "80"),
        (card().replace("<active>", "<active>false</active><active>"), "80"),
        (card() + card(currentBalance="1"), "80"),
        (card() + card(turnoverGroupNumber="85"), ""),
    ],
)
def test_a_card_that_cannot_be_read_is_in_no_sum_and_hides_no_other(broken: str, group: str) -> None:
    readable = card(cardId="b", syncMarker="2", currentBalance="700")
    balances = cards_left(client_with_pages(broken + readable))
    assert sum(balance.balance for balance in balances) == Decimal("7.00")
    assert {balance.group: balance.unreadable for balance in balances if balance.unreadable} == {group: 1}


def test_a_full_page_of_cards_without_a_readable_marker_is_no_end_of_the_list() -> None:
    with pytest.raises(MalformedAnswerError, match="answer_incomplete"):
        cards_left(client_with_pages(card(syncMarker="x")), page=1)

"""Moves of customers, and their effect on the debtor and the delivery address."""

from collections.abc import Mapping, Sequence

import pytest

from integration.core.flow import Ownership
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record, Value
from integration.flows.orders.address_changes import with_changed_address
from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.settings import OrderSettings
from tests.flows.orders.tills import (
    ADDRESSES,
    BODY,
    BOOKS,
    DEBTORS,
    TABLES,
    TILL,
    TOLD,
    Questions,
    a_customer,
    a_delivery,
    an_order,
    booking_settings,
    debtor,
    orders,
)

HERE: Mapping[str, Value] = {"street": "Kerklaan 1", "postcode": "3511 AB", "city": "Utrecht", "country": "NL"}


def current_debtor(**values: Value) -> CurrentRecord:
    return CurrentRecord(
        Record(Kind.DEBTOR, "1001", {"name": "Els de Wit", **HERE, **values}), "20001", evidence="link"
    )


def logic_with_debtor(
    current: CurrentRecord | None, agreed: Mapping[str, Value] | None = None, **options: str
) -> OrdersLogic:
    """Return the logic where the books hold this of the debtor, and both agreed on that."""

    def ask(records: Sequence[Record]) -> tuple[Mapping[str, CurrentRecord], Mapping[str, Link]]:
        link = Link(Kind.DEBTOR, "1001", "20001", Record(Kind.DEBTOR, "1001", agreed)) if agreed else None
        current_records = {record.key: current for record in records if current is not None}
        return current_records, {record.key: link for record in records if link is not None}

    questions, chosen = Questions(), OrderSettings(**{"collective_account": "1300", **booking_settings(), **options})
    return OrdersLogic(
        chosen, BODY, 7, TABLES, BOOKS, TILL, questions.existing_articles, questions.find_links, TOLD, debtors=ask
    )


def test_the_shipped_rules_keep_the_address_of_a_debtor_equal_unless_it_was_edited_in_the_books() -> None:
    policy = orders().policy
    field_names = [name for name in HERE if policy[f"debtor.{name}"] is Ownership.KEEP_UNLESS_CHANGED]
    assert field_names == ["street", "postcode", "city", "country"]
    assert policy["debtor.name"] is policy["debtor.email"] is Ownership.ON_CREATE


@pytest.mark.parametrize(
    ("customer", "current_values", "becomes"),
    [
        ({"street": "Molenweg 7"}, {}, "Molenweg 7"),
        ({"street": "KERKLAAN  1", "postcode": "3511ab"}, {}, "Kerklaan 1"),
        ({"street": "Molenweg 7", "city": ""}, {}, "Kerklaan 1"),
        ({}, {"street": "", "postcode": "", "city": ""}, "Kerklaan 1"),
    ],
)
def test_a_customer_has_moved_where_the_whole_address_is_another(
    customer: dict[str, Value], current_values: dict[str, Value], becomes: str
) -> None:
    moved_debtor = with_changed_address(
        debtor(an_order(customer=a_customer(**customer))), current_debtor(**current_values), "NL"
    )
    assert moved_debtor.values["street"] == becomes


def test_a_country_moves_only_where_the_till_tells_it() -> None:
    abroad = current_debtor(country="BE", street="Meir 1")
    with_country, without_country = (
        with_changed_address(debtor(an_order(customer=a_customer(country=country))), abroad, "NL")
        for country in ("NL", "")
    )
    assert (with_country.values["country"], without_country.values["country"]) == ("NL", "BE")
    assert without_country.values["street"] == "Kerklaan 1"
    blank = with_changed_address(debtor(an_order()), current_debtor(country=""), "NL")
    assert "country" not in blank.values  # at home nobody writes it


def test_a_new_debtor_has_the_usual_country_and_nothing_else_of_ours() -> None:
    written_part = orders().writable_part(DEBTORS, debtor(an_order(customer=a_customer(country=""))), None)
    assert isinstance(written_part, Record)
    assert written_part.values["country"] == "NL"
    assert "country_guessed" not in written_part.values


def streets(logic: OrdersLogic, *deliveries: Record) -> list[str]:
    """Return the streets that goods are sent to as an address of their own."""
    results = logic.stage(ADDRESSES, [an_order(others=deliveries)])
    return [str(result.record.values["street"]) for result in results if result.record is not None]


def test_goods_go_to_the_debtor_as_the_books_will_have_it() -> None:
    home = a_delivery(street="Kerklaan 1", postcode="3511AB", city="Utrecht")
    moves = current_debtor(street="Molenweg 7", postcode="3701 EF", city="Zeist")
    agreed = moves.record.values

    assert streets(logic_with_debtor(None), home) == []
    assert streets(logic_with_debtor(moves, agreed), home) == []  # the debtor moves with this plan
    assert streets(logic_with_debtor(moves, HERE), home) == ["Kerklaan 1"]  # somebody edited it in the books
    assert streets(logic_with_debtor(moves, agreed), a_delivery()) == ["Molenweg 7"]  # where the customer lived before


def test_letters_that_the_books_lack_make_no_other_address() -> None:
    place: dict[str, Value] = {"name": "Łukasz Żółć", "street": "Wróbla 12", "postcode": "3511 AB", "city": "Łódź"}
    order = an_order(customer=a_customer(**place), others=(a_delivery(**place),))
    assert logic_with_debtor(None).stage(ADDRESSES, [order]) == []


def test_goods_for_a_fixed_debtor_have_an_address_of_their_own() -> None:
    home = a_delivery(street="Kerklaan 1", postcode="3511AB", city="Utrecht")
    assert streets(logic_with_debtor(None, default_debtor="forced", debtor_number="99999"), home) == ["Kerklaan 1"]

"""The debtor of a document, and its delivery address."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from integration.core.flow import Ownership
from integration.core.plan import Change, Unchanged, diff
from integration.core.records import Kind, Record
from integration.flows.orders.parties import DAYS_A_YEAR, local_today
from tests.flows.orders.tills import (
    ADDRESSES,
    DEBTORS,
    VAT_NUMBER,
    a_customer,
    a_delivery,
    an_order,
    anonymous,
    booking,
    debtor,
    orders,
    parked_issue,
    shape_of,
    with_rules,
    with_tables,
    without_values,
)


def test_what_the_till_does_not_say_gets_its_default_and_is_named() -> None:
    document = booking(without_values(an_order(), "employee", "workplace", "country", "date"), default_workplace="2")
    assert document.values["completed"] == ("employee", "workplace", "country", "currency", "date")
    assert document.values["date"] == date(2026, 11, 20)
    assert booking(an_order()).values["completed"] == ("currency",)


def test_the_day_is_that_of_the_shop() -> None:
    late = without_values(an_order(entered=datetime(2026, 12, 31, 23, 30, tzinfo=UTC)), "date")
    assert booking(late).values["date"] == date(2027, 1, 1)


def test_a_document_without_any_day_is_parked() -> None:
    issue = parked_issue(without_values(an_order(), "date", "entered"))
    assert (issue.cause, issue.field, issue.facts["key"]) == ("required_field_empty", "date", "2026.1")


@pytest.mark.parametrize("name", ["date", "delivery_date", "due_date"])
@pytest.mark.parametrize(
    ("day", "settings", "is_read"),
    [
        (date(26, 11, 20), {}, False),
        (date(2099, 11, 20), {}, False),
        (local_today() - 11 * DAYS_A_YEAR, {}, False),
        (local_today() - 11 * DAYS_A_YEAR, {"years_back": 12}, True),
        (local_today() - 9 * DAYS_A_YEAR, {}, True),
        (local_today() - 9 * DAYS_A_YEAR, {"years_back": 8}, False),
        (local_today() + timedelta(days=300), {}, True),
        (local_today() + timedelta(days=300), {"years_ahead": 0}, False),
        (local_today() + timedelta(days=400), {}, False),
        (local_today() + timedelta(days=400), {"years_ahead": 2}, True),
    ],
)
def test_a_date_that_no_document_has_parks_it(name: str, day: date, settings: dict[str, Any], *, is_read: bool) -> None:
    dated: dict[str, Any] = {name: day}
    order = an_order(**dated)
    if is_read:
        assert booking(order, **settings).kind is Kind.SALES_ORDER
    else:
        issue = parked_issue(order, **settings)
        assert (issue.cause, issue.facts["field"], issue.facts["value"]) == ("date_implausible", name, day.isoformat())


def test_the_default_employee_has_a_place_in_the_table_of_salespersons() -> None:
    tables = with_tables(salespersons={"999999": "KASSA"})
    assert booking(without_values(an_order(), "employee"), tables=tables).values["salesperson"] == "KASSA"


def test_another_currency_is_never_taken_for_euros() -> None:
    issue = parked_issue(an_order(currency="USD"))
    assert issue.cause == "currency_without_rate"
    assert issue.facts["currency"] == "USD"


def test_a_country_is_known_by_its_name_or_by_the_table() -> None:
    assert debtor(an_order(customer=a_customer(country="België"))).values["country"] == "BE"
    strange = an_order(country="Neverland")
    assert parked_issue(strange).facts["table"] == "countries"
    assert booking(strange, tables=with_tables(countries={"Neverland": "NL"}))


@pytest.mark.parametrize("name", ["Guernsey", "GG", "guernsey "])
def test_a_row_for_a_country_holds_for_all_of_its_names(name: str) -> None:
    guernsey = an_order(customer=a_customer(country=name))
    assert debtor(guernsey).values["country"] == "GG"
    assert debtor(guernsey, tables=with_tables(countries={"GG": "GB"})).values["country"] == "GB"


def test_a_person_is_a_debtor_under_his_own_name() -> None:
    debtor_record = debtor(an_order())
    assert (debtor_record.kind, debtor_record.key) == (Kind.DEBTOR, "1001")
    expected = {
        "name": "Els de Wit", "search_code": "ELSDEWIT", "street": "Kerklaan 1", "postcode": "3511 AB",
        "city": "Utrecht", "country": "NL", "phone": "030-1234567", "email": "els@dewit.example", "account": "1300",
        "external_id": "1001",
    }  # fmt: skip
    assert {name: debtor_record.values[name] for name in expected} == expected
    assert "contact" not in debtor_record.values


def test_a_company_is_a_debtor_with_its_contact() -> None:
    debtor_record = debtor(an_order(customer=a_customer(company="Wiel B.V.", name="Wiel B.V.", contact="Els")))
    assert (debtor_record.values["name"], debtor_record.values["contact"]) == ("Wiel B.V.", "Els")
    debtor_record = debtor(an_order(customer=a_customer(company="Wiel B.V.", name="Els de Wit")))
    assert (debtor_record.values["name"], debtor_record.values["contact"]) == ("Wiel B.V.", "Els de Wit")


def test_what_the_till_does_not_know_of_a_customer_never_empties_the_books() -> None:
    debtor_record = debtor(an_order(customer=a_customer(phone="", city=None, email="")))
    assert {"phone", "city", "email"}.isdisjoint(debtor_record.values)


def test_texts_are_cut_knowingly() -> None:
    debtor_record = debtor(an_order(customer=a_customer(name="N" * 50, street="S" * 90, city="C" * 40, phone="0" * 25)))
    assert [len(str(debtor_record.values[name])) for name in ("name", "street", "city", "phone")] == [40, 80, 35, 20]


def test_what_is_cut_or_kept_in_other_letters_is_reported_with_the_plan_and_never_written() -> None:
    long = "Naamloze Vennootschap tot Exploitatie van Rijwielen"
    customer = a_customer(name=long, city="Łódź", street="Wróbla 12", vat_number="nl 0044.95.445.B01")
    debtor_record = debtor(an_order(customer=customer))
    source_values = {name: value for name, value in debtor_record.values.items() if name.startswith("as_reported:")}
    assert source_values == {"as_reported:name": long, "as_reported:city": "Łódź"}
    assert not any(f"debtor.{name}" in orders().policy for name in source_values)
    swiss = a_customer(vat_number="CHE-123.456.789 MWST", country="CH")
    assert debtor(an_order(customer=swiss)).values["as_reported:vat_number"] == "CHE-123.456.789 MWST"


def test_a_delivery_address_that_is_cut_is_told_whole() -> None:
    result = orders().stage(ADDRESSES, [an_order(others=(a_delivery(name="N" * 50, postcode="12345678901"),))])[0]
    assert result.record is not None
    assert result.record.values["as_reported:name"] == "N" * 50
    assert result.record.values["as_reported:postcode"] == "12345678901"


def test_an_email_address_is_never_cut() -> None:
    long = f"{'e' * 43}@x.example"
    issue = parked_issue(an_order(customer=a_customer(email=long)), stage=DEBTORS)
    assert (issue.cause, issue.key, issue.field) == ("email_too_long", "1001", "debtor.email")
    assert (issue.facts["length"], issue.facts["limit"]) == ("53", "50")
    assert (issue.facts["customer"], issue.facts["documents"]) == ("Els de Wit", "order-1")
    assert booking(an_order(customer=a_customer(email=long)))  # which waits for its debtor


def test_a_vat_number_that_is_none_parks_the_customer() -> None:
    assert debtor(an_order(customer=a_customer(vat_number="nl004495445b01"))).values["vat_number"] == VAT_NUMBER
    issue = parked_issue(an_order(customer=a_customer(vat_number="NL1")), stage=DEBTORS)
    assert issue.cause == "vat_number_invalid"
    assert issue.facts["value"] == "NL1"
    assert (issue.facts["country"], issue.facts["customer"]) == ("NL", "Els de Wit")


def test_letters_the_books_lack_are_planned_as_they_are_kept_and_an_address_for_mail_is_never_altered() -> None:
    order = an_order(
        customer=a_customer(name="Łukasz Żółć", street="Wróbla 12", city="Łódź", email="łukasz@zolc.example")
    )
    values = debtor(order).values
    assert (values["name"], values["street"], values["city"]) == ("Lukasz Zólc", "Wróbla 12", "Lódz")
    assert values["email"] == "łukasz@zolc.example"
    traces = {trace.target: trace for trace in orders().trace(DEBTORS, order)}
    assert (traces["debtor.city"].value, traces["debtor.city"].steps[-1].operation) == ("Lódz", "letters(cp1252)")
    assert "letters(cp1252)" not in [step.operation for step in traces["debtor.street"].steps]


def test_several_orders_of_one_customer_make_one_debtor_as_the_newest_tells_it() -> None:
    old = an_order("order-2", entered=datetime(2026, 11, 1, tzinfo=UTC), customer=a_customer(city="Zeist"))
    new = an_order("order-1", entered=datetime(2026, 11, 2, tzinfo=UTC), customer=a_customer(city="Bunnik"))
    for page in ([old, new], [new, old]):
        target_record = shape_of(page, DEBTORS)
        assert target_record.desired is not None
        assert (target_record.desired.key, target_record.title, target_record.desired.values["city"]) == (
            "1001",
            "Els de Wit",
            "Bunnik",
        )
        assert target_record.desired.values["documents"] in (("order-1", "order-2"), ("order-2", "order-1"))
        assert target_record.desired.sources == ("1001",)


def test_a_parked_customer_names_the_documents_that_wait_for_him() -> None:
    bad = [an_order(f"order-{place}", customer=a_customer(vat_number="NL1")) for place in range(60)]
    target_record = shape_of(bad, DEBTORS)
    assert target_record.desired is None
    (issue,) = target_record.parked
    assert issue.key == "1001"
    assert len(issue.facts["documents"].split(",")) == 50


def test_the_debtor_is_owned_as_the_mapping_says() -> None:
    rule = {"target": "debtor.phone", "source": "phone", "ownership": "keep_equal"}
    logic = orders(with_rules(rule))
    assert logic.policy["debtor.phone"] is Ownership.KEEP_EQUAL
    where = {"street": "Kerklaan 1", "postcode": "3511 AB", "city": "Utrecht", "country": "NL"}
    current = Record(Kind.DEBTOR, "1001", {"name": "E. de Wit", "phone": "06-1", **where})
    change = diff(debtor(an_order(), logic), current, None, logic.policy, title="")
    assert isinstance(change, Change)
    assert change.desired.values == {"phone": "030-1234567"}
    assert isinstance(diff(debtor(an_order()), current, None, orders().policy, title=""), Unchanged)


def test_without_a_customer_a_document_is_parked() -> None:
    assert parked_issue(anonymous()).cause == "customer_missing"
    nameless = an_order(customer=a_customer(name="", email=""))
    assert parked_issue(nameless).facts == {"key": "2026.1", "document": "2026.1", "sold": "12.10"}


def test_the_default_debtor_is_a_fallback() -> None:
    given_settings: dict[str, Any] = {"default_debtor": "fallback", "debtor_number": "99999"}
    document = booking(anonymous(), **given_settings)
    assert document.values["debtor_number"] == "99999"
    assert "debtor" not in document.values
    assert booking(an_order(), **given_settings).values["debtor"] == "1001"


def test_the_default_debtor_can_be_forced() -> None:
    logic = orders(default_debtor="forced", debtor_number="99999")
    assert booking(an_order(), logic).values["debtor_number"] == "99999"
    assert logic.stage(DEBTORS, [an_order()]) == []


def test_the_default_debtor_goes_by_branch_then_by_country() -> None:
    given_settings: dict[str, Any] = {
        "default_debtor": "forced", "debtor_number": "1",
        "default_debtors_by_branch": {"2": "22"}, "default_debtors_by_country": {"BE": "32"},
    }  # fmt: skip
    logic = orders(**given_settings)
    debtor_numbers = [
        booking(an_order(branch=branch, country=country), logic).values["debtor_number"]
        for branch, country in (("1", "NL"), ("2", "BE"), ("1", "Belgium"))
    ]
    assert debtor_numbers == ["1", "22", "32"]


def test_an_address_is_sent_when_it_is_not_that_of_the_customer() -> None:
    logic = orders()
    order = an_order(others=(a_delivery(),))
    target_record = shape_of([order], ADDRESSES, logic)
    assert target_record.desired is not None
    assert target_record.desired.values["debtor"] == "1001"
    assert target_record.desired.values["street"] == "Molenweg 7"
    assert target_record.desired.key.startswith("1001/")
    assert booking(order, logic).values["address"] == target_record.desired.key


def test_the_same_place_has_the_same_key_however_it_is_typed() -> None:
    delivery, other = a_delivery(), a_delivery(street="MOLENWEG  7", postcode="3701ef", city="zeist ")
    target_record = shape_of([an_order("order-1", others=(delivery,)), an_order("order-2", others=(other,))], ADDRESSES)
    assert target_record.desired is not None
    assert target_record.desired.values["documents"] == ("order-1", "order-2")
    logic = orders()
    keys = {
        result.parent for result in logic.stage(ADDRESSES, [an_order(others=(place,)) for place in (delivery, other)])
    }
    assert len(keys) == 1


def test_the_address_of_the_customer_is_no_delivery_address() -> None:
    own = a_delivery(street="kerklaan 1", postcode="3511 AB", city="Utrecht")
    assert orders().stage(ADDRESSES, [an_order(others=(own,))]) == []
    assert orders(addresses="off").stage(ADDRESSES, [an_order(others=(a_delivery(),))]) == []
    assert len(orders(addresses="always").stage(ADDRESSES, [an_order(others=(own,))])) == 1
    neighbour = replace(own, values={**own.values, "name": "Buurman"})
    assert len(orders().stage(ADDRESSES, [an_order(others=(neighbour,))])) == 1


def test_an_address_of_a_fixed_debtor_belongs_to_its_number() -> None:
    logic = orders(default_debtor="forced", debtor_number="1001")
    (address,) = logic.stage(ADDRESSES, [an_order(others=(a_delivery(),))])
    assert address.record is not None
    assert address.record.values["debtor_number"] == "1001"
    assert address.key != address.parent
    assert address.parent.startswith("=1001/")


def test_addresses_are_only_ever_made() -> None:
    rule = {"target": "address.phone", "source": "customer_phone", "ownership": "keep_equal"}
    assert orders(with_rules(rule)).policy["address.phone"] is Ownership.ON_CREATE

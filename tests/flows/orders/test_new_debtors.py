"""Defaults of a new debtor, by its country."""

from typing import Any

from integration.core.flow import Ownership
from tests.flows.orders.tills import DEBTORS, a_customer, an_order, debtor, orders, with_rules, with_tables

ACCOUNTS = with_tables(revenue_accounts={"*": "8000", "BE:2": "8020", "BE:*": "8010"})
VAT: dict[str, Any] = {"debtor_vat_codes": {"NL": "1", "BE": "2"}}


def test_nothing_is_given_unless_it_is_set() -> None:
    debtor_record = debtor(an_order())
    assert {"vat_code", "revenue_account"}.isdisjoint(debtor_record.values)
    assert {"debtor.vat_code", "debtor.revenue_account"}.isdisjoint(orders().policy)


def test_a_new_debtor_gets_the_vat_code_of_its_country_and_keeps_what_it_has_later() -> None:
    logic = orders(**VAT)
    assert logic.policy["debtor.vat_code"] is Ownership.ON_CREATE
    assert "debtor.revenue_account" not in logic.policy
    assert debtor(an_order(customer=a_customer(country="België")), logic).values["vat_code"] == "2"
    assert "vat_code" not in debtor(an_order(customer=a_customer(country="DE")), logic).values


def test_its_account_is_the_one_of_its_country_and_vat_code_in_the_table_that_orders_use() -> None:
    logic = orders(tables=ACCOUNTS, debtor_accounts=True, **VAT)
    accounts = {
        country: debtor(an_order(customer=a_customer(country=country)), logic).values["revenue_account"]
        for country in ("NL", "BE", "DE")
    }
    assert accounts == {"NL": "8000", "BE": "8020", "DE": "8000"}
    plain = orders(tables=ACCOUNTS, debtor_accounts=True)
    assert debtor(an_order(customer=a_customer(country="BE")), plain).values["revenue_account"] == "8010"
    bare = orders(tables=with_tables(revenue_accounts={"BE:2": "8020"}), debtor_accounts=True)
    assert "revenue_account" not in debtor(an_order(), bare).values


def test_a_rule_counts_before_the_country() -> None:
    rule = {"target": "debtor.vat_code", "default": "9", "force": True, "ownership": "keep_equal"}
    logic = orders(with_rules(rule), ACCOUNTS, debtor_accounts=True, **VAT)
    assert debtor(an_order(), logic).values["vat_code"] == "9"
    assert logic.policy["debtor.vat_code"] is Ownership.KEEP_EQUAL


def test_the_trace_shows_the_country_a_value_comes_from() -> None:
    traces = {
        trace.target: trace for trace in orders(tables=ACCOUNTS, debtor_accounts=True, **VAT).trace(DEBTORS, an_order())
    }
    assert [(step.operation, step.value) for step in traces["debtor.vat_code"].steps] == [("by_country NL", "1")]
    assert traces["debtor.revenue_account"].value == "8000"


def test_a_contact_person_of_the_till_is_the_contact_of_a_company_that_names_no_other() -> None:
    customer: dict[str, Any] = {"company": "Wiel B.V.", "name": "Wiel B.V.", "contact_person": "Jan Wiel"}
    assert debtor(an_order(customer=a_customer(**customer))).values["contact"] == "Jan Wiel"
    assert debtor(an_order(customer=a_customer(**customer, contact="Els"))).values["contact"] == "Els"

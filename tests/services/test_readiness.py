"""Which questions a flow has, what is proposed for each, and what keeps it from running."""

from collections.abc import Mapping
from typing import Any

import pytest

from integration.flows.questions import Known, same_rates
from integration.flows.registry import FLOWS
from integration.flows.stock.spec import branch_sources
from integration.flows.systems import Listed, books, till
from integration.services.setup import (
    STEPS,
    Asked,
    State,
    Weight,
    done,
    question_of,
    readiness,
    weigh,
)

BOOK_VAT = {"1": "21.00", "2": "9.00"}
TILL_VAT = {"1": "9.00", "2": "21.00"}
LISTS: dict[Listed, Mapping[str, str]] = {
    books("vat_codes"): {"1": "hoog", "2": "laag"}, books("vat_rates"): BOOK_VAT,
    till("vat_codes"): {"1": "9 %", "2": "21 %"}, till("vat_rates"): TILL_VAT,
    till("branches"): {"1": "Utrecht", "2": "Zeist"}, books("warehouses"): {"1": "1", "2": "2"},
    till("employees"): {"101": "Anouk", "999999": "Beheerder"},
    till("payment_methods"): {"PIN": "Pin", "CASH": "Contant"},
    books("daybooks"): {"100": "Kasboek", "700": "Verkoopboek"},
    books("debtor_accounts"): {"1300": "1300"},
    books("revenue_accounts"): {"8000": "Omzet", "8010": "Omzet laag"},
}  # fmt: skip
WELL = {"accountview": True, "mplus": True}


def known(
    flow: str,
    settings: Mapping[str, Any] | None = None,
    tables: Mapping[str, Mapping[str, str]] | None = None,
    lists: Mapping[Listed, Mapping[str, str]] | None = None,
    answered: tuple[str, ...] = (),
) -> Known:
    """What is known of a flow in a shop whose lists are plain."""
    usual = FLOWS[flow].settings().model_dump()
    told = {**LISTS, **(lists or {})}
    return Known({**usual, **(settings or {})}, usual, tables or {}, lambda listed: told.get(listed, {}), answered)


def question(flow: str, name: str, **more: Any) -> Asked:
    return next(one for one in weigh(FLOWS[flow], known(flow, **more)) if one.question.name == name)


def proposed(one: Asked) -> Mapping[str, Any]:
    assert one.proposal is not None
    return one.proposal.values


def test_a_rate_that_two_codes_share_is_nobody_counterpart() -> None:
    assert same_rates({"1": "21.00", "3": "0.00", "4": "0.00"}, {"2": "21.00", "5": "0.00"}) == {"1": "2"}


def test_branches_get_the_warehouse_of_their_number_or_nothing() -> None:
    assert branch_sources(["1"], []) == {"1": "formula"}
    assert branch_sources(["1", "2"], ["1", "2"]) == {"1": "warehouse:1", "2": "warehouse:2"}
    assert branch_sources(["1", "2"], ["1"]) == {}


def test_vat_codes_of_the_same_rate_are_proposed_and_a_flow_without_any_stops() -> None:
    one = question("products", "vat")

    assert (one.state, one.weight, proposed(one)) == (State.PROPOSED, Weight.STOPS, {"1": "2", "2": "1"})


def test_a_vat_code_without_a_counterpart_parks_and_waits_for_a_person() -> None:
    lists = {books("vat_codes"): {"1": "hoog", "2": "laag", "3": "nul"}}
    one = question("products", "vat", lists=lists, tables={"vat_codes": {"1": "2", "2": "1"}})

    assert (one.state, one.weight, one.proposal) == (State.OPEN, Weight.PARKS, None)
    assert one.lack is not None
    assert one.lack.why.facts == {"codes": "3"}


def test_a_key_with_country_and_vat_number_covers_its_code() -> None:
    one = question("orders", "vat", tables={"vat_codes_sales": {"NL:1:yes": "2", "2": "1"}})

    assert one.lack is None


def test_an_answer_that_leaves_codes_out_on_purpose_counts_and_still_warns() -> None:
    lists = {books("vat_codes"): {"1": "hoog", "3": "nul"}}
    one = question("products", "vat", lists=lists, tables={"vat_codes": {"1": "2"}}, answered=("vat",))

    assert (one.state, one.weight) == (State.ANSWERED, Weight.PARKS)


def test_an_answered_question_opens_again_once_the_flow_cannot_run_without_it() -> None:
    assert question("products", "vat", answered=("vat",)).state is not State.ANSWERED


@pytest.mark.parametrize(
    ("codes", "rule"), [(("10", "11", "0815"), "code"), (("TS-1", "TS-2", "10"), "allotted"), ((), "code")]
)
def test_the_article_number_is_proposed_by_what_the_codes_look_like(codes: tuple[str, ...], rule: str) -> None:
    one = question("products", "number", lists={books("article_codes"): {code: code for code in codes}})

    assert proposed(one)["sku_rule"] == rule


def test_codes_that_can_be_no_number_are_told_with_examples() -> None:
    codes = {code: code for code in ("10", "11", "0815", "TS-RED")}
    lack = question("products", "number", lists={books("article_codes"): codes}).lack

    assert lack is not None
    assert (lack.stops, dict(lack.why.facts)) == (False, {"number": "2", "total": "4", "codes": "0815, TS-RED"})


def test_stock_stops_until_a_branch_gets_some() -> None:
    assert question("stock", "branches").weight is Weight.STOPS
    assert question("stock", "branches", settings={"branches": {"1": "formula"}}).weight is Weight.UNSEEN
    assert question("stock", "branches", settings={"managed": "off"}).lack is None


def test_what_somebody_set_elsewhere_is_proposed_as_it_is() -> None:
    one = question("stock", "formula", settings={"formula": "free"})

    assert (one.state, proposed(one)["formula"]) == (State.PROPOSED, "free")


def test_questions_about_postings_come_only_where_postings_are_made() -> None:
    orders = [one.question.name for one in weigh(FLOWS["orders"], known("orders"))]
    postings = [one.question.name for one in weigh(FLOWS["orders"], known("orders", {"becomes": "posting"}))]

    assert ("revenue" in orders, "article" in orders) == (False, True)
    assert ("revenue" in postings, "article" in postings) == (True, False)


def test_postings_without_any_revenue_account_stop() -> None:
    one = question("orders", "revenue", settings={"becomes": "posting"})
    whole = question("orders", "revenue", settings={"becomes": "posting"}, tables={"revenue_accounts": {"*": "8000"}})

    assert (one.weight, one.proposal) == (Weight.STOPS, None)
    assert whole.lack is None


def test_the_sales_daybook_and_the_account_of_all_debtors_are_proposed() -> None:
    assert proposed(question("orders", "documents"))["daybook"] == "700"
    assert proposed(question("orders", "account")) == {"collective_account": "1300"}


def test_receipts_without_a_default_debtor_are_a_question_for_a_person() -> None:
    one = question("orders", "debtor", settings={"documents": "receipt"})

    assert (one.state, one.weight) == (State.OPEN, Weight.PARKS)
    assert question("orders", "debtor").state is State.PROPOSED


def test_an_employee_the_till_does_not_have_is_not_proposed() -> None:
    assert question("orders", "completion", lists={till("employees"): {"101": "Anouk"}}).state is State.OPEN


def test_payment_methods_are_asked_for_only_once_somebody_maps_one() -> None:
    assert question("orders", "payment").lack is None

    one = question("orders", "payment", tables={"payment_methods": {"PIN": "14"}})

    assert (one.state, one.weight) == (State.OPEN, Weight.PARKS)


@pytest.mark.parametrize("flow", list(FLOWS))
def test_every_question_answers_settings_that_the_flow_has(flow: str) -> None:
    asked = {name for one in FLOWS[flow].questions for name in one.settings}

    assert asked <= FLOWS[flow].settings.model_fields.keys()
    assert all(one.settings or one.table for one in FLOWS[flow].questions)


@pytest.mark.parametrize("flow", list(FLOWS))
def test_questions_can_be_weighed_while_no_list_can_be_read(flow: str) -> None:
    usual = FLOWS[flow].settings().model_dump()

    assert weigh(FLOWS[flow], Known(usual, usual))


def test_a_question_nobody_asks_is_refused() -> None:
    with pytest.raises(KeyError):
        question_of(FLOWS["products"], "colour")


def test_what_stops_comes_first_and_what_is_done_last() -> None:
    asked = {"stock": weigh(FLOWS["stock"], known("stock", answered=("formula",)))}
    lines = readiness({"accountview": True, "mplus": False}, asked)

    assert [line.weight for line in lines] == sorted(line.weight for line in lines)
    stopping = [(line.step, line.asked and line.asked.question.name) for line in lines if line.weight is Weight.STOPS]
    assert stopping == [("mplus", None), ("questions", "branches")]


def test_the_steps_are_done_one_by_one() -> None:
    nothing = done({"accountview": False, "mplus": False}, {})
    settings = {"branches": {"1": "formula"}}
    some = done(WELL, {"stock": weigh(FLOWS["stock"], known("stock", settings))})
    every = done(
        WELL, {"stock": weigh(FLOWS["stock"], known("stock", settings, answered=("branches", "formula", "managed")))}
    )

    assert set(nothing) == set(STEPS)
    assert not any(nothing.values())
    assert (some["questions"], some["ready"]) == (False, True)
    assert all(every.values())

"""The set-up on both systems in a box: what is chosen, answered and proposed is kept, and where it goes on."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.core.errors import ConfigurationError
from integration.flows.forms import Known, same_rates
from integration.flows.registry import FLOWS
from integration.flows.settings import Listed, books, till
from integration.flows.stock.spec import branch_sources
from integration.services import Application
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
from tests.consoles import opened
from tests.stores import built_in, stores_in

EVERY = {"products": 5, "stock": 5, "customers": 15, "orders": 10}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """A console on the sandbox, nothing chosen."""
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        yield application


def states(app: Application, flow: str) -> dict[str, State]:
    return {one.question.name: one.state for one in app.setup.questions()[flow]}


def test_a_new_installation_begins_with_accountview(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        assert application.setup.step() == "accountview"
        assert application.setup.goes_on() == ""
        assert not application.setup.done()["ready"]


def test_choosing_writes_nothing_and_starts_nothing(app: Application) -> None:
    assert app.sandbox.running is not None
    before = built_in(app).ledger.counts()["writes"]

    app.setup.choose(EVERY, "test")

    assert app.setup.chosen() == tuple(app.flows)
    assert app.flows.settings("orders").schedule_minutes == 10
    assert not any(app.flows.settings(flow).on for flow in app.flows)
    assert built_in(app).ledger.counts()["writes"] == before


def test_the_chosen_flows_run_by_themselves_once_they_are_started(app: Application) -> None:
    app.setup.choose({"products": 5, "orders": 5}, "test")

    app.setup.start("test")

    assert [flow for flow in app.flows if app.flows.settings(flow).on] == ["products", "orders"]
    app.setup.choose({"orders": 5, "stock": 5}, "test")
    assert [flow for flow in app.flows if app.flows.settings(flow).on] == ["stock", "orders"]


def test_a_flow_switched_on_elsewhere_counts_as_chosen(app: Application) -> None:
    app.flows.change("stock", {"on": True}, "test")

    assert app.setup.chosen() == ("stock",)


def test_every_proposed_answer_is_taken_at_once_and_what_is_open_stays_open(app: Application) -> None:
    app.setup.choose(EVERY, "test")
    assert app.setup.step() == "questions"

    app.setup.accept("test")

    left = {flow: [name for name, state in states(app, flow).items() if state is not State.ANSWERED] for flow in EVERY}
    assert left == {"products": ["vat"], "stock": [], "customers": [], "orders": ["vat"]}  # three codes share 0 %
    assert app.setup.step() == "questions"
    assert app.setup.done()["ready"]


def test_an_answer_is_kept_as_the_setting_it_is(app: Application) -> None:
    app.setup.choose({"products": 5}, "test")

    app.setup.answer("products", "number", {"sku_rule": "allotted", "sku_field": ""}, "test")

    assert app.flows.settings("products").model_dump()["sku_rule"] == "allotted"
    assert states(app, "products")["number"] is State.ANSWERED


def test_an_answer_that_cannot_be_used_leaves_the_question_open(app: Application) -> None:
    app.setup.choose({"products": 5}, "test")

    with pytest.raises(ConfigurationError):
        app.setup.answer("products", "number", {"sku_rule": "field", "sku_field": ""}, "test")

    assert states(app, "products")["number"] is not State.ANSWERED


def test_all_answers_given_the_set_up_goes_on_with_the_list_also_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        application.setup.choose({"products": 5}, "test")
        application.setup.accept("test")
        application.setup.answer("products", "vat", application.rules.tables()["vat_codes"], "test")
        assert application.setup.step() == "ready"
    with opened(tmp_path) as application:
        assert application.setup.step() == "ready"
        weights = {line.weight for line in application.setup.readiness()}
        assert weights == {Weight.PARKS, Weight.DONE}


def test_a_set_up_goes_on_from_the_first_answer_until_its_flows_run(app: Application) -> None:
    assert app.setup.goes_on() == ""  # looking around in the sandbox begins none

    app.setup.choose({"products": 5}, "test")
    assert app.setup.goes_on() == "questions"
    app.setup.accept("test")
    app.setup.answer("products", "vat", app.rules.tables()["vat_codes"], "test")
    assert app.setup.goes_on() == "ready"
    app.setup.start("test")
    assert app.setup.goes_on() == ""


def test_a_set_up_whose_flows_were_switched_on_elsewhere_is_finished(app: Application) -> None:
    app.setup.choose({"products": 5}, "test")
    app.flows.change("products", {"on": True}, "test")

    assert app.setup.goes_on() == ""


def test_whoever_entered_access_to_one_system_has_begun(app: Application) -> None:
    app.connections.connect_mplus("http://127.0.0.1:9/", "shop", "secret", "test")

    assert app.setup.goes_on() == "accountview"


def test_sandbox_and_real_systems_are_set_up_apart(app: Application) -> None:
    app.setup.choose(EVERY, "test")

    app.connections.connect_mplus("http://127.0.0.1:9/", "shop", "secret", "test")

    assert app.setup.chosen() == ()
    assert app.setup.step() == "accountview"


def test_lists_that_cannot_be_read_leave_questions_open_and_a_silent_system_is_not_asked_again_at_once(
    app: Application,
) -> None:
    assert app.sandbox.running is not None
    app.setup.choose({"stock": 5, "orders": 5}, "test")
    with built_in(app).switches.armed("unavailable", system="mplus", times=None):
        assert states(app, "stock")["formula"] is State.PROPOSED
        calls = built_in(app).ledger.counts()["reads"]
        assert states(app, "orders")["completion"] is State.PROPOSED
        assert built_in(app).ledger.counts()["reads"] == calls


def test_a_check_is_told_line_by_line(app: Application) -> None:
    told: list[int] = []

    app.connections.check("mplus", lambda lines: told.append(sum(one.ok is True for one in lines)))

    assert told == [0, 1, 2, 3, 4, 5]


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


GROUPS = {
    till("balance_groups"): {"80": "Cadeaubonnen", "90": "Statiegeld"},
    till("turnover_accounts"): {"10": "8000", "80": "1560", "90": "1570"},
    books("ledgers"): {"1560": "Cadeaubonnen", "1570": "Statiegeld", "4400": "Kasverschillen"},
}


def lacking(one: Asked) -> str:
    assert one.lack is not None
    return str(one.lack.why.facts["codes"])


def test_each_group_that_is_no_revenue_wants_its_account_and_the_tills_own_are_proposed() -> None:
    asked = {"settings": {"becomes": "posting"}, "lists": GROUPS}
    none = question("orders", "balances", **asked)
    some = question("orders", "balances", **asked, tables={"balance_accounts": {"80": "1561"}})
    whole = question("orders", "balances", **asked, tables={"balance_accounts": {"80": "1561", "90": "1570"}})
    elsewhere = {**GROUPS, books("ledgers"): {"1560": "Cadeaubonnen"}}

    assert (none.weight, lacking(none)) == (Weight.PARKS, "80 Cadeaubonnen, 90 Statiegeld")
    assert proposed(none) == {"80": "1560", "90": "1570"}
    assert (some.weight, lacking(some)) == (Weight.PARKS, "90 Statiegeld")
    assert (whole.lack, question("orders", "balances", **asked, tables={"balance_accounts": {"*": "1"}}).lack) == (
        None, None,
    )  # fmt: skip
    assert question("orders", "balances", settings=asked["settings"], lists=elsewhere).proposal is None


VOUCHERS = {
    till("turnover_types"): {"10": "turnover", "80": "balance-upgrade", "85": "balance-upgrade"},
    till("turnover_vat_codes"): {"10": "2", "80": "4", "85": "1"},
    till("vat_rates"): {"1": "9.00", "2": "21.00", "4": "0.00"},
    till("payment_types"): {"PIN": "eft", "BON": "suspense", "INVOICE": "suspense", "ROUNDING": "suspense"},
}


def test_methods_that_may_take_vouchers_are_named_where_the_till_does_not_say_it() -> None:
    posting: dict[str, Any] = {"becomes": "posting"}
    unclear = question("orders", "gift_cards", settings=posting, lists=VOUCHERS)
    told = question("orders", "gift_cards", settings=posting, lists={**VOUCHERS, till("gift_cards"): {"BON": "85"}})
    said = {**posting, "gift_cards": {"BON": "single", "INVOICE": "none"}}
    plain = {**VOUCHERS, till("turnover_vat_codes"): {"10": "2", "80": "4", "85": "4"}}

    assert (unclear.weight, unclear.proposal) == (Weight.PARKS, None)
    assert lacking(unclear) == "BON, INVOICE"
    assert (told.lack, proposed(told)) == (None, {"gift_cards": {}})
    assert question("orders", "gift_cards", settings=said, lists=VOUCHERS).lack is None
    assert question("orders", "gift_cards", settings=posting, lists=plain).lack is None


def test_the_set_up_of_the_sample_shop_has_an_account_for_all_that_is_no_revenue(app: Application) -> None:
    app.setup.choose({"orders": 5}, "test")
    app.flows.change("orders", {"documents": "receipt", "becomes": "posting", "daybook": "700"}, "test")
    before = {one.question.name: one for one in app.setup.questions()["orders"]}
    app.setup.accept("test")
    after = {one.question.name: one for one in app.setup.questions()["orders"]}

    assert before["balances"].proposal is not None
    assert app.rules.tables()["balance_accounts"] == {
        "80": "1560", "85": "1565", "90": "1570", "91": "1571", "92": "1575", "95": "1020", "96": "1580",
        "97": "4510", "98": "1090",
    }  # fmt: skip
    assert (after["balances"].lack, after["gift_cards"].lack) == (None, None)


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


def test_only_what_is_unambiguous_is_proposed(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        table = stores_in(application).rules.tables()["vat_codes"]
        ours = application.access.connector("accountview").choices("vat_rates")
        theirs = application.access.connector("mplus").choices("vat_rates")

    rates = list(ours.values())
    assert table
    assert all(ours[code] == theirs[other] for code, other in table.items())
    assert all(rates.count(ours[code]) == 1 for code in table)


def test_an_answered_question_is_not_proposed_again(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        stores_in(application).rules.set_table("vat_codes", {"1": "9"}, "test")
        application.proposals.fill("test")

        assert stores_in(application).rules.tables()["vat_codes"] == {"1": "9"}

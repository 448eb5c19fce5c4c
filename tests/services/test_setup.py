"""The set-up on both sandboxes: choices, answers and proposals are stored, and it continues at the right step."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.application.application import Application
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.errors import ConfigurationError
from integration.flows.forms import SetupContext, same_rates
from integration.flows.registry import FLOWS
from integration.flows.settings import CodeList, books_list, till_list
from integration.flows.stock.spec import branch_sources
from integration.sandbox.server import Sandbox, running
from integration.services.setup import (
    PointSeverity,
    QuestionState,
    State,
    completed_steps,
    evaluate_questions,
    question_of,
    readiness,
    steps,
)
from tests.consoles import open_application
from tests.people import make_actor
from tests.programs import access
from tests.stores import sandbox_of, stores_in

EVERY = {"products": 5, "stock": 5, "customers": 15, "orders": 10, "days": 10}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """A console on the sandbox, nothing chosen."""
    with open_application(tmp_path, start=False, sandbox=True) as application:
        application.connections.join_sandbox()
        yield application


def states(app: Application, flow: str) -> dict[str, State]:
    return {asked_question.question.name: asked_question.state for asked_question in app.setup.questions()[flow]}


def _access_settings(sandbox: Sandbox, prefix: str, access_of: Any) -> Any:
    values = {name.removeprefix(prefix).lower(): value for name, value in access(sandbox).items() if prefix in name}
    return access_of(**values)


def test_who_is_connected_by_the_environment_gets_plain_answers_with_those_proposed(tmp_path: Path) -> None:
    with (
        running(articles=50) as sandbox,
        open_application(
            tmp_path,
            start=False,
            accountview=_access_settings(sandbox, "ACCOUNTVIEW__", AccountViewAccess),
            mplus=_access_settings(sandbox, "MPLUS__", MplusAccess),
        ) as application,
    ):
        application.setup.choose({"days": 15}, make_actor("test"))
        application.setup.accept(make_actor("test"))

        assert application.rules.tables()["vat_codes_sales"] == {"1": "2", "2": "1"}


def test_a_new_installation_begins_with_accountview(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        assert application.setup.step() == "accountview"
        assert application.setup.unfinished_step() == ""
        assert not application.setup.completed_steps()["ready"]


def test_choosing_writes_nothing_and_starts_nothing(app: Application) -> None:
    assert app.sandbox.running is not None
    before = sandbox_of(app).ledger.counts()["writes"]

    app.setup.choose(EVERY, make_actor("test"))

    assert app.setup.chosen() == tuple(flow for flow in app.flows if flow in EVERY)
    assert app.flows.settings("orders").schedule_minutes == 10
    assert not any(app.flows.settings(flow).on for flow in app.flows)
    assert sandbox_of(app).ledger.counts()["writes"] == before


def test_the_chosen_flows_run_by_themselves_once_they_are_started(app: Application) -> None:
    app.setup.choose({"products": 5, "orders": 5}, make_actor("test"))

    app.setup.start(make_actor("test"))

    assert [flow for flow in app.flows if app.flows.settings(flow).on] == ["products", "orders"]
    app.setup.choose({"orders": 5, "stock": 5}, make_actor("test"))
    assert [flow for flow in app.flows if app.flows.settings(flow).on] == ["stock", "orders"]


def test_a_flow_switched_on_elsewhere_counts_as_chosen(app: Application) -> None:
    app.flows.change("stock", {"on": True}, make_actor("test"))

    assert app.setup.chosen() == ("stock",)


def test_every_proposed_answer_is_taken_at_once_and_what_is_open_stays_open(app: Application) -> None:
    app.setup.choose(EVERY, make_actor("test"))
    assert app.setup.step() == "questions"

    app.setup.accept(make_actor("test"))

    unanswered = {
        flow: [name for name, state in states(app, flow).items() if state is not State.ANSWERED] for flow in EVERY
    }
    assert unanswered == {
        "products": ["vat"],
        "stock": [],
        "customers": [],
        "orders": ["vat"],
        "days": ["vat"],
    }  # three codes share 0 %
    assert app.setup.step() == "questions"
    assert app.setup.completed_steps()["ready"]


def test_an_answer_is_kept_as_the_setting_it_is(app: Application) -> None:
    app.setup.choose({"products": 5}, make_actor("test"))

    app.setup.answer("products", "number", {"sku_rule": "allotted", "sku_field": ""}, make_actor("test"))

    assert app.flows.settings("products").model_dump()["sku_rule"] == "allotted"
    assert states(app, "products")["number"] is State.ANSWERED


def test_an_answer_that_cannot_be_used_leaves_the_question_open(app: Application) -> None:
    app.setup.choose({"products": 5}, make_actor("test"))

    with pytest.raises(ConfigurationError):
        app.setup.answer("products", "number", {"sku_rule": "field", "sku_field": ""}, make_actor("test"))

    assert states(app, "products")["number"] is not State.ANSWERED


@pytest.mark.long
def test_all_answers_given_the_set_up_goes_on_with_the_list_also_after_a_restart(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        application.setup.choose({"products": 5}, make_actor("test"))
        application.setup.accept(make_actor("test"))
        application.setup.answer("products", "vat", application.rules.tables()["vat_codes"], make_actor("test"))
        assert application.setup.step() == "ready"
    with open_application(tmp_path) as application:
        assert application.setup.step() == "ready"
        weights = {line.weight for line in application.setup.readiness()}
        assert weights == {PointSeverity.PARKS, PointSeverity.DONE}


def test_a_set_up_goes_on_from_the_first_answer_until_its_flows_run(app: Application) -> None:
    assert app.setup.unfinished_step() == ""  # looking around in the sandbox begins none

    app.setup.choose({"products": 5}, make_actor("test"))
    assert app.setup.unfinished_step() == "questions"
    app.setup.accept(make_actor("test"))
    app.setup.answer("products", "vat", app.rules.tables()["vat_codes"], make_actor("test"))
    assert app.setup.unfinished_step() == "ready"
    app.setup.start(make_actor("test"))
    assert app.setup.unfinished_step() == ""


def test_a_set_up_whose_flows_were_switched_on_elsewhere_is_finished(app: Application) -> None:
    app.setup.choose({"products": 5}, make_actor("test"))
    app.flows.change("products", {"on": True}, make_actor("test"))

    assert app.setup.unfinished_step() == ""


def test_whoever_entered_access_to_one_system_has_begun(app: Application) -> None:
    app.connections.connect(
        "mplus", {"url": "http://127.0.0.1:9/", "ident": "shop", "secret": "secret"}, make_actor("test")
    )

    assert app.setup.unfinished_step() == "accountview"


def test_sandbox_and_real_systems_are_set_up_apart(app: Application) -> None:
    app.setup.choose(EVERY, make_actor("test"))

    app.connections.connect(
        "mplus", {"url": "http://127.0.0.1:9/", "ident": "shop", "secret": "secret"}, make_actor("test")
    )

    assert app.setup.chosen() == ()
    assert app.setup.step() == "accountview"


def test_lists_that_cannot_be_read_leave_questions_open_and_a_silent_system_is_not_asked_again_at_once(
    app: Application,
) -> None:
    assert app.sandbox.running is not None
    app.setup.choose({"stock": 5, "orders": 5}, make_actor("test"))
    with sandbox_of(app).switches.armed("unavailable", system="mplus", times=None):
        assert states(app, "stock")["formula"] is State.PROPOSED
        calls = sandbox_of(app).ledger.counts()["reads"]
        assert states(app, "orders")["completion"] is State.PROPOSED
        assert sandbox_of(app).ledger.counts()["reads"] == calls


def test_a_check_is_reported_line_by_line(app: Application) -> None:
    counts: list[int] = []

    app.connections.check("mplus", lambda lines: counts.append(sum(finding.ok is True for finding in lines)))

    assert counts == [0, 1, 2, 3, 4, 5, 6]


BOOK_VAT = {"1": "21.00", "2": "9.00"}
TILL_VAT = {"1": "9.00", "2": "21.00"}
LISTS: dict[CodeList, Mapping[str, str]] = {
    books_list("vat_codes"): {"1": "hoog", "2": "laag"}, books_list("vat_rates"): BOOK_VAT,
    till_list("vat_codes"): {"1": "9 %", "2": "21 %"}, till_list("vat_rates"): TILL_VAT,
    till_list("branches"): {"1": "Utrecht", "2": "Zeist"}, books_list("warehouses"): {"1": "1", "2": "2"},
    till_list("employees"): {"101": "Anouk", "999999": "Beheerder"},
    till_list("payment_methods"): {"PIN": "Pin", "CASH": "Contant"},
    books_list("daybooks"): {"100": "Kasboek", "700": "Verkoopboek"},
    books_list("debtor_accounts"): {"1300": "1300"},
    books_list("revenue_accounts"): {"8000": "Omzet", "8010": "Omzet laag"},
}  # fmt: skip
WELL = {"accountview": True, "mplus": True}


def context_of(
    flow: str,
    settings: Mapping[str, Any] | None = None,
    tables: Mapping[str, Mapping[str, str]] | None = None,
    lists: Mapping[CodeList, Mapping[str, str]] | None = None,
    answered: tuple[str, ...] = (),
    flows: tuple[str, ...] = ("orders",),
) -> SetupContext:
    """Return the context of a flow in a shop with simple lists."""
    usual = FLOWS[flow].settings().model_dump()
    code_lists = {**LISTS, **(lists or {})}
    return SetupContext(
        {**usual, **(settings or {})},
        usual,
        tables or {},
        lambda list_name: code_lists.get(list_name, {}),
        answered,
        flows,
    )


def question(flow: str, name: str, **more: Any) -> QuestionState:
    return next(
        asked_question
        for asked_question in evaluate_questions(FLOWS[flow], context_of(flow, **more))
        if asked_question.question.name == name
    )


def proposed_values(asked_question: QuestionState) -> Mapping[str, Any]:
    assert asked_question.proposal is not None
    return asked_question.proposal.values


def test_a_rate_that_two_codes_share_is_nobody_counterpart() -> None:
    assert same_rates({"1": "21.00", "3": "0.00", "4": "0.00"}, {"2": "21.00", "5": "0.00"}) == {"1": "2"}


def test_branches_get_the_warehouse_of_their_number_or_nothing() -> None:
    assert branch_sources(["1"], []) == {"1": "formula"}
    assert branch_sources(["1", "2"], ["1", "2"]) == {"1": "warehouse:1", "2": "warehouse:2"}
    assert branch_sources(["1", "2"], ["1"]) == {}


def test_vat_codes_of_the_same_rate_are_proposed_and_a_flow_without_any_stops() -> None:
    asked_question = question("products", "vat")

    assert (asked_question.state, asked_question.weight, proposed_values(asked_question)) == (
        State.PROPOSED,
        PointSeverity.STOPS,
        {"1": "2", "2": "1"},
    )


def test_a_vat_code_without_a_counterpart_parks_and_waits_for_a_person() -> None:
    lists = {books_list("vat_codes"): {"1": "hoog", "2": "laag", "3": "nul"}}
    asked_question = question("products", "vat", lists=lists, tables={"vat_codes": {"1": "2", "2": "1"}})

    assert (asked_question.state, asked_question.weight, asked_question.proposal) == (
        State.OPEN,
        PointSeverity.PARKS,
        None,
    )
    assert asked_question.missing_setting is not None
    assert asked_question.missing_setting.reason.facts == {"codes": "3"}


def test_a_code_is_covered_where_a_run_finds_a_row_in_the_country_of_the_shop() -> None:
    sales_codes = {"NL:1:yes": "2", "NL:1:no": "2", "2": "1"}

    assert question("orders", "vat", tables={"vat_codes_sales": sales_codes}).missing_setting is None
    for rows in ({"NL:1:yes": "2", "2": "1"}, {"BE:1": "2", "2": "1"}):
        assert missing_codes(question("orders", "vat", tables={"vat_codes_sales": rows})) == "1"
    assert (
        missing_codes(question("days", "vat", tables={"vat_codes_sales": sales_codes})) == "1"
    )  # a day has no country


def test_a_row_for_every_other_code_counts_wherever_a_run_takes_it() -> None:
    assert question("orders", "payment", tables={"payment_methods": {"*": "14"}}).missing_setting is None
    accounts = {till_list("turnover_groups"): {"10": "Fietsen"}, books_list("ledgers"): {"8000": "Omzet"}}
    assert question("days", "accounts", lists=accounts, tables={"day_accounts": {"*": "8000"}}).missing_setting is None
    unknown = {**GROUPS, till_list("turnover_types"): {"80": "balance-upgrade"}}
    posting: dict[str, Any] = {"orders": "posting"}
    asked_question = question(
        "orders", "balances", settings=posting, lists=unknown, tables={"balance_accounts": {"*": "1560"}}
    )
    assert missing_codes(asked_question) == "90 Statiegeld"  # of which the till does not say what it is


@pytest.mark.parametrize("row", [{"USA:1": "1"}, {"1": "9"}, {"BE:7": "1"}])
def test_an_impossible_row_of_before_is_reported_as_a_lack(row: dict[str, str]) -> None:
    asked_question = question(
        "orders", "vat", tables={"vat_codes_sales": {"1": "2", "2": "1", **row}}, answered=("vat",)
    )

    assert asked_question.weight is PointSeverity.PARKS
    assert asked_question.missing_setting is not None
    assert (asked_question.missing_setting.reason.code, dict(asked_question.missing_setting.reason.facts)) == (
        "lack_rows_impossible",
        {"rows": next(iter(row))},
    )


def test_percentages_that_differ_are_reported_as_a_lack() -> None:
    lack = question("orders", "vat", tables={"vat_codes_sales": {"1": "1", "2": "1"}}).missing_setting

    assert lack is not None
    assert (lack.reason.code, dict(lack.reason.facts)) == ("lack_rates_differ", {"rows": "1"})


def test_an_answer_that_leaves_codes_out_on_purpose_counts_and_still_warns() -> None:
    lists = {books_list("vat_codes"): {"1": "hoog", "3": "nul"}}
    asked_question = question("products", "vat", lists=lists, tables={"vat_codes": {"1": "2"}}, answered=("vat",))

    assert (asked_question.state, asked_question.weight) == (State.ANSWERED, PointSeverity.PARKS)


def test_an_answered_question_opens_again_once_the_flow_cannot_run_without_it() -> None:
    assert question("products", "vat", answered=("vat",)).state is not State.ANSWERED


@pytest.mark.parametrize(
    ("codes", "rule"), [(("10", "11", "0815"), "code"), (("TS-1", "TS-2", "10"), "allotted"), ((), "code")]
)
def test_the_article_number_is_proposed_by_what_the_codes_look_like(codes: tuple[str, ...], rule: str) -> None:
    asked_question = question("products", "number", lists={books_list("article_codes"): {code: code for code in codes}})

    assert proposed_values(asked_question)["sku_rule"] == rule


def test_codes_that_can_be_no_number_are_reported_with_examples() -> None:
    codes = {code: code for code in ("10", "11", "0815", "TS-RED")}
    lack = question("products", "number", lists={books_list("article_codes"): codes}).missing_setting

    assert lack is not None
    assert (lack.stops, dict(lack.reason.facts)) == (False, {"number": "2", "total": "4", "codes": "0815, TS-RED"})


def test_stock_stops_until_a_branch_gets_some() -> None:
    assert question("stock", "branches").weight is PointSeverity.STOPS
    assert question("stock", "branches", settings={"branches": {"1": "formula"}}).weight is PointSeverity.UNSEEN
    assert question("stock", "branches", settings={"managed": "off"}).missing_setting is None


def test_an_answer_that_is_refused_is_proposed_no_more_and_holds_up_no_other(app: Application) -> None:
    for row in sandbox_of(app).state("CONTACT"):
        sandbox_of(app).accountview.edit("CONTACT", str(row["SUB_NR"]), {"ACCT_NR": "9876"})
    app.flows.change("orders", {"collective_account": ""}, make_actor("test"))
    app.setup.choose({"orders": 5}, make_actor("test"))
    (asked_question,) = (
        candidate
        for candidate in app.setup.questions()["orders"]
        if candidate.question.settings == ("collective_account",)
    )
    assert asked_question.proposal is not None
    assert asked_question.proposal.values == {"collective_account": "9876"}

    app.setup.accept(make_actor("test"))

    (asked_question,) = (
        candidate
        for candidate in app.setup.questions()["orders"]
        if candidate.question.settings == ("collective_account",)
    )
    assert (asked_question.state, asked_question.proposal) == (State.OPEN, None)
    assert states(app, "orders")["completion"] is State.ANSWERED


def test_what_somebody_set_elsewhere_is_proposed_as_it_is() -> None:
    asked_question = question("stock", "formula", settings={"formula": "free"})

    assert (asked_question.state, proposed_values(asked_question)["formula"]) == (State.PROPOSED, "free")


def test_questions_about_postings_come_only_where_postings_are_made() -> None:
    orders = [
        asked_question.question.name for asked_question in evaluate_questions(FLOWS["orders"], context_of("orders"))
    ]
    postings = [
        asked_question.question.name
        for asked_question in evaluate_questions(FLOWS["orders"], context_of("orders", {"orders": "posting"}))
    ]

    assert ("revenue" in orders, "article" in orders) == (False, True)
    assert ("revenue" in postings, "article" in postings) == (True, False)


def test_postings_without_any_revenue_account_stop() -> None:
    asked_question = question("orders", "revenue", settings={"orders": "posting"})
    whole = question("orders", "revenue", settings={"orders": "posting"}, tables={"revenue_accounts": {"*": "8000"}})

    assert (asked_question.weight, asked_question.proposal) == (PointSeverity.STOPS, None)
    assert whole.missing_setting is None


GROUPS = {
    till_list("balance_groups"): {"80": "Cadeaubonnen", "90": "Statiegeld"},
    till_list("turnover_types"): {"80": "balance-upgrade", "90": "refundable-deposit"},
    till_list("turnover_accounts"): {"10": "8000", "80": "1560", "90": "1570"},
    books_list("ledgers"): {"1560": "Cadeaubonnen", "1570": "Statiegeld", "4400": "Kasverschillen"},
}


def missing_codes(asked_question: QuestionState) -> str:
    assert asked_question.missing_setting is not None
    return str(asked_question.missing_setting.reason.facts["codes"])


def test_each_group_that_is_no_revenue_wants_its_account_and_the_tills_own_are_proposed() -> None:
    arguments = {"settings": {"orders": "posting"}, "lists": GROUPS}
    none = question("orders", "balances", **arguments)
    partial = question("orders", "balances", **arguments, tables={"balance_accounts": {"80": "1570"}})
    whole = question("orders", "balances", **arguments, tables={"balance_accounts": {"80": "1570", "90": "1570"}})
    elsewhere = {**GROUPS, books_list("ledgers"): {"1560": "Cadeaubonnen"}}

    assert (none.weight, missing_codes(none)) == (PointSeverity.PARKS, "80 Cadeaubonnen, 90 Statiegeld")
    assert proposed_values(none) == {"80": "1560", "90": "1570"}
    assert (partial.weight, missing_codes(partial)) == (PointSeverity.PARKS, "90 Statiegeld")
    assert (
        whole.missing_setting,
        question("orders", "balances", **arguments, tables={"balance_accounts": {"*": "1560"}}).missing_setting,
    ) == (
        None,
        None,
    )
    assert question("orders", "balances", settings=arguments["settings"], lists=elsewhere).proposal is None


USED = till_list("used_groups")


def test_a_group_that_the_till_did_not_use_lately_wants_no_account_until_it_does() -> None:
    arguments: dict[str, Any] = {"settings": {"orders": "posting"}, "tables": {"balance_accounts": {"80": "1560"}}}
    rare = question("orders", "balances", **arguments, lists={**GROUPS, USED: {"10": "Fietsen", "80": "Cadeaubonnen"}})
    later = question(
        "orders", "balances", **arguments, lists={**GROUPS, USED: {"90": "Statiegeld"}}, answered=("balances",)
    )
    without_usage = question("orders", "balances", **arguments, lists=GROUPS)

    none = question(
        "orders", "balances", settings=arguments["settings"], lists={**GROUPS, USED: {"80": "Cadeaubonnen"}}
    )

    assert (missing_codes(none), proposed_values(none)) == ("80 Cadeaubonnen", {"80": "1560", "90": "1570"})
    assert (rare.missing_setting, rare.unused) == (None, ("90",))
    assert (missing_codes(later), later.unused, later.weight) == ("90 Statiegeld", ("80",), PointSeverity.PARKS)
    assert (missing_codes(without_usage), without_usage.unused) == ("90 Statiegeld", ())


def test_days_ask_of_revenue_always_and_of_what_is_none_where_it_is_in_use() -> None:
    every = {"10": "Fietsen", "20": "Kleding", **GROUPS[till_list("balance_groups")]}
    accounts = {"10": "8000", "80": "1560"}
    lists = {
        **GROUPS, till_list("turnover_groups"): every, till_list("turnover_accounts"): accounts,
        books_list("ledgers"): {"8000": "Omzet", "1560": "Cadeaubonnen"}, USED: {"80": "Cadeaubonnen"},
    }  # fmt: skip
    partial = question("days", "accounts", lists=lists)
    whole = question("days", "accounts", lists={**lists, till_list("turnover_accounts"): {**accounts, "20": "8000"}})

    assert (missing_codes(partial), partial.proposal) == ("10 Fietsen, 20 Kleding, 80 Cadeaubonnen", None)
    assert proposed_values(whole) == {**accounts, "20": "8000"}


def test_the_till_is_asked_for_its_journals_once_and_only_where_what_it_used_counts(app: Application) -> None:
    def journal_calls() -> int:
        return sum(call.operation == "getJournals" for call in sandbox_of(app).ledger.calls())

    app.setup.choose({"orders": 5}, make_actor("test"))
    app.setup.questions()
    before = journal_calls()
    app.flows.change("orders", {"orders": "nothing", "receipts": "posting", "daybook": "700"}, make_actor("test"))
    for _ in range(2):
        app.setup.questions()

    assert (before, journal_calls()) == (0, 4)


VOUCHERS = {
    till_list("turnover_types"): {"10": "turnover", "80": "balance-upgrade", "85": "balance-upgrade"},
    till_list("turnover_vat_codes"): {"10": "2", "80": "4", "85": "1"},
    till_list("vat_rates"): {"1": "9.00", "2": "21.00", "4": "0.00"},
    till_list("payment_types"): {"PIN": "eft", "BON": "suspense", "INVOICE": "suspense", "ROUNDING": "suspense"},
}


def test_methods_that_may_take_vouchers_are_named_where_the_till_does_not_say_it() -> None:
    posting: dict[str, Any] = {"orders": "posting"}
    unclear = question("orders", "gift_cards", settings=posting, lists=VOUCHERS)
    asked_question = question(
        "orders", "gift_cards", settings=posting, lists={**VOUCHERS, till_list("gift_cards"): {"BON": "85"}}
    )
    settings = {**posting, "gift_cards": {"BON": "single", "INVOICE": "none"}}
    plain = {**VOUCHERS, till_list("turnover_vat_codes"): {"10": "2", "80": "4", "85": "4"}}

    assert (unclear.weight, unclear.proposal) == (PointSeverity.PARKS, None)
    assert missing_codes(unclear) == "BON, INVOICE"
    assert (asked_question.missing_setting, proposed_values(asked_question)) == (None, {"gift_cards": {}})
    assert question("orders", "gift_cards", settings=settings, lists=VOUCHERS).missing_setting is None
    assert question("orders", "gift_cards", settings=posting, lists=plain).missing_setting is None


def test_the_set_up_of_the_sample_shop_has_an_account_for_all_that_is_no_revenue(app: Application) -> None:
    app.setup.choose({"orders": 5}, make_actor("test"))
    app.flows.change("orders", {"orders": "nothing", "receipts": "posting", "daybook": "700"}, make_actor("test"))
    before = {asked_question.question.name: asked_question for asked_question in app.setup.questions()["orders"]}
    app.setup.accept(make_actor("test"))
    after = {asked_question.question.name: asked_question for asked_question in app.setup.questions()["orders"]}

    assert before["balances"].proposal is not None
    assert app.rules.tables()["balance_accounts"] == {
        "80": "1560", "85": "1565", "90": "1570", "91": "1571", "92": "1575", "95": "1020", "96": "1580",
        "97": "4510", "98": "1090",
    }  # fmt: skip
    assert (after["balances"].missing_setting, after["gift_cards"].missing_setting) == (None, None)


def test_the_sales_daybook_and_the_account_of_all_debtors_are_proposed() -> None:
    assert proposed_values(question("orders", "documents"))["daybook"] == "700"
    assert proposed_values(question("orders", "account")) == {"collective_account": "1300"}


def test_receipts_without_a_default_debtor_are_a_question_for_a_person() -> None:
    asked_question = question("orders", "debtor", settings={"receipts": "posting"})

    assert (asked_question.state, asked_question.weight) == (State.OPEN, PointSeverity.PARKS)
    assert question("orders", "debtor").state is State.PROPOSED


def test_an_employee_the_till_does_not_have_is_not_proposed() -> None:
    assert question("orders", "completion", lists={till_list("employees"): {"101": "Anouk"}}).state is State.OPEN


POSTED = {"receipts": "posting", "daybook": "700"}
TILL_ACCOUNTS = {
    till_list("revenue_groups"): {"10": "Fietsen", "50": "Diensten"},
    till_list("turnover_accounts"): {"10": "8000", "50": "8010", "80": "1560"},
    till_list("payment_accounts"): {"PIN": "1010", "CASH": "1000"},
    books_list("ledgers"): {"1000": "Kas", "1010": "Pin onderweg"},
}


@pytest.mark.parametrize(
    ("flows", "answer", "why"),
    [
        (("orders",), "document", "proposed_payments_with_document"),
        (("orders", "days"), "day", "proposed_payments_by_day"),
    ],
)
def test_payments_go_with_the_document_unless_days_book_what_was_paid(
    flows: tuple[str, ...], answer: str, why: str
) -> None:
    asked_question = question("orders", "payments", settings=POSTED, flows=flows)
    assert proposed_values(asked_question) == dict.fromkeys(
        ("payments_of_orders", "payments_of_invoices", "payments_of_receipts"), answer
    )
    assert asked_question.proposal is not None
    assert asked_question.proposal.reason.code == why


def test_payments_that_no_flow_would_book_are_reported() -> None:
    by_day = {**POSTED, "payments_of_receipts": "day"}
    assert question("orders", "payments", settings=by_day, flows=("orders", "days")).missing_setting is None
    lack = question("orders", "payments", settings=by_day).missing_setting
    assert lack is not None
    assert (lack.reason.code, lack.stops) == ("lack_payments_by_day", False)


def test_accounts_of_groups_and_methods_are_proposed_where_the_books_have_all_that_the_till_says() -> None:
    paying = {**POSTED, "payments_of_receipts": "document"}
    groups = question("orders", "groups", settings=POSTED, lists=TILL_ACCOUNTS)
    methods = question("orders", "methods", settings=paying, lists=TILL_ACCOUNTS)
    assert proposed_values(groups) == {"10": "8000", "50": "8010"}
    assert proposed_values(methods) == {"PIN": "1010", "CASH": "1000"}
    other = {
        **TILL_ACCOUNTS,
        till_list("turnover_accounts"): {"10": "8000", "50": "8999"},
        books_list("ledgers"): {"1000": "Kas"},
    }
    assert proposed_values(question("orders", "groups", settings=POSTED, lists=other)) == {}
    lacking = question("orders", "methods", settings=paying, lists=other)
    assert lacking.proposal is None
    assert lacking.missing_setting is not None
    assert lacking.missing_setting.reason.facts == {"codes": "PIN Pin, CASH Contant"}


def test_revenue_goes_by_turnover_group_or_by_vat_code_and_one_of_them_is_enough() -> None:
    def lack(name: str, **tables: Mapping[str, str]) -> str:
        missing = question("orders", name, settings=POSTED, lists=TILL_ACCOUNTS, tables=tables).missing_setting
        return missing.reason.code if missing else ""

    assert (lack("revenue"), lack("groups")) == ("lack_revenue_accounts_all", "")
    every, partial_accounts = {"10": "8000", "50": "8010"}, {"10": "8000"}
    assert (lack("revenue", turnover_accounts_sales=every), lack("groups", turnover_accounts_sales=every)) == ("", "")
    assert lack("groups", turnover_accounts_sales=partial_accounts) == "lack_turnover_accounts_sales"
    assert lack("groups", turnover_accounts_sales=partial_accounts, revenue_accounts={"*": "8000"}) == ""


def test_accounts_of_methods_are_asked_for_only_where_payments_are_booked_with_documents() -> None:
    names = {
        asked_question.question.name
        for asked_question in evaluate_questions(FLOWS["orders"], context_of("orders", POSTED))
    }
    assert "methods" not in names
    assert {"groups", "payments"} <= names


def test_payment_methods_are_asked_for_only_once_somebody_maps_one() -> None:
    assert question("orders", "payment").missing_setting is None

    asked_question = question("orders", "payment", tables={"payment_terms": {"PIN": "14"}})

    assert (asked_question.state, asked_question.weight) == (State.OPEN, PointSeverity.PARKS)


@pytest.mark.parametrize("flow", list(FLOWS))
def test_every_question_answers_settings_that_the_flow_has(flow: str) -> None:
    setting_names = {name for flow_question in FLOWS[flow].questions for name in flow_question.settings}

    assert setting_names <= FLOWS[flow].settings.model_fields.keys()
    assert all(flow_question.settings or flow_question.table for flow_question in FLOWS[flow].questions)


@pytest.mark.parametrize("flow", list(FLOWS))
def test_questions_can_be_weighed_while_no_list_can_be_read(flow: str) -> None:
    usual = FLOWS[flow].settings().model_dump()

    assert evaluate_questions(FLOWS[flow], SetupContext(usual, usual))


def test_a_question_nobody_asks_is_refused() -> None:
    with pytest.raises(KeyError):
        question_of(FLOWS["products"], "colour")


def test_what_stops_comes_first_and_what_is_done_last() -> None:
    questions = {"stock": evaluate_questions(FLOWS["stock"], context_of("stock", answered=("formula",)))}
    lines = readiness({"accountview": True, "mplus": False}, questions)

    assert [line.weight for line in lines] == sorted(line.weight for line in lines)
    stopping = [
        (line.step, line.question and line.question.question.name)
        for line in lines
        if line.weight is PointSeverity.STOPS
    ]
    assert stopping == [("mplus", None), ("questions", "branches")]


def test_the_steps_are_completed_one_by_one() -> None:
    nothing = completed_steps({"accountview": False, "mplus": False}, {})
    settings = {"branches": {"1": "formula"}}
    partial_steps = completed_steps(WELL, {"stock": evaluate_questions(FLOWS["stock"], context_of("stock", settings))})
    every = completed_steps(
        WELL,
        {
            "stock": evaluate_questions(
                FLOWS["stock"],
                context_of("stock", settings, answered=("branches", "formula", "reservations", "sales", "managed")),
            )
        },
    )

    assert set(nothing) == set(steps())
    assert not any(nothing.values())
    assert (partial_steps["questions"], partial_steps["ready"]) == (False, True)
    assert all(every.values())


def test_only_what_is_unambiguous_is_proposed(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        table = stores_in(application).rules.tables()["vat_codes"]
        ours = application.access.connector("accountview").choices("vat_rates")
        theirs = application.access.connector("mplus").choices("vat_rates")

    rates = list(ours.values())
    assert table
    assert all(ours[code] == theirs[other] for code, other in table.items())
    assert all(rates.count(ours[code]) == 1 for code in table)


def test_an_answered_question_is_not_proposed_again(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        stores_in(application).rules.set_table("vat_codes", {"1": "9"}, "test")
        application.proposals.fill("test")

        assert stores_in(application).rules.tables()["vat_codes"] == {"1": "9"}


def test_until_it_is_said_how_the_books_learn_of_sales_the_list_says_what_that_means() -> None:
    asked_question = question("stock", "sales")
    assert asked_question.missing_setting is not None
    assert (asked_question.missing_setting.reason.code, asked_question.missing_setting.stops) == ("lack_sales", False)
    assert asked_question.proposal is not None
    assert asked_question.proposal.values["sales"] == "documents"
    assert question("stock", "sales", settings={"sales": "dated", "sales_since": "2026-01-01"}).missing_setting is None
    alone = question("stock", "sales", flows=()).proposal
    assert alone is not None
    assert alone.values["sales"] == "dated"


CANDIDATE = {books_list("reservations"): {"K9_RSRV": "Aantal gereserveerd (K9_RSRV)"}}


def test_a_formula_that_subtracts_nothing_says_so_until_somebody_says_where_reservations_are() -> None:
    lack = question("stock", "reservations").missing_setting
    assert lack is not None
    assert (lack.reason.code, lack.stops) == ("lack_reservations", False)
    missing = question("stock", "reservations", lists=CANDIDATE).missing_setting
    assert missing is not None
    assert (missing.reason.code, missing.reason.facts["field"]) == (
        "lack_reservations_found",
        "Aantal gereserveerd (K9_RSRV)",
    )
    named_fields = {books_list("reservations"): {"stock_reserved": "K1_RES"}}
    assert question("stock", "reservations", lists=named_fields).missing_setting is None, (
        "somebody named the field of ours"
    )
    for answer in ("field", "deducted", "none"):
        assert (
            question("stock", "reservations", settings={"reservations": answer, "reserved": "A"}).missing_setting
            is None
        )


@pytest.mark.parametrize("settings", [{"formula": "available"}, {"branches": {"1": "warehouse:1"}}])
def test_where_nothing_would_be_subtracted_nobody_is_asked_for_reservations(settings: Mapping[str, Any]) -> None:
    assert "reservations" not in {
        asked_question.question.name
        for asked_question in evaluate_questions(FLOWS["stock"], context_of("stock", settings))
    }


def test_the_field_of_reservations_is_proposed_and_never_taken_with_all_answers() -> None:
    asked_question = question("stock", "reservations", lists=CANDIDATE)
    assert proposed_values(asked_question) == {"reservations": "field", "reserved": "K9_RSRV"}
    assert (asked_question.state, asked_question.can_be_accepted) == (State.PROPOSED, False)
    assert question("stock", "reservations").proposal is None


def test_the_field_of_reservations_waits_for_a_person_and_is_said_until_then(app: Application) -> None:
    app.setup.choose({"stock": 5}, make_actor("test"))
    app.flows.change("stock", {"branches": {"1": "formula"}}, make_actor("test"))
    app.setup.accept(make_actor("test"))
    assert states(app, "stock")["reservations"] is State.PROPOSED
    assert app.flows.settings("stock").model_dump()["reservations"] == "ask"
    lack = app.setup.missing_setting("stock", "reservations")
    assert lack is not None
    assert lack.reason.code == "lack_reservations_found"
    app.setup.answer("stock", "reservations", {"reservations": "deducted", "reserved": ""}, make_actor("test"))
    assert app.setup.missing_setting("stock", "reservations") is None
    assert states(app, "stock")["reservations"] is State.ANSWERED

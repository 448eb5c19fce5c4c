"""Set-up questions about closed days: proposed answers and missing settings."""

import csv
from collections.abc import Mapping
from importlib.resources import files

import pytest

from integration import words
from integration.core.days.till import NO_GROUP
from integration.core.errors import Reason
from integration.flows.days.questions import QUESTIONS, TABLES
from integration.flows.days.settings import DaySettings
from integration.flows.days.spec import DAYS
from integration.flows.forms import Proposal, Question, SetupContext
from integration.flows.settings import CodeList, books_list, till_list
from integration.flows.tables import row_fault
from integration.services.runs.exceptions import missing_row

DEFAULTS = DaySettings().model_dump()
LISTS: Mapping[CodeList, Mapping[str, str]] = {
    books_list("day_daybooks"): {"100": "Kasboek", "600": "Memoriaal"},
    books_list("daybook_types"): {"100": "cash", "600": "memorial", "700": "sales"},
    books_list("ledgers"): {
        "800": "Fietsen",
        "8000": "Omzet",
        "1000": "Kas",
        "4400": "Kasverschillen",
        "1090": "Kruisposten",
    },
    books_list("debtor_accounts"): {"1300": "1300"},
    till_list("turnover_groups"): {"10": "Fietsen"},
    till_list("turnover_accounts"): {"10": "8000"},
    till_list("payment_methods"): {"CASH": "Contant", "PIN": "Pin"},
    till_list("payment_accounts"): {"CASH": "1000", "PIN": "1010"},
}


def context_with(
    tables: Mapping[str, Mapping[str, str]] | None = None,
    lists: Mapping[CodeList, Mapping[str, str]] = LISTS,
    **settings: object,
) -> SetupContext:
    """Return the context of the flow with these settings."""
    return SetupContext({**DEFAULTS, **settings}, DEFAULTS, tables or {}, lambda code_list: lists.get(code_list, {}))


def question(name: str) -> Question:
    """One question of the flow."""
    return next(candidate for candidate in QUESTIONS if candidate.name == name)


def propose_answer(name: str, at: SetupContext) -> Proposal | None:
    """Return the proposed answer to a question."""
    return question(name).propose(at)


def test_the_only_memorial_is_proposed_and_plain() -> None:
    proposal = propose_answer("daybook", context_with())
    assert proposal is not None
    assert proposal.values == {"daybook": "600", "mode": "line"}
    assert question("daybook").safe_defaults(context_with()) == {"daybook": "600"}


def test_a_daybook_that_posts_its_own_contra_account_wants_its_own_mode() -> None:
    lacks = question("daybook").find_missing
    assert lacks(context_with()) is not None  # none is chosen
    assert lacks(context_with(daybook="600")) is None
    assert lacks(context_with(daybook="100", mode="cash", drawer_account="1000")) is None
    for daybook, mode in (("100", "line"), ("600", "cash")):
        lack = lacks(context_with(daybook=daybook, mode=mode))
        assert lack is not None
        assert lack.reason == Reason("lack_day_mode", {"daybook": daybook})


def test_an_account_of_the_till_is_proposed_where_it_can_mean_one_ledger_alone() -> None:
    proposal = propose_answer("accounts", context_with())
    assert proposal is not None
    assert proposal.values == {"10": "8000"}
    assert propose_answer("methods", context_with()) is None  # the books have no ledger 1010, and nothing is guessed
    of_till = {**LISTS, till_list("turnover_accounts"): {"10": "800"}}
    with_zero = propose_answer("accounts", context_with(lists={**of_till, books_list("ledgers"): {"0800": "Fietsen"}}))
    assert with_zero is not None
    assert with_zero.values == {"10": "0800"}
    ledgers = {"0800": "Fietsen", "800": "Oud"}
    assert propose_answer("accounts", context_with(lists={**of_till, books_list("ledgers"): ledgers})) is None


GOODS: Mapping[CodeList, Mapping[str, str]] = {
    **LISTS,
    till_list("turnover_groups"): {"10": "Fietsen", "20": "Kleding", "50": "Diensten", "80": "Cadeaubonnen"},
    till_list("balance_groups"): {"80": "Cadeaubonnen"},
    till_list("cost_accounts"): {"10": "7000", "20": "7000"},
    till_list("stock_accounts"): {"10": "3000"},
    books_list("ledgers"): {"7000": "Kostprijs", "3000": "Voorraad"},
}


def test_accounts_of_goods_are_asked_for_only_where_days_have_costs() -> None:
    for name in ("costs", "stock"):
        arises = question(name).arises
        assert not arises(context_with().settings)
        assert not arises(context_with(cost_of_sales=True, contents="counts").settings)
        assert arises(context_with(cost_of_sales=True).settings)


def lacks_goods(name: str, at: SetupContext) -> str:
    lack = question(name).find_missing(at)
    return lack.reason.facts["codes"] if lack else ""


def test_accounts_of_goods_are_those_of_the_till_and_a_group_without_goods_wants_none() -> None:
    at = context_with(lists=GOODS)
    proposal = propose_answer("costs", at)
    assert proposal is not None
    assert proposal.values == {"10": "7000", "20": "7000"}
    assert propose_answer("stock", at) is None  # of group 20 nobody tells it
    assert [lacks_goods(name, at) for name in ("costs", "stock")] == ["10 Fietsen, 20 Kleding"] * 2
    agreed = context_with(lists=GOODS, till_accounts=True)
    assert [lacks_goods(name, agreed) for name in ("costs", "stock")] == ["", "20 Kleding"]
    whole = context_with({"day_stock_accounts": {"*": "3000"}}, GOODS)
    assert lacks_goods("stock", whole) == ""
    silent = {**GOODS, till_list("cost_accounts"): {}, till_list("stock_accounts"): {}}
    assert lacks_goods("costs", context_with(lists=silent, till_accounts=True)) == "10 Fietsen, 20 Kleding, 50 Diensten"


def test_what_has_no_account_is_named_unless_those_of_the_till_are_agreed_to() -> None:
    lack = question("methods").find_missing(context_with({"method_accounts": {"CASH": "1000"}}))
    assert lack is not None
    assert lack.reason.facts == {"codes": "PIN Pin"}
    assert question("methods").find_missing(context_with(till_accounts=True)) is None


def test_accounts_of_drawers_are_known_by_their_names() -> None:
    proposal = propose_answer("drawers", context_with())
    assert proposal is not None
    assert proposal.values == {"difference_account": "4400", "banked_account": "1090"}
    assert question("drawers").find_missing(context_with()) is not None
    assert question("drawers").find_missing(context_with(difference_account="4400")) is None


def test_the_collective_account_is_the_one_that_debtors_have() -> None:
    proposal = propose_answer("debtors", context_with())
    assert proposal is not None
    assert proposal.values == {"collective_account": "1300", "collective_debtor": ""}


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_whoever_chooses_the_daybook_is_advised_to_block_changes_by_hand(language: str) -> None:
    with (files("integration.sandbox.accountview") / "fields.csv").open(encoding="utf-8") as dictionary:
        captions = {(row["table"], row["name"]): row["caption"] for row in csv.DictReader(dictionary)}
    assert captions["DAILY", "CNG_BLK"] in words.term("about_days_daybook", language)


@pytest.mark.parametrize(
    ("cause", "table"),
    [("day_account_missing", 0), ("day_cost_account_missing", 4), ("day_stock_account_missing", 5)],
)
def test_the_row_for_what_has_no_turnover_group_can_be_set_from_its_cause(cause: str, table: int) -> None:
    missing = missing_row(DAYS, cause, {"group": NO_GROUP, "code": "2"})
    assert missing is not None
    assert (missing.table, missing.table.key(missing.key_values)) == (TABLES[table], NO_GROUP)
    known_codes = {till_list("turnover_groups"): {"10"}, books_list("ledgers"): {"8020"}}
    assert row_fault(TABLES[table], NO_GROUP, "8020", known_codes.get) is None
    assert row_fault(TABLES[table], "77", "8020", known_codes.get) is not None

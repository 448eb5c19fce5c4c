"""Prices of customers from books to till: planned, written, and proven by the price the till charges."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal

import pytest

from integration.cli.prices_demo import have_prices, proven
from integration.connectors.protocol import Connector
from integration.core.people import DEMO
from integration.core.records import Kind
from integration.core.states import Step
from integration.services.mappings.code_lists import CodeLists
from integration.services.prices import BRANCH_CAUSE, CAUSE, KnownRecord, PriceComparison, Prices
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.issues import Issues
from tests.clocks import now
from tests.consoles import Console, open_application
from tests.parts import part
from tests.stores import stores_in
from tests.timeouts import wait_until

D = Decimal
Agree = Callable[[str, str], None]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose prices of customers are at the till."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        console.run("products")
        console.run("customers")
        have_prices(application)
        for flow in ("products", "customers"):
            assert console.run(flow).counts.proven > 0
        yield console


def customer(console: Console, place: int) -> KnownRecord:
    number = console.sandbox.shop.customers[place].number
    return next(record for record in console.application.prices.customers() if record.key == number)


def article(console: Console, code: str) -> KnownRecord:
    return next(record for record in console.application.prices.articles() if record.key == code)


@pytest.fixture(scope="module")
def code(console: Console) -> str:
    """The article that has a price from a quantity on, and one in a branch."""
    return str(next(row["ART_CODE"] for row in console.sandbox.state("K9_PRICE") if row.get("K9_MINQ")))


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Undo the changes of a test at its end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def agree(console: Console, cleanup: ExitStack) -> Agree:
    """Changes the price of the one agreement that has a value in some column."""
    edit = console.sandbox.accountview.edit

    def change(column: str, price: str) -> None:
        row = next(row for row in console.sandbox.state("K9_PRICE") if row.get(column))
        cleanup.callback(edit, "K9_PRICE", str(row["REC_ID"]), {"K9_PX": row["K9_PX"]})
        edit("K9_PRICE", str(row["REC_ID"]), {"K9_PX": price})

    return change


def pays(
    console: Console, who: KnownRecord | None, code: str, quantity: str = "1", branch: str = "1"
) -> PriceComparison:
    comparison = console.application.prices.explain_price(who, article(console, code), D(quantity), branch)
    assert comparison is not None
    return comparison


def winner(comparison: PriceComparison) -> tuple[str, str]:
    (step,) = [step for step in comparison.paid.steps if step.wins]
    return step.by, f"{step.minimum.normalize():f}"


def test_everything_agreed_is_what_the_till_charges(console: Console) -> None:
    outcome = proven(console.application)
    assert outcome.price_count > 20
    assert (outcome.same, outcome.different) == (outcome.price_count, ())


def test_a_wholesaler_pays_the_price_of_the_group_from_ten_pieces_that_for_ten(console: Console, code: str) -> None:
    who = customer(console, 1)
    single, ten = pays(console, who, code), pays(console, who, code, "10")
    assert (winner(single), winner(ten)) == (("price_group", "0"), ("price_group", "10"))
    assert single.proven
    assert ten.proven
    assert ten.paid.total < 10 * single.paid.total
    assert single.sources["price_group:3"] == "GROOT"


def test_a_branch_has_a_price_of_its_own(console: Console, code: str) -> None:
    default_proof, branch_proof = pays(console, None, code), pays(console, None, code, branch="3")
    assert (winner(branch_proof), branch_proof.sources["branch:3"]) == (("branch", "0"), "3")
    assert branch_proof.proven
    assert branch_proof.paid.total > default_proof.paid.total


def test_a_discount_group_and_an_agreement_win_from_the_price_list(console: Console) -> None:
    clothing = next(
        record
        for record in console.application.prices.articles()
        if record.agreed.values.get("articleDiscountGroupNumber")
    )
    comparison = pays(console, customer(console, 0), clothing.key)
    assert (winner(comparison)[0], comparison.proven) == ("discount_group", True)
    row = next(row for row in console.sandbox.state("K9_PRICE") if row.get("SUB_NR") and row.get("ART_CODE"))
    agreed = pays(console, customer(console, 1), str(row["ART_CODE"]))
    assert (winner(agreed)[0], agreed.proven, agreed.paid.incl) == ("article", True, False)


def test_price_group_discount_credit_and_days_are_at_the_till(console: Console) -> None:
    at_till = {
        relation["extRelationId"]: relation
        for relation in console.sandbox.state("relations", "mplus")
        if "extRelationId" in relation
    }
    first, fourth = (at_till[console.sandbox.shop.customers[place].number] for place in (0, 3))
    assert [first[name] for name in ("priceGroupNumber", "creditLimit", "paymentWithinDays")] == [3, 500000, 14]
    assert fourth["discountPercentage"] == 5


@pytest.mark.long
def test_a_second_run_writes_nothing(console: Console) -> None:
    before = console.writes()
    for flow in ("products", "customers"):
        console.run(flow)
    assert console.writes() == before


def by_night(console: Console) -> None:
    """Run the nightly check of prices, page by page."""
    position = console.application.prices.page("")
    while position:
        position = console.application.prices.page(position)


def check_prices_during_erasure(console: Console) -> None:
    """Run the nightly check, and erase a customer after the agreed values were read."""
    calls: list[object] = []
    stores = stores_in(console.application)

    to = console.application.access.connector

    def till() -> Connector:
        calls.append(len(calls) or stores.erasure_register.begin([("debtor", "99999")], "anna"))
        return to("mplus")

    prices = Prices(
        stores.links, stores.issues, stores.erasure_register, stores.rules,
        part(ConnectorFactory, connector=lambda system: till() if system == "mplus" else to(system)),
        part(CodeLists, choices=lambda _, name: {"1": ""} if name == "branches" else {}), console.application.logics,
        customers="customers", products="products", clock=now,
    )  # fmt: skip
    prices.page("")
    assert len(calls) == 4  # twice whether it answers, and twice what it charges


def open_issues(console: Console) -> list[str]:
    issues: Issues = stores_in(console.application).issues
    return [open_issue.issue.facts["article"] for open_issue in issues.list("customers", CAUSE, limit=1000)]


def test_what_the_till_charges_otherwise_is_an_exception_with_both_amounts(console: Console, code: str) -> None:
    number = article(console, code).number
    console.sandbox.till.edit("articles", number, {"priceGroupList": [{"priceGroupNumber": 3, "priceIncl": 1}]})
    by_night(console)
    assert set(open_issues(console)) == {code}
    (group,) = [cause_group for cause_group in console.application.exceptions.groups() if cause_group.cause == CAUSE]
    assert (group.facts["article"], group.facts["charged"]) == (code, "0.01")
    assert D(group.facts["expected"]) > 1
    check_prices_during_erasure(console)
    assert set(open_issues(console)) == {code}
    console.run("products")  # puts it back: the till was edited by hand
    by_night(console)
    assert open_issues(console) == []


@pytest.mark.long
def test_what_a_branch_charges_whoever_has_no_terms_is_asked_by_night_too(console: Console, code: str) -> None:
    number = article(console, code).number
    issues: Issues = stores_in(console.application).issues

    def branch_prices() -> list[tuple[str, str]]:
        branch_issues = issues.list("products", BRANCH_CAUSE)
        return [(open_issue.issue.facts["branch"], open_issue.issue.facts["charged"]) for open_issue in branch_issues]

    planted = {"articleNumber": number, "branchNumber": 3, "salesPriceIncl": "1.00"}
    console.sandbox.till.edit("deviations", number, planted)
    by_night(console)
    assert branch_prices() == [("3", "1.00")]
    console.run("products")
    (open_,) = issues.list("products", BRANCH_CAUSE)
    assert console.application.prices.check_prices_again("products", [open_.issue.key])
    assert branch_prices() == []
    by_night(console)
    assert open_issues(console) == []


@pytest.mark.parametrize(
    ("column", "flow", "cause", "expected"),
    [("SUB_NR", "customers", CAUSE, "3.33"), ("K9_BRANCH", "products", BRANCH_CAUSE, "4.03")],
)
def test_a_price_that_is_new_in_the_books_is_compared_before_any_run_writes_it(
    console: Console, cleanup: ExitStack, column: str, flow: str, cause: str, expected: str
) -> None:
    articles = [record for record in console.application.prices.articles() if ":" not in "".join(record.agreed.values)]
    products = stores_in(console.application).links.get("products", Kind.PRODUCT, [record.key for record in articles])
    new = next(record for record in articles if record.key in products)
    who = next(record for record in console.application.prices.customers() if ":" not in "".join(record.agreed.values))
    owner, key = (who.key, who.key) if column == "SUB_NR" else ("3", new.key)
    books, prices = console.sandbox.accountview, console.application.prices
    cleanup.callback(prices.check_prices_again, flow, [key])
    cleanup.callback(books.remove, "K9_PRICE", "N0001")
    books.add("K9_PRICE", {"REC_ID": "N0001", "ART_CODE": new.key, column: owner, "K9_PX": "3.3300", "K9_MINQ": "0"})
    assert prices.check_prices_again(flow, [key])
    issues = stores_in(console.application).issues.list(flow, cause, limit=1000)
    assert [(issue.issue.key, issue.issue.facts["expected"]) for issue in issues] == [(key, expected)]


@pytest.mark.long
def test_who_is_nobody_in_particular_pays_by_the_price_group_of_the_branch(console: Console, code: str) -> None:
    console.application.tables.save("price_groups", {"GROOT": "1"}, DEMO)  # that of all branches
    console.run("products")
    for branch in ("1", "3"):
        comparison = pays(console, None, code, branch=branch)
        assert (winner(comparison), comparison.proven) == (("price_group", "0"), True)
    by_night(console)
    assert stores_in(console.application).issues.list("products", BRANCH_CAUSE) == []
    console.application.tables.save("price_groups", {"GROOT": "3"}, DEMO)
    console.run("products")
    by_night(console)


def test_after_a_commit_the_till_is_asked_about_what_was_written(console: Console, code: str, agree: Agree) -> None:
    agree("K9_MINQ", "20.0000")
    console.sandbox.ledger.clear()
    assert console.run("products").counts.proven > 0
    ledger = console.sandbox.ledger  # it is asked once the run has ended
    wait_until(lambda: "determinePricing" in {call.operation for call in ledger.calls("mplus")}, "the till is asked")
    assert open_issues(console) == []
    assert pays(console, customer(console, 1), code, "10").proven


def test_a_price_outside_the_range_of_the_till_parks_with_the_range(
    console: Console, code: str, agree: Agree, cleanup: ExitStack
) -> None:
    number = article(console, code).number
    wide = {"priceDeviationMin": "0.00", "priceDeviationMax": "99999.00"}  # as good as none, which it had
    cleanup.callback(console.sandbox.till.edit, "articles", number, wide)
    console.sandbox.till.edit("articles", number, {"priceDeviationMin": "1.00", "priceDeviationMax": "2.00"})
    agree("K9_BRANCH", "3000.0000")
    run = console.preview("products")
    lines = console.lines(console.commit(run)).values()
    (parked,) = [line for line in lines if line.cause == "price_outside_range"]
    assert parked.step is Step.PARKED
    assert (parked.facts["lowest"], parked.facts["highest"]) == ("1.00", "2.00")


def test_where_the_till_does_not_answer_nothing_is_said_to_be_proven(
    console: Console, code: str, cleanup: ExitStack
) -> None:
    cleanup.callback(console.sandbox.till.edit, "conventions", "unknown_operations", {"value": []})
    console.sandbox.till.edit("conventions", "unknown_operations", {"value": ["determinePricing"]})
    comparison = pays(console, customer(console, 1), code)
    assert (comparison.till_price, comparison.proven) == (None, None)
    assert console.application.prices.has_till_prices() is False
    by_night(console)


@pytest.mark.long
def test_whatever_the_books_take_away_goes_at_the_till_and_is_charged_otherwise_until_then(
    console: Console, cleanup: ExitStack
) -> None:
    books, shop = console.sandbox.accountview, console.sandbox.shop
    people = [shop.customers[place].number for place in (0, 1, 3)]
    terms = ("priceGroupNumber", "discountPercentage", "creditLimit", "paymentWithinDays")

    def till_terms(names: Sequence[str] = terms) -> list[tuple[str, str]]:
        """Return these terms of the customers, and the prices per price group of all articles."""
        relations = [
            relation
            for relation in console.sandbox.state("relations", "mplus")
            if relation.get("extRelationId") in people
        ]
        return [
            (str(relation["extRelationId"]), name) for relation in relations for name in names if relation.get(name)
        ]

    def price_lists() -> list[str]:
        lists = ("priceGroupList", "articleDiscountList", "articleDiscountGroupList")
        rows = [*console.sandbox.state("articles", "mplus"), *console.sandbox.state("relations", "mplus")]
        return [name for row in rows for name in lists if row.get(name)]

    by_night(console)
    assert open_issues(console) == []
    assert {name for _, name in till_terms()} == set(terms)
    assert price_lists()
    for flow in ("customers", "products"):
        cleanup.callback(console.run, flow)
    contacts = {row["SUB_NR"]: row for row in console.sandbox.state("CONTACT")}
    for number in people:
        without_terms = {"APX_LIST": "", "DISC_PCT": 0, "CRED_LIM": 0, "DISC_CODE": ""}
        terms_before = {name: contacts[number].get(name, empty) for name, empty in without_terms.items()}
        cleanup.callback(books.edit, "CONTACT", number, terms_before)
        books.edit("CONTACT", number, without_terms)
    for row in console.sandbox.state("K9_PRICE"):
        cleanup.callback(books.add, "K9_PRICE", {name: value for name, value in row.items() if name != "EXT_KEY"})
        books.remove("K9_PRICE", str(row["REC_ID"]))
    by_night(console)
    assert open_issues(console) != []

    for flow in ("products", "customers"):
        console.run(flow)
    by_night(console)
    waiting_keys = console.waits("customers", "price_group_of_till")  # which they had before us
    remaining = [pair for pair in till_terms() if pair[1] != "priceGroupNumber" or pair[0] not in waiting_keys]
    assert (remaining, price_lists(), open_issues(console)) == ([], [], [])


@pytest.fixture(scope="module")
def offers(console: Console, code: str) -> None:
    """Today's offers of the article with a group price and of one with an agreement, at both systems."""
    application = console.application
    agreed = next(row for row in console.sandbox.state("K9_PRICE") if row.get("SUB_NR") and row.get("ART_CODE"))
    day = f"{application.access.connector('accountview').client.today()}T00:00:00.000Z"  # type: ignore[attr-defined]
    for place, key in enumerate((code, str(agreed["ART_CODE"]))):
        row = {"REC_ID": f"P{place:04}", "ART_CODE": key, "K9_OFFER": "WEEK", "K9_MINQ": "0", "K9_PCT": "50"}
        console.sandbox.accountview.add("K9_PRICE", {**row, "K9_FIRST": day, "K9_LAST": day})
    application.tables.save("sales_prices", {"WEEK": "1"}, DEMO)
    application.flows.change("products", {"temporary_prices": True}, DEMO)
    assert console.run("products").counts.proven > 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("precedence", "of_group", "of_agreement"),
    [("discounts", "price_group", "article"), ("price_groups", "offer", "article"), ("everything", "offer", "offer")],
)
@pytest.mark.usefixtures("offers")
def test_a_setting_says_which_prices_of_a_customer_an_offer_replaces(
    console: Console, code: str, precedence: str, of_group: str, of_agreement: str
) -> None:
    agreed = next(row for row in console.sandbox.state("K9_PRICE") if row.get("SUB_NR") and row.get("ART_CODE"))
    console.application.flows.change("products", {"offers_win_over": precedence}, DEMO)
    console.sandbox.till.edit("conventions", "offers_win_over", {"value": precedence})
    comparisons = [pays(console, customer(console, 1), key) for key in (code, str(agreed["ART_CODE"]))]
    assert [(winner(comparison)[0], comparison.proven) for comparison in comparisons] == [
        (of_group, True),
        (of_agreement, True),
    ]

"""Prices of customers in the AccountView sandbox: off until their object is named, complete, and never guessed."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Unreadable, Value
from integration.sandbox.accountview.seed.prices import CLOTHING, WHOLESALE
from integration.sandbox.server import Sandbox
from integration.services.connections.sandbox_host import PRICES
from tests.builders import accountview_settings
from tests.connectors.accountview.test_articles import calls
from tests.fakes import MemoryTokenStore
from tests.recording_server import alter_column

D = Decimal


@pytest.fixture(scope="module")
def keeper() -> MemoryTokenStore:
    return MemoryTokenStore()


@pytest.fixture
def books(shared_sandbox: Sandbox, keeper: MemoryTokenStore) -> Iterator[AccountView]:
    """A connection to a sandbox that reads prices of customers."""
    accountview = AccountView(accountview_settings(shared_sandbox, prices=PRICES, page_size=1000), keeper)
    yield accountview
    accountview.close()


def terms(record: Record) -> dict[str, Value]:
    return {name: value for name, value in record.values.items() if ":" in name}


def fetch_record(books: AccountView, kind: Kind, key: str) -> Record:
    (record,) = books.fetch(kind, [key])
    return record


def quantity_priced(sandbox: Sandbox) -> str:
    """Return the article that has a price from a quantity on."""
    rows = sandbox.state("K9_PRICE", "accountview")
    return str(next(row["ART_CODE"] for row in rows if row.get("K9_MINQ")))


def test_articles_have_their_prices_for_lists_quantities_and_branches(
    shared_sandbox: Sandbox, books: AccountView
) -> None:
    code = quantity_priced(shared_sandbox)
    article = fetch_record(books, Kind.ARTICLE, code)
    price = article.values["price"]
    assert isinstance(price, Decimal)
    assert {name: round(value / price, 2) for name, value in terms(article).items() if isinstance(value, Decimal)} == {
        f"price_group_price:0:{WHOLESALE}": D("0.90"),
        f"price_group_price:10:{WHOLESALE}": D("0.80"),
        "branch_price:0:3": D("1.05"),
    }
    assert code in {record.key for record in books.extract(Kind.ARTICLE).records if terms(record)}


def test_debtors_have_what_is_agreed_with_them(shared_sandbox: Sandbox, books: AccountView) -> None:
    firm, other = (customer.number for customer in shared_sandbox.shop.customers[:2])
    assert terms(fetch_record(books, Kind.DEBTOR, firm)) == {f"discount_group_percent:0:{CLOTHING}": D(15)}
    (agreed,) = terms(fetch_record(books, Kind.DEBTOR, other))
    assert agreed.startswith("article_price:0:")


def test_price_list_discount_and_credit_are_fields_of_a_debtor(shared_sandbox: Sandbox, books: AccountView) -> None:
    first, fourth = (shared_sandbox.shop.customers[place].number for place in (0, 3))
    wholesaler, firm = fetch_record(books, Kind.DEBTOR, first).values, fetch_record(books, Kind.DEBTOR, fourth).values
    assert (wholesaler["price_list"], wholesaler["CRED_LIM"]) == (WHOLESALE, D(5000))
    assert (firm["DISC_PCT"], firm["payment_condition"]) == (D(5), "14")
    assert WHOLESALE in books.choices("price_lists")


def test_nothing_is_read_of_prices_until_their_object_is_named(
    shared_sandbox: Sandbox, keeper: MemoryTokenStore
) -> None:
    accountview = AccountView(accountview_settings(shared_sandbox), keeper)
    call_counts = calls(shared_sandbox, lambda: accountview.extract(Kind.ARTICLE))
    assert not [record for record in accountview.extract(Kind.DEBTOR).records if terms(record)]
    assert "K9P" not in " ".join(call_counts)
    accountview.close()


@pytest.fixture
def quantity_price(shared_sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """The row of a price from a quantity on, which has its price again once a test is over."""
    row = next(row for row in shared_sandbox.state("K9_PRICE", "accountview") if row.get("K9_MINQ"))
    yield row
    shared_sandbox.accountview.edit("K9_PRICE", str(row["REC_ID"]), {"K9_PX": row["K9_PX"]})


def test_a_price_that_changes_reaches_the_next_reading_though_its_article_is_stamped_before(
    shared_sandbox: Sandbox, books: AccountView, quantity_price: dict[str, Any]
) -> None:
    stamp = books.extract(Kind.ARTICLE).stamp
    shared_sandbox.accountview.edit("K9_PRICE", str(quantity_price["REC_ID"]), {"K9_PX": "1.2345"})
    records = {record.key: record for record in books.extract(Kind.ARTICLE, since=stamp).records}
    assert terms(records[str(quantity_price["ART_CODE"])])[f"price_group_price:10:{WHOLESALE}"] == D("1.2345")


@pytest.mark.parametrize(
    "values", [{"K9_LIST": WHOLESALE, "K9_BRANCH": "1"}, {}, {"K9_LIST": WHOLESALE}], ids=["both", "neither", "twice"]
)
def test_rows_that_contradict_one_another_are_a_question(sandbox: Sandbox, values: dict[str, object]) -> None:
    code = quantity_priced(sandbox)
    sandbox.accountview.add("K9_PRICE", {"REC_ID": "X1", "ART_CODE": code, "K9_PX": "7.77", **values})
    accountview = AccountView(accountview_settings(sandbox, prices=PRICES), MemoryTokenStore())
    assert isinstance(fetch_record(accountview, Kind.ARTICLE, code), Unreadable)
    accountview.close()


def test_a_column_that_is_missing_is_named_by_the_check(shared_sandbox: Sandbox, keeper: MemoryTokenStore) -> None:
    for changed, name, cause in (
        ({"percent": "NO_PCT"}, "fields", "flow_field_unknown"),
        ({"object": "ZZ9"}, "rights", "object_missing"),
    ):
        accountview = AccountView(accountview_settings(shared_sandbox, prices={**PRICES, **changed}), keeper)
        wrong = next(finding for finding in accountview.check() if finding.ok is False)
        assert (wrong.name, wrong.cause) == (name, cause)
        accountview.close()
    accountview = AccountView(accountview_settings(shared_sandbox, prices={**PRICES, "percent": "NO_PCT"}), keeper)
    with pytest.raises(RejectedError):
        accountview.extract(Kind.ARTICLE)
    accountview.close()


def test_a_look_at_well_named_prices_finds_nothing_wrong(books: AccountView) -> None:
    assert all(finding.ok for finding in books.check())


def test_an_article_whose_row_of_prices_does_not_name_it_waits_alone(
    shared_sandbox: Sandbox, keeper: MemoryTokenStore
) -> None:
    code = quantity_priced(shared_sandbox)
    with alter_column(shared_sandbox.accountview_url, "K9_PRICE", {"ART_CODE": code}, "ART_CODE", "null") as url:
        books = AccountView(accountview_settings(shared_sandbox, prices=PRICES, url=url, page_size=1000), keeper)
        records = books.extract(Kind.ARTICLE).records
        books.close()
    assert [record.key for record in records if isinstance(record, Unreadable)] == [code]


@pytest.mark.parametrize(
    ("column", "forms"),
    [
        ("K9_MINQ", ("true", "[10]", '{"x": 10}', '"10,5"', '"tien"')),
        ("K9_PX", ("true", "[7.5]", '{"x": 7.5}', '"7,50"')),
        ("K9_PCT", ("false", "[]", "{}")),
        ("K9_LIST", ("true", '["G"]', '{"x": "G"}', "7", "7.0")),
        ("SUB_NR", ("true", '["20001"]', "20001")),
        ("K9_FIRST", ("true", '"01-12-2026"', "20261201", '["2026-12-01"]')),
    ],
)
def test_a_column_of_another_type_leaves_no_other_price(
    shared_sandbox: Sandbox, keeper: MemoryTokenStore, column: str, forms: tuple[str, ...]
) -> None:
    code = quantity_priced(shared_sandbox)
    for form in forms:
        with alter_column(shared_sandbox.accountview_url, "K9_PRICE", {"ART_CODE": code}, column, form) as url:
            books = AccountView(accountview_settings(shared_sandbox, prices=PRICES, url=url), keeper)
            record = fetch_record(books, Kind.ARTICLE, code)
            books.close()
        assert isinstance(record, Unreadable), (form, terms(record))


@pytest.mark.parametrize(
    ("first", "last", "value"),
    [(0, 6, "offer_price"), (-7, 0, "offer_price"), (-7, -1, ""), (3, 0, None), (None, 3, None)],
)
def test_an_offer_has_its_period_until_it_has_ended(
    sandbox: Sandbox, keeper: MemoryTokenStore, first: int | None, last: int, value: str | None
) -> None:
    books = AccountView(accountview_settings(sandbox, prices=PRICES, page_size=1000), keeper)
    today = books.client.today()
    days = [None if offset is None else today + timedelta(days=offset) for offset in (first, last)]
    row = {"REC_ID": "P9", "ART_CODE": (code := quantity_priced(sandbox)), "K9_OFFER": "WEEK", "K9_PX": "5.0000"}
    dates = {name: f"{day}T00:00:00.000Z" for name, day in zip(("K9_FIRST", "K9_LAST"), days, strict=True) if day}
    sandbox.accountview.add("K9_PRICE", row | dates)
    record = fetch_record(books, Kind.ARTICLE, code)
    books.close()
    assert isinstance(record, Unreadable) == (value is None)
    if value is not None:
        offers = {name: price for name, price in terms(record).items() if name.startswith("offer")}
        assert offers == ({f"{value}:0@{days[0]}_{days[1]}:WEEK": D(5)} if value else {})


def test_a_price_list_has_no_period(sandbox: Sandbox, keeper: MemoryTokenStore) -> None:
    books = AccountView(accountview_settings(sandbox, prices=PRICES, page_size=1000), keeper)
    row = next(row for row in sandbox.state("K9_PRICE") if row.get("K9_MINQ"))
    sandbox.accountview.edit("K9_PRICE", str(row["REC_ID"]), {"K9_LAST": "2099-01-01T00:00:00.000Z"})
    assert isinstance(fetch_record(books, Kind.ARTICLE, str(row["ART_CODE"])), Unreadable)
    books.close()

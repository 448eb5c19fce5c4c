"""Articles as a source."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from pydantic import ValidationError

from integration.connectors.accountview.answers import LONGEST_NUMBER
from integration.connectors.accountview.columns import WarehouseFields
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.http import Gateway
from integration.core.connections import Token
from integration.core.errors import RejectedError
from integration.core.records import FieldType, Kind, Record, Unreadable, Value
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.builders import accountview_settings
from tests.connectors.accountview.conversation import Connect, minding_conditions
from tests.connectors.accountview.samples import connect_accountview
from tests.connectors.canned import Canned
from tests.connectors.contract import SourceContract, Touch, pages
from tests.fakes import MemoryTokenStore
from tests.recording_server import alter_column


def test_every_article_of_the_shop_arrives_with_its_price_to_four_decimals(
    accountview: AccountView, shared_sandbox: Sandbox
) -> None:
    prices = {
        record.key: record.values["price"] for batch in pages(accountview, Kind.ARTICLE) for record in batch.records
    }
    assert prices == {article.code.upper(): article.price_excl for article in shared_sandbox.shop.articles}


@pytest.mark.parametrize(
    "conventions",
    [
        Conventions(padded_text=True),
        Conventions(one_row_as_object=True),
        Conventions(no_hit="absent"),
        Conventions(no_hit="not_found"),
        Conventions(equal_is_prefix=True),
    ],
    ids=["padded text", "one row as object", "table absent", "404 when nothing found", "equal is a prefix"],
)
def test_what_the_sources_leave_open_makes_no_difference(conventions: Conventions, connect: Connect) -> None:
    with running(articles=60, trades=False, conventions=conventions) as other:
        accountview = connect(other)
        records = [record for batch in pages(accountview, Kind.ARTICLE) for record in batch.records]
        assert [record.key for record in records] == sorted(article.code.upper() for article in other.shop.articles)
        unread = accountview.extract_unparsed(Kind.ARTICLE)
        assert unread is not None
        assert list(unread.parse(())) == records[: len(unread.hashes)]
        assert accountview.fetch(Kind.ARTICLE, [records[0].key, "none"]) == [records[0]]
        assert all(finding.ok for finding in accountview.check())


def test_quantities_of_stock_stand_under_our_names(books: AccountView) -> None:
    record = books.extract(Kind.ARTICLE).records[-1]
    assert {"stock", "stock_technical", "stock_free", "stock_ordered", "K9_RSRV"} <= record.values.keys()
    assert "stock_reserved" not in record.values
    assert isinstance(record.values["stock_free"], Decimal)


def test_a_quantity_that_nobody_tells_is_left_out() -> None:
    with (
        running(articles=60, trades=False, renamed={"ARTICLE.QTY_BESTEL": "BESTELD"}) as other,
        connect_accountview(other) as accountview,
    ):
        record = accountview.extract(Kind.ARTICLE).records[0]
        assert "stock_ordered" not in record.values
        assert all(finding.ok for finding in accountview.check())


# ---- accountView's stock of each warehouse: off until its object is named, read in few calls, never guessed


WAREHOUSES = {
    "object": "K9V",
    "table": "K9_STOCK",
    "article": "ART_CODE",
    "warehouse": "K9_BRANCH",
    "quantity": "K9_QTY",
}
NAMES = ["warehouse:1", "warehouse:2", "warehouse:3"]


@contextmanager
def connect_with_warehouses(
    sandbox: Sandbox, keeper: MemoryTokenStore | None = None, **changed: object
) -> Iterator[AccountView]:
    """A connection to a sandbox that reads warehouses; closed afterwards."""
    settings = accountview_settings(sandbox, **{"warehouses": WAREHOUSES, **changed})
    accountview = AccountView(settings, keeper or MemoryTokenStore())
    try:
        yield accountview
    finally:
        accountview.close()


@pytest.fixture(scope="module")
def shared_keeper() -> MemoryTokenStore:
    return MemoryTokenStore()


@pytest.fixture
def books(shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore) -> Iterator[AccountView]:
    with connect_with_warehouses(shared_sandbox, shared_keeper) as accountview:
        yield accountview


def articles(accountview: AccountView) -> dict[str, Record]:
    return {record.key: record for batch in pages(accountview, Kind.ARTICLE) for record in batch.records}


def levels(record: Record) -> dict[str, Value]:
    return {name: value for name, value in record.values.items() if name.startswith("warehouse:")}


def shop_stock(sandbox: Sandbox) -> dict[str, dict[str, Decimal]]:
    return {
        article.code.upper(): {f"warehouse:{branch}": quantity for branch, quantity in article.stock.items()}
        for article in sandbox.shop.articles
    }


def calls(sandbox: Sandbox, doing: Callable[[], object]) -> Counter[str]:
    """Count the calls to AccountView, without the log-in."""
    start = max((call.number for call in sandbox.ledger.calls()), default=0)
    doing()
    return Counter(call.operation for call in sandbox.ledger.calls(since=start) if call.operation != "token")


def shelf(sandbox: Sandbox, code: str, branch: str) -> str:
    """Return the key of the row with the stock of an article in a warehouse."""
    rows = sandbox.accountview.state("K9_STOCK")
    return next(str(row["REC_ID"]) for row in rows if (row["ART_CODE"], row["K9_BRANCH"]) == (code, branch))


class TestAccountViewWithWarehouses(SourceContract):
    @pytest.fixture(params=["number", "last_key"])
    def connector(
        self, shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore, request: pytest.FixtureRequest
    ) -> Iterator[AccountView]:
        with connect_with_warehouses(
            shared_sandbox, shared_keeper, page_strategy=request.param, overlap_seconds=0
        ) as accountview:
            yield accountview

    @pytest.fixture
    def touch(self, shared_sandbox: Sandbox) -> Touch:
        return lambda key: shared_sandbox.accountview.edit("ARTICLE", key, {"ART_DESC1": "Anders"})


# Off, on, or half


def test_nothing_is_read_of_warehouses_until_their_object_is_named(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore
) -> None:
    with connect_with_warehouses(shared_sandbox, shared_keeper, warehouses={}) as accountview:
        call_counts = calls(shared_sandbox, lambda: accountview.extract(Kind.ARTICLE))
        # the first three: how it says that nothing was found, and which page is the first
        assert call_counts == {"AK1 GET": 3 + 2, "dictionary": 1 + 2}
        assert levels(accountview.extract(Kind.ARTICLE).records[0]) == {}
        assert not [field.name for field in accountview.fields(Kind.ARTICLE) if field.name.startswith("warehouse")]
        assert accountview.choices("warehouses") == {}
        assert all(finding.ok for finding in accountview.check())


def test_the_names_belong_together() -> None:
    with pytest.raises(ValidationError, match="expected_all_or_none"):
        WarehouseFields(object="K9V", table="K9_STOCK")


# What an article has


@pytest.mark.parametrize("strategy", ["number", "last_key"])
def test_every_article_has_what_each_warehouse_has_of_it(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore, strategy: str
) -> None:
    with connect_with_warehouses(shared_sandbox, shared_keeper, page_strategy=strategy) as accountview:
        stock = {key: levels(record) for key, record in articles(accountview).items()}
    assert stock == shop_stock(shared_sandbox)
    assert all(isinstance(value, Decimal) for values in stock.values() for value in values.values())


@pytest.mark.parametrize(
    "conventions",
    [
        Conventions(padded_text=True),
        Conventions(one_row_as_object=True),
        Conventions(text_ignores_case=False),
        Conventions(equal_is_prefix=True),
        Conventions(unfilterable=frozenset({"K9_BRANCH"})),
    ],
    ids=["padded text", "one row as object", "capitals matter", "equal is a prefix", "warehouses cannot be filtered"],
)
def test_what_the_sources_leave_open_of_warehouses_makes_no_difference(conventions: Conventions) -> None:
    with (
        running(articles=60, trades=False, conventions=conventions) as other,
        connect_with_warehouses(other, conditions=3) as accountview,
    ):
        stock = {key: levels(record) for key, record in articles(accountview).items()}
        assert stock == shop_stock(other)


def test_a_code_that_begins_another_does_not_count_its_stock_twice() -> None:
    with running(articles=60, trades=False, conventions=Conventions(equal_is_prefix=True)) as other:
        other.accountview.add("ARTICLE", {"ART_CODE": "100", "ART_DESC1": "Begin", "AG_CODE": "FIETS"})
        with connect_with_warehouses(other, conditions=2) as accountview:
            stock = {key: levels(record) for key, record in articles(accountview).items()}
    assert stock == {**shop_stock(other), "100": dict.fromkeys(NAMES, Decimal(0))}


def test_an_article_fetched_by_its_code_has_them_too(books: AccountView, shared_sandbox: Sandbox) -> None:
    (record,) = books.fetch(Kind.ARTICLE, ["10001", "none"])
    assert levels(record) == shop_stock(shared_sandbox)["10001"]


def test_an_article_without_a_row_in_a_warehouse_has_no_stock_in_it(sandbox: Sandbox) -> None:
    sandbox.accountview.remove("K9_STOCK", shelf(sandbox, "10001", "2"))
    with connect_with_warehouses(sandbox) as accountview:
        stock = levels(articles(accountview)["10001"])
    assert stock == {**shop_stock(sandbox)["10001"], "warehouse:2": Decimal(0)}


def test_a_warehouse_that_has_one_article_is_known_of_all_from_the_first_page_on(sandbox: Sandbox) -> None:
    last = max(shop_stock(sandbox))
    sandbox.accountview.edit("K9_STOCK", shelf(sandbox, last, "3"), {"K9_BRANCH": "WEB", "K9_QTY": 4})
    with connect_with_warehouses(sandbox) as accountview:
        records = articles(accountview)
        assert list(accountview.choices("warehouses")) == ["1", "2", "3", "WEB"]
    assert {record.values["warehouse:WEB"] for key, record in records.items() if key != last} == {Decimal(0)}
    assert records[last].values["warehouse:WEB"] == Decimal(4)
    assert records[last].values["warehouse:3"] == Decimal(0)


def test_several_rows_of_one_warehouse_are_added_up(sandbox: Sandbox) -> None:
    for branch, quantity in (("1", 3), ("2", "1.5")):
        key = shelf(sandbox, "10001", branch)
        sandbox.accountview.edit("K9_STOCK", key, {"K9_BRANCH": "1", "K9_QTY": quantity})
    with connect_with_warehouses(sandbox) as accountview:
        (record,) = accountview.fetch(Kind.ARTICLE, ["10001"])
    assert levels(record)["warehouse:1"] == Decimal("4.5")
    assert levels(record)["warehouse:2"] == Decimal(0)


def test_a_row_that_names_no_warehouse_counts_nowhere(sandbox: Sandbox) -> None:
    sandbox.accountview.edit("K9_STOCK", shelf(sandbox, "10001", "1"), {"K9_BRANCH": ""})
    with connect_with_warehouses(sandbox) as accountview:
        (record,) = accountview.fetch(Kind.ARTICLE, ["10001"])
    assert sorted(levels(record)) == NAMES
    assert levels(record)["warehouse:1"] == Decimal(0)


def test_where_no_row_can_be_seen_nothing_is_taken_for_zero(sandbox: Sandbox) -> None:
    for row in sandbox.accountview.state("K9_STOCK"):
        sandbox.accountview.remove("K9_STOCK", str(row["REC_ID"]))
    with connect_with_warehouses(sandbox) as accountview:
        assert levels(accountview.extract(Kind.ARTICLE).records[0]) == {}


@pytest.mark.parametrize(
    ("row", "quantities"),
    [
        ({"K9_BRANCH": "B", "K9_QTY": None}, {"warehouse:A": Decimal(2), "warehouse:B": None}),
        ({"K9_BRANCH": None, "K9_QTY": 3}, {"warehouse:A": None}),
        ({"K9_BRANCH": " ", "K9_QTY": 3}, {"warehouse:A": Decimal(2)}),
        ({"K9_BRANCH": " A", "K9_QTY": 3}, {"warehouse:A": None}),
        ({"K9_BRANCH": "A\u00a0", "K9_QTY": 3}, {"warehouse:A": None}),
    ],
)
def test_a_quantity_that_a_row_does_not_tell_is_not_taken_for_zero(
    row: dict[str, object], quantities: dict[str, Decimal | None]
) -> None:
    columns = [{"DBF_NAME": "K9_STOCK", "FIELD_NAME": name} for name in ("ART_CODE", "K9_BRANCH", "K9_QTY")]
    rows = [{"ART_CODE": "1", "K9_BRANCH": "A", "K9_QTY": 2}, {"ART_CODE": "1", **row}]

    def answering(request: httpx.Request) -> httpx.Response:
        tables = {"FLD": {"DCT_FLD": columns}, "AK1": {"ARTICLE": [{"ART_CODE": "1"}]}, "K9V": {"K9_STOCK": rows}}
        return httpx.Response(200, json=tables[request.url.params["BusinessObject"]])

    settings = AccountViewSettings.model_validate({"company": "7f3c", "warehouses": WAREHOUSES})
    gateway = Gateway(
        system="",
        host_shown="",
        limits=settings.limits,
        secrets=list,
        transport=Canned(minding_conditions(answering)),
    )
    keeper = MemoryTokenStore(Token("access", "refresh", datetime.now(UTC) + timedelta(hours=1)))
    accountview = AccountView(settings, keeper, gateway=gateway)
    (record,) = accountview.fetch(Kind.ARTICLE, ["1"])
    accountview.close()
    assert levels(record) == quantities


def test_a_quantity_is_the_one_of_now_on_every_extract(sandbox: Sandbox) -> None:
    with connect_with_warehouses(sandbox) as accountview:
        before = levels(articles(accountview)["10001"])
        sandbox.accountview.edit("K9_STOCK", shelf(sandbox, "10001", "1"), {"K9_QTY": -7})
        assert levels(articles(accountview)["10001"]) == {**before, "warehouse:1": Decimal(-7)}


# What it costs


def test_a_page_of_articles_costs_a_call_for_each_portion_and_two_for_the_list(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore
) -> None:
    with connect_with_warehouses(shared_sandbox, shared_keeper, page_size=1000, conditions=20) as accountview:
        count = len(shared_sandbox.shop.articles)
        first = calls(shared_sandbox, lambda: accountview.extract(Kind.ARTICLE))
        assert first == {"dictionary": 1 + 1 + 2, "AK1 GET": 3 + 2 + 2, "K9V GET": 1 + 2 + -(-count // 20)}
        repeated_calls = calls(shared_sandbox, lambda: accountview.extract(Kind.ARTICLE))
        assert repeated_calls == {"AK1 GET": 2, "K9V GET": 2 + -(-count // 20)}
        fetch_calls = calls(shared_sandbox, lambda: accountview.fetch(Kind.ARTICLE, ["10001", "10002"]))
        assert fetch_calls == {"AK1 GET": 2 + 1, "K9V GET": 1}  # the first time, whether one call may ask for several
        others = calls(shared_sandbox, lambda: accountview.fetch(Kind.ARTICLE, ["10003", "10004"]))
        assert others == {"AK1 GET": 1, "K9V GET": 1}


def test_groups_cost_nothing_more(books: AccountView, shared_sandbox: Sandbox) -> None:
    assert calls(shared_sandbox, lambda: books.extract(Kind.GROUP))["K9V GET"] == 0


# What is offered


def test_the_fields_of_an_article_have_one_for_each_warehouse(books: AccountView) -> None:
    fields = {field.name: field for field in books.fields(Kind.ARTICLE) if field.name.startswith("warehouse:")}
    assert list(fields) == NAMES
    warehouse_field = fields["warehouse:1"]
    assert (warehouse_field.caption, warehouse_field.type, warehouse_field.kind, warehouse_field.custom) == (
        "Magazijn 1",
        FieldType.NUMBER,
        Kind.ARTICLE,
        True,
    )


def test_warehouses_can_be_chosen(books: AccountView) -> None:
    assert books.choices("warehouses") == {"1": "1", "2": "2", "3": "3"}


# What is missing


def test_configured_objects_exist(books: AccountView) -> None:
    assert all(finding.ok for finding in books.check())
    assert all(finding.ok for finding in books.needs(Kind.ARTICLE))


@pytest.mark.parametrize(
    ("changed", "name", "cause", "facts"),
    [
        ({"object": "K8V"}, "rights", "object_missing", {"object": "K8V", "kind": "stock"}),
        ({"table": "K8_STOCK"}, "fields", "flow_field_unknown", {"field": "ART_CODE", "kind": "stock"}),
        ({"article": "K9_ART"}, "fields", "flow_field_unknown", {"field": "K9_ART", "kind": "stock"}),
        ({"warehouse": "K9_HALL"}, "fields", "flow_field_unknown", {"field": "K9_HALL", "kind": "stock"}),
        ({"quantity": "K9_COUNT"}, "fields", "flow_field_unknown", {"field": "K9_COUNT", "kind": "stock"}),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_guessed(
    shared_sandbox: Sandbox,
    shared_keeper: MemoryTokenStore,
    changed: Mapping[str, str],
    name: str,
    cause: str,
    facts: Mapping[str, str],
) -> None:
    with connect_with_warehouses(shared_sandbox, shared_keeper, warehouses={**WAREHOUSES, **changed}) as accountview:
        wrong = next(finding for finding in accountview.check() if not finding.ok)
        assert (wrong.name, wrong.cause) == (name, cause)
        assert facts.items() <= wrong.facts.items()
        lacking = [(finding.name, finding.cause) for finding in accountview.needs(Kind.ARTICLE) if not finding.ok]
        assert (name, cause) in lacking
        with pytest.raises(RejectedError):
            accountview.extract(Kind.ARTICLE)


LONG = "7" * (LONGEST_NUMBER + 5)


@pytest.mark.parametrize(
    ("column", "value", "raw_value"),
    [
        ("REC_BLK", '"misschien"', "misschien"),
        ("REC_BLK", "7", "7"),
        ("REC_BLK", '" "', " "),
        ("PX_SELL", '"veel"', "veel"),
        ("PX_SELL", "NaN", "NaN"),
        ("PX_SELL", LONG, f"{'7' * LONGEST_NUMBER}…"),
        ("QTY_AVAIL", "1e90", "1e90…"),
    ],
)
def test_an_article_that_cannot_be_read_stands_alone_among_the_others(
    shared_sandbox: Sandbox, connect: Connect, column: str, value: str, raw_value: str
) -> None:
    with alter_column(shared_sandbox.accountview_url, "ARTICLE", {"ART_CODE": "10003"}, column, value) as url:
        accountview = connect(url=url)
        records = [record for batch in pages(accountview, Kind.ARTICLE) for record in batch.records]
        fetched = accountview.fetch(Kind.ARTICLE, ["10003"])

    wrong = [record for record in records if isinstance(record, Unreadable)]
    assert [(unreadable.key, unreadable.field, unreadable.raw_value) for unreadable in wrong] == [
        ("10003", column, raw_value)
    ]
    assert fetched == wrong
    assert len(records) == len(shared_sandbox.state("ARTICLE"))


@pytest.mark.parametrize("value", ["NaN", LONG])
def test_a_number_that_no_database_keeps_is_a_text_where_it_has_no_meaning_of_ours(
    shared_sandbox: Sandbox, connect: Connect, value: str
) -> None:
    with alter_column(shared_sandbox.accountview_url, "ARTICLE", {"ART_CODE": "10003"}, "K9_MINQ", value) as url:
        (article,) = connect(url=url).fetch(Kind.ARTICLE, ["10003"])
    assert str(article.values["K9_MINQ"]).rstrip("…") in value


def test_stock_that_names_no_article_is_not_taken_for_zero_of_the_one_it_was_asked_for(sandbox: Sandbox) -> None:
    with (
        alter_column(sandbox.accountview_url, "K9_STOCK", {"ART_CODE": "10001"}, "ART_CODE", "null") as url,
        connect_with_warehouses(sandbox, url=url) as accountview,
    ):
        records = articles(accountview)
    assert levels(records["10001"]) == dict.fromkeys(NAMES)
    assert levels(records["10002"]) == shop_stock(sandbox)["10002"]

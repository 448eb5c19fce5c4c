"""Lists of a till in any order: the connector reads them completely, or raises the reason."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest
from lxml import etree

from integration.connectors.mplus.client import NAMESPACE, Client, interface_contract, qualified
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.element_shape import is_marked_different
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.history import TillHistory
from integration.connectors.mplus.lists import ByNumbers, PartialLists, by_own_number, unique_elements
from integration.connectors.mplus.products import TillProducts
from integration.connectors.mplus.relations import TillRelations
from integration.connectors.mplus.target import TillTarget
from integration.core.errors import MalformedAnswerError
from integration.core.movements import MovementType
from integration.core.records import Kind, Record, Unreadable
from tests.connectors.mplus.tills import NOWHERE, answering
from tests.fakes import Links

MARKERS = range(1, 10)
PAGE = 4
STOPPED = "answer_incomplete|list_out_of_order"
Giving = Callable[[Sequence[int], int], Sequence[int]]  # which of these markers are given, where so many are asked for


def weighing(markers: Sequence[int], limit: int) -> Sequence[int]:
    """Return as many markers as the limit allows, each with a weight of one to three, but at least the first."""
    sums = list(itertools.accumulate(marker % 3 + 1 for marker in markers))
    return [marker for marker, sum_ in zip(markers, sums, strict=True) if sum_ <= limit] or markers[:1]


IN_ORDER: dict[str, Giving] = {
    "cut between what takes several": weighing,
    "sorted": lambda markers, limit: markers[:limit],
    "lowest, not sorted": lambda markers, limit: sorted(markers[:limit], key=lambda value: value * 7 % 5),
    "fewer than asked for": lambda markers, limit: markers[: min(limit, 3)],
    "all, whatever is asked for": lambda markers, _: markers,
    "one twice": lambda markers, limit: [*markers[: limit - 1], *markers[:1]],
}
OUT_OF_ORDER: dict[str, Giving] = {
    "highest first": lambda markers, limit: markers[::-1][:limit],
    "highest, sorted": lambda markers, limit: markers[-limit:],
    "by something else": lambda markers, limit: sorted(markers, key=lambda value: value * 7 % 10)[:limit],
    "one hidden in a full answer": lambda markers, limit: markers[1 : limit + 1] if limit == PAGE else markers[:limit],
    "the same each time": lambda _, limit: list(MARKERS)[:limit],
}


def stock_movement(number: int) -> str:
    stamp = "<day>20</day><mon>11</mon><year>2026</year><hour>3</hour><min>2</min><sec>1</sec><timezone>60</timezone>"
    return (
        f"<stockId>{number}</stockId><timestamp>{stamp}</timestamp><branchNumber>1</branchNumber>"
        "<articleNumber>7</articleNumber><amountChanged>-2</amountChanged><type>STOCK-HISTORY-TYPE-SALES</type>"
    )


def products_answer(markers: Sequence[int]) -> str:
    elements = "".join(
        f"<product><productNumber>{marker}</productNumber><syncMarker>{marker}</syncMarker><articleList><article>"
        f"<articleNumber>{marker}</articleNumber></article></articleList></product>"
        for marker in markers
    )
    return f'<GetProductsResponse xmlns="{NAMESPACE}"><productList>{elements}</productList></GetProductsResponse>'


def a_till(giving: Giving) -> Client:
    def answer(request: httpx.Request) -> str:
        element = etree.fromstring(request.content)
        bound = int(element.findtext(f".//{qualified('syncMarker')}") or 0)
        limit = int(element.findtext(f".//{qualified('syncMarkerLimit')}") or 0)
        page = giving([marker for marker in MARKERS if marker >= bound], limit)
        if since := element.findtext(f".//{qualified('sinceStockIdLimit')}"):
            after = int(element.findtext(f".//{qualified('sinceStockId')}") or 0)
            page = giving([marker for marker in MARKERS if marker > after], int(since))
            elements = "".join(
                f"<articleStockHistory>{stock_movement(move_id)}</articleStockHistory>" for move_id in page
            )
            return f'<GetStockHistoryResponse xmlns="{NAMESPACE}">{elements}</GetStockHistoryResponse>'
        if next(element.iter(qualified("getProducts")), None) is not None:
            return products_answer(page)
        of_orders = next(element.iter(qualified("getOrders")), None) is not None
        name, key, of = ("order", "orderId", "GetOrdersResponse") if of_orders else (
            "relation", "relationNumber", "GetRelationsResponse"
        )  # fmt: skip
        elements = "".join(
            f"<{name}><{key}>{marker}</{key}><syncMarker>{marker}</syncMarker></{name}>" for marker in page
        )
        return f'<{of} xmlns="{NAMESPACE}"><{name}List>{elements}</{name}List></{of}>'

    return answering(answer)


def orders(giving: Giving) -> set[str]:
    source = TillDocuments(NOWHERE.model_copy(update={"document_page": PAGE}), a_till(giving))
    batch = source.extract(Kind.ORDER, None, None)
    keys = {record.key for record in batch.records}
    while batch.after:
        batch = source.extract(Kind.ORDER, None, batch.after)
        keys |= {record.key for record in batch.records}
    return keys


def relations(giving: Giving) -> set[str]:
    client = a_till(giving)
    return changed_keys(
        TillRelations(NOWHERE.model_copy(update={"page_relations": PAGE}), client, TillFields(NOWHERE, client))
    )


def products(giving: Giving) -> set[str]:
    client = a_till(giving)
    return changed_keys(
        TillProducts(NOWHERE.model_copy(update={"page_articles": PAGE}), client, TillFields(NOWHERE, client))
    )


def changed_keys(target: TillTarget) -> set[str]:
    batch = target.read_changes("0")
    keys = {record.key for record in batch.records}
    while batch.after:
        batch = target.read_changes(batch.after)
        keys |= {record.key for record in batch.records}
    return keys


def movements(giving: Giving) -> set[str]:
    history = TillHistory(NOWHERE, a_till(giving), PAGE)
    numbers: set[str] = set()
    page = history.page(0, datetime(2026, 11, 1, tzinfo=UTC))
    while page:
        numbers |= {str(movement.number) for movement in page}
        page = history.page(page[-1].number, datetime(2026, 11, 1, tzinfo=UTC))
    return numbers


READING = pytest.mark.parametrize("read_keys", [orders, relations, products, movements])


@READING
@pytest.mark.parametrize("giving", IN_ORDER.values(), ids=IN_ORDER)
def test_a_list_that_has_the_lowest_markers_is_read_whole(
    read_keys: Callable[[Giving], set[str]], giving: Giving
) -> None:
    assert read_keys(giving) == {str(marker) for marker in MARKERS}


@READING
@pytest.mark.parametrize("giving", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_a_list_of_which_something_would_not_be_read_stops(
    read_keys: Callable[[Giving], set[str]], giving: Giving
) -> None:
    with pytest.raises(MalformedAnswerError, match=STOPPED) as caught:
        read_keys(giving)
    assert {"object", "key"} <= caught.value.facts.keys() or "count" in caught.value.facts


def test_what_changed_between_two_answers_is_no_disorder_and_a_list_is_looked_at_once() -> None:
    answers = iter([[2, 3], [2, 3, 4, 9], [2, 3]])  # 1 was changed and is 9 by now
    lowest = PartialLists()
    lowest.require_lowest("getOrders", [1, 2, 3, 4], lambda _: next(answers))
    lowest.require_lowest("getOrders", [1, 2, 3, 4], lambda _: next(answers))
    assert next(answers, None) is None


# ---- records that stand twice in one answer


def records_twice(content: str, other: str, name: str) -> list[etree._Element]:
    whole = etree.fromstring(f'<a xmlns="{NAMESPACE}"><{name}>{content}</{name}><{name}>{other}</{name}></a>')
    return unique_elements(whole, lambda element: element.findtext(qualified("key")))


def test_equal_records_are_one_and_of_different_ones_one_is_marked_with_what_each_has() -> None:
    (record,) = records_twice("<key>1</key><a>2</a>", "<key>1</key><a>2</a>", "order")
    (marked,) = records_twice("<key>1</key><a>2</a>", "<key>1</key><a>3</a><b>4</b>", "order")
    assert not is_marked_different(record)
    assert is_marked_different(marked)
    assert [(etree.QName(child).localname, child.text) for child in marked] == [
        ("key", "1"), ("a", "2"), ("a", "3"), ("b", "4"),
    ]  # fmt: skip
    assert len(records_twice("<a>1</a>", "<a>1</a>", "order")) == 2


@pytest.mark.parametrize("second", [("Jan", "jan@a.example"), ("Piet", "piet@a.example")])
def test_a_relation_that_comes_twice_is_one_customer_who_is_parked_if_both_differ(second: tuple[str, str]) -> None:
    rows = "".join(
        f"<relation><relationNumber>{number}</relationNumber><syncMarker>{number}</syncMarker><name>{name}</name>"
        f"<email>{email}</email></relation>"
        for number, name, email in ((7, "Jan", "jan@a.example"), (7, *second), (8, "Kees", "kees@a.example"))
    )

    def answer(request: httpx.Request) -> str:
        bound = int(etree.fromstring(request.content).findtext(f".//{qualified('syncMarker')}") or 0)
        elements = rows if bound < 8 else ""
        return (
            f'<GetRelationsResponse xmlns="{NAMESPACE}"><relationList>{elements}</relationList></GetRelationsResponse>'
        )

    client = answering(answer)
    target = TillRelations(NOWHERE, client, TillFields(NOWHERE, client))
    desired = [Record(Kind.RELATION, name, {"email": f"{name}@a.example"}) for name in ("jan", "piet", "kees")]
    current = target.lookup(desired, Links())
    parked = {key for key, current_record in current.items() if isinstance(current_record.record, Unreadable)}
    assert parked == ({"jan", "piet"} if second[0] == "Piet" else set())
    assert current["kees"].reference == "8"
    assert target.read_changes("1").records[-1].key == "8"


@pytest.mark.parametrize("amount", [-2, -3])
def test_a_movement_that_comes_twice_is_one_which_is_unreadable_if_both_differ(amount: int) -> None:
    twice = stock_movement(1), stock_movement(1).replace(">-2<", f">{amount}<"), stock_movement(2)

    def answer(_: httpx.Request) -> str:
        elements = "".join(f"<articleStockHistory>{movement}</articleStockHistory>" for movement in twice)
        return f'<GetStockHistoryResponse xmlns="{NAMESPACE}">{elements}</GetStockHistoryResponse>'

    first, second = TillHistory(NOWHERE, answering(answer)).page(0, datetime(2026, 11, 1, tzinfo=UTC))
    assert (first.article, first.type is MovementType.UNREADABLE) == ("7", amount == -3)
    assert second.amount == Decimal(-2)


@pytest.mark.parametrize("description", ["Jas", "Mantel"])
def test_a_product_that_comes_twice_is_one_which_is_parked_with_the_articles_of_both(description: str) -> None:
    def product(number: int, name: str, article: int) -> str:
        card = f"<article><articleNumber>{article}</articleNumber><extArticleId>A{article}</extArticleId></article>"
        return (
            f"<product><productNumber>{number}</productNumber><description>{name}</description>"
            f"<articleList>{card}</articleList></product>"
        )

    other = 71 if description == "Jas" else 72
    elements = product(7, "Jas", 71) + product(7, description, other) + product(8, "Broek", 81)
    client = answering(
        lambda _: (
            f'<GetProductsResponse xmlns="{NAMESPACE}"><productList>{elements}</productList></GetProductsResponse>'
        )
    )
    target = TillProducts(NOWHERE, client, TillFields(NOWHERE, client))
    desired = [
        Record(Kind.PRODUCT, f"P{number}", {}, (Record(Kind.ARTICLE, str(number), {}, source=f"A{number}"),))
        for number in (71, 72, 81)
    ]
    current = target.lookup(desired, Links())
    assert {key: current_record.reference for key, current_record in current.items()} == {
        "P71": "7", "P81": "8", **({"P72": "7"} if other == 72 else {})
    }  # fmt: skip
    assert {key for key, current_record in current.items() if isinstance(current_record.record, Unreadable)} == (
        {"P71", "P72"} if other == 72 else set()
    )
    assert target.stock_settings_of(["71", "81"]).keys() == {"71", "81"}


@pytest.mark.parametrize("total", [1000, 1100])
def test_an_order_that_comes_twice_is_one_which_is_parked_if_both_differ(total: int) -> None:
    elements = "".join(
        f"<order><orderId>{key}</orderId><syncMarker>1</syncMarker><totalInclAmount>{amount}</totalInclAmount></order>"
        for key, amount in (("a", 1000), ("a", total), ("b", 1000))
    )
    client = answering(
        lambda _: f'<GetOrdersResponse xmlns="{NAMESPACE}"><orderList>{elements}</orderList></GetOrdersResponse>'
    )
    records = TillDocuments(NOWHERE, client).fetch(Kind.ORDER, ["a", "b"])
    wrong = {record.key: record.field for record in records if isinstance(record, Unreadable)}
    assert [record.key for record in records] == ["a", "b"]
    assert (wrong.get("a") == "totalInclAmount") is (total == 1100)


# ---- what is asked for by numbers


class Capped:
    """A till with `count` records that returns at most `cap` of them in one answer."""

    def __init__(self, cap: int, count: int) -> None:
        self._cap = cap
        self.there = [str(number) for number in range(count)]
        self.calls = 0

    def rows(self, numbers: Sequence[str]) -> list[str]:
        self.calls += 1
        return [number for number in numbers if number in self.there][: self._cap]


@pytest.mark.parametrize(("cap", "count"), [(1, 30), (7, 300), (100, 250), (1_000, 250), (100, 0)])
def test_what_a_full_answer_does_not_tell_is_asked_for_again(cap: int, count: int) -> None:
    till = Capped(cap, count)
    asking = ByNumbers[str]().ask_all(till.rows, lambda number: [number])
    assert sorted(asking([str(number) for number in range(400)])) == sorted(till.there)


def test_what_is_missing_is_asked_for_again_until_more_was_reported_at_once() -> None:
    till = Capped(1_000, 250)
    asking = ByNumbers[str]().ask_all(till.rows, lambda number: [number])
    numbers = [str(number) for number in range(500)]
    asking(numbers[:250])
    till.calls = 0
    asking(numbers[100:350])
    asking(numbers[300:])
    assert till.calls == 2


def test_a_till_that_takes_so_many_numbers_and_no_more_tells_of_them_all() -> None:
    till = Capped(1_000, 400)
    asking = ByNumbers[str]().ask_all(lambda numbers: till.rows(numbers[:150]), lambda number: [number])
    assert len(asking(till.there)) == 400


def test_the_lookup_returns_a_relation_that_the_list_leaves_out() -> None:
    def answer(request: httpx.Request) -> str:
        numbers = [element.text for element in etree.fromstring(request.content).iter(qualified("relationNumbers"))]
        elements = "".join(f"<relation><relationNumber>{number}</relationNumber></relation>" for number in numbers[:2])
        return (
            f'<GetRelationsResponse xmlns="{NAMESPACE}"><relationList>{elements}</relationList></GetRelationsResponse>'
        )

    client = answering(answer)
    target = TillRelations(NOWHERE, client, TillFields(NOWHERE, client))
    assert target.read(["3", "4", "5", "6", "7"]).keys() == {"3", "4", "5", "6", "7"}


def test_a_row_without_a_number_costs_no_search_of_the_page_for_each_number() -> None:
    comparisons = 0

    class Number(str):
        __slots__ = ()

        def __hash__(self) -> int:
            nonlocal comparisons
            comparisons += 1
            return super().__hash__()

    numbers = [Number(number) for number in range(200)]
    rows = by_own_number(lambda page: [*page[:-1], ""] if len(page) > 1 else [""], lambda row: row or None)(numbers)
    assert rows == [*((number, number) for number in numbers[:-1]), (numbers[-1], "")]
    assert comparisons <= 3 * len(numbers)


@pytest.mark.parametrize("broken", [{0}, {1}, {4}, {3, 4}, {2, 3}, {0, 1, 2, 3, 4}])
def test_documents_without_a_readable_marker_are_parked_and_hide_no_other(broken: set[int]) -> None:
    markers = [3, 40, 500, 6000, 6001]

    def order(place: int) -> str:
        marker = "x" if place in broken else str(markers[place])
        date_xml = "<financialDate><day>20</day><mon>11</mon><year>2026</year></financialDate>"
        return f"<order><orderId>{place}</orderId><syncMarker>{marker}</syncMarker>{date_xml}</order>"

    def answer(request: httpx.Request) -> str:
        (call,) = next(etree.fromstring(request.content).iterchildren("{*}Body"))
        operation = etree.QName(call).localname
        name = interface_contract().answer_name(operation).partition("}")[2]
        if operation == "getCurrentSyncMarkers":
            return f'<{name} xmlns="{NAMESPACE}"><orderSyncMarker>7000</orderSyncMarker></{name}>'
        bound, limit = (int(call.findtext(f".//{qualified(wire)}") or 0) for wire in ("syncMarker", "syncMarkerLimit"))
        found_orders = [order(place) for place, marker in enumerate(markers) if marker >= bound][:limit]
        return f'<{name} xmlns="{NAMESPACE}"><orderList>{"".join(found_orders)}</orderList></{name}>'

    source = TillDocuments(NOWHERE.model_copy(update={"document_page": 2}), answering(answer))
    batch = source.extract(Kind.ORDER, None, None)
    records = {record.key: record for record in batch.records}
    while batch.after:
        batch = source.extract(Kind.ORDER, None, batch.after)
        records |= {record.key: record for record in batch.records}
    assert records.keys() == {"0", "1", "2", "3", "4"}
    day = date(2026, 11, 20)
    assert {current_record.record.key for current_record in source.in_period(Kind.ORDER, day, day)} == records.keys()

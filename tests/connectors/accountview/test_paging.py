"""Servers that give less than asked, leave rows out, or give them in another order: all rows are read, or none."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import httpx
import pytest

from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.paging import PageSequence, require_sorted
from integration.connectors.accountview.settings import Objects
from integration.connectors.protocol import UnparsedPage
from integration.core.errors import IntegrationError, MalformedAnswerError
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import running
from tests.connectors.accountview.conversation import TABLES, an_accountview, query_parameters
from tests.connectors.accountview.samples import connect_accountview
from tests.connectors.contract import keys, pages

KEYS = {"AK1": "ART_CODE", "VA1": "VAT_CODE", "SO1": "ORD_NR"}
T = TypeVar("T")
Turning = Callable[[Sequence[str], int, int], Sequence[str]]
"""A function from codes, page number and requested page size to the returned codes."""


class Server:
    """Lists of codes, turned in a way of its own."""

    turns = True

    def __init__(self, count: int, turning: Turning, *, is_sorted: bool = True, capped: int = 1000) -> None:
        self.codes = [f"{place:05}" for place in range(count)]
        self.turning = turning
        self.is_sorted = is_sorted
        self.capped = capped
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query, of = query_parameters(request), request.url.params["BusinessObject"]
        self.asked += 1
        codes, number, size = self.codes, int(query.get("PageNumber", 1)), int(query["PageSize"])
        if "FilterValue1" in query and query["FilterOperator1"] == "Equal":
            codes = [code for code in codes if code == query["FilterValue1"]]
        if "lastKey" in query:
            codes = codes[codes.index(query["lastKey"]) + 1 :]
        page_codes = self.turning(codes, number, size)
        return httpx.Response(200, json={TABLES[of]: [{KEYS[of]: code} for code in page_codes]})


def fair(codes: Sequence[T], number: int, size: int) -> Sequence[T]:
    return codes[(number - 1) * size : number * size]


def capped_paging(page_limit: int, *, by_asked: bool) -> Turning:
    """Limit the size of a page; the next page begins after the returned rows or after the requested rows."""

    def turn_page(codes: Sequence[str], number: int, size: int) -> Sequence[str]:
        start = (number - 1) * (size if by_asked else min(size, page_limit))
        return codes[start : start + min(size, page_limit)]

    return turn_page


def _hide_row(place: int) -> Turning:
    def turn_page(codes: Sequence[str], number: int, size: int) -> Sequence[str]:
        page = fair(codes, number, size)
        return [code for at, code in enumerate(page) if at != place or len(page) < 3]

    return turn_page


MISCHIEF: dict[str, Turning] = {
    "a row hidden on each page": _hide_row(3),
    "the first of each page hidden": _hide_row(0),
    "a short page in the middle": lambda codes, number, size: fair(codes, number, size)[
        : size // 2 if number == 3 else size
    ],
    "pages counted from 0": lambda codes, number, size: fair(codes, number + 1, size),
    "backwards": lambda codes, number, size: fair(codes[::-1], number, size),
    "each page backwards": lambda codes, number, size: fair(codes, number, size)[::-1],
    "each row twice": lambda codes, number, size: fair([code for code in codes for _ in "ab"], number, size),
    "a row of before again": lambda codes, number, size: [*codes[: number > 1], *fair(codes, number, size)],
    "the same page for ever": lambda codes, _, size: fair(codes, 1, size),
    "any order": lambda codes, number, size: fair(sorted(codes, key=lambda code: code[::-1]), number, size),
}


def articles(accountview: AccountView) -> list[str]:
    return [record.key for batch in pages(accountview, Kind.ARTICLE) for record in batch.records]


def unparsed_keys(accountview: AccountView) -> list[str]:
    record_keys, after = list[str](), None
    while (page := accountview.extract_unparsed(Kind.ARTICLE, None, after)) is not None:
        record_keys += [key for key, _ in page.hashes]
        if (after := page.after) is None:
            break
    return record_keys


def vat_codes(accountview: AccountView) -> list[str]:
    return list(accountview.choices("vat_codes"))


READINGS = [articles, unparsed_keys, vat_codes]


def outcome(accountview: AccountView, reading: Callable[[AccountView], list[str]]) -> list[str] | None:
    """Return the keys that were read, or None if reading was stopped."""
    try:
        return reading(accountview)
    except MalformedAnswerError:
        return None


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("page_limit", [1, 7, 100, 1000])
@pytest.mark.parametrize("by_asked", [False, True])
def test_a_server_that_gives_less_than_asked_is_read_whole(
    reading: Callable[[AccountView], list[str]], page_limit: int, by_asked: bool
) -> None:
    for count in (1, page_limit, page_limit + 1, min(3 * page_limit, 2500)):
        server = Server(count, capped_paging(page_limit, by_asked=by_asked))
        assert outcome(an_accountview(server), reading) == server.codes
        assert server.asked <= 5 + -(-count // page_limit) + 1


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", MISCHIEF)
def test_what_comes_is_all_or_the_read_is_stopped(reading: Callable[[AccountView], list[str]], name: str) -> None:
    for count in (30, 35, 8, 2):
        server = Server(count, MISCHIEF[name])
        record_keys = outcome(an_accountview(server, page_size=10), reading)
        assert record_keys in (None, server.codes), count
        assert server.asked < 20


@pytest.mark.parametrize("page_limit", [1, 3, 10])
def test_pages_turned_by_keys_are_read_whole_too(page_limit: int) -> None:
    server = Server(10, capped_paging(page_limit, by_asked=False))
    assert articles(an_accountview(server, page_strategy="last_key")) == server.codes


@pytest.mark.parametrize("name", ["a row hidden on each page", "the first of each page hidden"])
def test_pages_turned_by_keys_with_rows_hidden_are_no_end(name: str) -> None:
    books = an_accountview(Server(30, MISCHIEF[name]), page_size=10, page_strategy="last_key")
    assert outcome(books, articles) is None


@pytest.mark.parametrize(("rows", "is_last"), [(3, True), (5, False)])
def test_a_full_page_does_not_end_a_list_however_many_rows_another_list_returned(rows: int, is_last: bool) -> None:
    pages_seen = PageSequence(Objects().articles, 5, "ART_CODE", enough=100)
    assert pages_seen.is_last([{"ART_CODE": f"{place}"} for place in range(rows)], lambda _: []) is is_last


def test_a_row_of_the_page_before_that_comes_again_tells_which() -> None:
    with pytest.raises(MalformedAnswerError, match="list_out_of_order") as caught:
        articles(an_accountview(Server(5, MISCHIEF["the first of each page hidden"]), page_size=4))
    assert caught.value.facts == {"system": "AccountView", "object": "AK1", "key": "00003"}


def test_a_page_with_each_row_twice_is_read_whole() -> None:
    server = Server(6, MISCHIEF["each row twice"])
    for reading in READINGS:
        assert reading(an_accountview(server, page_size=4)) == server.codes


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("times", [2, 3])
def test_a_row_that_ends_a_page_and_begins_the_next_is_one_record(
    reading: Callable[[AccountView], list[str]], times: int
) -> None:
    server = Server(9, fair)
    server.codes[3:4] = server.codes[3:4] * times
    assert reading(an_accountview(server, page_size=4)) == sorted(set(server.codes))


@pytest.mark.parametrize("reading", READINGS)
def test_a_list_that_moves_between_two_pages_is_not_read_on(reading: Callable[[AccountView], list[str]]) -> None:
    server = Server(9, lambda codes, number, size: fair(["-", *codes] if number > 1 else codes, number, size))
    assert outcome(an_accountview(server, page_size=4), reading) is None


@pytest.mark.parametrize("unparsed", [False, True])
def test_rows_of_one_key_that_differ_across_two_pages_are_parked_in_place_of_the_first(unparsed: bool) -> None:
    rows = [{"ART_CODE": f"{place:05}", "ART_DESC1": "x"} for place in (0, 1, 2, 2, 3, 4)]
    rows[3]["ART_DESC1"] = "y"

    def answer(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        matching_rows = [row for row in rows if query.get("FilterValue1", row["ART_CODE"]) == row["ART_CODE"]]
        return httpx.Response(
            200, json={"ARTICLE": fair(matching_rows, int(query["PageNumber"]), int(query["PageSize"]))}
        )

    records = _last_records(an_accountview(answer, minds=False, page_size=3), unparsed=unparsed)
    assert list(records) == ["00000", "00001", "00002", "00003", "00004"]
    assert [key for key, record in records.items() if isinstance(record, Unreadable)] == ["00002"]
    parked = records["00002"]
    assert isinstance(parked, Unreadable)
    assert (parked.field, parked.raw_value) == ("ART_DESC1", "x, y")


def _rows_after_key(rows: Sequence[dict[str, str]], last: str, way: str) -> Sequence[dict[str, str]]:
    """Return the rows behind a key as servers may: none with this key again, or those behind its first row."""
    if way == "behind the first row":
        return rows[[row["ART_CODE"] for row in rows].index(last) + 1 :]
    fold = str.casefold if way == "greater, without case" else str
    return [row for row in rows if fold(row["ART_CODE"]) > fold(last)]


@pytest.mark.parametrize("unparsed", [False, True])
@pytest.mark.parametrize("way", ["greater", "behind the first row", "greater, without case"])
@pytest.mark.parametrize("page_size", [2, 3, 4, 5, 6, 7, 20])
@pytest.mark.parametrize("times", [1, 2])
def test_copies_of_a_record_are_found_behind_every_border_of_pages_by_key(
    unparsed: bool, way: str, page_size: int, times: int
) -> None:
    codes = ["b0", "b1", "b1", "b2", "b3", "b3", "b4", "b5", "b6", "b7"]
    if way == "greater, without case":
        codes[3:3] = ["B1"]
    rows = [{"ART_CODE": code, "ART_DESC1": "x"} for code in codes for _ in range(times)]
    next(row for row in reversed(rows) if row["ART_CODE"] == "b3")["ART_DESC1"] = "y"
    calls = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        assert calls < 60
        query = query_parameters(request)
        matching_rows: Sequence[dict[str, str]] = [
            row for row in rows if query.get("FilterValue1", row["ART_CODE"]).lower() == row["ART_CODE"].lower()
        ]
        if "lastKey" in query:
            matching_rows = _rows_after_key(matching_rows, query["lastKey"], way)
        return httpx.Response(200, json={"ARTICLE": matching_rows[: int(query["PageSize"])]})

    books = an_accountview(answer, minds=False, page_size=page_size, page_strategy="last_key")
    try:
        records = _last_records(books, unparsed=unparsed)
    except MalformedAnswerError:
        assert page_size <= times * (3 if "B1" in codes else 2)  # a single record fills the page
        return
    assert sorted(records) == sorted(set(codes))
    assert [key for key, record in records.items() if isinstance(record, Unreadable)] == ["b3"]


@pytest.mark.parametrize("way", ["greater", "behind the first row"])
@pytest.mark.parametrize("page_size", [2, 3, 4, 5, 20])
def test_copies_of_looked_up_records_are_found_behind_every_border_of_pages_by_key(way: str, page_size: int) -> None:
    codes = ["b0", "b1", "b1", "b2", "b3", "b3", "b4", "b5"]
    rows = [{"ART_CODE": code, "ART_DESC1": "x"} for code in codes]
    rows[5]["ART_DESC1"] = "y"
    calls = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        assert calls < 60
        query = query_parameters(request)
        values = {value for name, value in query.items() if name.startswith("FilterValue") and "Type" not in name}
        matching_rows: Sequence[dict[str, str]] = [row for row in rows if not values or row["ART_CODE"] in values]
        if "lastKey" in query:
            matching_rows = _rows_after_key(matching_rows, query["lastKey"], way)
        of, size = request.url.params["BusinessObject"], int(query["PageSize"])
        page = [row if of == "AK1" else {"SUB_NR": "1"} for row in matching_rows or [{"SUB_NR": "~1"}]]
        return httpx.Response(200, json={TABLES.get(of, "CONTACT"): page[:size] if matching_rows else []})

    books = an_accountview(answer, minds=False, page_size=page_size, page_strategy="last_key", conditions=20)
    try:
        records = {record.key: record for record in books.fetch(Kind.ARTICLE, sorted(set(codes)))}
    except MalformedAnswerError:
        assert page_size == 2  # a single record fills the page
        return
    assert sorted(records) == sorted(set(codes))
    assert [key for key, record in records.items() if isinstance(record, Unreadable)] == ["b3"]


def test_a_row_that_ended_a_page_by_key_and_is_gone_from_the_next_stops_the_read() -> None:
    server = Server(9, fair)
    books = an_accountview(server, page_size=4, page_strategy="last_key")
    after = books.extract(Kind.ARTICLE).after
    server.codes.remove("00003")
    with pytest.raises(MalformedAnswerError, match="list_out_of_order"):
        books.extract(Kind.ARTICLE, None, after)


def _last_records(books: AccountView, *, unparsed: bool) -> dict[str, Record]:
    """Return the records as a run keeps them: the last one of each key."""
    records, after = dict[str, Record](), None
    while True:
        page = (
            books.extract_unparsed(Kind.ARTICLE, None, after) if unparsed else books.extract(Kind.ARTICLE, None, after)
        )
        assert page is not None
        for record in page.parse(()) if isinstance(page, UnparsedPage) else page.records:
            records[record.key] = record
        if (after := page.after) is None:
            return records


@pytest.mark.parametrize(
    "keys_", [["A-1", "AA"], ["a", "B"], ["B", "a"], ["A9", "A10"], ["A10", "A9"], ["É", "Z"], ["9", "10"]]
)
def test_what_ways_of_sorting_differ_about_is_no_disorder(keys_: list[str]) -> None:
    require_sorted(Objects().articles, keys_)


@pytest.mark.parametrize("keys_", [["B", "A"], ["10", "09"], ["AB", "AA1"], ["x", "", "a"], ["TS-2", "TS-1"]])
def test_what_none_would_sort_so_is(keys_: list[str]) -> None:
    with pytest.raises(IntegrationError, match="list_out_of_order"):
        require_sorted(Objects().articles, keys_)


def test_the_books_are_read_whole_whatever_they_give_at_once() -> None:
    conventions = Conventions(page_size_max=7, larger_pages="shortened")
    with (
        running(articles=60, trades=False, conventions=conventions) as sandbox,
        connect_accountview(sandbox, page_size=1000) as books,
    ):
        assert len(keys(pages(books, Kind.ARTICLE))) == len(sandbox.shop.articles)
        assert len(books.fields(Kind.ARTICLE)) > 7
        codes = sorted(article.code for article in sandbox.shop.articles)[:20]
        assert len(books.fetch(Kind.ARTICLE, codes)) == len(codes)

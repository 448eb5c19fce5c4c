"""Pages, stamps and keys of the records that are read."""

import json
from collections.abc import Callable

import httpx
import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import (
    MalformedAnswerError,
    RejectedError,
)
from integration.core.records import FieldPresence, Kind, Record, Unreadable
from tests.connectors.accountview.conversation import TABLES, an_accountview, answer_of, query_parameters
from tests.connectors.contract import pages

STOPPED = "answer_incomplete|list_out_of_order"


class Books:
    """A data address over articles in memory, for single questions of paging."""

    turns = True

    def __init__(self, *codes: str, turns_pages: bool = True, stamp: str = "2025-03-10T16:02:44") -> None:
        self.codes = codes
        self.turns_pages = turns_pages
        self.stamp = stamp
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        self.asked.append(query)
        size = int(query["PageSize"])
        start = (int(query.get("PageNumber", 1)) - 1) * size if self.turns_pages else 0
        if "lastKey" in query:
            start = self.codes.index(query["lastKey"]) + 1
        rows = [{"ART_CODE": code, "CNG_DATE": self.stamp} for code in self.codes[start : start + size]]
        return httpx.Response(200, json={"ARTICLE": rows})


def extract_keys(accountview: AccountView, since: str | None = None) -> list[str]:
    batch = accountview.extract(Kind.ARTICLE, since)
    keys = [record.key for record in batch.records]
    while batch.after is not None:
        batch = accountview.extract(Kind.ARTICLE, since, batch.after)
        keys += [record.key for record in batch.records]
    return keys


@pytest.mark.parametrize("strategy", ["number", "last_key"])
def test_both_ways_of_turning_pages_find_everything(strategy: str) -> None:
    books = Books("A", "B", "C", "D", "E")
    assert extract_keys(an_accountview(books, page_size=2, page_strategy=strategy)) == ["A", "B", "C", "D", "E"]
    assert ("lastKey" in books.asked[-1]) is (strategy == "last_key")


def test_a_server_that_does_not_turn_the_page_ends_the_extract() -> None:
    with pytest.raises(MalformedAnswerError, match="answer_incomplete"):
        extract_keys(an_accountview(Books("A", "B", "C", turns_pages=False), page_size=2))


def test_an_incremental_extract_asks_for_stamps_with_an_overlap() -> None:
    books = Books("A")
    extract_keys(an_accountview(books, overlap_seconds=60), since="2025-03-01T10:00:30")
    assert books.asked[-1]["FilterControlSource1"] == "CNG_DATE"
    assert books.asked[-1]["FilterOperator1"] == "DateOnOrAfterDate"
    assert books.asked[-1]["FilterValueType1"] == "T"
    assert books.asked[-1]["FilterValue1"] == "{^2025-03-01 09:59:30}"


def test_a_stamp_from_the_future_does_not_hide_what_changes_until_then() -> None:
    batch = an_accountview(Books("A", stamp="2099-01-01T00:00:00")).extract(Kind.ARTICLE)
    assert batch.stamp == "2025-03-15T13:00:00"  # noon UTC where the books are kept


def test_the_stamp_is_from_before_the_first_page() -> None:
    books = Books("A", "B", "C", stamp="2025-03-10T16:02:44")
    accountview = an_accountview(books, page_size=2)
    first = accountview.extract(Kind.ARTICLE)
    books.stamp = "2025-03-10T16:30:00"
    assert accountview.extract(Kind.ARTICLE, None, first.after).stamp == "2025-03-10T16:02:44"


def test_without_stamps_everything_is_read_every_time() -> None:
    books = Books("A", "B")
    accountview = an_accountview(books, article={"changed": ""})
    assert extract_keys(accountview, since="2025-03-01T10:00:30") == ["A", "B"]
    assert "FilterValue1" not in books.asked[-1]


def test_a_fetch_looks_itself_since_equal_may_compare_beginnings() -> None:
    records = an_accountview(Books("TS", "TS-BLUE", "TS-RED")).fetch(Kind.ARTICLE, ["ts", "ts-green"])
    assert [record.key for record in records] == ["TS"]


def test_a_fetch_that_fails_says_so() -> None:
    with pytest.raises(RejectedError):
        an_accountview(answer_of(ErrorMessage="nee")).fetch(Kind.ARTICLE, ["A", "B"])


def test_a_page_says_which_columns_all_of_its_rows_have_and_none_has() -> None:
    rows: list[dict[str, object]] = [{"ART_CODE": "A", "PX_SELL": 1, "REC_BLK": False, "K9_SORT": "A", "K9_OTHER": ""}]
    rows.append({"ART_CODE": "B", "PX_SELL": None, "K9_SORT": ""})
    accountview = an_accountview(answer_of(ARTICLE=rows), article={"changed": "CNG_DATE"})
    fields = accountview.extract(Kind.ARTICLE).fields
    unread = accountview.extract_unparsed(Kind.ARTICLE)
    assert unread is not None
    assert unread.fields() == FieldPresence()
    unread.parse(())
    assert unread.fields() == fields
    assert fields.always == {"ART_CODE", "PX_SELL", "K9_SORT"}
    assert fields.present_fields == fields.always | {"REC_BLK", "K9_OTHER"}
    assert {"CNG_DATE", "AG_CODE"} <= fields.absent
    assert "REC_BLK" not in fields.always | fields.absent
    assert accountview.fetched(Kind.ARTICLE, ["A", "B"]).fields == fields
    assert accountview.fetched(Kind.ARTICLE, ["C"]).fields == FieldPresence()


class Carousel(Books):
    """Books that turn some pages and then begin again, for ever."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        self.asked.append(query)
        size, place = int(query["PageSize"]), len(self.asked)
        start = place * size % len(self.codes)
        rows = [{"ART_CODE": code, "CNG_DATE": self.stamp} for code in (*self.codes, *self.codes)[start : start + size]]
        return httpx.Response(200, json={"ARTICLE": rows})


@pytest.mark.parametrize("strategy", ["number", "last_key"])
@pytest.mark.parametrize("codes", ["ABCD", "ABCDEF", "ABC"], ids=["two pages", "three", "pages that overlap"])
def test_pages_that_come_round_again_end_the_extract(codes: str, strategy: str) -> None:
    books = Carousel(*codes)
    with pytest.raises(MalformedAnswerError, match=STOPPED):
        extract_keys(an_accountview(books, page_size=2, page_strategy=strategy))
    assert len(books.asked) < 12


@pytest.mark.parametrize("strategy", ["number", "last_key"])
@pytest.mark.parametrize("codes", ["ABCD", "ABCDEF", "ABC"], ids=["two pages", "three", "pages that overlap"])
def test_pages_that_come_round_again_end_every_other_reading(codes: str, strategy: str) -> None:
    readings: tuple[Callable[[AccountView], object], ...] = (
        lambda accountview: accountview.fetch(Kind.ARTICLE, ["A"]),
        lambda accountview: accountview.choices("vat_codes"),
        lambda accountview: accountview.fields(Kind.ARTICLE),
    )
    for reading in readings:
        calls: list[str] = []

        def answering(request: httpx.Request) -> httpx.Response:
            of, size = request.url.params["BusinessObject"], int(request.url.params["PageSize"])
            calls.append(of)  # noqa: B023
            start = len(calls) * size % (size * (len(codes) // 2))  # noqa: B023
            names = [f"{codes}{place}" for place in range(start, start + size)]
            column = {"AK1": "ART_CODE", "VA1": "VAT_CODE", "FLD": "FIELD_NAME"}[of]
            rows = [{column: name, "DBF_NAME": "OTHER"} for name in names]
            return httpx.Response(200, json={TABLES[of]: rows})

        answering.turns = True  # type: ignore[attr-defined]
        with pytest.raises(MalformedAnswerError, match=STOPPED):
            reading(an_accountview(answering, page_size=2, page_strategy=strategy))
        assert len(calls) < 12


def test_a_mark_of_an_earlier_version_is_read_on() -> None:
    books = Books("A", "B", "C", "D")
    accountview = an_accountview(books, page_size=2)
    mark = json.loads(str(accountview.extract(Kind.ARTICLE).after))
    del mark["begun"]
    assert [record.key for record in accountview.extract(Kind.ARTICLE, None, json.dumps(mark)).records] == ["C", "D"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 11, 64])
def test_how_much_there_is_is_found_out_to_a_page_by_few_single_rows(count: int) -> None:
    books = Books(*(f"{place:03}" for place in range(count)))
    accountview = an_accountview(books, page_size=2)

    about = accountview.estimate_count(Kind.ARTICLE)

    assert max(2, count - 1) <= about <= max(2, count)
    page_queries = [query for query in books.asked if "PageNumber" in query]
    assert len(page_queries) <= 13
    assert {query["PageSize"] for query in page_queries} == {"1"}


def test_how_much_there_is_is_unknown_where_pages_are_turned_by_keys() -> None:
    books = Books("A", "B", "C")
    assert an_accountview(books, page_size=2, page_strategy="last_key").estimate_count(Kind.ARTICLE) == 0
    assert books.asked == []


def test_a_server_that_turns_no_page_is_not_asked_for_ever() -> None:
    books = Books("A", "B", "C", turns_pages=False)
    an_accountview(books, page_size=2).estimate_count(Kind.ARTICLE)
    assert len(books.asked) < 40


@pytest.mark.parametrize("row", [{"ART_CODE": None}, {"ART_CODE": " "}, {}, None, "1002", 7, ["1002"]])
def test_a_row_without_a_key_is_among_those_read(row: object) -> None:
    accountview = an_accountview(answer_of(ARTICLE=[{"ART_CODE": "1001"}, row]))
    page = accountview.extract_unparsed(Kind.ARTICLE)
    assert page is not None
    assert [key for key, _ in page.hashes] == ["1001"]
    records = accountview.extract(Kind.ARTICLE).records
    assert [isinstance(record, Unreadable) and record.nameless for record in records] == [False, True]
    assert page.parse(["1001"]) == records[1:]
    if not row:
        assert accountview.extract(Kind.ARTICLE).fields.always == {"ART_CODE"}


def test_rows_that_are_no_objects_end_no_list() -> None:
    rows = [{"ART_CODE": "1"}, None, None, {"ART_CODE": "2"}, None, {"ART_CODE": "3"}, None]

    def answer(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        if "FilterValue1" in query:
            return httpx.Response(
                200, json={"ARTICLE": [{"ART_CODE": query["FilterValue1"]}][: query["FilterValue1"] != "~~"]}
            )
        end = int(query["PageNumber"]) * int(query["PageSize"])
        return httpx.Response(200, json={"ARTICLE": rows[end - int(query["PageSize"]) : end]})

    keys = [
        record.key
        for batch in pages(an_accountview(answer, minds=False, page_size=2), Kind.ARTICLE)
        for record in batch.records
    ]
    assert [key for key in keys if key.isdecimal()] == ["1", "2", "3"]
    assert len(keys) == len(rows)


def test_a_row_that_was_found_by_what_it_does_not_show_is_not_taken_for_nothing() -> None:
    accountview = an_accountview(answer_of(ARTICLE=[{"ART_CODE": "1001"}, {"ART_CODE": None}]))
    (wrong,) = accountview.fetch(Kind.ARTICLE, ["1001"])
    assert isinstance(wrong, Unreadable)
    assert (wrong.key, wrong.field, wrong.nameless) == ("1001", "ART_CODE", False)


@pytest.mark.parametrize("price", [1, 2])
def test_a_row_that_comes_twice_is_one_record_which_is_unreadable_if_both_differ(price: int) -> None:
    rows = [{"ART_CODE": code, "PX_SELL": price} for code, price in (("A", 1), ("B", 1), ("B", price), ("C", 1))]
    accountview = an_accountview(answer_of(ARTICLE=rows))
    page = accountview.extract_unparsed(Kind.ARTICLE)
    assert page is not None
    assert [key for key, _ in page.hashes] == (["A", "B", "C"] if price == 1 else ["A", "C"])
    for records in (
        accountview.extract(Kind.ARTICLE).records,
        page.parse(()),
        tuple(accountview.fetch(Kind.ARTICLE, ["A", "B", "C"])),
    ):
        wrong = [(record.key, record.field, record.raw_value) for record in records if isinstance(record, Unreadable)]
        assert [record.key for record in records] == ["A", "B", "C"]
        assert wrong == ([] if price == 1 else [("B", "PX_SELL", "1, 2")])
    assert [record.key for record in page.parse(["A", "C"])] == ["B"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_does_not_tell_what_the_others_do_cannot_be_read(place: int) -> None:
    rows = [{"ART_CODE": str(number), "K9_EAN": "", "PX_SELL": number} for number in range(3)]
    del rows[place]["K9_EAN"]
    accountview = an_accountview(answer_of(ARTICLE=rows))
    page = accountview.extract_unparsed(Kind.ARTICLE)
    assert page is not None
    for records in (accountview.extract(Kind.ARTICLE).records, page.parse(())):
        (wrong,) = [record for record in records if isinstance(record, Unreadable)]
        assert (wrong.key, wrong.field, wrong.nameless) == (str(place), "K9_EAN", False)


@pytest.mark.parametrize("code", [" 1002", "1002\u00a0", "\u200b1002"])
def test_a_row_found_by_a_code_with_signs_that_nobody_sees_is_not_taken_for_nothing(code: str) -> None:
    accountview = an_accountview(answer_of(ARTICLE=[{"ART_CODE": "1001"}, {"ART_CODE": code}]))
    article, wrong = sorted(accountview.fetch(Kind.ARTICLE, ["1001", "1002"]), key=lambda record: record.key)
    assert (type(article), article.key) == (Record, "1001")
    assert isinstance(wrong, Unreadable)
    assert (wrong.key, wrong.field) == ("1002", "ART_CODE")


@pytest.mark.parametrize(
    ("currencies", "filled", "null"),
    [
        (["USD", "EUR"], True, False),
        (["USD", ""], True, False),
        (["USD", None], False, False),
        ([None, None], False, True),
        ([None], False, True),
        (["USD"], True, False),
    ],
)
def test_a_column_that_is_null_in_every_row_is_emptied_where_several_say_so(
    currencies: list[str | None], *, filled: bool, null: bool
) -> None:
    rows = [{"ART_CODE": str(place), "CUR_CODE": currency} for place, currency in enumerate(currencies, 1)]
    fields = an_accountview(answer_of(ARTICLE=rows), article={"currency": "CUR_CODE"}).extract(Kind.ARTICLE).fields
    assert ("CUR_CODE" in fields.filled, "CUR_CODE" in fields.null) == (filled, null)
    null_columns = fields.newly_null(frozenset({"CUR_CODE", "ART_CODE"}), frozenset(), never_null=False)
    assert null_columns == (["CUR_CODE"] if null and not fields.is_single_record else [])

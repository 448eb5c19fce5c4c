"""A document is looked for in the fiscal year it was booked in, whenever that year begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from integration.core.plan import differences
from integration.flows.periods import period_of
from integration.flows.settings import RecordRejected
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.conversation import TABLES
from tests.connectors.accountview.samples import (
    a_posting,
    accountview_answering,
    an_order,
    calls_since,
    connect_accountview,
    create_record,
    look_up_record,
    newest_call,
)
from tests.fakes import Links

# Days around the turn of a year that begins in July, of one that begins in January, and long before.
DAYS = [date(2026, 11, 25), date(2026, 7, 1), date(2026, 6, 30), date(2026, 1, 2), date(2025, 12, 30), date(2025, 6, 1)]


@contextmanager
def books(begins: str, **more: object) -> Iterator[Sandbox]:
    conventions = Conventions(year_begins=begins, years="apart", **more)  # type: ignore[arg-type]
    with running(articles=30, trades=False, conventions=conventions) as sandbox:
        yield sandbox


@pytest.mark.parametrize("begins", ["07-01", "01-01", "02-04"])
def test_a_posting_is_found_in_the_year_it_was_booked_in_whenever_that_begins(begins: str, links: Links) -> None:
    postings = [a_posting(f"{place}", date=day, reference=f"MR60102{place:05}") for place, day in enumerate(DAYS, 1)]
    with books(begins) as sandbox, connect_accountview(sandbox) as accountview:
        for record in postings:
            create_record(accountview, record, links)
        current = accountview.lookup(postings, Links())
        assert current.keys() == {record.key for record in postings}
        assert all(differences(record, current[record.key].record) == () for record in postings)


def test_what_is_booked_in_another_year_is_not_to_be_seen_from_this_one(links: Links) -> None:
    old = a_posting("1", date=date(2026, 6, 30))
    with books("07-01") as sandbox, connect_accountview(sandbox) as accountview:
        create_record(accountview, old, links)
        assert accountview.lookup([a_posting("1", date=date(2026, 11, 25))], links) == {}
        assert look_up_record(accountview, old, links)


def test_the_periods_are_asked_for_once_for_each_year(links: Links) -> None:
    with books("07-01") as sandbox, connect_accountview(sandbox) as accountview:
        orders = [an_order(str(place), date=day) for place, day in enumerate(DAYS, 1)]
        accountview.lookup(orders, links)
        start = newest_call(sandbox)
        accountview.lookup(orders, links)
        assert "PER GET" not in calls_since(sandbox, start)


def test_where_periods_cannot_be_read_each_month_is_looked_at_for_itself(links: Links) -> None:
    dates: list[str] = []

    def answering(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        if query["BusinessObject"] == "FLD":
            table = query.get("FilterValue1", "DJ_PAGE").strip()
            rows = [{"DBF_NAME": table, "FIELD_NAME": name, "FIELD_TYPE": "C"} for name in ("INV_NR", "PAGE_NR")]
            return httpx.Response(200, json={"DCT_FLD": rows})
        if query["BusinessObject"] == "PER":
            return httpx.Response(400, json={"ErrorMessage": "Business object PER bestaat niet."})
        dates.append(query["BookDate"])
        return httpx.Response(200, json={TABLES[query["BusinessObject"]]: []})

    accountview = accountview_answering(answering)
    days = [date(2026, 7, 1), date(2026, 7, 20), date(2026, 6, 30), date(2026, 11, 3)]
    postings = [a_posting(f"{place}", date=day) for place, day in enumerate(days, 1)]
    assert accountview.lookup(postings, links) == {}
    assert list(dict.fromkeys(dates)) == ["2026-11-25", "2026-07-01", "2026-06-30"]


def test_the_periods_of_the_books_are_reported_by_their_first_day() -> None:
    with books("07-01") as sandbox, connect_accountview(sandbox) as accountview:
        periods = accountview.choices("periods")
    assert (periods["2026-07-01"], periods["2026-11-01"], periods["2026-06-01"], periods["2028-06-01"]) == (
        "1", "5", "12", "12",
    )  # fmt: skip
    assert len(periods) == 36


def test_a_day_is_in_the_period_of_the_books_where_they_have_thirteen_of_four_weeks() -> None:
    with books("01-01", periods="four weeks") as sandbox, connect_accountview(sandbox) as accountview:
        periods = accountview.choices("periods")
    assert len(periods) == 39
    assert [period_of(date(2026, month, day), periods) for month, day in ((1, 28), (1, 29), (10, 17), (12, 31))] == [
        1, 2, 11, 13,
    ]  # fmt: skip


PERIODS = [
    {"PER_NR": number, "START_DATE": f"2026-{number:02}-01T00:00:00", "END_DATE": f"2026-{number:02}-{last}T00:00:00"}
    for number, last in ((9, 30), (10, 31), (11, 30), (12, 31))
]


@pytest.mark.parametrize(
    ("place", "changes", "unclear_day", "periods_by_day"),
    [
        (1, {"START_DATE": None}, "2026-10-05", {"2026-09-30": 9, "2026-11-01": 11}),
        (1, {"END_DATE": "2026-10-4x"}, "2026-10-31", {"2026-09-30": 9, "2026-11-01": 11}),
        (1, {"END_DATE": "2026-09-30T00:00:00"}, "2026-10-31", {"2026-09-30": 9, "2026-11-01": 11}),
        (1, {"PER_NR": "x"}, "2026-10-31", {"2026-09-30": 9, "2026-11-01": 11}),
        (1, {"START_DATE": "2026-10-11T00:00:00"}, "2026-10-10", {"2026-10-11": 10, "2026-11-01": 11}),
        (1, {"END_DATE": "2026-11-02T00:00:00"}, "2026-11-02", {"2026-10-31": 10, "2026-11-03": 11}),
        (0, {"START_DATE": ""}, "2026-09-15", {"2026-10-01": 10}),
        (3, {"END_DATE": None}, "2026-12-01", {"2026-11-30": 11}),
        (2, {"START_DATE": None}, "2026-11-25", {"2026-10-31": 10}),
    ],
)  # fmt: skip
def test_a_day_in_no_period_or_in_several_has_an_unknown_period(
    place: int, changes: dict[str, object], unclear_day: str, periods_by_day: dict[str, int]
) -> None:
    """A booking with the number of the period beside it would be in the wrong month of the books."""
    rows = [{**row, **(changes if at == place else {})} for at, row in enumerate(PERIODS)]

    def answering(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        is_of_year = "2026-09" <= query["BookDate"] < "2027" and query["PageNumber"] == "1"
        number = query.get("FilterValue1", "").strip()
        found_rows = [row for row in rows if is_of_year and (not number or str(row["PER_NR"]) == number)]
        return httpx.Response(200, json={"ADM_PER": found_rows[: int(query["PageSize"])]})

    periods = accountview_answering(answering).choices("periods")
    with pytest.raises(RecordRejected, match="period_unknown"):
        period_of(date.fromisoformat(unclear_day), periods)
    assert {day: period_of(date.fromisoformat(day), periods) for day in periods_by_day} == periods_by_day

"""The reference of a day: read back as it was made, different for every day, branch, serial and console."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.records import Kind
from integration.flows.console_marks import DIGITS, free_prefix
from integration.flows.day_pages import (
    DayReference,
    bears_day,
    is_day_of_another_console,
    parse_day_reference,
    reference,
)

PREFIXES = st.sampled_from(DIGITS).map("{}P-".format)
DATES = st.dates(date(2020, 1, 1), date(2055, 12, 31))
BRANCHES, SERIALS = st.integers(0, 999), st.integers(0, 99)
PAGES = st.tuples(PREFIXES, DATES, BRANCHES, SERIALS)
SATURDAY = date(2026, 10, 17)


@given(PAGES)
def test_a_reference_is_read_back_as_what_it_stands_for(page: tuple[str, date, int, int]) -> None:
    prefix, day, branch, serial = page
    ours = reference(prefix, day, str(branch), serial)
    assert ours is not None
    assert (len(ours), ours) == (12, ours.upper())
    assert parse_day_reference(ours) == DayReference(prefix[0], day, branch, serial)
    assert parse_day_reference(f"{ours.lower()}  ") == DayReference(prefix[0], day, branch, serial)


@given(st.lists(PAGES, min_size=2, max_size=40, unique=True))
def test_no_two_pages_share_a_reference(pages: list[tuple[str, date, int, int]]) -> None:
    references = {reference(prefix, day, str(branch), serial) for prefix, day, branch, serial in pages}
    assert len(references) == len(pages)


def test_every_day_and_console_has_a_reference_of_its_own() -> None:
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range((date(2056, 1, 1) - date(2020, 1, 1)).days)]
    references = {reference(mark, day, "1") for mark in "MK7" for day in days}
    assert None not in references
    assert len(references) == 3 * len(days)


@pytest.mark.parametrize(
    ("day", "branch", "serial"),
    [
        (date(2019, 12, 31), "1", 0),
        (date(2056, 1, 1), "1", 0),
        (SATURDAY, "1000", 0),
        (SATURDAY, "1", 100),
        (SATURDAY, "", 0),
        (SATURDAY, "A", 0),
    ],
)
def test_what_has_no_room_has_no_reference_rather_than_a_cut_one(day: date, branch: str, serial: int) -> None:
    assert reference("MP-", day, branch, serial) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "D26101700100",
        "MZ610170010",
        "MZ61017001000",
        "MZ6133100100",
        "MZ6022900100",
        "MZ610170A100",
        "MR6101700100",
    ],
)
def test_a_text_of_another_form_is_no_reference_of_a_day(text: str) -> None:
    assert parse_day_reference(text) is None
    assert not bears_day("MP-", Kind.DAY_PAGE, text)
    assert not is_day_of_another_console("KP-", text)


def test_consoles_with_different_prefixes_know_their_own_days_alone() -> None:
    ours, theirs = (str(reference(prefix, SATURDAY, "1")) for prefix in ("MP-", "kassa 2"))
    assert (ours, theirs) == ("MZ6101700100", "KZ6101700100")
    assert (bears_day("MP-", Kind.DAY_PAGE, ours), bears_day("MP-", Kind.DAY_PAGE, theirs)) == (True, False)
    assert (is_day_of_another_console("MP-", ours), is_day_of_another_console("MP-", theirs)) == (False, True)
    assert not bears_day(free_prefix([ours, theirs]), Kind.DAY_PAGE, ours)

"""Pages of a day, written and read back over real sockets."""

from decimal import Decimal

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import InDoubtError, RejectedError
from integration.core.plan import differences
from integration.core.records import Kind
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.day_page import DAY, LEDGER, a_day_page, with_line
from tests.connectors.accountview.samples import connect_accountview, create_record, look_up_record
from tests.fakes import Links


def ledger_totals(sandbox: Sandbox, page: str) -> dict[str, Decimal]:
    """Return the totals that a page posted, by account."""
    amounts: dict[str, Decimal] = {}
    for row in sandbox.state("TRANSACT"):
        if f"{row['DJ_CODE']}/{row['PAGE_NR']}" == page:
            account = str(row["ACCT_NR"])
            amounts[account] = amounts.get(account, Decimal(0)) + Decimal(str(row["AMOUNT"]))
    return amounts


@pytest.mark.parametrize("mode", ["L", "G", "S", "K"])
def test_a_page_is_written_read_back_line_by_line_and_on_the_ledger(mode: str, sandbox: Sandbox, links: Links) -> None:
    desired = a_day_page(mode)
    with connect_accountview(sandbox) as books:
        number = create_record(books, desired, links).reference
        current = look_up_record(books, desired, links)

    assert current.reference == number
    assert differences(desired, current.record) == ()
    assert [part.key for part in current.record.parts] == [part.key for part in desired.parts]
    assert ledger_totals(sandbox, number) == LEDGER
    assert sum(LEDGER.values()) == 0


def test_the_page_of_the_books_has_no_debtor_and_keeps_nothing_of_what_the_day_was_made_of(
    sandbox: Sandbox, links: Links
) -> None:
    with connect_accountview(sandbox) as books:
        number = create_record(books, a_day_page(), links).reference
    (page,) = (row for row in sandbox.state("DJ_PAGE") if row["PAGE_NR"] == number.partition("/")[2])

    assert "SUB_NR" not in page
    assert (page["INV_NR"], page["COMMENT1"], page["PAGE_AMT"]) == ("MZ6101700100", "run-41f0", "0.00")
    assert "3f9a" not in page.values()
    assert page["CNG_USR"] == page["INP_USR"]


def test_a_gross_page_does_not_count_its_vat_twice(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as books:
        create_record(books, a_day_page("G"), links)
        create_record(books, a_day_page("K", reference="MZ6101700101"), links)
    pages = {row["INV_NR"]: Decimal(str(row["PAGE_AMT"])) for row in sandbox.state("DJ_PAGE")}

    assert pages["MZ6101700100"] == 0
    assert pages["MZ6101700101"] == Decimal("2.60")  # what the account of the daybook changes by


def test_books_that_compute_vat_themselves_are_seen_by_reading_back(links: Links) -> None:
    with (
        running(articles=60, trades=False, conventions=Conventions(vat_amounts="computed")) as other,
        connect_accountview(other) as books,
    ):
        desired = a_day_page()
        create_record(books, desired, links)
        record = look_up_record(books, desired, links).record

    assert differences(desired, record) == ("1/vat", "3/vat", "5/vat")
    assert [record.parts[place].values["vat"] for place in (0, 2, 4)] == [
        Decimal("-116.99"), Decimal("-40.60"), Decimal("-20.64"),
    ]  # fmt: skip


def test_books_that_post_a_concept_at_once_are_seen_by_reading_back(links: Links) -> None:
    for concepts, expected in (("kept", ()), ("ignored", ("concept",))):
        with (
            running(articles=30, trades=False, conventions=Conventions(concepts=concepts)) as other,  # type: ignore[arg-type]
            connect_accountview(other) as books,
        ):
            desired = a_day_page(concept=True)
            create_record(books, desired, Links())
            assert differences(desired, look_up_record(books, desired, links).record) == expected


@pytest.mark.parametrize(
    ("table", "key", "values", "message"),
    [
        ("LEDGER", "8030", {"REC_BLK": True}, "ledger_account_unusable"),
        ("LEDGER", "8030", {"CLT_BLK": True}, "ledger_account_unusable"),
        ("DAILY", "600", {"CLT_BLK": True}, "ledger_account_unusable"),
        ("LEDGER", "1010", {"VAT_MAND": True}, "BTW-code is verplicht"),
        ("LEDGER", "8030", {"COST_MAND": True}, "kostenplaats is verplicht"),
        ("LEDGER", "8030", {"QTY_MAND": 1}, "aantal is verplicht"),
        ("LEDGER", "8030", {"PART_MAND": 1}, "vennoot is verplicht"),
        ("LEDGER", "1010", {"CUR_CODE": "USD"}, "gevoerd in USD"),
    ],
)
def test_accounts_that_take_no_such_line_refuse_the_page(
    table: str, key: str, values: dict[str, object], message: str, sandbox: Sandbox, links: Links
) -> None:
    sandbox.accountview.edit(table, key, values)
    before = len(sandbox.state("TRANSACT"))
    with connect_accountview(sandbox) as books, pytest.raises(RejectedError) as caught:
        create_record(books, a_day_page(), links)

    assert message in f"{caught.value.code} {caught.value.facts.get('message', '')}"
    assert len(sandbox.state("TRANSACT")) == before


@pytest.mark.parametrize("mode", ["L", "G", "S"])
def test_a_page_of_a_memorial_that_does_not_add_up_is_refused(mode: str, books: AccountView, links: Links) -> None:
    with pytest.raises(RejectedError, match="accountview_rejected") as caught:
        create_record(books, with_line(a_day_page(mode), 13, amount=Decimal("202.96")), links)
    assert "niet in evenwicht: verschil 0,01" in caught.value.facts["message"]


def test_a_silent_write_is_in_doubt_and_found_in_its_own_year(links: Links) -> None:
    conventions = Conventions(years="apart", year_begins="11-01")
    with running(articles=60, trades=False, conventions=conventions) as other, connect_accountview(other) as books:
        desired = a_day_page()
        assert books.lookup([desired], links) == {}
        other.switches.arm("cut_after", system="accountview", operation="* POST")
        with pytest.raises(InDoubtError):
            create_record(books, desired, links)
        assert differences(desired, look_up_record(books, desired, links).record) == ()


def test_a_page_is_looked_for_in_every_object_that_may_have_it(links: Links) -> None:
    desired, history = a_day_page(), [{"code": "DJ2P", "table": "DJ_PAGE", "detail": "DJ_LINE"}]
    conventions = Conventions(unreadable={"DJ2": "empty"})  # as after processing, where pages leave it
    with (
        running(articles=60, trades=False, conventions=conventions) as other,
        connect_accountview(other, objects={"posting_history": history}) as books,
    ):
        number = create_record(books, desired, links).reference
        assert differences(desired, look_up_record(books, desired, links).record) == ()
        assert look_up_record(books, desired, links).reference == number


def test_a_long_reference_is_refused_before_any_call(books: AccountView, links: Links) -> None:
    with pytest.raises(RejectedError, match="field_too_long") as caught:
        create_record(books, a_day_page(reference="MZ61017001000"), links)
    assert caught.value.facts["limit"] == "12"


def test_what_a_page_needs_is_looked_at(books: AccountView) -> None:
    assert [finding.ok for finding in books.needs(Kind.DAY_PAGE, for_insert=True)] == [True, True]
    with_names = {field.name: field.wire for field in books.fields(Kind.DAY_PAGE)}
    assert (with_names["till_reference"], with_names["concept"]) == ("COMMENT1", "NO_POST")
    assert {"debtor", "item"} <= {field.name for field in books.fields(Kind.LINE)}


def test_a_column_that_is_missing_is_reported(sandbox: Sandbox) -> None:
    with connect_accountview(sandbox, day_page={"till_reference": "K9_NOTE"}) as books:
        findings = books.needs(Kind.DAY_PAGE, for_insert=True)
    assert [(finding.cause, finding.facts["field"]) for finding in findings if not finding.ok] == [
        ("flow_field_unknown", "K9_NOTE")
    ]


def test_a_day_of_the_page_is_its_date(books: AccountView, links: Links) -> None:
    create_record(books, a_day_page(reference="MZ6101700109"), links)
    assert look_up_record(books, a_day_page(reference="MZ6101700109"), links).record.values["date"] == DAY

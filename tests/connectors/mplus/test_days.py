"""The till as a source of days: the worked example, read over a real socket, equals the tables below."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.connectors.reference import current_run
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Unreadable
from integration.sandbox.server import Sandbox
from tests.connectors.mplus.tills import a_till
from tests.flows.days import example
from tests.flows.days.example import KEY, a_worked_out_day

# What the till says of the day; amounts in cents, as on its wire.
RECEIPT_GROUPS = """
10 turnover           Fietsen                67410  55710 8000
20 turnover           Kleding                14999  12396 8010
30 turnover           Onderdelen             28894  24833 8020
40 turnover           Accessoires            21260  17570 8030
50 turnover           Diensten               24994  22931 8040
70 turnover           Boeken_en_kaarten       4858   4457 8100
80 balance-upgrade    Cadeaubonnen            5000   5000 1560
90 refundable-deposit Statiegeld              2500   2500 1570
95 cash-inflow        Wisselgeld_uit_kluis   10000  10000 1020
96 cash-inflow        Fooi                     250    250 1580
97 cash-outflow       Kleine_uitgaven_porti  -1450  -1450 4510
"""
INVOICE_GROUPS = "10 turnover Fietsen 54450 45000 8000"
PAYMENTS = """
receipt CASH     payment   20295 1000
receipt PIN      eft      126948 1010
receipt ROUNDING suspense     -1 4410
receipt GIFTCARD suspense   3500 1560
receipt INVOICE  suspense  27973 1300
invoice PIN      eft       54450 1010
"""
VAT = """
receipt 1  9  27388  2464
receipt 2 21 105009 22054
receipt 3  0   8000     0
receipt 4  0  13800     0
invoice 2 21  45000  9450
"""
FINANCIAL = """
receipt turnover           10 2 67410 55710 11700 8000
receipt turnover           20 2 14999 12396  2603 8010
receipt turnover           30 2 23394 19333  4061 8020
receipt turnover           30 3  5500  5500     0 8020
receipt turnover           40 2 21260 17570  3690 8030
receipt turnover           50 1 24994 22931  2063 8040
receipt turnover           70 1  4858  4457   401 8100
receipt suspense-account   80 4  5000  5000     0 1560
receipt refundable-deposit 90 3  2500  2500     0 1570
receipt cash-inflow        95 4 10000 10000     0 1020
receipt cash-inflow        96 4   250   250     0 1580
receipt cash-outflow       97 4 -1450 -1450     0 4510
invoice turnover           10 2 54450 45000  9450 8000
"""
COUNTS = """
1 2026.311 1 15000 19990 34955 20000 -35 14955 1000 4400 1090
2 2026.312 1 10000   305 10305     0   0 10305 1000 4400 1090
"""
RECEIPTS = {
    *(f"1.1.2026.{number}" for number in range(4100, 4110)),
    *(f"1.2.2026.{number}" for number in range(2201, 2206)),
}  # fmt: skip


def table(text: str) -> set[tuple[str, ...]]:
    """Return the rows of a table as they are printed."""
    return {tuple(cell.replace("_", " ") for cell in row.split()) for row in text.strip().splitlines()}


def cents(value: object) -> str:
    assert isinstance(value, Decimal)
    assert value == value.quantize(Decimal("0.01"))
    return str(int(value * 100))


def rows(day: Record, kind: Kind, *names: str, **only: str) -> set[tuple[str, ...]]:
    """Return values of parts as a table prints them."""
    table_rows = [
        tuple(value_text(part.values[name]) for name in names)
        for part in day.parts
        if part.kind is kind and all(part.values.get(name) == value for name, value in only.items())
    ]
    assert len(set(table_rows)) == len(table_rows)
    return set(table_rows)


def value_text(value: object) -> str:
    return cents(value) if isinstance(value, Decimal) else str(value)


def total(parts: Sequence[Record], name: str) -> Decimal:
    return sum((amount(part, name) for part in parts), Decimal(0))


def amount(part: Record, name: str) -> Decimal:
    value = part.values[name]
    assert isinstance(value, Decimal)
    return value


def parts_of(day: Record, kind: Kind, **only: str) -> list[Record]:
    return [
        part
        for part in day.parts
        if part.kind is kind and all(part.values.get(name) == value for name, value in only.items())
    ]


@pytest.fixture(scope="module")
def shared_day_sandbox() -> Iterator[Sandbox]:
    """The worked-out day, for tests that change nothing."""
    with a_worked_out_day() as sandbox:
        yield sandbox


@pytest.fixture
def day_sandbox() -> Iterator[Sandbox]:
    """The worked-out day of one test."""
    with a_worked_out_day() as sandbox:
        yield sandbox


def read(sandbox: Sandbox, key: str = KEY) -> Record:
    """Return one day, read over a socket."""
    till = a_till(sandbox)
    try:
        (day,) = till.fetch(Kind.DAY, [key])
    finally:
        till.close()
    return day


@pytest.fixture(scope="module")
def day(shared_day_sandbox: Sandbox) -> Record:
    return read(shared_day_sandbox)


def day_with_conventions(sandbox: Sandbox, **conventions: Any) -> Record:
    """Return the day of a till that answers in other ways."""
    for name, value in conventions.items():
        sandbox.till.edit("conventions", name, {"value": value})
    return read(sandbox)


# ---- the tables


def test_the_journals_are_those_of_the_worked_out_day(day: Record) -> None:
    names = ("group", "type", "name", "incl", "excl", "account")
    assert rows(day, Kind.TURNOVER, *names, book="journal", source="receipt") == table(RECEIPT_GROUPS)
    assert rows(day, Kind.TURNOVER, *names, book="journal", source="invoice") == table(INVOICE_GROUPS)
    assert rows(day, Kind.PAYMENT, "source", "method", "type", "amount", "account") == table(PAYMENTS)


def test_the_list_of_vat_is_that_of_the_worked_out_day(day: Record) -> None:
    vat_rows = {
        (str(part.values["source"]), str(part.values["code"]), f"{int(amount(part, 'percent'))}",
         cents(part.values["excl"]), cents(part.values["vat"]))
        for part in parts_of(day, Kind.VAT)
    }  # fmt: skip
    assert vat_rows == table(VAT)


def test_the_financial_journal_is_that_of_the_worked_out_day(day: Record) -> None:
    names = ("source", "type", "group", "vat_code", "incl", "excl", "vat", "account")
    assert rows(day, Kind.TURNOVER, *names, book="financial") == table(FINANCIAL)


def test_the_counts_are_those_of_the_worked_out_day(day: Record) -> None:
    names = (
        "workplace", "number", "version", "start", "added", "counted", "deposited", "difference", "end", "account",
        "difference_account", "deposit_account",
    )  # fmt: skip
    assert rows(day, Kind.COUNT, *names) == table(COUNTS)
    assert [part.values["finalized"] for part in parts_of(day, Kind.COUNT)] == [True, True]


def test_the_head_of_a_day_says_where_and_when_it_was_and_that_it_is_closed(day: Record) -> None:
    head = {name: day.values[name] for name in ("date", "branch", "branch_name", "closed")}
    assert day.key == KEY
    assert head == {"date": date(2026, 10, 17), "branch": "1", "branch_name": "De Ketting Utrecht", "closed": True}


def test_a_day_has_its_documents_whole_and_none_rung_up_in_training(shared_day_sandbox: Sandbox, day: Record) -> None:
    receipts, (invoice,) = parts_of(day, Kind.RECEIPT), parts_of(day, Kind.INVOICE)
    assert {part.values["number"] for part in receipts} == RECEIPTS
    till = a_till(shared_day_sandbox)
    for document in (*receipts, invoice):
        assert till.fetch(document.kind, [document.key]) == [document]
    till.close()
    assert [part.kind for part in day.parts if part.kind in (Kind.RECEIPT, Kind.INVOICE)][-1] is Kind.INVOICE


def test_parts_come_in_their_order_under_keys_of_their_own(day: Record) -> None:
    keys = [part.key for part in day.parts]
    assert len(set(keys)) == len(keys)
    assert {"journal:receipt:10", "financial:receipt:turnover:30:3", "receipt:CASH", "receipt:2"} <= set(keys)
    assert "1/2026.311/CASH" in keys
    kinds = list(dict.fromkeys(part.kind for part in day.parts))
    assert kinds == [Kind.TURNOVER, Kind.PAYMENT, Kind.VAT, Kind.COUNT, Kind.RECEIPT, Kind.INVOICE]


def test_a_receipt_entered_after_midnight_belongs_to_the_day_before(shared_day_sandbox: Sandbox, day: Record) -> None:
    (late,) = (part for part in parts_of(day, Kind.RECEIPT) if part.values["number"] == "1.2.2026.2205")
    assert late.values["entered"].date() == date(2026, 10, 17)  # type: ignore[union-attr]  # 22:25 by UTC
    assert late.values["date"] == date(2026, 10, 17)
    following = read(shared_day_sandbox, f"{example.NEXT}/1")
    assert following.parts == ()


# ---- the identities


def test_groups_come_to_what_was_paid(day: Record) -> None:
    for source, expected in (("receipt", "1787.15"), ("invoice", "544.50")):
        groups = parts_of(day, Kind.TURNOVER, book="journal", source=source)
        assert total(groups, "incl") == total(parts_of(day, Kind.PAYMENT, source=source), "amount") == Decimal(expected)


def sums_of(documents: Sequence[Record]) -> dict[tuple[str, ...], Decimal]:
    """Return the sums of documents per group, method and VAT code."""
    sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for part in (part for document in documents for part in document.parts):
        match part.kind:
            case Kind.LINE:
                for name in ("incl", "excl"):
                    sums["group", str(part.values["turnover_group"]), name] += amount(part, f"amount_{name}")
            case Kind.PAYMENT:
                sums["method", str(part.values["method"])] += amount(part, "amount")
            case Kind.VAT:
                for name in ("excl", "vat"):
                    sums["vat", str(part.values["code"]), name] += amount(part, name)
    return sums


def test_journals_come_to_the_documents(day: Record) -> None:
    for source, kind in (("receipt", Kind.RECEIPT), ("invoice", Kind.INVOICE)):
        totals: dict[tuple[str, ...], Decimal] = {}
        for part in parts_of(day, Kind.TURNOVER, book="journal", source=source):
            totals |= {("group", str(part.values["group"]), name): amount(part, name) for name in ("incl", "excl")}
        for part in parts_of(day, Kind.PAYMENT, source=source):
            totals["method", str(part.values["method"])] = amount(part, "amount")
        for part in parts_of(day, Kind.VAT, source=source):
            totals |= {("vat", str(part.values["code"]), name): amount(part, name) for name in ("excl", "vat")}
        assert totals == sums_of(parts_of(day, kind))


def test_groups_by_vat_code_come_to_the_groups_and_to_the_vat(day: Record) -> None:
    financial = parts_of(day, Kind.TURNOVER, book="financial")
    for source in ("receipt", "invoice"):
        source_parts = [part for part in financial if part.values["source"] == source]
        for part in parts_of(day, Kind.TURNOVER, book="journal", source=source):
            same = [turnover for turnover in source_parts if turnover.values["group"] == part.values["group"]]
            assert (total(same, "incl"), total(same, "excl")) == (amount(part, "incl"), amount(part, "excl"))
        for part in parts_of(day, Kind.VAT, source=source):
            same = [turnover for turnover in source_parts if turnover.values["vat_code"] == part.values["code"]]
            assert (total(same, "excl"), total(same, "vat")) == (amount(part, "excl"), amount(part, "vat"))


def test_cash_comes_to_what_the_counts_say_was_added(day: Record) -> None:
    counts, cash = parts_of(day, Kind.COUNT), parts_of(day, Kind.PAYMENT, method="CASH")
    assert total(cash, "amount") == total(counts, "added") == Decimal("202.95")
    for count in counts:
        assert amount(count, "difference") == amount(count, "counted") - amount(count, "start") - amount(count, "added")
        assert amount(count, "end") == amount(count, "counted") - amount(count, "deposited")
        assert "before" not in count.values


def test_the_vat_and_its_bases_come_to_all_groups(day: Record) -> None:
    vat = parts_of(day, Kind.VAT, source="receipt")
    assert total(vat, "excl") + total(vat, "vat") == Decimal("1787.15")


# ---- what comes after, and what a till says in another way


def test_a_late_receipt_and_a_recount_are_seen_when_the_day_is_read_anew(day_sandbox: Sandbox) -> None:
    before = read(day_sandbox)
    example.late_receipt(day_sandbox.till)
    late = read(day_sandbox)
    (accessories,) = (part for part in parts_of(late, Kind.TURNOVER) if part.key == "journal:receipt:40")
    assert (amount(accessories, "incl"), amount(accessories, "excl")) == (Decimal("230.75"), Decimal("190.70"))
    assert {part.values["number"] for part in parts_of(late, Kind.RECEIPT)} == {*RECEIPTS, "1.2.2026.2207"}
    assert parts_of(late, Kind.COUNT) == parts_of(before, Kind.COUNT)
    example.recount(day_sandbox.till)
    (first, _) = parts_of(read(day_sandbox), Kind.COUNT)
    assert (first.key, first.values["version"]) == ("1/2026.311/CASH", "2")
    assert [cents(first.values[name]) for name in ("counted", "difference", "deposited", "end")] == [
        "34990", "0", "20000", "14990",
    ]  # fmt: skip
    assert len({before.values["digest"], late.values["digest"], read(day_sandbox).values["digest"]}) == 3


def test_a_digest_stays_while_nothing_changes(day_sandbox: Sandbox) -> None:
    first, second = read(day_sandbox), read(day_sandbox)
    assert first.values["digest"] == second.values["digest"]
    assert first.values["reference"] != second.values["reference"]


def test_a_receipt_entered_by_a_switch_is_on_its_day(day_sandbox: Sandbox) -> None:
    day_sandbox.till.late_receipt(example.DAY)
    assert len(parts_of(read(day_sandbox), Kind.RECEIPT)) == len(RECEIPTS) + 1


def test_a_count_starts_with_what_the_one_before_it_left(day_sandbox: Sandbox) -> None:
    drawer = {"branch": 1, "workplace": 1, "counted": 14955, "deposited": 0}
    day_sandbox.till.add("counts", {"day": example.NEXT, "at": f"{example.NEXT}T12:00:00", **drawer})
    day_sandbox.till.add("counts", {"day": example.NEXT, "at": f"{example.NEXT}T18:00:00", **drawer, "counted": 14950})
    noon, evening = parts_of(read(day_sandbox, f"{example.NEXT}/1"), Kind.COUNT)
    assert (noon.values["before"], noon.values["start"]) == (Decimal("149.55"), Decimal("149.55"))
    assert (evening.values["before"], evening.values["difference"]) == (Decimal("149.55"), Decimal("-0.05"))


def test_what_goes_out_may_be_reported_without_its_minus(day_sandbox: Sandbox) -> None:
    settled_day = day_with_conventions(day_sandbox, outflows="positive")
    stamps = [part for part in parts_of(settled_day, Kind.TURNOVER) if part.values["group"] == "97"]
    assert [amount(part, "incl") for part in stamps] == [Decimal("14.50"), Decimal("14.50")]


def test_lists_of_vat_may_be_about_turnover_alone_in_journals_and_documents(day_sandbox: Sandbox) -> None:
    settled_day = day_with_conventions(day_sandbox, vat_lists="turnover only")
    vat = parts_of(settled_day, Kind.VAT, source="receipt")
    assert {str(part.values["code"]): cents(part.values["excl"]) for part in vat} == {
        "1": "27388", "2": "105009", "3": "5500",
    }  # fmt: skip
    test_journals_come_to_the_documents(settled_day)


def test_a_till_may_not_say_that_a_day_is_closed_or_a_count_final(day_sandbox: Sandbox) -> None:
    settled_day = day_with_conventions(day_sandbox, closing="not told", counts="silent")
    assert "closed" not in settled_day.values
    assert not any("finalized" in part.values for part in parts_of(settled_day, Kind.COUNT))


def test_a_day_that_is_left_open_and_a_count_that_is_not_final_say_so(day_sandbox: Sandbox) -> None:
    settled_day = day_with_conventions(day_sandbox, open_days=[example.DAY], counts="open")
    assert settled_day.values["closed"] is False
    assert [part.values["finalized"] for part in parts_of(settled_day, Kind.COUNT)] == [False, False]


def test_a_receipt_rung_up_in_training_that_is_shown_is_in_no_sum(day_sandbox: Sandbox) -> None:
    settled_day = day_with_conventions(day_sandbox, training="shown")
    receipts, payments = parts_of(settled_day, Kind.RECEIPT), parts_of(settled_day, Kind.PAYMENT, source="receipt")
    shown_too = total(receipts, "total_incl") - total(payments, "amount")
    assert {part.values["number"] for part in receipts} - RECEIPTS == {"1.2.2026.2206"}
    assert shown_too == Decimal("999.00")


@pytest.mark.parametrize("operation", ["getJournals", "getFinancialJournal"])
def test_a_till_that_does_not_know_the_journals_is_reported_as_a_cause(day_sandbox: Sandbox, operation: str) -> None:
    with pytest.raises(RejectedError) as caught:
        day_with_conventions(day_sandbox, unknown_operations=[operation])
    assert (caught.value.code, caught.value.facts["operation"]) == ("operation_unknown", operation)


def test_a_till_without_counts_has_days_without_counts(day_sandbox: Sandbox) -> None:
    settled_day = day_with_conventions(
        day_sandbox, unknown_operations=["getCashCountList", "reportPaymentMethodDetails"]
    )
    assert parts_of(settled_day, Kind.COUNT) == []
    assert len(parts_of(settled_day, Kind.RECEIPT)) == len(RECEIPTS)


def test_any_other_refusal_of_the_counts_is_no_reason_to_go_on_without(day_sandbox: Sandbox) -> None:
    with (
        day_sandbox.switches.armed("expired", operation="getCashCountList", times=None),
        pytest.raises(Exception, match="cred"),
    ):
        read(day_sandbox)


def test_a_count_that_cannot_be_read_keeps_back_its_own_day_alone(day_sandbox: Sandbox) -> None:
    day_sandbox.till.edit("counts", "1/1/2026.311", {"counted": 10**17})
    day, following = read(day_sandbox), read(day_sandbox, f"{example.NEXT}/1")
    assert isinstance(day, Unreadable)
    assert (day.kind, day.key, day.field) == (Kind.DAY, KEY, "countedAmount")
    assert "100000000000000000" in day.raw
    assert not isinstance(following, Unreadable)


def test_a_document_that_cannot_be_read_stands_among_the_others_of_its_day(day_sandbox: Sandbox) -> None:
    line = example.sales_line("Kapot", 40, 2, 10**17, totalInclAmount=100)
    example.receipt(day_sandbox.till, (1, 4110), "17:45", [line], PIN=100)
    (broken,) = (part for part in read(day_sandbox).parts if isinstance(part, Unreadable))
    assert broken.kind is Kind.RECEIPT


# ---- pages, and the sample shop


def extract_days(till: Mplus) -> list[Record]:
    records: list[Record] = []
    after = None
    while True:
        batch = till.extract(Kind.DAY, None, after)
        assert batch.stamp is None
        assert len({record.values["date"] for record in batch.records}) <= 7
        records += batch.records
        after = batch.after
        if after is None:
            return records


def test_every_day_of_every_branch_is_extracted_once(sandbox: Sandbox) -> None:
    till = a_till(sandbox, days_back=20)
    records = extract_days(till)
    till.close()
    keys = [record.key for record in records]
    assert len(set(keys)) == len(keys)
    assert {key for key in keys if not key.endswith("/12")} == {
        f"2026-11-{day:02}/{branch}" for day in range(5, 26) for branch in (1, 2, 3)
    }
    assert [record.values["closed"] for record in records if record.key == "2026-11-25/1"] == [False]
    assert [record.values["branch_name"] for record in records if record.key == "2026-11-24/12"] == ["12"]


@pytest.fixture(scope="module")
def past_days(module_sandbox: Sandbox) -> list[Record]:
    till = a_till(module_sandbox)
    records = extract_days(till)
    till.close()
    return records


def test_every_day_of_the_sample_shop_adds_up(past_days: list[Record]) -> None:
    for day in past_days:
        assert payment_total(day, "receipt") == total(
            parts_of(day, Kind.TURNOVER, book="journal", source="receipt"), "incl"
        )
        assert parts_of(day, Kind.TURNOVER, source="order") == []
    assert any(payment_total(day, "order") for day in past_days)
    assert not any(isinstance(day, Unreadable) for day in past_days)
    for day in past_days:
        counts = parts_of(day, Kind.COUNT)
        assert all(part.values.get("before", part.values["start"]) == part.values["start"] for part in counts)


def payment_total(day: Record, source: str) -> Decimal:
    return total(parts_of(day, Kind.PAYMENT, source=source), "amount")


def test_every_payment_is_one_of_a_document_of_the_day(past_days: list[Record]) -> None:
    for day in past_days:
        day_totals: dict[str, Decimal] = defaultdict(Decimal)
        for part in parts_of(day, Kind.PAYMENT):
            day_totals[str(part.values["method"])] += amount(part, "amount")
        payment_totals: dict[str, Decimal] = defaultdict(Decimal)
        for document in day.parts:
            for payment in parts_of(document, Kind.PAYMENT):
                if payment.values["date"] == day.values["date"]:
                    payment_totals[str(payment.values["method"])] += amount(payment, "amount")
        assert {method: sum_ for method, sum_ in day_totals.items() if sum_} == {
            method: sum_ for method, sum_ in payment_totals.items() if sum_
        }, day.key


def test_an_invoice_that_is_paid_later_is_on_both_days(past_days: list[Record]) -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for day in past_days:
        for document in parts_of(day, Kind.INVOICE):
            places[document.key].append(day.key)
    (twice,) = (keys for keys in places.values() if len(keys) == 2)
    assert twice[0][:10] < twice[1][:10]


def test_an_order_is_on_the_day_on_which_something_was_paid_for_it(past_days: list[Record]) -> None:
    ((day, order),) = ((day, order) for day in past_days for order in parts_of(day, Kind.ORDER))
    assert payment_total(day, "order") == total(parts_of(order, Kind.PAYMENT), "amount")


def test_a_till_without_the_report_leaves_out_what_it_would_name(sandbox: Sandbox, past_days: list[Record]) -> None:
    ((day, _),) = ((day, order) for day in past_days for order in parts_of(day, Kind.ORDER))
    sandbox.till.edit("conventions", "unknown_operations", {"value": ["reportPaymentMethodDetails"]})
    try:
        assert parts_of(read(sandbox, day.key), Kind.ORDER) == []
    finally:
        sandbox.till.edit("conventions", "unknown_operations", {"value": []})


def test_days_are_fetched_by_key_and_what_is_no_day_is_left_out(sandbox: Sandbox, past_days: list[Record]) -> None:
    till = a_till(sandbox)
    keys = [past_days[0].key, past_days[40].key, past_days[41].key, past_days[-1].key]
    records = till.fetch(Kind.DAY, [*keys, "2026-10-16/77", "yesterday", "", "2026-13-01/1"])
    till.close()
    assert [record.key for record in records] == keys
    digests = {record.key: record.values["digest"] for record in past_days}
    assert all(record.values["digest"] == digests[record.key] for record in records)


def test_nothing_asked_is_nothing_fetched_and_no_call(sandbox: Sandbox) -> None:
    till = a_till(sandbox)
    assert till.fetch(Kind.DAY, []) == []
    till.close()
    assert sandbox.ledger.calls("mplus") == []


def test_a_day_passes_and_is_closed(own_sandbox: Sandbox) -> None:
    own_sandbox.advance_day()
    records = [day for day in (read(own_sandbox, f"2026-11-25/{branch}") for branch in (1, 2, 3)) if day.parts]
    assert records
    assert all(day.values["closed"] is True for day in records)
    assert any(parts_of(day, Kind.COUNT) for day in records)


def test_every_value_of_a_day_is_of_a_field_that_is_offered(sandbox: Sandbox, past_days: list[Record]) -> None:
    till = a_till(sandbox)
    offered = {field.name for field in till.fields(Kind.DAY)}
    till.close()
    assert {"date", "branch", "branch_name", "closed", "reference"} <= offered
    assert all(day.values.keys() <= offered for day in past_days)


def test_every_question_for_journals_has_a_reference_of_its_own_that_begins_with_that_of_its_page(
    day_sandbox: Sandbox,
) -> None:
    first, second = str(read(day_sandbox).values["reference"]), str(read(day_sandbox).values["reference"])
    references = [str(row["reference"]) for row in day_sandbox.state("questions", "mplus")]
    assert len(set(references)) == len(references) == 8
    assert all(
        reference.startswith(f"{page}-")
        for page, page_references in ((first, references[:4]), (second, references[4:]))
        for reference in page_references
    )


def test_the_reference_of_a_day_begins_with_the_run_it_was_read_for(day_sandbox: Sandbox) -> None:
    with current_run("261126-120000-abcdef"):
        first, second = read(day_sandbox), read(day_sandbox)
    references = [str(day.values["reference"]) for day in (first, second)]
    assert all(reference.startswith("261126-120000-abcdef-") for reference in references)
    assert len(set(references)) == 2

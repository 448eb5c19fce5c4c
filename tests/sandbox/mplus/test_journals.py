"""The till's own sums are those of its receipts and invoices, added up here from its documents alone."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from integration.sandbox.server import Sandbox
from integration.sandbox.shop.shop import TODAY
from tests.sandbox.soap_client import NS, RawClient

TRADES = True

FIRST, LAST = date(2026, 9, 1), date(2026, 11, 30)
SOURCES = {"RECEIPT": "receipts", "INVOICE": "invoices"}


def date_element(day: date, name: str) -> str:
    return f"<{name}><day>{day.day}</day><mon>{day.month}</mon><year>{day.year}</year></{name}>"


def date_range(first: date = FIRST, last: date = LAST) -> str:
    return date_element(first, "fromFinancialDate") + date_element(last, "throughFinancialDate")


def journal_filter(*sources: str) -> str:
    elements = "".join(f"<journalFilter>JOURNAL-FILTER-{source}</journalFilter>" for source in sources)
    return f"<journalFilterList>{elements}</journalFilterList>"


def documents(sandbox: Sandbox, source: str) -> list[dict[str, Any]]:
    return sandbox.state(SOURCES[source], "mplus")


def day_in(value: Any) -> str:
    return str(value)[:10] if isinstance(value, str) else f"{value['year']}-{value['mon']:02}-{value['day']:02}"


def numbers(element: Any, *names: str) -> tuple[int, ...]:
    return tuple(int(element.findtext(f"ns:{name}", "0", NS)) for name in names)


def rows(journal: Any, path: str) -> list[Any]:
    return list(journal.iterfind("/".join(f"ns:{step}" for step in path.split("/")), NS))


def place_of(journal: Any) -> tuple[str, int]:
    day = journal.find("ns:financialDate", NS)
    year, month, number = numbers(day, "year", "mon", "day")
    return f"{year}-{month:02}-{number:02}", numbers(journal, "branchNumber")[0]


@pytest.mark.parametrize("source", SOURCES)
def test_journals_add_up_to_the_documents_per_group_method_and_vat_code(
    sandbox: Sandbox, till: RawClient, source: str
) -> None:
    groups, paid, vat = Counter[Any](), Counter[Any](), Counter[Any]()
    for document in documents(sandbox, source):
        place = day_in(document["financialDate"]), document["financialBranchNumber"]
        for line in document["lineList"]["line"]:
            data = line["data"]
            groups[*place, data["turnoverGroup"], "incl"] += data["totalInclAmount"]
            groups[*place, data["turnoverGroup"], "excl"] += data["totalExclAmount"]
        for vat_group in document["vatGroupList"]["vatGroup"]:
            vat[*place, vat_group["vatCode"], "excl"] += vat_group["exclAmount"]
            vat[*place, vat_group["vatCode"], "vat"] += vat_group["vatAmount"]
        for payment in document["paymentList"].get("payment", []):
            paid[day_in(payment["financialDate"]), document["financialBranchNumber"], payment["method"]] += payment[
                "amount"
            ]
    reply = till.ask("getJournals", date_range() + journal_filter(source))
    journal_totals = [Counter[Any](), Counter[Any](), Counter[Any]()]
    for journal in rows(reply.body, "journalList/journal"):
        place = place_of(journal)
        for turnover_group in rows(journal, "turnoverGroupList/turnoverGroup"):
            number, incl, excl = numbers(turnover_group, "turnoverGroup", "inclAmount", "exclAmount")
            journal_totals[0][*place, number, "incl"] += incl
            journal_totals[0][*place, number, "excl"] += excl
        for payment in rows(journal, "paymentList/payment"):
            journal_totals[1][*place, payment.findtext("ns:method", "", NS)] += numbers(payment, "amount")[0]
        for vat_group in rows(journal, "vatGroupList/vatGroup"):
            code, excl, amount = numbers(vat_group, "vatCode", "exclAmount", "vatAmount")
            journal_totals[2][*place, code, "excl"] += excl
            journal_totals[2][*place, code, "vat"] += amount
    assert [dict(totals) for totals in journal_totals] == [dict(groups), dict(paid), dict(vat)]
    assert groups
    assert paid


def test_the_groups_of_receipts_come_to_what_was_paid_and_are_reported_with_their_accounts(till: RawClient) -> None:
    reply = till.ask("getJournals", date_range() + journal_filter("RECEIPT"))
    journals = rows(reply.body, "journalList/journal")
    for journal in journals:
        sold = sum(
            numbers(turnover_group, "inclAmount")[0]
            for turnover_group in rows(journal, "turnoverGroupList/turnoverGroup")
        )
        assert sold == sum(numbers(payment, "amount")[0] for payment in rows(journal, "paymentList/payment"))
    accounts = {
        numbers(turnover_group, "turnoverGroup", "accountNumber")
        for journal in journals
        for turnover_group in rows(journal, "turnoverGroupList/turnoverGroup")
    }
    assert {(80, 1560), (85, 1565), (90, 1570), (91, 1571), (92, 1575), (20, 8010)} <= accounts
    assert {place_of(journal)[1] for journal in journals} == {1, 2, 3, 12}


def test_a_question_names_days_branches_and_filters(till: RawClient) -> None:
    yesterday = TODAY.replace(day=TODAY.day - 1)
    reply = till.ask("getJournals", date_range(yesterday, yesterday) + "<branchNumbers>12</branchNumbers>")
    assert [place_of(journal) for journal in rows(reply.body, "journalList/journal")] == [(str(yesterday), 12)]
    assert rows(till.ask("getJournals", date_range(LAST, LAST)).body, "journalList/journal") == []


def test_what_was_paid_on_an_order_at_the_counter_is_a_payment_and_nothing_is_sold_by_it(
    sandbox: Sandbox, till: RawClient
) -> None:
    (journal,) = rows(till.ask("getJournals", date_range() + journal_filter("ORDER")).body, "journalList/journal")
    (payment,) = rows(journal, "paymentList/payment")
    assert rows(journal, "turnoverGroupList/turnoverGroup") == []
    paid = [
        order_payment
        for order in sandbox.state("orders", "mplus")
        for order_payment in order["paymentList"].get("payment", [])
    ]
    (at_counter,) = (order_payment["amount"] for order_payment in paid if order_payment.get("workplaceNumber"))
    assert numbers(payment, "amount") == (at_counter,)


def test_the_financial_journal_is_group_by_vat_code_and_the_only_one_that_is(sandbox: Sandbox, till: RawClient) -> None:
    expected = Counter[Any]()
    for source in SOURCES:
        for document in documents(sandbox, source):
            for line in document["lineList"]["line"]:
                data = line["data"]
                where = document["financialBranchNumber"], source, data["turnoverGroup"], data["vatCode"]
                expected[*where, "incl"] += data["totalInclAmount"]
                expected[*where, "excl"] += data["totalExclAmount"]
    reply = till.ask("getFinancialJournal", date_range())
    totals, types = Counter[Any](), dict[int, str]()
    for group in rows(reply.body, "financialGroupList/financialGroup"):
        (vat_group,) = rows(group, "vatGroupList/vatGroup")
        source = group.findtext("ns:financialGroupSource", "", NS).removeprefix("FINANCIAL-GROUP-SOURCE-")
        branch, number, incl, excl = numbers(group, "branchNumber", "financialGroupNumber", "inclAmount", "exclAmount")
        code, base, vat = numbers(vat_group, "vatCode", "exclAmount", "vatAmount")
        assert (base, base + vat) == (excl, incl)
        totals[branch, source, number, code, "incl"] += incl
        totals[branch, source, number, code, "excl"] += excl
        types[number] = group.findtext("ns:financialGroupType", "", NS).removeprefix("FINANCIAL-GROUP-TYPE-")
    assert dict(totals) == dict(expected)
    assert {types[20], types[80], types[90], types[92]} == {"TURNOVER", "SUSPENSE-ACCOUNT", "REFUNDABLE-DEPOSIT"}


def test_a_period_is_closed_once_it_is_over(till: RawClient) -> None:
    past = till.ask("getFinancialJournal", date_range(FIRST, date(2026, 9, 30)))
    coming = till.ask("getFinancialJournal", date_range(FIRST, date(2126, 9, 30)))
    assert past.body.findtext("ns:financialPeriodClosed", "", NS) == "true"
    assert coming.body.findtext("ns:financialPeriodClosed", "", NS) == "false"


def test_counts_follow_from_the_cash_of_the_receipts_and_from_each_other(sandbox: Sandbox, till: RawClient) -> None:
    cash = Counter[Any]()
    for receipt in documents(sandbox, "RECEIPT"):
        where = day_in(receipt["financialDate"]), receipt["financialBranchNumber"], receipt["workplaceNumber"]
        cash[where] += sum(
            payment["amount"] for payment in receipt["paymentList"].get("payment", []) if payment["method"] == "CASH"
        )
    end_amounts: dict[tuple[int, int], int] = {}
    missing, added_up = 0, Counter[Any]()
    counts = rows(till.ask("getCashCountList", date_range()).body, "cashCountList/cashCount")
    for count in counts:
        (line,) = rows(count, "cashCountLineList/cashCountLine")
        day, branch = place_of(count)
        (workplace,) = numbers(count, "workplaceNumber")
        start, added, counted_amount, deposited, difference, end = numbers(
            line, "startAmount", "addedAmount", "countedAmount", "depositedAmount", "differenceAmount", "endAmount"
        )
        assert start == end_amounts.get((branch, workplace), start)
        assert (difference, end) == (counted_amount - start - added, counted_amount - deposited)
        end_amounts[branch, workplace] = end
        missing += difference
        added_up[day, branch, workplace] += added
        assert count.findtext("ns:isFinalized", "", NS) in ("true", "false")
    assert {where: amount for where, amount in added_up.items() if amount} == {
        where: amount for where, amount in cash.items() if amount
    }
    assert len(counts) == len(cash)
    assert missing < 0


def test_counts_are_asked_for_since_one_of_them(till: RawClient) -> None:
    every = rows(till.ask("getCashCountList", date_range()).body, "cashCountList/cashCount")
    place = "<branchNumber>0</branchNumber><workplaceNumber>0</workplaceNumber><year>2026</year><number>5</number>"
    since = rows(
        till.ask("getCashCountList", f"<sinceCashCount>{place}</sinceCashCount>").body, "cashCountList/cashCount"
    )
    assert len(since) == len(every) - 5

"""Harm: one too many, one too few, another field, a cent under another VAT code."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from integration.lab.outcome import GIVEN, LabOutcome, current_outcome
from integration.lab.report import Harm
from integration.lab.verdict import differences_from_baseline
from integration.sandbox.server import Sandbox, running


@pytest.fixture(scope="module")
def baseline() -> LabOutcome:
    """The first contents of both systems."""
    with running(articles=50, orders=6) as sandbox:
        return current_outcome(sandbox)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Both systems once more."""
    with running(articles=50, orders=6) as both_systems:
        yield both_systems


def test_the_same_shop_twice_is_the_same(baseline: LabOutcome, sandbox: Sandbox) -> None:
    assert differences_from_baseline(baseline, current_outcome(sandbox)) == (Harm(cents=Decimal("0.00")), [])


def test_a_changed_field_is_named(baseline: LabOutcome, sandbox: Sandbox) -> None:
    sandbox.accountview.edit("ARTICLE", "9001", {"ART_DESC1": "Verzending"})

    harm, differences = differences_from_baseline(baseline, current_outcome(sandbox))

    assert harm.altered == 1
    assert "ART_DESC1 Verzendkosten became Verzending" in differences[0]


def test_one_too_many_and_one_too_few_are_counted(baseline: LabOutcome, sandbox: Sandbox) -> None:
    row = next(candidate for candidate in sandbox.state("DEL_ADDR") if candidate["SUB_NR"] == "20001")
    sandbox.accountview.add(
        "DEL_ADDR",
        {name: value for name, value in row.items() if name not in GIVEN} | {"SUB_NR": "20001", "REC_ID": "A9999999"},
    )
    sandbox.accountview.remove("DEL_ADDR", str(sandbox.state("DEL_ADDR")[1]["REC_ID"]))

    harm, differences = differences_from_baseline(baseline, current_outcome(sandbox))

    assert (harm.doubled, harm.lost, harm.altered) == (1, 1, 0)
    assert [line.split()[0] for line in differences] == ["doubled:", "lost:"]


def test_a_quotation_and_a_trade_invoice_are_compared_by_their_reference_and_to_the_cent(sandbox: Sandbox) -> None:
    def add_documents(price: str) -> LabOutcome:
        debtor = sandbox.state("CONTACT")[0]["SUB_NR"]
        for header, lines, own in (("K9_QUO", "K9_QUOL", "QT_NR"), ("K9_INV", "K9_INVL", "HDR_ID")):
            key = {"K9_QUO": "QT_NR", "K9_INV": "REC_ID"}[header]
            reference_field = {"K9_QUO": "K9_REF", "K9_INV": "COMMENT1"}[header]
            number = f"9{len(sandbox.state(header)):06}"
            sandbox.accountview.add(header, {key: number, reference_field: "MP-2026.1", "RPL_INV": debtor})
            line = {"REC_ID": number, own: number, "ART_CODE": "9001", "ART_QTY": "2", "ART_PX": price, "VAT_CODE": "2"}
            sandbox.accountview.add(lines, line)
        return current_outcome(sandbox)

    first = add_documents("10.00")
    (invoice, quotation) = sorted(name for name in first.sums if name.startswith("K9_"))
    assert (invoice, quotation) == ("K9_INV MP-2026.1", "K9_QUO MP-2026.1")
    assert first.sums[invoice] == first.sums[quotation] == {"2": Decimal("20.00")}

    sandbox.accountview.edit("K9_QUOL", sandbox.state("K9_QUOL")[0]["REC_ID"], {"ART_PX": "10.01"})
    harm, _ = differences_from_baseline(first, current_outcome(sandbox))
    assert (harm.altered, harm.cents) == (1, Decimal("0.02"))

    harm, differences = differences_from_baseline(first, add_documents("10.00"))
    assert (harm.doubled, harm.lost) == (2, 0)
    assert differences == [f"doubled: {invoice}", f"doubled: {quotation}"]


def test_a_document_that_stands_twice_is_doubled_though_a_calm_run_doubles_or_omits_it(sandbox: Sandbox) -> None:
    def add_order(reference: str) -> LabOutcome:
        number = f"9{len(sandbox.state('SO_HDR')):06}"
        sandbox.accountview.add("SO_HDR", {"ORD_NR": number, "COMMENT1": reference, "RPL_INV": "20001"})
        sandbox.accountview.add("SO_LINE", {"REC_ID": number, "ORD_NR": number, "ART_CODE": "9001", "ORD_QTY": "1"})
        return current_outcome(sandbox)

    omitting, once, twice = current_outcome(sandbox), add_order("MP-2026.1"), add_order("MP-2026.1")

    for calm in (omitting, once, twice):
        harm, differences = differences_from_baseline(calm, twice)
        assert (harm.doubled, harm.lost, differences) == (1, 0, ["doubled: SO_HDR MP-2026.1"])
    for calm in (once, twice):
        assert differences_from_baseline(calm, once)[0] == Harm(cents=Decimal("0.00"))
    assert differences_from_baseline(replace(once, at_first=twice.counts()), twice)[0].doubled == 0

    harm, differences = differences_from_baseline(omitting, once)
    assert (harm.doubled, harm.altered, differences) == (0, 1, ["not in the result without faults: SO_HDR MP-2026.1"])
    harm, differences = differences_from_baseline(twice, add_order("MP-2026.1-2"))
    assert (harm.doubled, differences[-1]) == (2, "doubled: SO_HDR MP-2026.1-2")


def test_an_amount_under_another_vat_code_is_apart_twice(baseline: LabOutcome, sandbox: Sandbox) -> None:
    line = sandbox.state("DJ_LINE")[0]
    sandbox.accountview.edit("DJ_LINE", str(line["REC_ID"]), {"VAT_CODE": "2"})

    assert differences_from_baseline(baseline, current_outcome(sandbox))[0].cents == 2 * (
        Decimal(line["AMOUNT"]) + Decimal(line["VAT_AMT"])
    )

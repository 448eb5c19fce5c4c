"""Quotations in the books: in an object that a person has to name, found by our reference alone."""

from decimal import Decimal
from typing import Any

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import RejectedError
from integration.core.plan import differences
from integration.core.records import Kind, Record, Value
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.samples import TODAY, a_line, connect_accountview, create_record, look_up_record
from tests.fakes import Links, MemoryTokenStore

QUOTATIONS = {"quotations": {"code": "K9Q", "table": "K9_QUO", "detail": "K9_QUOL"}}
NAMED: dict[str, Any] = {"objects": QUOTATIONS, "quotation": {"reference": "K9_REF"}}


def a_quotation(key: str, lines: tuple[Record, ...] = (), **values: Value) -> Record:
    complete: dict[str, Value] = {
        "reference": f"MPLUS-{key}", "debtor_number": "20001", "date": TODAY, "remark": "Graag snel", "gross": True,
    }  # fmt: skip
    return Record(Kind.QUOTATION, key, complete | values, lines or (a_line(1), a_line(2, quantity=Decimal(1))))


def test_a_quotation_is_written_to_its_object_and_read_back(
    shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore, links: Links
) -> None:
    line = a_line(1, discount_percent=Decimal(10), text="Fiets, rood", vat_code="1")
    desired = a_quotation(
        "q1", (line,), email="anna@voorbeeld.example", note="intern", salesperson="jan", currency="EUR"
    )
    with connect_accountview(shared_sandbox, shared_keeper, **NAMED) as accountview:
        result = create_record(accountview, desired, links)
        current = look_up_record(accountview, desired, links)
    (row,) = (quotation for quotation in shared_sandbox.state("K9_QUO") if quotation["K9_REF"] == "MPLUS-q1")
    assert current.reference == result.reference == row["QT_NR"]
    assert differences(desired, current.record) == ()
    assert [detail["ART_QTY"] for detail in shared_sandbox.state("K9_QUOL") if detail["QT_NR"] == row["QT_NR"]] == ["2"]


def test_the_lookup_returns_nothing_for_a_missing_quotation(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox, **NAMED) as accountview:
        assert accountview.lookup([a_quotation("q2")], links) == {}


def test_a_quotation_whose_answer_is_lost_is_there_once(sandbox: Sandbox, links: Links) -> None:
    desired = a_quotation("q3")
    with connect_accountview(sandbox, **NAMED) as accountview:
        sandbox.switches.arm(Fault.CUT_AFTER, system="accountview", operation="K9Q POST", times=1)
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is called, it says nothing of the books
            create_record(accountview, desired, links)
        assert look_up_record(accountview, desired, links).reference
    assert len(sandbox.state("K9_QUO")) == 1


def test_a_quotation_is_found_where_its_reference_cannot_be_filtered_on(links: Links) -> None:
    conventions = Conventions(unfilterable=frozenset({"K9_REF"}))
    with (
        running(articles=60, trades=False, conventions=conventions) as other,
        connect_accountview(other, **NAMED) as accountview,
    ):
        create_record(accountview, a_quotation("q5"), links, keep=False)
        create_record(accountview, a_quotation("q6"), links, keep=False)
        assert accountview.lookup([a_quotation("q6"), a_quotation("q7")], links).keys() == {"q6"}


def test_without_an_object_nothing_is_written_or_looked_for(books: AccountView, links: Links) -> None:
    for act in (
        lambda: create_record(books, a_quotation("q4"), links),
        lambda: books.lookup([a_quotation("q4")], links),
    ):
        with pytest.raises(RejectedError, match="object_missing") as caught:
            act()
        assert caught.value.facts["object"] == "quotations"


def test_fields_of_lines_are_reported_whether_or_not_there_are_quotations(
    books: AccountView, shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore
) -> None:
    before = [field.name for field in books.fields(Kind.LINE)]
    with connect_accountview(shared_sandbox, shared_keeper, **NAMED) as accountview:
        assert [field.name for field in accountview.fields(Kind.LINE)][: len(before)] == before
        names = [field.name for field in accountview.fields(Kind.QUOTATION)]
    assert {"reference", "debtor", "date", "gross", "salesperson"} <= set(names)


def test_what_quotations_need_is_named(shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore) -> None:
    def failed_findings(**changed: Any) -> list[tuple[str, str]]:
        with connect_accountview(shared_sandbox, shared_keeper, **changed) as accountview:
            looked = accountview.needs(Kind.QUOTATION, for_insert=True)
        causes = [
            (finding.cause, finding.facts.get("field") or finding.facts["object"])
            for finding in looked
            if not finding.ok
        ]
        return list(dict.fromkeys(causes))

    absent = {"quotations": {**QUOTATIONS["quotations"], "code": "ZZ9"}}
    assert failed_findings(**NAMED) == []
    assert failed_findings() == [("object_missing", "quotations")]
    assert failed_findings(**{**NAMED, "objects": absent}) == [("object_missing", "ZZ9")]
    assert failed_findings(objects=QUOTATIONS) == [("flow_field_unknown", "quotation.reference")]
    assert failed_findings(objects=QUOTATIONS, quotation={"reference": "K9_WRONG"}) == [
        ("flow_field_unknown", "K9_WRONG")
    ]

"""Two versions of a document compared: lines that correspond, and differences in money."""

from decimal import Decimal

from integration.core.booking_comparison import DocumentVersions, compare_versions, line_amount, line_name
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value

NOTHING = Decimal(0)


def document(*lines: Record, total: str = "24.20", **values: Value) -> Record:
    base_values: dict[str, Value] = {"number": "2026.1", "customer": "Els", "sold_incl": Decimal(total)}
    return Record(Kind.SALES_ORDER, "order-1", base_values | values, lines)


def line(key: str, article: str, quantity: str = "1", price: str = "12.10", **values: Value) -> Record:
    base_values: dict[str, Value] = {"article": article, "quantity": Decimal(quantity), "price": Decimal(price)}
    return Record(Kind.LINE, key, base_values | values)


def test_lines_about_the_same_stand_beside_each_other_wherever_one_was_put_in() -> None:
    comparison = compare_versions(
        DocumentVersions(
            document(line("1", "1001"), line("2", "1002", "2")),
            document(line("1", "9999"), line("2", "1001"), line("3", "1002", "3"), total="48.40"),
        )
    )

    line_names = [
        tuple(line_name(side) if side else "" for side in (pair.booked, pair.now)) for pair in comparison.lines
    ]
    assert line_names == [("", "9999"), ("1001", "1001"), ("1002", "1002")]
    assert [pair.differs for pair in comparison.lines] == [True, False, True]
    assert [pair.difference for pair in comparison.lines] == [Decimal("12.10"), NOTHING, Decimal("12.10")]
    assert comparison.difference == Decimal("24.20")


def test_facts_of_both_sides_are_reported_and_those_that_differ_are_known() -> None:
    comparison = compare_versions(DocumentVersions(document(customer="Els"), document(customer="Jan")))
    assert {fact.name for fact in comparison.header if fact.differs} == {"customer"}
    assert comparison.difference == NOTHING


def test_a_cancelled_document_comes_to_nothing_now() -> None:
    comparison = compare_versions(DocumentVersions(document(line("1", "1001", "2")), None))
    (pair,) = comparison.lines
    assert (pair.now, pair.differs, pair.difference) == (None, True, Decimal("-24.20"))
    assert comparison.difference == Decimal("-24.20")


def test_of_a_document_that_cannot_be_booked_now_the_header_alone_is_reported() -> None:
    comparison = compare_versions(
        DocumentVersions(document(line("1", "1001")), document(total="36.30"), Issue("article_missing", "order-1"))
    )
    assert (comparison.lines, comparison.difference) == ((), Decimal("12.10"))


def test_a_document_of_which_no_total_is_known_counts_as_nothing() -> None:
    bare = Record(Kind.POSTING, "order-1", {})
    assert compare_versions(DocumentVersions(bare, bare)).difference == NOTHING


def test_a_line_comes_to_what_is_written_of_it() -> None:
    assert line_amount(line("1", "1001", "3", "10.00", discount_percent=Decimal("33.3"))) == Decimal("20.01")
    assert line_amount(Record(Kind.LINE, "1", {"account": "8000", "amount": Decimal("5.00")})) == Decimal("5.00")
    assert line_amount(Record(Kind.LINE, "1", {"quantity": Decimal(1)})) == line_amount(None) == NOTHING

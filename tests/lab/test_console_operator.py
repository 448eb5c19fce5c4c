"""The lab's operator: its answers when the console asks whether something exists."""

from integration.core.records import Kind
from integration.lab.console_operator import number_by_reference
from integration.sandbox.server import running


def test_a_quotation_of_the_same_number_is_not_taken_for_the_order_that_was_asked_about() -> None:
    with running(articles=20, trades=False) as sandbox:
        sandbox.accountview.add("K9_QUO", {"QT_NR": "7", "K9_REF": "MP-2026.2"})
        assert number_by_reference(sandbox, Kind.SALES_ORDER, "MP-2026.2") is None
        assert number_by_reference(sandbox, Kind.QUOTATION, "MP-2026.2") == "7"

"""Sold amounts are those that the till reports."""

from dataclasses import replace

from integration.core.totals.difference import Verdict, compare_totals
from integration.core.totals.sold import VatSum
from tests.core.totals.sales import RATES, euros, line, sale


def test_without_a_split_the_lines_say_what_was_sold_if_they_tell_all() -> None:
    sold_line = replace(line("1", "2", "12.10"), amount_excl=euros("10.00"))

    assert sale(sold_line, vat={}).sold == {"2": VatSum(euros("10.00"), euros("2.10"))}
    assert compare_totals(sale(sold_line, vat={}), RATES, "incl", "document") == Verdict()

"""Sums of the lines of a document."""

from decimal import Decimal

import pytest

from integration.sandbox.mplus.sums import EXCLUSIVE, INCLUSIVE, summed

RATES = {1: Decimal(9), 2: Decimal(21), 3: Decimal(0)}


@pytest.mark.parametrize("method", [INCLUSIVE, EXCLUSIVE, "VAT-METHOD-SHIFTED"])
def test_sums_take_rounding_differences_into_the_lines(method: str) -> None:
    sums = summed([(2, 333), (2, 333), (2, 335), (1, -109), (3, 50)], RATES, method)
    assert sums.incl == sum(incl for incl, _ in sums.lines)
    assert sums.excl == sum(excl for _, excl in sums.lines)
    if method == INCLUSIVE:
        assert sums.incl == 333 + 333 + 335 - 109 + 50

"""The boxes of a VAT return."""

from decimal import Decimal

import pytest

from integration.core.days.vat_return import BoxSum, CodeSum, VatBox, VatBoxes, box_sums, return_totals

RATES = {"1": Decimal("21.00"), "2": Decimal("9.00"), "3": Decimal(0), "6": Decimal(21), "8": Decimal(21)}


def euros(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("country", "rates", "code", "box"),
    [
        ("NL", RATES, "1", VatBox.NL_1A),
        ("NL", RATES, "2", VatBox.NL_1B),
        ("NL", RATES, "3", VatBox.NL_3A),
        ("NL", {"1": Decimal(19)}, "1", None),  # a code with another rate is no standard code
        ("NL", RATES, "6", VatBox.NL_5B),
        ("NL", RATES, "7", None),
        ("NL", RATES, "9", VatBox.OSS),
        ("DE", {"1": Decimal(19), "2": Decimal(7)}, "1", VatBox.DE_81),
        ("DE", {"1": Decimal(19), "2": Decimal(7)}, "2", VatBox.DE_86),
        ("DE", RATES, "6", VatBox.DE_66),
        ("", RATES, "1", None),
    ],
)
def test_standard_codes_have_a_box(country: str, rates: dict[str, Decimal], code: str, box: VatBox | None) -> None:
    boxes = VatBoxes(country, {}, rates, {"9": ("DE",)}, {"6"})
    assert boxes.box(code) is box


def test_the_settings_decide() -> None:
    boxes = VatBoxes("NL", {"1": VatBox.NL_1C, "9": VatBox.NONE}, RATES, {"9": ("DE",)})
    assert (boxes.box("1"), boxes.box("9")) == (VatBox.NL_1C, VatBox.NONE)


def test_amounts_are_added_up_per_box_in_the_order_of_the_form() -> None:
    boxes = VatBoxes("NL", {"8": VatBox.NL_1A}, RATES, {"9": ("DE",)}, {"6"})
    sums = [
        CodeSum("6", euros("-50.00"), euros("-10.50")), CodeSum("x", euros("1.00"), euros("0.21")),
        CodeSum("9", euros("10.00"), euros("1.90")), CodeSum("8", euros("100.00"), euros("21.00")),
        CodeSum("1", euros("200.00"), euros("42.00")), CodeSum("2", euros("100.00"), euros("9.00")),
    ]  # fmt: skip
    lines = box_sums(sums, boxes)
    assert lines == [
        BoxSum(VatBox.NL_1A, ("8", "1"), euros("300.00"), euros("63.00")),
        BoxSum(VatBox.NL_1B, ("2",), euros("100.00"), euros("9.00")),
        BoxSum(VatBox.NL_5B, ("6",), euros("50.00"), euros("10.50")),
        BoxSum(VatBox.OSS, ("9",), euros("10.00"), euros("1.90")),
        BoxSum(None, ("x",), euros("1.00"), euros("0.21")),
    ]
    assert return_totals(lines) == (euros("72.00"), euros("10.50"))


def test_an_amount_that_is_not_known_makes_its_box_and_the_total_unknown() -> None:
    (line,) = box_sums([CodeSum("1", None, euros("21.00"))], VatBoxes("NL", {}, RATES))
    assert (line.base, line.vat) == (None, euros("21.00"))
    assert return_totals([BoxSum(VatBox.NL_1A, ("1",), euros("1.00"), None)])[0] is None


def test_a_country_has_the_boxes_of_its_own_return() -> None:
    assert (VatBoxes("NL").boxes()[0], VatBoxes("DE").boxes()[0]) == (VatBox.NL_1A, VatBox.DE_81)
    assert VatBoxes("").boxes() == []

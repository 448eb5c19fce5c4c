"""VAT codes as facts: read back complete, also without a known percentage."""

from decimal import Decimal

from integration.core.vat import is_vat_code, read_vat_fact, read_vat_value, vat_fact, vat_value


def test_a_fact_is_read_back_with_its_percentage_and_its_system() -> None:
    assert read_vat_fact(vat_fact("2", Decimal("21.00"), "mplus")) == ("2", "21", "mplus")
    assert read_vat_fact(vat_fact("V 0", None, "accountview")) == ("V 0", "", "accountview")


def test_a_value_that_is_a_vat_code_is_distinguished_from_every_other() -> None:
    assert read_vat_value(vat_value("2", Decimal("21.00"), "mplus")) == ("2", "21", "mplus")
    assert read_vat_value(vat_value("V 0", None, "accountview")) == ("V 0", "", "accountview")
    assert [read_vat_value(other) for other in ("2", "21.00", "VAT code 2", "VAT code", "")] == [None] * 5


def test_a_field_that_holds_a_vat_code_is_known_by_name_and_path() -> None:
    assert all(map(is_vat_code, ("vat_code", "line.vat_code", "1/vat_code", "line.books_vat_code", "page_vat_code")))
    assert not any(map(is_vat_code, ("vat", "line.vat_base", "1/code")))

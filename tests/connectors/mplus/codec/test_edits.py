"""Edits of a product: the elements they change, and those they keep in place."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element, qualified
from integration.connectors.mplus.codec import CustomFieldUnknownError, ElementEdit, UnfitError
from integration.core.plan import differences
from integration.core.records import Kind, Record, Value
from tests.connectors.mplus.codec.elements import CUSTOM, WORDS, decode_element, edit, names, part, text, the_product


def test_an_edit_changes_what_it_names_and_keeps_everything_else_in_place() -> None:
    edited = edit(part(name="Jas blauw"))
    assert text(edited, "description") == "Jas blauw"
    assert etree.tostring(edited) == etree.tostring(the_product()).replace(b"Jas rood", b"Jas blauw")


def test_what_was_read_is_not_touched_by_an_edit() -> None:
    product = the_product()
    before = etree.tostring(product)
    codec.edited(product, ElementEdit(part(name="Jas blauw"), WORDS, CUSTOM, "incl"))
    assert etree.tostring(product) == before


def test_a_new_field_comes_in_the_order_of_the_interface_also_beside_fields_we_do_not_know() -> None:
    fresh = names(edit(part(brand="Gazelle", specialPrice="PRICE-FREE", discontinued=False)))
    assert fresh.index("contentQuantityDecimalPlaces") + 1 == fresh.index("brandName")
    assert fresh[fresh.index("stockArticle") :] == [
        "stockArticle", "course", "specialPrice", "barcodeList", "discontinued", "shelfColour",
    ]  # fmt: skip


def test_the_price_that_is_not_written_is_left_to_the_till() -> None:
    assert "priceExcl" not in names(edit(part(price_incl=Decimal("21.50"))))
    assert "priceIncl" not in names(edit(part(price_excl=Decimal("21.50"))))


@pytest.mark.parametrize(("leading", "absent_name"), [("incl", "priceExcl"), ("excl", "priceIncl")])
def test_another_vat_code_keeps_the_leading_price_and_drops_the_old_rate(leading: str, absent_name: str) -> None:
    fresh = names(edit(part(vat_code="1"), leading=leading))
    assert absent_name not in fresh
    assert "vatPercentage" not in fresh


def test_both_prices_are_written_when_both_are_wanted() -> None:
    edited = edit(part(price_incl=Decimal("21.50"), price_excl=Decimal("17.77")))
    assert (text(edited, "priceIncl"), text(edited, "priceExcl")) == ("2150", "1777")


def barcodes(element: Element) -> list[tuple[str | None, str | None]]:
    """Return the barcodes listed and whether each is the current one."""
    return [
        (child.findtext(qualified("barcode")), child.findtext(qualified("isCurrent")))
        for child in element.iter(qualified("barcode"))
        if len(child)
    ]


def test_the_list_of_barcodes_follows_a_new_one() -> None:
    fresh = barcodes(edit(part(ean="8710000000031")))
    assert fresh == [("8710000000031", "true"), ("8710000000024", "false")]


def test_a_barcode_that_is_listed_already_becomes_the_current_one() -> None:
    fresh = barcodes(edit(part(ean="8710000000024")))
    assert fresh == [("8710000000017", "false"), ("8710000000024", "true")]


def test_a_barcode_that_is_taken_away_leaves_the_list() -> None:
    edited = edit(part(ean=""))
    assert text(edited, "barcode") is None or text(edited, "barcode") == ""
    assert barcodes(edited) == [("8710000000024", "false")]


def test_an_empty_number_is_taken_out_because_it_cannot_be_sent() -> None:
    assert "vatCode" not in names(edit(part(vat_code=None)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("herkomst", "NL"), ("gewicht", Decimal("1.250")), ("jaren", Decimal(3)), ("bio", False),
        ("sinds", date(2026, 3, 4)), ("gezien", datetime(2026, 3, 4, 9, 15, tzinfo=UTC)), ("keuzes", ("1", "4")),
    ],
)  # fmt: skip
def test_a_custom_field_is_written_by_its_type_and_read_back_equal(name: str, value: Value) -> None:
    desired = part(**{f"custom:{name}": value})
    assert differences(desired, decode_element(edit(desired))) == ()


def test_a_custom_field_the_till_does_not_define_is_reported() -> None:
    with pytest.raises(CustomFieldUnknownError) as caught:
        edit(part(**{"custom:smaak": "zoet"}))
    assert caught.value.field == "custom:smaak"


def test_an_empty_custom_field_adds_nothing() -> None:
    assert "customFieldList" not in names(edit(part(**{"custom:herkomst": ""})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vat_code", "hoog"), ("name", "bel\x07"), ("active", "ja"), ("colour_order", Decimal("1.5")),
        ("vat_code", "1" * 19), ("custom:jaren", Decimal("1.5")), ("custom:bio", "ja"), ("barcodeDate", "morgen"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_its_field_is_reported(name: str, value: Value) -> None:
    with pytest.raises(UnfitError):
        edit(part(**{name: value}))


def test_groups_are_joined_and_left_and_foreign_ones_stay() -> None:
    groups = (frozenset({"15"}), frozenset({"12"}))
    edited, touched = codec.edited(
        the_product(), ElementEdit(Record(Kind.PRODUCT, "JAS", {}), WORDS, {}, "incl", groups)
    )
    assert touched
    assert codec.group_numbers(edited) == ("99", "15")


def test_a_new_article_is_added_behind_the_others() -> None:
    desired = Record(Kind.PRODUCT, "JAS", {}, (Record(Kind.ARTICLE, "100102", {"name": "Jas groen", "active": True}),))
    edited = edit(desired)
    assert [codec.article_number(article) for article in codec.articles(edited)] == ["100101", "100102"]
    assert differences(desired, decode_element(edited)) == ()

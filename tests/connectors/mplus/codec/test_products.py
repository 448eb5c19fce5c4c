"""The translation between the till's XML and our records, without any line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element, contract, tag
from integration.connectors.mplus.codec import CustomFieldUnknownError, Edit, UnfitError, Vocabulary
from integration.core.plan import differences
from integration.core.records import FieldType, Kind, Record, Value

WORDS = Vocabulary()
CUSTOM = {
    "herkomst": "DATA-TYPE-STRING",
    "gewicht": "DATA-TYPE-DECIMAL",
    "jaren": "DATA-TYPE-INT",
    "bio": "DATA-TYPE-BOOL",
    "sinds": "DATA-TYPE-DATE",
    "gezien": "DATA-TYPE-DATETIME",
    "keuzes": "DATA-TYPE-MULTISELECTINT",
}
PRODUCT = """
<ns:product xmlns:ns="urn:mplusqapi">
  <ns:productNumber>5001</ns:productNumber><ns:syncMarker>9120</ns:syncMarker><ns:description>Jas</ns:description>
  <ns:articleList><ns:article>
    <ns:articleNumber>0100101</ns:articleNumber><ns:extArticleId>JAS-R</ns:extArticleId><ns:pluNumber/>
    <ns:syncMarker>9121</ns:syncMarker><ns:active>true</ns:active><ns:description>Jas rood</ns:description>
    <ns:barcode>8710000000017</ns:barcode><ns:contentQuantity>530</ns:contentQuantity>
    <ns:contentQuantityDecimalPlaces>3</ns:contentQuantityDecimalPlaces><ns:vatCode>2</ns:vatCode>
    <ns:vatPercentage>2100</ns:vatPercentage><ns:priceIncl>1995</ns:priceIncl><ns:priceExcl>1649</ns:priceExcl>
    <ns:webshop></ns:webshop><ns:stockArticle>false</ns:stockArticle><ns:course>COURSE-1</ns:course>
    <ns:barcodeList>
      <ns:barcode><ns:barcode>8710000000017</ns:barcode><ns:isCurrent>true</ns:isCurrent></ns:barcode>
      <ns:barcode><ns:barcode>8710000000024</ns:barcode><ns:isCurrent>false</ns:isCurrent></ns:barcode>
    </ns:barcodeList>
    <ns:shelfColour>blue</ns:shelfColour>
  </ns:article></ns:articleList>
  <ns:groupNumbers>12</ns:groupNumbers><ns:groupNumbers>99</ns:groupNumbers>
  <ns:sortOrderGroupList>
    <ns:sortOrderGroup><ns:groupNumber>12</ns:groupNumber><ns:sortOrder>3</ns:sortOrder></ns:sortOrderGroup>
    <ns:sortOrderGroup><ns:groupNumber>99</ns:groupNumber><ns:sortOrder>1</ns:sortOrder></ns:sortOrderGroup>
  </ns:sortOrderGroupList>
</ns:product>
"""


def the_product() -> Element:
    """Return the product as the till answers it."""
    return etree.fromstring(PRODUCT, etree.XMLParser(remove_blank_text=True))


def decoded(element: Element, words: Vocabulary = WORDS) -> Record:
    """Return the product as a record; group 12 is our KLED, the others are foreign."""
    return codec.decode_product(element, "JAS", {"12": "KLED"}.get, words)


def part(**values: Value) -> Record:
    """Return wanted values of the one article there is."""
    return Record(Kind.PRODUCT, "JAS", {}, (Record(Kind.ARTICLE, "100101", values),))


def edit(wanted: Record, words: Vocabulary = WORDS, leading: str = "incl") -> Element:
    """Return the product with the wanted values in it."""
    return codec.edited(the_product(), Edit(wanted, words, CUSTOM, leading))[0]


def names(element: Element, path: str = "articleList/article") -> list[str]:
    """Return the names of an element's children, in their order."""
    found = element.find("/".join(tag(step) for step in path.split("/")))
    assert found is not None
    return [etree.QName(child).localname for child in found]


def text(element: Element, wire: str) -> str | None:
    """Return the text of the first element of this name in the article."""
    return element.findtext(f"{tag('articleList')}/{tag('article')}/{tag(wire)}")


def test_amounts_are_cents_and_quantities_have_a_companion() -> None:
    values = decoded(the_product()).parts[0].values
    assert values["price_incl"] == Decimal("19.95")
    assert values["contentQuantity"] == Decimal("0.530")


def test_a_quantity_without_its_companion_is_whole() -> None:
    product = the_product()
    article = codec.articles(product)[0]
    companion = article.find(tag("contentQuantityDecimalPlaces"))
    assert companion is not None
    article.remove(companion)
    assert decoded(product).parts[0].values["contentQuantity"] == Decimal(530)


def test_an_empty_number_or_flag_is_no_value_and_an_empty_text_is_empty() -> None:
    values = decoded(the_product()).parts[0].values
    assert "webshop" not in values
    assert values["plu"] == ""


def test_an_article_is_known_by_its_number_and_by_the_code_it_came_from() -> None:
    article = decoded(the_product()).parts[0]
    assert (article.key, article.source) == ("100101", "JAS-R")


def test_groups_that_are_not_ours_are_left_out_of_the_record() -> None:
    assert decoded(the_product()).values["groups"] == ("KLED",)


def test_the_marker_is_the_highest_of_product_and_articles() -> None:
    assert codec.marker(the_product()) == 9121


def test_a_number_that_is_none_is_told() -> None:
    product = etree.fromstring(PRODUCT.replace("<ns:priceIncl>1995", "<ns:priceIncl>gratis"))
    with pytest.raises(ValueError, match="gratis"):
        decoded(product)


def test_an_edit_changes_what_it_names_and_keeps_everything_else_in_place() -> None:
    edited = edit(part(name="Jas blauw"))
    assert text(edited, "description") == "Jas blauw"
    assert etree.tostring(edited) == etree.tostring(the_product()).replace(b"Jas rood", b"Jas blauw")


def test_what_was_read_is_not_touched_by_an_edit() -> None:
    product = the_product()
    before = etree.tostring(product)
    codec.edited(product, Edit(part(name="Jas blauw"), WORDS, CUSTOM, "incl"))
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


@pytest.mark.parametrize(("leading", "gone"), [("incl", "priceExcl"), ("excl", "priceIncl")])
def test_another_vat_code_keeps_the_leading_price_and_drops_the_old_rate(leading: str, gone: str) -> None:
    fresh = names(edit(part(vat_code="1"), leading=leading))
    assert gone not in fresh
    assert "vatPercentage" not in fresh


def test_both_prices_are_written_when_both_are_wanted() -> None:
    edited = edit(part(price_incl=Decimal("21.50"), price_excl=Decimal("17.77")))
    assert (text(edited, "priceIncl"), text(edited, "priceExcl")) == ("2150", "1777")


def barcodes(element: Element) -> list[tuple[str | None, str | None]]:
    """Return the barcodes listed and whether each is the current one."""
    return [
        (each.findtext(tag("barcode")), each.findtext(tag("isCurrent")))
        for each in element.iter(tag("barcode"))
        if len(each)
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
    wanted = part(**{f"custom:{name}": value})
    assert differences(wanted, decoded(edit(wanted))) == ()


def test_a_custom_field_the_till_does_not_define_is_told() -> None:
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
def test_a_value_that_does_not_fit_its_field_is_told(name: str, value: Value) -> None:
    with pytest.raises(UnfitError):
        edit(part(**{name: value}))


def test_characters_of_every_language_and_pictures_are_kept() -> None:
    wanted = part(name="Šálek & <čaj> 🫖")
    assert differences(wanted, decoded(edit(wanted))) == ()


def test_groups_are_joined_and_left_and_foreign_ones_stay() -> None:
    groups = (frozenset({"15"}), frozenset({"12"}))
    edited, touched = codec.edited(the_product(), Edit(Record(Kind.PRODUCT, "JAS", {}), WORDS, {}, "incl", groups))
    assert touched
    assert codec.group_numbers(edited) == ("99", "15")


def test_a_new_article_is_added_behind_the_others() -> None:
    wanted = Record(Kind.PRODUCT, "JAS", {}, (Record(Kind.ARTICLE, "100102", {"name": "Jas groen", "active": True}),))
    edited = edit(wanted)
    assert [codec.article_number(each) for each in codec.articles(edited)] == ["100101", "100102"]
    assert differences(wanted, decoded(edited)) == ()


def test_active_can_be_kept_in_the_flag_that_says_the_opposite() -> None:
    words = Vocabulary("discontinued")
    edited = edit(part(active=False), words)
    assert (text(edited, "active"), text(edited, "discontinued")) == ("true", "true")
    assert decoded(edited, words).parts[0].values["active"] is False
    assert "discontinued" not in [field.name for field in words.named(Kind.ARTICLE)]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=30)
AMOUNTS = st.decimals(Decimal(0), Decimal(99999), places=2)


@given(name=TEXTS, price=AMOUNTS, active=st.booleans(), vat=st.integers(0, 99), weight=AMOUNTS)
def test_what_is_encoded_decodes_to_the_same(
    name: str, price: Decimal, active: bool, vat: int, weight: Decimal
) -> None:
    values: dict[str, Value] = {
        "name": name, "price_incl": price, "active": active, "vat_code": str(vat), "contentQuantity": weight,
        "custom:gewicht": weight, "barcodeDate": date(2026, 3, 4), "oldestBestBeforeDate": date(2026, 3, 5),
    }  # fmt: skip
    wanted = Record(Kind.PRODUCT, "JAS", {"name": name}, (Record(Kind.ARTICLE, "7", values),))
    content = {"product": codec.encode_product(wanted, ["12"], CUSTOM, WORDS)}
    message = etree.fromstring(contract().message("createProduct", content))
    product = next(message.iter(tag("product")))
    assert differences(wanted, decoded(product)) == ()
    assert codec.group_numbers(product) == ("12",)


def test_every_word_has_a_wire_name_in_the_interface() -> None:
    for kind, name in ((Kind.PRODUCT, "Product"), (Kind.ARTICLE, "Article")):
        for field in codec.offered(kind):
            assert field.wire in codec.sequence(name)


def test_other_simple_fields_are_offered_by_their_wire_name() -> None:
    fields = {field.name: field for field in codec.offered(Kind.ARTICLE)}
    assert fields["supplierArticleNumber"].caption == "Supplier article number"
    assert fields["supplierRelationNumber"].type is FieldType.CODE
    assert "averagePurchasePrice" not in fields


def test_a_deleted_group_and_what_is_below_it_are_left_out() -> None:
    answer = etree.fromstring(
        '<ns:a xmlns:ns="urn:mplusqapi"><ns:articleGroupList><ns:articleGroups><ns:groupNumber>10</ns:groupNumber>'
        "<ns:name>Kleding</ns:name><ns:text/><ns:subGroupList><ns:articleGroups><ns:groupNumber>14</ns:groupNumber>"
        "<ns:name>Shirts</ns:name><ns:text/><ns:subGroupList/><ns:sortOrder>1</ns:sortOrder></ns:articleGroups>"
        "</ns:subGroupList><ns:sortOrder>1</ns:sortOrder></ns:articleGroups><ns:articleGroups>"
        "<ns:groupNumber>11</ns:groupNumber><ns:name>Oud</ns:name><ns:text/><ns:subGroupList/>"
        "<ns:sortOrder>1</ns:sortOrder><ns:isDeleted>true</ns:isDeleted></ns:articleGroups></ns:articleGroupList></ns:a>"
    )
    groups = codec.decode_groups(answer)
    assert {number: group.parent for number, group in groups.items()} == {"10": "0", "14": "10"}


@pytest.mark.parametrize(("wire", "rate"), [("21", "21"), ("2100", "21"), ("900", "9"), ("9", "9"), ("0", "0")])
def test_a_rate_is_a_percentage_in_either_unit(wire: str, rate: str) -> None:
    assert codec.percent(wire) == Decimal(rate)

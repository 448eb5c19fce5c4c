"""A product as the till sends it, for tests of decoding and editing."""

from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element, qualified
from integration.connectors.mplus.codec import ElementEdit, Vocabulary
from integration.core.records import Kind, Record, Value

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


def decode_element(element: Element, words: Vocabulary = WORDS) -> Record:
    """Return the product as a record; group 12 is our KLED, the others are foreign."""
    return codec.decode_product(element, "JAS", {"12": "KLED"}.get, words)


def part(**values: Value) -> Record:
    """Return a product with these desired values for its only article."""
    return Record(Kind.PRODUCT, "JAS", {}, (Record(Kind.ARTICLE, "100101", values),))


def edit(desired: Record, words: Vocabulary = WORDS, leading: str = "incl") -> Element:
    """Return the product with the wanted values in it."""
    return codec.edited(the_product(), ElementEdit(desired, words, CUSTOM, leading))[0]


def names(element: Element, path: str = "articleList/article") -> list[str]:
    """Return the names of an element's children, in their order."""
    parent = element.find("/".join(qualified(step) for step in path.split("/")))
    assert parent is not None
    return [etree.QName(child).localname for child in parent]


def text(element: Element, wire: str) -> str | None:
    """Return the text of the first element of this name in the article."""
    return element.findtext(f"{qualified('articleList')}/{qualified('article')}/{qualified(wire)}")


def group_element(number: str, name: str, below: str = "", *, more: str = "") -> str:
    """Return one article group with those below it, as XML."""
    values = f"<groupNumber>{number}</groupNumber><name>{name}</name><text/>"
    return f"<articleGroups>{values}<subGroupList>{below}</subGroupList><sortOrder>1</sortOrder>{more}</articleGroups>"


def a_tree(*groups: str) -> str:
    """Return the list of all article groups, as XML."""
    return f"<articleGroupList>{''.join(groups)}</articleGroupList>"

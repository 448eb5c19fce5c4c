"""Translation of documents in cases that the sample till lacks: absent, zero and nested values."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element
from integration.core.records import Kind, Record, Value, WrongValueError

ORDER = """
<orderId>{id}</orderId><extOrderId>W-1</extOrderId><syncMarker>0007</syncMarker>
<orderType>ORDER-TYPE-REPEAT-SALES-ORDER</orderType><entryBranchNumber>0</entryBranchNumber>
<employeeNumber>0</employeeNumber>
<entryTimestamp><sec>1</sec><min>30</min><hour>0</hour><day>1</day><mon>1</mon><year>2026</year><isdst>false</isdst>
<timezone>60</timezone></entryTimestamp>
<relationNumber>{relation}</relationNumber>
<deliveryAddress><name>Aan</name><address> Kade 1 </address><country>BE</country></deliveryAddress>
<invoiceAddress><country> </country></invoiceAddress>
<financialDate><day>31</day><mon>12</mon><year>2025</year></financialDate>
<deliveryDate><day>0</day><mon>0</mon><year>0</year></deliveryDate>
<totalInclAmount>-1250</totalInclAmount><vatMethod>VAT-METHOD-SHIFTED</vatMethod>
<paymentMethod>{method}</paymentMethod><fullyPaid></fullyPaid>
<cancelState>ORDER-CANCEL-STATE-PARTIAL</cancelState>
<completeState>ORDER-COMPLETE-STATE-PARTIAL-DELIVERY-PENDING</completeState>
<orderNumber><year>2025</year><number>118</number></orderNumber>
<lineList>{lines}</lineList>
<paymentList>{payments}</paymentList>
<newThing>of a newer till</newThing>
"""
GOODS = """
<line><articleNumber>00100101</articleNumber><text> Jas </text><data><quantity>2</quantity><price>1995</price>
<vatCode>2</vatCode><vatPercentage>21</vatPercentage><discountPercentage>1550</discountPercentage>
<totalInclAmount>3990</totalInclAmount></data>
<preparationList><line><articleNumber>7</articleNumber><data><quantity>1</quantity></data></line></preparationList>
<lineKind>LINE-KIND-DEFAULT</lineKind></line>
"""
CARD = """
<line><articleNumber>0</articleNumber><text>Cadeaubon</text><data><quantity>-530</quantity>
<decimalPlaces>3</decimalPlaces><deliveredQuantity>25</deliveredQuantity>
<deliveredDecimalPlaces>1</deliveredDecimalPlaces><turnoverGroup>80</turnoverGroup>
<turnoverGroupType>TURNOVER-GROUP-TYPE-BALANCE-UPGRADE</turnoverGroupType><vatPercentage>2100</vatPercentage>
<priceType>PRICE-TYPE-GIFT-CARD</priceType></data></line>
"""
HEADER = "<line><articleNumber>0</articleNumber><text>{kind}</text><lineKind>LINE-KIND-{kind}</lineKind></line>"
INSIDE = "<line><articleNumber>9</articleNumber><lineType>LINE-TYPE-{type}</lineType></line>"
PAYMENT = "<payment><method>{method}</method><amount>{amount}</amount></payment>"
RELATION = """
<relationNumber>1001</relationNumber><extRelationId>20001</extRelationId><syncMarker>44</syncMarker>
<active>false</active><name> De Ketting </name><address>Kade 1</address><deliveryCountry>BE</deliveryCountry>
<country>NL</country><mobile>06</mobile><relationCode>K1</relationCode><discountPercentage>250</discountPercentage>
<bankAccountNumber>NL00</bankAccountNumber><creditLimit>500000</creditLimit><paymentWithinDays>14</paymentWithinDays>
<defaultVatMethod>VAT-METHOD-EXCLUSIVE</defaultVatMethod>
<customFieldList><customField><fieldName>av_code</fieldName><dataType>DATA-TYPE-STRING</dataType>
<strValue>X</strValue></customField></customFieldList>
"""


def element(name: str, content: str) -> Element:
    """Return an element of the interface."""
    return etree.fromstring(f'<{name} xmlns="urn:mplusqapi">{content}</{name}>')


def an_order(
    lines: str = GOODS, payments: str = "", relation: str = "0", method: str = "", id_: str = "a-1"
) -> Element:
    """Return an order as the till answers it."""
    return element("order", ORDER.format(lines=lines, payments=payments, relation=relation, method=method, id=id_))


def decode_order(order: Element, relation: Element | None = None) -> Record:
    """Return the order as a record; article 100101 is our JAS-R."""
    return codec.decode_document(Kind.ORDER, order, relation, {"100101": "JAS-R"})


def lines_of(record: Record) -> list[dict[str, Value]]:
    """Return the values of the lines."""
    return [dict(part.values) for part in record.parts if part.kind is Kind.LINE]


def test_a_document_holds_what_the_till_tells_and_nothing_it_does_not() -> None:
    record = decode_order(an_order())
    assert record.key == "a-1"
    digest = record.values["digest"]
    assert dict(record.values) == {
        "external_id": "W-1",
        "marker": "7",
        "type": "REPEAT-SALES-ORDER",
        "entry_branch": "",
        "employee": "",
        "entered": datetime(2025, 12, 31, 23, 30, 1, tzinfo=UTC),
        "relation": "",
        "date": date(2025, 12, 31),
        "total_incl": Decimal("-12.50"),
        "vat_method": "shifted",
        "cancel_state": "partial",
        "cancelled": False,
        "complete_state": "partial-delivery-pending",
        "number": "2025.118",
        "country": "BE",
        "digest": digest,
    }


def test_a_quantity_without_decimal_places_is_whole_and_a_rate_above_a_hundred_is_in_hundredths() -> None:
    goods, card = lines_of(decode_order(an_order(GOODS + CARD)))
    assert (goods["quantity"], card["quantity"], card["deliveredQuantity"]) == (
        Decimal(2),
        Decimal("-0.530"),
        Decimal("2.5"),
    )
    assert (goods["vat_percent"], card["vat_percent"]) == (Decimal(21), Decimal(21))
    assert goods["discount_percent"] == Decimal("15.5")


def test_a_line_has_the_article_of_the_books_and_one_without_article_has_none() -> None:
    goods, card = lines_of(decode_order(an_order(GOODS + CARD)))
    assert (goods["article"], goods["code"], goods["text"]) == ("100101", "JAS-R", "Jas")
    assert (card["article"], card["code"]) == ("", "")
    assert (card["price_type"], card["turnover_type"], card["turnover_group"]) == ("gift-card", "balance-upgrade", "80")


def test_headers_subtotals_and_what_is_inside_another_line_are_no_lines() -> None:
    more = "".join(HEADER.format(kind=kind) for kind in ("HEADER", "SECONDARY-HEADER", "SUBTOTAL"))
    more += "".join(INSIDE.format(type=kind) for kind in ("PREPARATION", "COMPONENT"))
    order = an_order(more + GOODS)
    assert [part.key for part in decode_order(order).parts if part.kind is Kind.LINE] == ["1"]
    assert codec.document_articles(order) == ["100101"]


def test_the_payment_method_is_that_of_the_document_else_the_one_that_all_payments_have() -> None:
    pin, cash = PAYMENT.format(method="PIN", amount=100), PAYMENT.format(method="CASH", amount=-5)
    assert decode_order(an_order(payments=pin + cash, method="IDEAL")).values["payment_method"] == "IDEAL"
    assert decode_order(an_order(payments=pin + pin)).values["payment_method"] == "PIN"
    assert "payment_method" not in decode_order(an_order(payments=pin + cash)).values


def test_a_customer_has_every_field_of_a_relation() -> None:
    record = decode_order(an_order(relation="1001"), element("relation", RELATION))
    customer = next(part for part in record.parts if part.key == "customer")
    assert dict(customer.values) == {
        "external_id": "20001",
        "marker": "44",
        "active": False,
        "name": "De Ketting",
        "street": "Kade 1",
        "country": "NL",
        "delivery_country": "BE",
        "mobile": "06",
        "code": "K1",
        "discount_percent": Decimal("2.5"),
        "iban": "NL00",
        "credit_limit": Decimal("5000.00"),
        "payment_days": Decimal(14),
        "vat_method": "exclusive",
        "custom:av_code": "X",
    }
    assert record.values["country"] == "NL"


def test_the_first_contact_of_a_customer_is_its_contact_person() -> None:
    contacts = (
        "<contactList><relation><name> A. de Vries </name><email>a@devries.example</email></relation>"
        "<relation><name>B. de Vries</name></relation></contactList>"
    )
    record = decode_order(an_order(relation="1001"), element("relation", RELATION + contacts))
    (customer,) = (part for part in record.parts if part.kind is Kind.RELATION)
    values = {name: customer.values[name] for name in ("contact_person", "contact_person_email")}
    assert values == {"contact_person": "A. de Vries", "contact_person_email": "a@devries.example"}


def test_a_customer_the_till_no_longer_has_leaves_its_number() -> None:
    record = decode_order(an_order(relation="1001"))
    assert record.values["relation"] == "1001"
    assert not any(part.kind is Kind.RELATION for part in record.parts)


def test_a_delivery_address_without_a_place_is_none() -> None:
    order = an_order()
    address = next(order.iter("{urn:mplusqapi}deliveryAddress"))
    assert [dict(part.values) for part in decode_order(order).parts if part.key == "delivery"] == [
        {"name": "Aan", "street": "Kade 1", "country": "BE"}
    ]
    for child in address.findall("{urn:mplusqapi}address"):
        address.remove(child)
    assert not [part for part in decode_order(order).parts if part.key == "delivery"]


@pytest.mark.parametrize(
    "content",
    [
        "<number>118</number>", "<year>2026</year>", "<year>2026</year><number>0</number>",
        "<year>0</year><number>118</number>", "<year>2026</year><number>-118</number>",
    ],
)  # fmt: skip
def test_a_number_without_a_part_of_it_cannot_be_read(content: str) -> None:
    order = an_order()
    number = order.find("{urn:mplusqapi}orderNumber")
    assert number is not None
    order.replace(number, element("orderNumber", content))
    with pytest.raises(WrongValueError, match="orderNumber"):
        decode_order(order)
    till = "<branchNumber>1</branchNumber><year>2026</year><number>118</number>"
    receipt = element("receipt", f"<receiptId>r</receiptId><receiptNumber>{till}</receiptNumber>")
    with pytest.raises(WrongValueError, match="receiptNumber"):
        codec.decode_document(Kind.RECEIPT, receipt, None, {})


@pytest.mark.parametrize(
    ("content", "number"),
    [
        ("<year>2026</year><number>118</number>", "1.2.2026.118"),
        ("<year>0</year><number>0</number>", None),
    ],
)
def test_a_receipt_is_known_by_its_till_year_and_number(content: str, number: str | None) -> None:
    shape = f"<branchNumber>1</branchNumber><workplaceNumber>2</workplaceNumber>{content}"
    receipt = element(
        "receipt",
        f"<receiptId>r</receiptId><orderIds><id>a</id><id>b</id></orderIds><receiptNumber>{shape}</receiptNumber>"
        "<receiptType>RECEIPT-TYPE-PAYMENT-METHOD-TRANSFER</receiptType><state>RECEIPT-STATE-HANDLED</state>"
        "<creditedReceiptId>q</creditedReceiptId>",
    )
    values = codec.decode_document(Kind.RECEIPT, receipt, None, {}).values
    assert values.get("number") == number
    assert values["orders"] == ("a", "b")
    assert (values["type"], values["state"], values["paid"]) == ("PAYMENT-METHOD-TRANSFER", "handled", True)
    assert values["credit_of"] == "q"


def test_a_line_of_another_quantity_changes_the_digest_and_one_written_otherwise_does_not() -> None:
    digest = decode_order(an_order(GOODS + CARD)).values["digest"]
    rewritten = GOODS.replace("<quantity>2</quantity>", "<quantity>20</quantity><decimalPlaces>1</decimalPlaces>")
    changed = GOODS.replace("<quantity>2</quantity>", "<quantity>3</quantity>")
    assert decode_order(an_order(rewritten + CARD)).values["digest"] == digest
    assert decode_order(an_order(CARD + GOODS)).values["digest"] == digest
    assert decode_order(an_order(changed + CARD)).values["digest"] != digest
    assert decode_order(an_order(GOODS)).values["digest"] != digest


def test_a_payment_says_at_which_branch_it_was_taken_and_a_zero_is_none() -> None:
    for number, branch in ((12, "12"), (0, "")):
        payment = f"<payment><branchNumber>{number}</branchNumber><method>PIN</method><amount>1</amount></payment>"
        (paid,) = (part for part in decode_order(an_order(payments=payment)).parts if part.kind is Kind.PAYMENT)
        assert paid.values["branch"] == branch


def test_markers_delivered_quantities_and_payments_do_not_change_the_digest() -> None:
    digest = decode_order(an_order(GOODS + CARD)).values["digest"]
    delivered = CARD.replace("<deliveredQuantity>25", "<deliveredQuantity>30")
    order = an_order(GOODS + delivered, payments=PAYMENT.format(method="PIN", amount=1), method="PIN")
    next(order.iter("{urn:mplusqapi}syncMarker")).text = "99"
    assert decode_order(order).values["digest"] == digest


@pytest.mark.parametrize(
    ("field", "text"), [("totalInclAmount", "12,50"), ("syncMarker", "x"), ("relationNumber", "K1")]
)
def test_a_field_that_does_not_hold_what_its_type_says_is_an_error(field: str, text: str) -> None:
    order = an_order()
    next(order.iter(f"{{urn:mplusqapi}}{field}")).text = text
    with pytest.raises(ValueError, match=text):
        decode_order(order)


def test_a_document_without_an_id_is_an_error() -> None:
    with pytest.raises(ValueError, match="orderId"):
        decode_order(an_order(id_=" "))


def test_a_document_with_blanks_in_the_place_of_its_marker_has_none() -> None:
    order = an_order()
    next(order.iter("{urn:mplusqapi}syncMarker")).text = "\n "
    with pytest.raises(ValueError, match="syncMarker"):
        codec.document_marker(order)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ORDER-TYPE-SALES-ORDER", "SALES-ORDER"),
        ("RECEIPT-TYPE-PAYMENT-METHOD-TRANSFER", "PAYMENT-METHOD-TRANSFER"),
        ("PAYMENT-METHOD-TYPE-EFT", "EFT"),
        ("VAT-METHOD-INCLUSIVE", "INCLUSIVE"),
        ("VAT-CHANGE-TAKE-OUT", "TAKE-OUT"),
        ("ORDER-COMPLETE-STATE-PARTIAL-DELIVERY-PENDING", "PARTIAL-DELIVERY-PENDING"),
        ("SOMETHING NEW", "SOMETHING NEW"),
    ],
)
def test_words_of_the_interface_lose_the_type_they_begin_with(text: str, word: str) -> None:
    assert codec.plain_word(text) == word


LINE = "<line><articleNumber>{article}</articleNumber>{data}</line>"


@pytest.mark.parametrize(
    ("article", "data"),
    [
        ("7", "<data><totalInclAmount>100</totalInclAmount></data>"),
        ("7", "<data><quantity> </quantity></data>"),
        ("0", "<data><price>100</price></data>"),
        ("7", ""),
    ],
)
def test_what_is_sold_without_a_quantity_cannot_be_read(article: str, data: str) -> None:
    with pytest.raises(WrongValueError, match="quantity"):
        decode_order(an_order(LINE.format(article=article, data=data)))


def test_a_text_of_no_article_needs_no_quantity() -> None:
    (line,) = lines_of(decode_order(an_order(LINE.format(article="0", data="<text>Bedankt</text>"))))
    assert "quantity" not in line


def test_half_a_split_and_a_payment_without_an_amount_cannot_be_read() -> None:
    order = an_order()
    order.append(element("vatGroupList", "<vatGroup><vatCode>2</vatCode><exclAmount>100</exclAmount></vatGroup>"))
    with pytest.raises(WrongValueError, match="vatAmount"):
        decode_order(order)
    with pytest.raises(WrongValueError, match="amount"):
        decode_order(an_order("", payments="<payment><method>PIN</method></payment>"))


def test_blanks_around_numbers_dates_and_words_are_read() -> None:
    bare, spaced = an_order(GOODS + CARD), an_order(GOODS + CARD)
    for child in spaced.iter():
        if len(child) == 0 and child.text:
            child.text = f"\n  {child.text}\t"
    record, other = decode_order(bare), decode_order(spaced)
    names = ("date", "entered", "total_incl", "number", "vat_method", "cancel_state", "digest")
    assert {name: record.values[name] for name in names} == {name: other.values[name] for name in names}
    assert lines_of(record)[0] == lines_of(other)[0]

"""The shape of an answer: repeated elements, text in place of elements, and elements in place of text."""

from collections.abc import Callable
from datetime import date

import pytest
from lxml import etree

from integration.connectors.answer import HttpAnswer
from integration.connectors.mplus import codec
from integration.connectors.mplus.client import NAMESPACE, SOAP, Element, qualified, require_shape
from integration.connectors.mplus.codec.values import customs_of
from integration.core.errors import ConnectorError, MalformedAnswerError
from integration.core.records import Kind, WrongValueError
from tests.connectors.mplus.codec.elements import decode_element as decoded_product
from tests.connectors.mplus.codec.elements import the_product
from tests.connectors.mplus.codec.test_documents import an_order, decode_order
from tests.connectors.mplus.tills import answering

Change = Callable[[Element], object]
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def text_in(path: str, text: str, *, keep: bool) -> Change:
    """Return an edit that puts a text into an element, beside its elements or in their place."""

    def change(whole: Element) -> None:
        element = _find_element(whole, path)
        if not keep:
            del element[:]
        element.text = text

    return change


def repeat_element(path: str, text: str | None = None) -> Change:
    """Return an edit that repeats an element, with another text if given."""

    def change(whole: Element) -> None:
        element = _find_element(whole, path)
        duplicate = etree.fromstring(etree.tostring(element))
        if text is not None:
            duplicate.text = text
        element.addnext(duplicate)

    return change


def add_inside(path: str) -> Change:
    """Return an edit that puts an element into one that has a text."""
    return lambda whole: etree.SubElement(_find_element(whole, path), qualified("value"))


def nil_at(path: str, word: str = "true") -> Change:
    """Return an edit that gives an element `xsi:nil` and leaves its content."""
    return lambda whole: _find_element(whole, path).set(NIL, word)


def _find_element(whole: Element, path: str) -> Element:
    element = whole.find("/".join(map(qualified, path.split("/"))))
    assert element is not None
    return element


DAY = "<day>9</day><mon>11</mon><year>2026</year>"
ORDERS: dict[str, Change] = {
    "a date as text": text_in("financialDate", "2026-11-09", keep=False),
    "a date as text and as parts": text_in("deliveryDate", "2026-11-09", keep=True),
    "a moment as text": text_in("entryTimestamp", "2026-11-09T10:00:00", keep=False),
    "a date twice": repeat_element("deliveryDate"),
    "a part of a date twice": repeat_element("financialDate/day", "9"),
    "an amount twice": repeat_element("totalInclAmount", "1"),
    "a list as text": text_in("lineList", "Jas", keep=False),
    "a list with a text": text_in("lineList", "Jas", keep=True),
    "a list twice": repeat_element("lineList"),
    "payments as text": text_in("paymentList", "PIN", keep=False),
    "an address as text": text_in("deliveryAddress", "Kade 1", keep=False),
    "an address twice": repeat_element("deliveryAddress"),
    "a number as text": text_in("orderNumber", "2025.118", keep=False),
    "a quantity twice": repeat_element("lineList/line/data/quantity", "1"),
    "the data of a line as text": text_in("lineList/line/data", "2", keep=False),
    "the data of a line twice": repeat_element("lineList/line/data"),
    "elements in a quantity": add_inside("lineList/line/data/quantity"),
    "elements in a total": add_inside("totalInclAmount"),
    "a flag in another word": text_in("fullyPaid", "misschien", keep=False),
    "no total beside a total": nil_at("totalInclAmount"),
    "no number beside a number": nil_at("relationNumber", " 1 "),
    "no date beside its parts": nil_at("financialDate"),
    "no lines beside lines": nil_at("lineList"),
    "no price beside a price": nil_at("lineList/line/data/price"),
    "no order beside its elements": lambda whole: whole.set(NIL, "true"),
    "a total that may be there": nil_at("totalInclAmount", "maybe"),
}


@pytest.mark.parametrize("change", ORDERS.values(), ids=ORDERS)
def test_a_document_that_contradicts_itself_cannot_be_read(change: Change) -> None:
    order = an_order()
    decode_order(order)
    change(order)
    with pytest.raises(WrongValueError):
        decode_order(order)


@pytest.mark.parametrize(
    "parts",
    [
        "", "2026-11-09",
        f"2026-11-09{DAY}", f"{DAY}2026-11-09", f"{DAY}<day>9</day>", "<mon>11</mon><year>2026</year>",
        "<day></day><mon></mon><year></year>", "<day>0</day><mon>11</mon><year>2026</year>",
        "<day>30</day><mon>2</mon><year>2026</year>", "<day>9</day><mon>11</mon><year>0</year>",
        "<day>9<x/></day><mon>11</mon><year>2026</year>", "<dag>9</dag><maand>11</maand><jaar>2026</jaar>",
    ],
)  # fmt: skip
def test_a_date_in_no_form_or_in_two_cannot_be_read(parts: str) -> None:
    order = f'<order xmlns="{NAMESPACE}"><financialDate>{parts}</financialDate></order>'
    with pytest.raises(WrongValueError, match="financialDate"):
        codec.document_date(etree.fromstring(order))


@pytest.mark.parametrize(
    ("date_xml", "expected"),
    [
        (f"<financialDate>\n {DAY}\n</financialDate>", date(2026, 11, 9)),
        ("<financialDate><day>0</day><mon>0</mon><year>0</year></financialDate>", None),
        ('<financialDate xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"/>', None),
        (
            f'<financialDate xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="false">{DAY}</financialDate>',
            date(2026, 11, 9),
        ),
        ("", None),
    ],
)
def test_a_date_in_one_form_is_read(date_xml: str, expected: date | None) -> None:
    assert codec.document_date(etree.fromstring(f'<order xmlns="{NAMESPACE}">{date_xml}</order>')) == expected


def test_a_value_that_is_said_to_be_absent_is_as_one_that_is_left_out() -> None:
    order, without = an_order(), an_order()
    total = _find_element(order, "totalInclAmount")
    total.text = None
    total.set(NIL, "true")
    without.remove(_find_element(without, "totalInclAmount"))
    assert decode_order(order) == decode_order(without)


@pytest.mark.parametrize(
    "change",
    [
        repeat_element("description", "Other"),
        repeat_element("articleList"),
        repeat_element("articleList/article/priceIncl", "1"),
        text_in("articleList", "1001", keep=True),
        text_in("sortOrderGroupList", "x", keep=False),
        add_inside("articleList/article/priceIncl"),
        nil_at("articleList/article/priceIncl"),
        nil_at("articleList"),
    ],
)
def test_a_product_that_contradicts_itself_cannot_be_read(change: Change) -> None:
    product = the_product()
    decoded_product(product)
    change(product)
    with pytest.raises(WrongValueError):
        decoded_product(product)


@pytest.mark.parametrize(
    "inside", ["<groupNumbers>3</groupNumbers><groupNumbers>4</groupNumbers>", "<newer>x</newer>x"]
)
def test_what_the_interface_repeats_or_does_not_know_is_left_alone(inside: str) -> None:
    element = etree.fromstring(f'<product xmlns="{NAMESPACE}">{inside.removesuffix("x")}</product>')
    require_shape(element, "Product")


def test_two_custom_fields_of_one_name_cannot_be_read() -> None:
    fields = "".join(
        f"<customField><fieldName>Maat</fieldName><dataType>DATA-TYPE-INT</dataType><intValue>{value}</intValue></customField>"
        for value in (7, 8)
    )
    field_list = f"<customFieldList>{fields}</customFieldList>"
    with pytest.raises(WrongValueError, match="Maat"):
        customs_of(etree.fromstring(f'<article xmlns="{NAMESPACE}">{field_list}</article>'))


@pytest.mark.parametrize(
    "inside",
    [
        "<orderList>none</orderList>",
        "<orderList/><orderList/>",
        "veel",
        "<orderList/>veel",
        '<orderList xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"><order/></orderList>',
    ],
)
def test_an_answer_that_contradicts_itself_is_none(inside: str) -> None:
    outcome = parse_answer(inside)
    assert isinstance(outcome, MalformedAnswerError)
    assert outcome.code == "answer_unreadable"


def test_a_record_that_contradicts_itself_is_left_to_whoever_reads_it() -> None:
    answer = parse_answer("<orderList><order><orderId>a</orderId><orderId>b</orderId></order></orderList>")
    assert isinstance(answer, Element)
    assert len(answer.findall(codec.DOCUMENTS[Kind.ORDER].path)) == 1


def parse_answer(inside: str) -> Element | ConnectorError:
    """Return the result of an answer with orders that has this content."""
    answer = f'<GetOrdersResponse xmlns="{NAMESPACE}">{inside}</GetOrdersResponse>'
    body = f'<E:Envelope xmlns:E="{SOAP}"><E:Body>{answer}</E:Body></E:Envelope>'
    return answering(lambda _: "").parse_answer(HttpAnswer(200, {}, body.encode()), "getOrders", write=False)

"""Answers of a system, with each field in every other form: read correctly, parked or stopped, and never wrong.

Each field of each sort of record is left out, emptied, or told as another type or in another form, in one row and in
all. Where a form has a meaning, the record comes to what that would; where it has none, nothing comes of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from integration.connectors.accountview.connector import AccountView
from integration.connectors.mplus import codec
from integration.connectors.mplus.client import NAMESPACE, Element, interface_contract, qualified
from integration.connectors.mplus.days import TillDays
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.products import TillProducts
from integration.core.errors import ConfigurationError, ConnectorError
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.movements import MovementType
from integration.core.plan import Change, diff
from integration.core.records import Kind, Record, Unreadable, WrongValueError
from integration.core.run import Mode
from integration.core.staged_records import StagedRecord
from integration.flows.customers.logic import Customers
from integration.flows.customers.settings import CustomerSettings
from integration.flows.products.logic import ProductsLogic
from integration.flows.products.settings import ProductSettings
from integration.flows.registry import FLOWS
from integration.flows.spec import stage_records
from tests.connectors.accountview.conversation import TABLES, an_accountview, query_parameters
from tests.connectors.mplus.tills import NOWHERE, answering
from tests.fakes import Links, MemoryConnector
from tests.flow_harness import FlowHarness, shipped_mapping
from tests.flows.days.test_logic import days
from tests.flows.orders.tills import orders
from tests.stores import new_database

pytestmark = pytest.mark.long

ABSENT, NO_MEANING = object(), object()
RIGHT, PARKED, STOPPED, WRONG = "right", "parked", "stopped", "wrong"
Outcomes = Mapping[str, object]  # what came of each record, by its key; None where it waits
Form = tuple[str, object, object]  # a name, what is told instead, and what that means
FORM, MEANING = 1, 2
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A variant in which some rows have one field in another form."""

    name: str
    keys: Sequence[str]  # of the rows
    read_outcomes: Callable[[], Outcomes]
    correct_outcomes: Outcomes | None  # what may come of all of it beside nothing; None where it has no meaning


def outcome(case: Case, before: Outcomes) -> str:
    """Return the verdict on the result of a case."""
    try:
        results = case.read_outcomes()
    except ConnectorError:
        return STOPPED
    beside = {key: result for key, result in results.items() if key not in case.keys and before.get(key) != result}
    lost = [key for key in before if key not in results and key not in case.keys]
    own = [result for key, result in results.items() if key not in before or key in case.keys]
    if beside or lost or len(results) != len(before):
        return WRONG
    if all(result is None for result in own):
        return PARKED
    may_be = (
        before if case.correct_outcomes is None else case.correct_outcomes
    )  # without a meaning only what does not count may go on
    return RIGHT if all(result is None or result == may_be.get(key) for key, result in results.items()) else WRONG


def check(cases: Iterator[Case], before: Outcomes, least: int) -> None:
    """Require that no case is wrong, and print the verdicts as a table."""
    results: dict[str, str] = {}
    for case in cases:
        results[case.name] = outcome(case, before)
    counts = Counter(results.values())
    print("\n".join(f"{result:8} {name}" for name, result in results.items()), counts)  # noqa: T201  the table
    assert [name for name, result in results.items() if result == WRONG] == []
    assert len(results) >= least
    assert counts[RIGHT]
    assert counts[PARKED] + counts[STOPPED]


# ---- rows of the books


def forms(value: object) -> Iterator[Form]:
    """Yield how a value of a column may come, by the type it has."""
    yield "absent", ABSENT, NO_MEANING
    yield "list", [], NO_MEANING
    plain = float(value) if isinstance(value, Decimal) else value
    yield "list of it", [plain], NO_MEANING
    yield "object", {"x": 1}, NO_MEANING
    yield "object of it", {"value": plain}, NO_MEANING
    match value:
        case bool():
            yield "null", None, NO_MEANING
            yield "empty", "", False
            yield "word", "misschien", NO_MEANING
            yield "number", 7, NO_MEANING
            yield "as word", str(value), value
            yield "as number", int(value), value
            yield "as digit", str(int(value)), value
            yield "as letter", "T" if value else "F", value
            yield "as fraction", Decimal(f"{int(value)}.0"), value
        case int() | Decimal():
            yield "null", None, NO_MEANING
            yield "empty", "", NO_MEANING
            yield "comma", f"{value}".replace(".", ",") + (",0" if "." not in f"{value}" else ""), NO_MEANING
            yield "word", "veel", NO_MEANING
            yield "flag", True, NO_MEANING
            yield "as text", f"{value}", value
            yield "padded", f" {value} ", value
            yield "underscore", "1_0", NO_MEANING
            yield "endless", "NaN", NO_MEANING
            yield "exponent", "1e1", NO_MEANING
            yield "minus behind", f"{value}-", NO_MEANING
            yield "as letter", "T", NO_MEANING
            yield "one point", "1.234", NO_MEANING
            yield "point and comma", "1.234,50", NO_MEANING
            yield "two points", "1.234.567", NO_MEANING
        case _:
            yield "null", None, ""
            yield "empty", "", ""
            yield "blanks", "   ", ""
            yield "padded", f"{value}   ", value
            yield "number", 7, "7"
            yield "fraction", Decimal("7.0"), NO_MEANING
            yield "flag", True, NO_MEANING
            if str(value).isdigit():
                yield "as number", int(str(value)), value


def rows_in_form(
    rows: Sequence[Mapping[str, object]], column: str, form: str, places: Sequence[int], index: int
) -> Rows:
    """Return rows with a column in another form at some places, or, with `what`, with its intended value."""
    new_rows = [dict(row) for row in rows]
    for place in places:
        variant = next(candidate for candidate in forms(rows[place][column]) if candidate[0] == form)
        if variant[index] is ABSENT:
            del new_rows[place][column]
        else:
            new_rows[place][column] = variant[index]
    return new_rows


def of_rows(
    rows: Sequence[Mapping[str, object]], key: str, evaluate: Callable[[Sequence[Mapping[str, object]]], Outcomes]
) -> Iterator[Case]:
    """Yield every case of every column, in one row and in all; a column that is in no row at all is another matter."""
    for column, value in rows[0].items():
        for name, form, meaning in forms(value):
            if column == key and name == "number":  # it is the key of another one
                continue
            has_meaning = meaning is not NO_MEANING and (column != key or name == "padded")
            for places in ([1], list(range(len(rows)))):
                if len(places) > 1 and (form is ABSENT or (column == key and name == "fraction")):  # all are one record
                    continue
                new_rows = rows_in_form(rows, column, name, places, FORM)
                means = evaluate(rows_in_form(rows, column, name, places, MEANING)) if has_meaning else None
                keys = [str(rows[place][key]) for place in places]
                yield Case(f"{column} {name} in {len(places)}", keys, partial(evaluate, new_rows), means)
        for places in ([1], list(range(len(rows)))):
            keys = [str(rows[place][key]) for place in places]
            for name, form in (("twice", {column.lower(): 7}), ("twice alike", {column.lower(): value})):
                new_rows = [{**row, **(form if place in places else {})} for place, row in enumerate(rows)]
                yield Case(f"{column} {name} in {len(places)}", keys, partial(evaluate, new_rows), None)
    for name, hidden in HIDDEN.items():
        spoilt = [dict(row) for row in rows]
        spoilt[1][key] = hidden.format(rows[1][key])
        yield Case(f"{key} {name}", [str(rows[1][key])], partial(evaluate, spoilt), None)


HIDDEN = {"leading blank": " {}", "leading tab": "\t{}", "no-break space": "{}\u00a0", "zero width": "{}\u200b"}


def books(answers: Mapping[str, Sequence[Mapping[str, object]]], **columns: str) -> AccountView:
    """Return books with these rows, by table; their dictionary shows the columns of the first row of each."""

    def answering(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        if query["BusinessObject"] == "FLD":
            table = query.get("FilterValue1", "CONTACT").strip()
            return httpx.Response(200, json={"DCT_FLD": list(dictionary(table))})
        table = TABLES[query["BusinessObject"]]
        rows = [
            {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
            for row in answers[table]
        ]
        return httpx.Response(200, json={table: rows[: int(query["PageSize"])]})

    return an_accountview(answering, article={"ean": "K9_EAN", **columns})


def dictionary(table: str) -> Iterator[dict[str, object]]:
    """Yield the columns of a table as the dictionary has them."""
    (row, *_) = {"CONTACT": DEBTORS, "ARTICLE": ARTICLES, "ART_GRP": [GROUP]}[table]
    for name, value in row.items():
        letter = "L" if isinstance(value, bool) else "N" if isinstance(value, int | Decimal) else "C"
        yield {"DBF_NAME": table, "FIELD_NAME": name, "FIELD_TYPE": letter, "FIELD_LEN": 60}


def staged_values(staged: Sequence[StagedRecord]) -> Outcomes:
    """Return the mapped values of records by key; None for a parked or skipped record."""
    return {
        staged_record.key: staged_record.record.flat() if staged_record.record else None for staged_record in staged
    }


ARTICLES: Sequence[Mapping[str, object]] = [
    {
        "ART_CODE": f"100{place}", "ART_DESC1": f"Artikel {place}", "PX_SELL": Decimal("16.53"), "AG_CODE": "KLED",
        "VAT_CODE": "2", "UNT_CODE": "ST", "REC_BLK": False, "QTY_AVAIL": 14, "K9_EAN": "0012345678905",
    }
    for place in range(1, 4)
]  # fmt: skip
DEBTORS: Sequence[Mapping[str, object]] = [
    {
        "SUB_NR": f"2000{place}", "ACCT_NAME": f"Fietsen {place} B.V.", "ADDRESS1": f"Kade {place}", "CITY": "Utrecht",
        "POST_CODE": "3511AB", "CNT_CODE": "NL", "MAIL_BUS": f"info@{place}.example", "TEL_BUS": "0301234567",
        "VAT_NR": "", "CRED_LIM": 500, "BLK_SP": False,
    }
    for place in range(1, 4)
]  # fmt: skip
VAT: Sequence[Mapping[str, object]] = [
    {"VAT_CODE": "1", "VAT_NAME": "laag", "VAT_PCT": 9}, {"VAT_CODE": "2", "VAT_NAME": "hoog", "VAT_PCT": 21}
]  # fmt: skip


def stage_articles(articles: Sequence[Mapping[str, object]], vat: Sequence[Mapping[str, object]] = VAT) -> Outcomes:
    """Return the mapped values of articles in the flow of products."""
    source = books({"ARTICLE": articles, "VAT": vat})
    rates = {code: Decimal(rate) for code, rate in source.choices("vat_rates").items()}
    tables = {"vat_codes": {"1": "10", "2": "20"}}
    logic = ProductsLogic(
        ProductSettings(blocked="inactive"), shipped_mapping("products"), 7, tables, rates, lambda code: code
    )
    stage = FLOWS["products"].flow.stage("articles")
    return staged_values(stage_records(logic, stage, source.extract(Kind.ARTICLE).records))


def test_articles() -> None:
    check(of_rows(ARTICLES, "ART_CODE", stage_articles), stage_articles(ARTICLES), 100)


def test_percentages() -> None:
    articles = [*ARTICLES[:2], {**ARTICLES[2], "VAT_CODE": "1"}]
    keys = {"1": ["1003"], "2": ["1001", "1002"]}

    def cases() -> Iterator[Case]:
        for case in of_rows(VAT, "VAT_CODE", lambda vat: stage_articles(articles, vat)):
            yield Case(
                case.name, [key for code in case.keys for key in keys[code]], case.read_outcomes, case.correct_outcomes
            )

    check(cases(), stage_articles(articles), 30)


def stage_debtors(debtors: Sequence[Mapping[str, object]]) -> Outcomes:
    """Return the mapped values of debtors in the flow of customers."""
    logic = Customers(CustomerSettings(), shipped_mapping("customers"), 7, {})
    stage = FLOWS["customers"].flow.counted_stage
    return staged_values(stage_records(logic, stage, books({"CONTACT": debtors}).extract(Kind.DEBTOR).records))


def test_debtors() -> None:
    check(of_rows(DEBTORS, "SUB_NR", stage_debtors), stage_debtors(DEBTORS), 100)


# ---- values of the books that vanish from one run to the next


GROUP = {"AG_CODE": "KLED", "AG_DESC": "Kleding"}
VANISHED: Mapping[str, dict[str, object]] = {"null": {"CUR_CODE": None}, "blank": {"CUR_CODE": "   "}, "absent": {}}


@pytest.mark.parametrize(
    ("was", "mode", "form"),
    [
        *(("in all", Mode.COMPLETE, form) for form in VANISHED),
        *(("in some", Mode.COMPLETE, form) for form in VANISHED),
        ("in all", Mode.CHOSEN, "absent"),
        ("in all", Mode.CHOSEN, "null"),
        ("in some", Mode.CHOSEN, "null"),
    ],
)
def test_a_currency_that_vanishes_makes_no_price_of_another_one(
    tmp_path: Path, was: str, mode: Mode, form: str
) -> None:
    first = {} if was == "in all" else {"1001": {"CUR_CODE": ""}}
    rows = [{**row, "K9_EAN": "", "CUR_CODE": "USD", **first.get(str(row["ART_CODE"]), {})} for row in ARTICLES]
    answers: dict[str, Sequence[Mapping[str, object]]] = {"ARTICLE": rows, "ART_GRP": [GROUP]}
    database = new_database(tmp_path / "console.sqlite")
    try:
        harness = FlowHarness(database, MemoryConnector(), MemoryConnector(system="mplus"), rates={"USD": "0.50"})
        harness.connectors["accountview"] = books(answers, currency="CUR_CODE")
        assert harness.run(Mode.COMPLETE).counts.proven == len(rows)
        without = [{name: value for name, value in row.items() if name != "CUR_CODE"} | VANISHED[form] for row in rows]
        answers["ARTICLE"] = without if mode is Mode.COMPLETE else without[1:2]
        with pytest.raises(ConfigurationError, match="field_vanished"):
            harness.preview(mode, () if mode is Mode.COMPLETE else ["1002"])
    finally:
        database.close()


# ---- elements of the till


def element(name: str, inside: str) -> Element:
    return etree.fromstring(f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>')


ORDER = element(
    "order",
    "<orderId>a-1</orderId><syncMarker>7</syncMarker><orderType>ORDER-TYPE-SALES-ORDER</orderType>"
    "<financialDate><day>20</day><mon>11</mon><year>2026</year></financialDate><relationNumber>0</relationNumber>"
    "<totalInclAmount>2420</totalInclAmount><totalExclAmount>2000</totalExclAmount>"
    "<cancelState>ORDER-CANCEL-STATE-NOTHING</cancelState><deliveryState>ORDER-DELIVERY-STATE-NOTHING</deliveryState>"
    "<completeState>ORDER-COMPLETE-STATE-NOTHING</completeState><fullyPaid>true</fullyPaid>"
    "<vatMethod>VAT-METHOD-INCLUSIVE</vatMethod><orderNumber><year>2026</year><number>118</number></orderNumber>"
    "<lineList><line><articleNumber>1001</articleNumber><text>Bel</text><data><quantity>20</quantity>"
    "<decimalPlaces>1</decimalPlaces><price>1210</price><priceExcl>1000</priceExcl><turnoverGroup>40</turnoverGroup>"
    "<vatCode>2</vatCode><vatPercentage>2100</vatPercentage><totalInclAmount>2420</totalInclAmount>"
    "<totalExclAmount>2000</totalExclAmount></data></line></lineList>"
    "<vatGroupList><vatGroup><vatCode>2</vatCode><vatPercentage>2100</vatPercentage><exclAmount>2000</exclAmount>"
    "<vatAmount>420</vatAmount></vatGroup></vatGroupList>"
    "<paymentList><payment><method>PIN</method><amount>2420</amount></payment></paymentList>",
)


def as_kind(name: str, inside: str) -> Element:
    """Return the order as another kind of document, with the elements that only this kind has."""
    text = etree.tostring(ORDER, encoding="unicode")
    states = text[text.index("<cancelState>") : text.index("<vatMethod>")]
    number = text[text.index("<orderNumber>") : text.index("<lineList>")]
    text = (
        text.replace(states, "")
        .replace(number, inside)
        .replace("<order ", f"<{name} ")
        .replace("</order>", f"</{name}>")
    )
    sort = f"{name.upper()}-TYPE-{name.upper()}"
    text = text.replace("orderType", f"{name}Type").replace("ORDER-TYPE-SALES-ORDER", sort)
    return etree.fromstring(text.replace("orderId", f"{name}Id"))


DOCUMENTS = {
    Kind.ORDER: ORDER,
    Kind.RECEIPT: as_kind(
        "receipt",
        "<receiptNumber><branchNumber>1</branchNumber><workplaceNumber>2</workplaceNumber><year>2026</year>"
        "<number>118</number></receiptNumber><financialBranchNumber>1</financialBranchNumber><paidAmount>2420</paidAmount>"
        "<state>RECEIPT-STATE-COMPLETE</state>",
    ),
    Kind.INVOICE: as_kind(
        "invoice",
        "<invoiceNumber><year>2026</year><number>118</number></invoiceNumber><paidAmount>2420</paidAmount>"
        "<financialBranchNumber>1</financialBranchNumber><state>INVOICE-STATE-COMPLETE</state><finalized>true</finalized>",
    ),
}
WORDS = frozenset(
    {
        "receiptId",
        "receiptType",
        "invoiceId",
        "invoiceType",
        "state",
        "finalized",
        "cancelState",
        "deliveryState",
        "completeState",
        "fullyPaid",
        "orderId",
        "orderType",
        "vatMethod",
        "text",
        "method",
        "paymentMethod",
    }
)
# Amounts of a document, each of which another one of it contradicts where it is another number.
CHECKED = frozenset(
    {
        "quantity", "price", "priceExcl", "totalInclAmount", "totalExclAmount", "vatPercentage", "exclAmount",
        "vatAmount",
    }
)  # fmt: skip
NAMES = frozenset({"description", "extraText", "extArticleId", "fieldName"})
COUNTS = ("date", "article", "quantity", "price", "discount_percent", "vat_code", "amount", "vat", "account")


def xml_forms(wire: str, text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the other forms that an element may have; None if the element is absent."""
    if not wire.startswith("decimalPlaces"):  # without it a number is whole
        yield "absent", None
        yield "empty", ""
        yield "blanks", " \n "
    if wire not in WORDS | NAMES:
        yield "word", "veel"
        yield "comma", f"{text},00"
        yield "underscore", "1_0"
        yield "huge", "9" * 30
        yield "decimal", f"{text}.5"


def of_elements(
    whole: Element, name: str, keys: Sequence[str], evaluate: Callable[[Element], Outcomes]
) -> Iterator[Case]:
    """Yield every case of every element with a text; blanks around the text must not change its meaning."""
    before = evaluate(whole)
    places = [node for node in whole.iter() if len(node) == 0]
    for place, node in enumerate(places):
        wire, text = etree.QName(node).localname, node.text or ""
        padded = change_leaf(whole, place, f"\n {text}\t")
        yield Case(f"{name} {place} {wire} padded", keys, partial(evaluate, padded), before)
        for form, becomes in xml_forms(wire, text):
            variant = change_leaf(whole, place, becomes)
            yield Case(f"{name} {place} {wire} {form}", keys, partial(evaluate, variant), None)
        for form, spoilt in shapes(whole, node):
            yield Case(f"{name} {place} {wire} {form}", keys, partial(evaluate, spoilt), None)
    for node in [descendant for descendant in whole.iterdescendants() if len(descendant)]:
        for form, spoilt in shapes(whole, node):
            yield Case(f"{name} {etree.QName(node).localname} {form}", keys, partial(evaluate, spoilt), None)


def shapes(whole: Element, node: Element) -> Iterator[tuple[str, Element]]:
    """Yield the whole with one element in another shape: text for elements, elements for text, both, or twice."""
    place = list(whole.iter()).index(node)
    for form in ("as text", "text beside it") if len(node) else ("with an element in it", "twice"):
        copy = deepcopy(whole)
        target = list(copy.iter())[place]
        if form == "as text":
            for child in list(target):
                target.remove(child)
            target.text = "2026-11-09"
        elif form == "text beside it":
            target.text = "2026-11-09"
        elif form == "twice":
            second = deepcopy(target)
            second.text = f"{target.text}1"
            target.addnext(second)
        else:
            target.append(element("strange", "1"))
        yield form, copy


def change_leaf(whole: Element, place: int, becomes: str | None) -> Element:
    copy = deepcopy(whole)
    node = [leaf for leaf in copy.iter() if len(leaf) == 0][place]
    if becomes is None:
        parent = node.getparent()
        assert parent is not None
        parent.remove(node)
    else:
        node.text = becomes
    return copy


@pytest.mark.parametrize("becomes", ["order", "posting"])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents(kind: Kind, becomes: str) -> None:
    logic = orders(documents=str(kind), becomes=becomes, default_debtor="forced", debtor_number="20001")

    def stage_document(document: Element) -> Outcomes:
        try:
            record = codec.decode_document(kind, document, None, {"1001": "1001"})
        except WrongValueError:
            return {"a-1": None}
        (staged_record,) = logic.stage(FLOWS["orders"].flow.stage("orders"), [record])
        if staged_record.record is None:
            return {"a-1": None}
        parts = [staged_record.record, *staged_record.record.parts]
        return {"a-1": [{name: part.values.get(name) for name in COUNTS} for part in parts]}

    def contradicting() -> Iterator[Case]:
        yield from of_elements(whole, str(kind), ["a-1"], stage_document)
        for place, node in enumerate(leaf for leaf in whole.iter() if len(leaf) == 0):
            wire, text, above = etree.QName(node).localname, node.text or "", node.getparent()
            others: tuple[str, ...] = ()
            if wire in CHECKED:
                others = (f"{int(text) * 11 // 10}", f"{int(text) * 10}", f"{int(text) // 2}", f"-{text}")
            elif wire == "decimalPlaces":
                others = ("0", "2", "3", "-1")
            elif wire == "year" and above is not None and above.tag == qualified("financialDate"):
                others = ("26", "1999", "2099")
            for other in others:
                variant = change_leaf(whole, place, other)
                yield Case(f"{kind} {place} {wire} {other}", ["a-1"], partial(stage_document, variant), None)

    whole = DOCUMENTS[kind]
    assert stage_document(whole) != {"a-1": None}
    check(contradicting(), stage_document(whole), 250)


RELATION = element(
    "relation",
    "<relationNumber>7</relationNumber><extRelationId>20001</extRelationId><syncMarker>8</syncMarker><name>Anna</name>"
    "<address>Kade 1</address><zipcode>3511 AB</zipcode><city>Utrecht</city><country>NL</country>"
    "<email>anna@example.nl</email><telephone>0301234567</telephone><vatNumber>NL001234567B01</vatNumber>"
    "<active>true</active><defaultVatMethod>VAT-METHOD-INCLUSIVE</defaultVatMethod><creditLimit>50000</creditLimit>"
    "<discountPercentage>25</discountPercentage>",
)
RELATION_TEXTS = frozenset(
    {
        "extRelationId",
        "name",
        "address",
        "zipcode",
        "city",
        "country",
        "email",
        "telephone",
        "vatNumber",
        "defaultVatMethod",
    }
)


def test_relations() -> None:
    form = codec.RelationForm({})

    def read_relation(relation: Element) -> Outcomes:
        try:
            codec.require_relation_number(relation)
            values = form.read(relation, "7").values
        except ValueError:
            return {"7": None}
        return {"7": {name: value for name, value in values.items() if value not in (None, "")}}

    def cases() -> Iterator[Case]:
        whole = read_relation(RELATION)["7"]
        assert isinstance(whole, dict)
        paths: dict[str, list[str]] = {}
        for place, node in enumerate(RELATION.iter()):
            if not place:
                continue
            lacking = read_relation(change_leaf(RELATION, place - 1, None))["7"]
            paths[etree.QName(node).localname] = sorted(
                whole.keys() - (lacking if isinstance(lacking, dict) else whole)
            )
        for case in of_elements(RELATION, "relation", ["7"], read_relation):
            _, _, wire, form_name, *_ = *case.name.split(maxsplit=3), ""
            if wire in RELATION_TEXTS and form_name not in ("absent", "empty", "twice", "with an element in it"):
                continue  # any text is a text
            if form_name in ("absent", "empty", "blanks"):
                expected = {name: value for name, value in whole.items() if name not in paths[wire]}
                yield replace(case, correct_outcomes={"7": expected})
            else:
                yield case

    check(cases(), read_relation(RELATION), 60)


LEVEL = element(
    "articleStocks",
    "<articleNumber>7</articleNumber><stockId>4</stockId><amountFree>30</amountFree>"
    "<decimalPlacesFree>1</decimalPlacesFree><amountReserved>2</amountReserved>",
)
MOVE = element(
    "articleStockHistory",
    "<stockId>4</stockId><timestamp><sec>1</sec><min>2</min><hour>3</hour><day>20</day><mon>11</mon><year>2026</year>"
    "<timezone>60</timezone></timestamp><branchNumber>1</branchNumber><articleNumber>7</articleNumber>"
    "<amountChanged>-20</amountChanged><decimalPlaces>1</decimalPlaces><type>STOCK-HISTORY-TYPE-SALES</type>",
)


def test_levels_and_movements() -> None:
    def level(row: Element) -> Outcomes:
        try:
            values = codec.article_number(row), codec.stock_id(row), codec.decode_level(row, reserved=True)
        except WrongValueError:
            return {"7": None}
        return {"7": values}

    def move(row: Element) -> Outcomes:
        movement = codec.decode_movement(row)
        return {
            "7": None
            if movement.type is MovementType.UNREADABLE
            else (movement.number, movement.branch, movement.article, movement.amount, movement.type)
        }

    check(of_elements(LEVEL, "level", ["7"], level), level(LEVEL), 30)
    check(of_elements(MOVE, "move", ["7"], move), move(MOVE), 60)


# ---- closed days of the till, with what its journals, counts and documents tell of them


HERE = "<financialDate><day>20</day><mon>11</mon><year>2026</year></financialDate><branchNumber>1</branchNumber>"
TAXED = (
    "<vatGroupList><vatGroup><vatCode>2</vatCode><vatPercentage>2100</vatPercentage><exclAmount>2000</exclAmount>"
    "<vatAmount>420</vatAmount></vatGroup></vatGroupList>"
)
DAY = element(
    "answers",
    "<getBranches><branches><branch><branchNumber>1</branchNumber></branch></branches></getBranches>"
    f"<getJournals><journalList><journal>{HERE}<turnoverGroupList><turnoverGroup>"
    "<turnoverGroupType>TURNOVER-GROUP-TYPE-TURNOVER</turnoverGroupType><turnoverGroup>40</turnoverGroup>"
    "<turnoverGroupName>Accessoires</turnoverGroupName><inclAmount>2420</inclAmount><exclAmount>2000</exclAmount>"
    "<accountNumber>8030</accountNumber></turnoverGroup></turnoverGroupList><paymentList><payment>"
    "<method>CASH</method><description>Contant</description><amount>2420</amount>"
    "<paymentMethodType>PAYMENT-METHOD-TYPE-PAYMENT</paymentMethodType><accountNumber>1000</accountNumber></payment>"
    f"</paymentList>{TAXED}</journal></journalList></getJournals>"
    "<getFinancialJournal><financialPeriodClosed>true</financialPeriodClosed><financialGroupList><financialGroup>"
    "<financialGroupType>FINANCIAL-GROUP-TYPE-TURNOVER</financialGroupType>"
    "<financialGroupSource>FINANCIAL-GROUP-SOURCE-RECEIPT</financialGroupSource>"
    "<financialGroupNumber>40</financialGroupNumber><financialGroupName>Accessoires</financialGroupName>"
    "<accountNumber>8030</accountNumber><branchNumber>1</branchNumber>"
    f"<financialPeriodClosed>true</financialPeriodClosed>{TAXED}</financialGroup></financialGroupList>"
    "</getFinancialJournal>"
    f"<getCashCountList><cashCountList><cashCount>{HERE}<workplaceNumber>2</workplaceNumber><cashCountNumber>"
    "<year>2026</year><number>311</number></cashCountNumber><versionNumber>1</versionNumber>"
    "<isFinalized>true</isFinalized><cashCountLineList><cashCountLine><paymentMethod>CASH</paymentMethod>"
    "<accountNumber>1000</accountNumber><startAmount>15000</startAmount><addedAmount>2420</addedAmount>"
    "<countedAmount>17385</countedAmount><depositedAmount>2000</depositedAmount>"
    "<differenceAmount>-35</differenceAmount><differenceAccountNumber>4400</differenceAccountNumber>"
    "<endAmount>15385</endAmount><depositAccountNumber>1090</depositAccountNumber></cashCountLine>"
    "</cashCountLineList></cashCount></cashCountList></getCashCountList>"
    "<getReceipts><receiptList>"
    + etree.tostring(DOCUMENTS[Kind.RECEIPT], encoding="unicode").replace("PIN", "CASH")
    + "</receiptList></getReceipts>",
)
ELSEWHERE = etree.fromstring(
    etree.tostring(DAY, encoding="unicode")
    .replace("<branchNumber>1<", "<branchNumber>2<")
    .replace("<financialBranchNumber>1<", "<financialBranchNumber>2<")
    .replace("<receiptId>a-1<", "<receiptId>a-2<")
)  # the same in another branch, told in the same answers
DAYS = ["2026-11-20/1", "2026-11-20/2"]
ON_A_PAGE = ("date", "reference", "account", "amount", "vat", "vat_code", "vat_base", "debtor", "item", "cost_centre")


def answer_day(day: Element) -> Callable[[httpx.Request], str]:
    """Return a handler that answers with this day, and with the same day for another branch."""
    elsewhere = {node.tag: node for node in ELSEWHERE}

    def answer(request: httpx.Request) -> str:
        (call,) = next(etree.fromstring(request.content).iterchildren("{*}Body"))
        operation, inside = etree.QName(call).localname, ""
        is_empty = operation == "getJournals" and b"JOURNAL-FILTER-RECEIPT" not in request.content
        is_over = operation == "getReceipts" and call.findtext(".//{*}syncMarker") != "0"
        reply = day.find(qualified(operation))
        if reply is not None and not is_empty and not is_over:
            reply = deepcopy(reply)
            if len(reply):
                reply[-1].extend(deepcopy(elsewhere[reply.tag][-1]))
            inside = "".join(etree.tostring(node, encoding="unicode") for node in reply)
        name = interface_contract().answer_name(operation).rpartition("}")[2]
        return f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>'

    return answer


def stage_day(settings: Mapping[str, Any], day: Element) -> Outcomes:
    """Return the mapped values of a day of the till in the flow of days, as they are booked."""
    client = answering(answer_day(day))
    source = TillDays(NOWHERE, client, TillDocuments(NOWHERE, client))
    booked: dict[str, object] = {}
    for staged_record in days(**settings).stage(FLOWS["days"].flow.counted_stage, source.fetch(Kind.DAY, DAYS)):
        page = [staged_record.record, *staged_record.record.parts] if staged_record.record else []
        booked[staged_record.key] = [{name: part.values.get(name) for name in ON_A_PAGE} for part in page] or None
    return booked


@pytest.mark.parametrize(
    "settings", [{}, {"mode": "cash", "drawer_account": "1000", "counts": "when_there", "closed_by": "hours"}]
)
def test_closed_days(settings: dict[str, Any]) -> None:
    evaluate = partial(stage_day, settings)
    before = evaluate(DAY)
    assert all(before.values())
    cases = of_elements(DAY, "day", DAYS, evaluate)
    check((case for case in cases if not case.name.startswith("day get")), before, 300)  # those are no elements of it


# ---- products that the till holds, when a plan compares


HELD = element(
    "product",
    "<productNumber>70</productNumber><description>Bel</description><extraText>Luid</extraText>"
    "<articleList><article><articleNumber>1001</articleNumber><extArticleId>1001</extArticleId>"
    "<description>Bel</description><vatCode>2</vatCode><priceIncl>1210</priceIncl><turnoverGroup>40</turnoverGroup>"
    "<active>true</active><stockArticle>true</stockArticle><syncMarker>8</syncMarker>"
    "<priceGroupList><priceGroup><priceGroupNumber>3</priceGroupNumber><priceIncl>1100</priceIncl></priceGroup></priceGroupList>"
    "<customFieldList><customField><fieldName>Maat</fieldName><dataType>DATA-TYPE-INT</dataType>"
    "<intValue>7</intValue></customField></customFieldList></article></articleList>"
    "<sortOrderGroupList><sortOrderGroup><groupNumber>5</groupNumber><sortOrder>0</sortOrder></sortOrderGroup>"
    "</sortOrderGroupList><syncMarker>9</syncMarker>",
)
NONE_IS_EMPTY = {  # what the contract leaves out where there is none, by place and name, with our path of it
    "1 description": "name", "2 extraText": "text", "4 extArticleId": "1001/external_id", "5 description": "1001/name",
    "6 vatCode": "1001/vat_code", "7 priceIncl": "1001/price_incl", "8 turnoverGroup": "1001/turnover_group",
    "9 active": "1001/active", "10 stockArticle": "1001/stock_managed", "13 priceIncl": "1001/price_group_incl:0:3",
    "16 intValue": "1001/custom:Maat",
}  # fmt: skip
AGREED = Record(
    Kind.PRODUCT,
    "1001",
    {"name": "Bel", "text": "Luid", "groups": ("K",)},
    (
        Record(
            Kind.ARTICLE,
            "1001",
            {
                "external_id": "1001", "name": "Bel", "vat_code": "2", "price_incl": Decimal("12.10"),
                "turnover_group": "40", "active": True, "stock_managed": True, "price_group_incl:0:3": Decimal(11),
                "custom:Maat": Decimal(7),
            },
            source="1001",
        ),
    ),
)  # fmt: skip
NEWER = Record(  # what the source says now: something else, or nothing
    Kind.PRODUCT,
    "1001",
    {**AGREED.values, "text": ""},
    (replace(AGREED.parts[0], values={**AGREED.parts[0].values, "price_incl": Decimal(13), "custom:Maat": None}),),
)


def plan_product(current: Record | None) -> Outcomes:
    """Return the plans for a product that the till has like this: whether both agree, and the changes."""
    outcomes: list[object] = []
    for record in (AGREED, NEWER):
        for ownership in (Ownership.KEEP_EQUAL, Ownership.KEEP_UNLESS_CHANGED):
            policy = {name: ownership for _, name, _ in record.fields()}
            change = diff(record, current, AGREED, policy, title="Bel")
            if isinstance(change, Change):
                outcomes.append((change.action, change.desired.flat(), change.kept_paths, change.conflicts))
            else:
                outcomes.append((type(change).__name__, *(() if isinstance(change, Issue) else (change.kept_paths,))))
    return {"1001": outcomes}


def look_up_product(product: Element) -> Record | None:
    """Return the record at the till, or None if the record cannot be read."""
    links = Links({(Kind.GROUP, "K"): "5", (Kind.PRODUCT, "1001"): "70", (Kind.ARTICLE, "1001"): "1001"})
    xml = etree.tostring(product, encoding="unicode")
    client = answering(
        lambda _: f'<GetProductsResponse xmlns="{NAMESPACE}"><productList>{xml}</productList></GetProductsResponse>'
    )
    record = TillProducts(NOWHERE, client, TillFields(NOWHERE, client)).lookup([AGREED], links)["1001"].record
    return None if isinstance(record, Unreadable) else record


def plan_held_product(product: Element) -> Outcomes:
    record = look_up_product(product)
    return {"1001": None} if record is None else plan_product(record)


def of_a_product() -> Iterator[Case]:
    whole = look_up_product(HELD)
    assert whole is not None
    for case in of_elements(HELD, "product", ["1001"], plan_held_product):
        _, place, wire, form, *_ = *case.name.split(maxsplit=3), ""
        path = NONE_IS_EMPTY.get(f"{place} {wire}", "")
        if form in ("padded", "blanks") and wire in NAMES:  # blanks are a part of a text
            continue
        if path and form in ("absent", "empty", "blanks"):
            yield replace(case, correct_outcomes=plan_product(without_value(whole, path)))
        else:
            yield case


def without_value(record: Record, path: str) -> Record:
    """Return a record that does not have a value."""
    part, _, name = path.rpartition("/")
    parts = tuple(without_value(child, name) if child.key == part else child for child in record.parts)
    values = {field_name: value for field_name, value in record.values.items() if part or field_name != name}
    return replace(record, values=values, parts=parts)


def test_products_that_the_till_holds() -> None:
    check(of_a_product(), plan_product(AGREED), 80)

"""Stores the documents of the till by kind: complete, found by id, number and marker, and filtered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.sandbox.mplus.catalogue import Markers, Stored, hash_of
from integration.sandbox.mplus.context import Handler, TillContext
from integration.sandbox.mplus.contract import WireFields, day_of, element, written

DEFAULT_ORDER_TYPES = frozenset(
    {"ORDER-TYPE-SALES-ORDER", "ORDER-TYPE-REPEAT-SALES-ORDER", "ORDER-TYPE-EXTERNAL-SALES-ORDER"}
)


@dataclass(frozen=True, slots=True)
class Index:
    """Values of a document for filters."""

    type: str
    day: date | None
    branch: int
    employee: int
    relation: int
    number: tuple[int, int]
    articles: frozenset[int]
    suppliers: frozenset[int]
    groups: frozenset[int]
    plus: frozenset[str]
    promised: tuple[tuple[int, Decimal], ...] = ()


class SandboxDocument(Stored):
    """One document."""

    __slots__ = ("ext", "id", "index", "rehearsed")

    def __init__(self, id_: str) -> None:
        super().__init__()
        self.id = id_
        self.ext = ""
        self.rehearsed = False  # made in training mode: it counts nowhere, and few tills return it
        self.index = Index("", None, 0, 0, 0, (0, 0), frozenset(), frozenset(), frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """Names of the interface for one kind of document."""

    type: str
    element: str
    id: str
    ext: str
    number: str
    doc_type: str


ORDER = DocumentKind("Order", "order", "orderId", "extOrderId", "orderNumber", "orderType")
INVOICE = DocumentKind("Invoice", "invoice", "invoiceId", "extInvoiceId", "invoiceNumber", "invoiceType")
RECEIPT = DocumentKind("Receipt", "receipt", "receiptId", "extReceiptId", "receiptNumber", "receiptType")
PROPOSAL = DocumentKind("Proposal", "proposal", "proposalId", "extProposalId", "proposalNumber", "proposalType")
COUNTERS = ("changeCounter", "versionNumber")
NOTHING_YET = {  # states of a new order
    "deliveryState": "ORDER-DELIVERY-STATE-NOTHING",
    "cancelState": "ORDER-CANCEL-STATE-NOTHING",
    "completeState": "ORDER-COMPLETE-STATE-NOTHING",
}


def _ignore_document(_kind: DocumentKind, _fields: WireFields) -> None:
    """Do nothing."""


class DocumentSet:
    """All documents of one kind."""

    def __init__(self, context: TillContext, kind: DocumentKind) -> None:
        self._context = context
        self.kind = kind
        self.documents: dict[str, SandboxDocument] = {}
        self.by_ext: dict[str, SandboxDocument] = {}
        self.on_new: Callable[[DocumentKind, WireFields], None] = _ignore_document  # called for each new document
        self.markers: Markers[SandboxDocument] = Markers()

    def get(self, id_: str) -> SandboxDocument | None:
        """Return the visible document with this id, or None."""
        document = self.documents.get(id_)
        return document if document and document.visible_xml and self._is_shown(document) else None

    def _is_shown(self, document: SandboxDocument) -> bool:
        return not document.rehearsed or self._context.conventions.training == "shown"

    def fields(self, document: SandboxDocument) -> WireFields:
        return self._context.contract.reread(document.xml, self.kind.type)

    def put(self, fields: WireFields, *, rehearsed: bool = False) -> SandboxDocument:
        """Store a document under a new marker, with its counters incremented."""
        id_ = fields.text(self.kind.id)
        marker = self.markers.new_marker()
        counters = self._context.contract.types[self.kind.type].keys() & set(COUNTERS)
        stamps = {"syncMarker": marker, **{name: fields.number(name) + 1 for name in counters}}
        fields = self._context.contract.merged(self.kind.type, fields, self._context.build(self.kind.type, stamps))
        new = id_ not in self.documents
        document = self.documents.setdefault(id_, SandboxDocument(id_))
        document.put(written(fields), marker, self._context.late)
        document.rehearsed = rehearsed
        document.ext = fields.text(self.kind.ext)
        document.index = self._index(fields)
        if document.ext:
            self.by_ext[document.ext] = document
        self.markers.enter(marker, document, new=new)
        if new and not rehearsed:
            self.on_new(self.kind, fields)
        return document

    def answer(self, document: SandboxDocument | None, *, lines: bool = True, without: tuple[str, ...] = ()) -> bytes:
        """Return a document as XML for an answer."""
        if document is None:
            return b""
        drop = without if lines else (*without, "lineList")
        lists_revenue_only = self.kind is not ORDER and self._context.conventions.vat_lists == "turnover only"
        if not drop and not lists_revenue_only:
            return document.visible_xml
        fields = self._context.contract.reread(document.visible_xml, self.kind.type)
        return written((self._with_revenue_alone(fields) if lists_revenue_only else fields).without_names(*drop))

    def _with_revenue_alone(self, fields: WireFields) -> WireFields:
        """Return a document without VAT codes for items that are not revenue."""
        data = [line.child("data") for line in fields.child("lineList").children("line")]
        rest = [
            (line_data, line_data.number("totalInclAmount"), line_data.number("totalExclAmount")) for line_data in data
        ]
        out = {
            id(line_data)
            for line_data, incl, excl in rest
            if self._context.is_left_out(line_data.number("turnoverGroup"), incl, excl)
        }
        sold = {line_data.number("vatCode") for line_data in data if id(line_data) not in out}
        groups = WireFields()
        for group in fields.child("vatGroupList").children("vatGroup"):
            code = group.number("vatCode")
            less = sum(
                excl for line_data, _, excl in rest if id(line_data) in out and line_data.number("vatCode") == code
            )
            if code in sold:
                groups.append(("vatGroup", group.replaced("exclAmount", str(group.number("exclAmount") - less))))
        return fields.replaced("vatGroupList", groups)

    def listed(self, ask: WireFields, *, without: tuple[str, ...] = ()) -> bytes:
        """Return the documents of a query, as concatenated XML."""
        lines = ask.flag("includeLineList", default=True)
        ids = set(ask.texts(f"{self.kind.id}s"))
        limit = ask.number("syncMarkerLimit") or (0 if ids else self._context.conventions.page_size or 0)
        limit = min(filter(None, (limit, self._context.conventions.most_at_once)), default=0)
        chosen: list[SandboxDocument] = []
        for document in self.markers.objects_since(ask.number("syncMarker")):
            if limit and len(chosen) >= limit:
                break
            if (not ids or document.id in ids) and self._is_shown(document) and self._matches(document.index, ask):
                chosen.append(document)
        return self.page(chosen, lines=lines, without=without)

    def page(self, documents: list[SandboxDocument], *, lines: bool = True, without: tuple[str, ...] = ()) -> bytes:
        """Return these documents as concatenated XML."""
        if self._context.conventions.order_within_answer == "mixed":
            documents = sorted(documents, key=lambda document: hash_of(document.id))
        return b"".join(
            element(self.kind.element, self.answer(document, lines=lines, without=without)) for document in documents
        )

    def state(self) -> list[dict[str, object]]:
        """Return all documents, without those of training mode."""
        return [
            self._context.contract.plain(self.kind.type, self.fields(document))
            for document in self.documents.values()
            if not document.rehearsed
        ]

    def _index(self, fields: WireFields) -> Index:
        number = fields.child(self.kind.number)
        lines = list(_lines(fields))
        return Index(
            type=fields.text(self.kind.doc_type),
            day=day_of(fields.child("financialDate")),
            branch=fields.number("financialBranchNumber"),
            employee=fields.number("employeeNumber"),
            relation=fields.number("relationNumber"),
            number=(number.number("year"), number.number("number")),
            articles=frozenset(line.number("articleNumber") for line in lines),
            suppliers=frozenset(line.number("supplierRelationNumber") for line in lines),
            groups=frozenset(line.child("data").number("turnoverGroup") for line in lines),
            plus=frozenset(line.text("pluNumber") for line in lines),
            promised=tuple(_open_quantities(fields)) if self.kind is ORDER else (),
        )

    def _matches(self, index: Index, ask: WireFields) -> bool:
        begin, end = day_of(ask.child("fromFinancialDate")), day_of(ask.child("throughFinancialDate"))
        numbers = [(row.number("year"), row.number("number")) for row in ask.children(f"{self.kind.number}s")]
        plus = {item.text("text") for item in ask.child("articlePluNumbers").children("text")}
        return (
            (begin is None or (index.day is not None and index.day >= begin))
            and (end is None or (index.day is not None and index.day <= end))
            and _is_allowed(index.branch, ask.numbers("branchNumbers"))
            and _is_allowed(index.employee, ask.numbers("employeeNumbers"))
            and _is_allowed(index.relation, ask.numbers("relationNumbers"))
            and (not numbers or index.number in numbers)
            and _overlaps(index.articles, ask.numbers("articleNumbers"))
            and _overlaps(index.suppliers, ask.numbers("supplierRelationNumbers"))
            and _overlaps(index.groups, ask.numbers("articleTurnoverGroups"))
            and (not plus or not plus.isdisjoint(index.plus))
            and (self.kind is not ORDER or index.type in _order_types(ask))
        )


class SaleQueries:
    """Operations that read invoices and receipts."""

    def __init__(self, context: TillContext, invoices: DocumentSet, receipts: DocumentSet) -> None:
        self._context = context
        self._invoices = invoices
        self._receipts = receipts

    def operations(self) -> dict[str, Handler]:
        return {
            "getInvoices": lambda request: WireFields(
                [("invoiceList", self._invoices.listed(request.child("request")))]
            ),
            "getInvoice": lambda request: single("GET-INVOICE", self._invoices, request.text("invoiceId")),
            "getReceipts": self._get_receipts,
            "getReceipt": lambda request: single("GET-RECEIPT", self._receipts, request.text("receiptId")),
            "getReceiptsByOrder": self._receipts_of_order,
        }

    def _get_receipts(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        without = () if ask.flag("includeOrderReferences") else ("orderIds", "extOrderIds")
        return WireFields([("receiptList", self._receipts.listed(ask, without=without))])

    def _receipts_of_order(self, request: WireFields) -> WireFields:
        order = request.text("orderId")
        receipts = [
            document
            for document in self._receipts.documents.values()
            if document.visible_xml and order in self._receipts.fields(document).child("orderIds").texts("id")
        ]
        result = "GET-RECEIPTS-BY-ORDER-RESULT-" + ("OK" if receipts else "NOT-FOUND")
        return WireFields([("result", result), ("receiptList", self._receipts.page(receipts))])


def single(prefix: str, document_set: DocumentSet, id_: str) -> WireFields:
    """Return the answer with the document of this id, or with the result that there is none."""
    return document_answer(prefix, document_set, document_set.get(id_))


def document_answer(prefix: str, document_set: DocumentSet, document: SandboxDocument | None) -> WireFields:
    """Return the answer with this document, or with the result that there is none."""
    if document is None or not document.visible_xml:
        return WireFields([("result", f"{prefix}-RESULT-NOT-FOUND")])
    return WireFields([("result", f"{prefix}-RESULT-OK"), (document_set.kind.element, document.visible_xml)])


def _lines(fields: WireFields) -> Iterator[WireFields]:
    for line in fields.child("lineList").children("line"):
        yield line
        yield from line.child("preparationList").children("line")


def _open_quantities(order: WireFields) -> Iterator[tuple[int, Decimal]]:
    """Yield the quantity of each article that is neither delivered nor cancelled."""
    if order.text("deliveryState").endswith("COMPLETE") or order.text("cancelState").endswith("COMPLETE"):
        return
    for line in order.child("lineList").children("line"):
        data = line.child("data")
        rest = data.scaled("quantity", "decimalPlaces")
        rest -= data.scaled("deliveredQuantity", "deliveredDecimalPlaces")
        rest -= data.scaled("cancelledQuantity", "cancelledDecimalPlaces")
        if rest > 0:
            yield line.number("articleNumber"), rest


def _order_types(ask: WireFields) -> frozenset[str]:
    return frozenset(ask.child("orderTypeList").texts("orderType")) or DEFAULT_ORDER_TYPES


def _is_allowed(value: int, allowed: list[int]) -> bool:
    return not allowed or value in allowed


def _overlaps(numbers: frozenset[int], allowed: list[int]) -> bool:
    return not allowed or not numbers.isdisjoint(allowed)

"""HTTP server of the till: checks credentials and requests, injects faults, and records every call."""

import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lxml import etree
from starlette.requests import Request
from starlette.routing import Route, Router

from integration.sandbox.faults import (
    Armed,
    CallLedger,
    Fault,
    FaultAnswer,
    Receive,
    Scope,
    Send,
    Switches,
    deliver,
    noted_status,
    pause,
    refusal,
)
from integration.sandbox.journal import Journal, JournalEntry
from integration.sandbox.mplus.context import TillConventions
from integration.sandbox.mplus.contract import NAMESPACE, RefusedError, WireFields, contract, element, written
from integration.sandbox.mplus.seed import till as sample_data
from integration.sandbox.mplus.till_state import writes
from integration.sandbox.shop.shop import Shop

# ---- SOAP 1.1 of the till: envelopes, the body element of a request, faults


CONTENT_TYPE: Final = "text/xml; charset=utf-8"
CLIENT: Final = "SOAP-ENV:Client"
SERVER: Final = "SOAP-ENV:Server"
AUTHENTICATION: Final = "SOAP-ENV:Client.Authentication"

_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_OPEN: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="{_ENVELOPE}" '
    f'xmlns:ns="{NAMESPACE}"><SOAP-ENV:Body>'
).encode()
_CLOSE: Final = b"</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"


def body_of(message: bytes) -> etree._Element:
    """Return the element in the body of a request."""
    root = _root(message)
    if root.tag != f"{{{_ENVELOPE}}}Envelope":
        raise RefusedError("The request is not a SOAP 1.1 envelope")
    body = root.find(f"{{{_ENVELOPE}}}Body")
    if body is None or len(body) != 1:
        raise RefusedError("The envelope does not hold exactly one body element")
    return body[0]


def in_envelope(name: str, fields: WireFields) -> FaultAnswer:
    """Return the answer with this root element."""
    return FaultAnswer(200, _OPEN + element(name, fields) + _CLOSE, CONTENT_TYPE)


def fault(code: str, text: str) -> FaultAnswer:
    """Return a SOAP fault; its own fields have no namespace."""
    plain = (
        written(WireFields([("faultcode", code), ("faultstring", text)]))
        .replace(b"<ns:", b"<")
        .replace(b"</ns:", b"</")
    )
    return FaultAnswer(500, _OPEN + b"<SOAP-ENV:Fault>" + plain + b"</SOAP-ENV:Fault>" + _CLOSE, CONTENT_TYPE)


def _root(message: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(message, parser)
    except etree.XMLSyntaxError as error:
        raise RefusedError(f"The request is not well-formed XML: {error.msg}") from None
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # the stubs are one type short
        raise RefusedError("A document type is not allowed in a request")
    return root


# ---- the till itself


SYSTEM: Final = "mplus"
IDENT: Final = "sandbox"
SECRET: Final = "sandbox-secret"  # noqa: S105  # the sandbox guards nothing
DAY: Final = "_day"
EDIT: Final = "_edit"
ADD: Final = "_add"
LATE: Final = "_late"
KEYS: Final = frozenset(
    {
        "articleNumber",
        "articleNumbers",
        "productNumber",
        "productNumbers",
        "groupNumber",
        "relationNumber",
        "relationNumbers",
        "extRelationId",
        "email",
        "orderId",
        "extOrderId",
        "invoiceId",
        "receiptId",
        "proposalId",
        "number",
        "idempotencyKey",
    }
)


@dataclass(frozen=True)
class SoapRequest:
    """A valid request."""

    operation: str
    request: WireFields
    keys: tuple[str, ...]
    body: bytes


class Till:
    """MplusKASSA of the sample shop; `app` is its ASGI application. All methods are thread-safe."""

    def __init__(
        self,
        shop: Shop,
        switches: Switches,
        ledger: CallLedger,
        *,
        journal: Journal | None = None,
        conventions: TillConventions | None = None,
    ) -> None:
        self._switches = switches
        self._ledger = ledger
        self._journal = journal or Journal()
        self._lock = threading.RLock()
        self._scheduled_events: list[tuple[str, Callable[[], object]]] = []
        self._contract = contract()
        self._sample = sample_data.SampleTill(shop)
        self._till_state = sample_data.filled_till(shop, conventions or TillConventions())()
        self._context = self._till_state.context
        for entry in self._journal.earlier_entries(SYSTEM):
            self._replay(entry)
        self._router = Router([Route("/", _Endpoint(self))])

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        await self._router(scope, receive, send)

    def state(self, table: str) -> list[dict[str, Any]]:
        with self._lock:
            return self._till_state.table(table)

    def edit(self, table: str, key: str, values: Mapping[str, Any]) -> None:
        """Change an object as a person at the till would.

        `table` is one of articles, products, groups, relations, documents, stock, counts, deviations (prices per
        branch), images or conventions. The key of stock is `branch/article`, its only field `amount`; the key of a
        document is its id or external id. A price per branch is given completely by its values. `images` are put on the
        card of a product by `names`. For `conventions`, the key is the name of a convention and the values have its
        `value`.
        """
        with self._lock:
            self._set_time(datetime.now(UTC))
            self._till_state.edit(table, key, values)
            content = json.dumps({"table": table, "key": key, "values": dict(values)})
            self._journal.append(SYSTEM, EDIT, content, at=self._context.now)

    def add(self, table: str, values: Mapping[str, Any]) -> str:
        """Add a document, relation or count as a person at the till would; return the id of a document.

        The values are those of the interface, with dates and times as ISO text; see `DocumentEntry.enter` and
        `DrawerCounts.put`. A document that names the orders or proposals it comes from copies their contents. A receipt
        in table `training` counts nowhere.
        """
        with self._lock:
            self._set_time(datetime.now(UTC))
            document_id = self._till_state.add(table, values)
            content = json.dumps({"table": table, "values": dict(values)})
            self._journal.append(SYSTEM, ADD, content, at=self._context.now)
        return document_id

    def run_before_next_call(self, operation: str, action: Callable[[], object]) -> None:
        """Run a function right before the next call of this operation is carried out."""
        with self._lock:
            self._scheduled_events.append((operation, action))

    def forget_pending_actions(self) -> None:
        """Remove all functions that have not run yet."""
        with self._lock:
            self._scheduled_events.clear()

    def late_receipt(self, day: str, branch: int = 1) -> None:
        """Enter a receipt for a past day: a bell of 18.15, paid by card."""
        with self._lock:
            self._set_time(datetime.now(UTC))
            self._sample.late_receipt(self._till_state, day, branch)
            content = json.dumps({"day": day, "branch": branch})
            self._journal.append(SYSTEM, LATE, content, at=self._context.now)

    def advance_day(self) -> None:
        """Advance by one day: adds orders and receipts, and changes some."""
        with self._lock:
            self._set_time(datetime.now(UTC))
            self._journal.append(SYSTEM, DAY, "", at=self._context.now)
            self._sample.advance(self._till_state)

    @property
    def wsdl(self) -> bytes:
        return self._contract.wsdl

    def parse_request(self, message: bytes) -> SoapRequest:
        """Return the request in a message, checked against the WSDL. Raises RefusedError."""
        body = body_of(message)
        name = etree.QName(body)
        operations = self._contract.operations.keys() - set(self._context.conventions.unknown_operations)
        if name.namespace != NAMESPACE or name.localname not in operations:
            raise RefusedError(f"Operation '{name.localname}' is not known")
        self._add_missing_elements(body, name.localname)
        if self._context.conventions.element_order == "any":
            self._contract.arrange(body, name.localname)
        self._contract.check(body)
        request = self._contract.read(body, name.localname)
        return SoapRequest(name.localname, request, tuple(dict.fromkeys(_keys(request))), etree.tostring(body))

    def answered(self, soap_request: SoapRequest, armed: Armed | None) -> FaultAnswer:
        """Carry out a request and return the answer. A write is journalled first."""
        with self._lock:
            self._trigger_events(soap_request.operation)
            self._set_time(datetime.now(UTC), armed)
            if writes(soap_request.operation):
                note = "wrong" if self._context.wrong else ""
                self._journal.append(
                    SYSTEM, soap_request.operation, soap_request.body.decode(), at=self._context.now, note=note
                )
            fields = self._till_state.carry_out(soap_request.operation, soap_request.request)
        return in_envelope(self._contract.operations[soap_request.operation], fields)

    def _trigger_events(self, operation: str) -> None:
        due = [event for event in self._scheduled_events if event[0] == operation]
        self._scheduled_events = [event for event in self._scheduled_events if event[0] != operation]
        for _, action in due:
            action()

    def active_switch(self, soap_request: SoapRequest) -> Armed | None:
        """Return the switch that affects this request, or None."""
        return self._switches.take(SYSTEM, soap_request.operation, soap_request.keys)

    def note(self, operation: str, keys: tuple[str, ...], status: int, note: str) -> None:
        """Record an answered call in the ledger."""
        self._ledger.record(
            system=SYSTEM, operation=operation, write=writes(operation), keys=keys, status=status, note=note
        )

    def _set_time(self, now: datetime, armed: Armed | None = None) -> None:
        """Set the clock and the fault for the next operation."""
        self._context.now = now
        self._context.wrong = armed is not None and armed.fault is Fault.WRONG
        self._context.late = armed.seconds_hidden if armed else 0.0

    def _replay(self, entry: JournalEntry) -> None:
        """Replay an entry of an earlier start."""
        self._set_time(entry.at)
        self._context.wrong = entry.note == "wrong"
        match entry.operation:
            case "_day":
                self._sample.advance(self._till_state)
            case "_edit":
                arguments = json.loads(entry.body)
                self._till_state.edit(**arguments)
            case "_add":
                self._till_state.add(**json.loads(entry.body))
            case "_late":
                self._sample.late_receipt(self._till_state, **json.loads(entry.body))
            case _:
                body = etree.fromstring(entry.body)
                self._till_state.carry_out(entry.operation, self._contract.read(body, entry.operation))

    def _add_missing_elements(self, body: etree._Element, operation: str) -> None:
        """Add missing empty elements that a lenient till does not require."""
        if self._context.conventions.required == "strict":
            return
        for child in body.iterchildren():
            type_ = self._contract.types[operation][etree.QName(child).localname].type
            self._fill(child, type_)

    def _fill(self, element: etree._Element, type_: str) -> None:
        fields = self._contract.types.get(type_, {})
        present = {etree.QName(child).localname for child in element}
        for child in element:
            if (inside := fields.get(etree.QName(child).localname)) and inside.type in self._contract.types:
                self._fill(child, inside.type)
        for field in fields.values():
            is_empty_wrapper = field.type in self._contract.types and not any(
                inner.required for inner in self._contract.types[field.type].values()
            )
            if field.required and field.name not in present and (is_empty_wrapper or field.name == "orderId"):
                self._insert(element, field.name, list(fields))

    def _insert(self, element: etree._Element, name: str, order: list[str]) -> None:
        """Insert an empty element before its successors; sent elements keep their order, right or wrong."""
        later = set(order[order.index(name) + 1 :])
        place = next(
            (position for position, child in enumerate(element) if etree.QName(child).localname in later), len(element)
        )
        element.insert(place, etree.Element(f"{{{NAMESPACE}}}{name}"))


class _Endpoint:
    """ASGI endpoint of the till."""

    def __init__(self, till: Till) -> None:
        self._till = till

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: the WSDL to anybody, a call only with valid credentials."""
        request = Request(scope, receive)
        if request.method != "POST":
            await deliver(self._page(request), None, scope, receive, send)
            return
        answer, armed = await self._call(request)
        await deliver(answer, armed, scope, receive, send)

    def _page(self, request: Request) -> FaultAnswer:
        if request.method in {"GET", "HEAD"} and "wsdl" in request.query_params:
            return FaultAnswer(200, self._till.wsdl, CONTENT_TYPE)
        return FaultAnswer(405, b"Method Not Allowed", "text/plain", (("allow", "POST"),))

    async def _call(self, request: Request) -> tuple[FaultAnswer | None, Armed | None]:
        message = await request.body()
        if not _is_authenticated(request):
            return self._fault(_operation(message), AUTHENTICATION, "Invalid credentials"), None
        try:
            soap_request = self._till.parse_request(message)
        except RefusedError as error:
            return self._fault(_operation(message), CLIENT, str(error)), None
        armed = self._till.active_switch(soap_request)
        await pause(armed)
        answer, status = self._answer(soap_request, armed)
        self._till.note(soap_request.operation, soap_request.keys, status, armed.note if armed else "")
        return answer, armed

    def _answer(self, soap_request: SoapRequest, armed: Armed | None) -> tuple[FaultAnswer | None, int]:
        """Return the answer and the status to record.

        There is no answer if the connection is cut before the call is accepted.
        """
        match armed.fault if armed else None:
            case Fault.CUT_BEFORE:
                return None, 0
            case Fault.FAULT:
                answer = fault(SERVER, "Internal error")
            case Fault.EXPIRED:
                answer = fault(AUTHENTICATION, "Invalid credentials")
            case _:
                answer = refusal(armed) or self._carry_out(soap_request, armed)
        return answer, noted_status(answer, armed)

    def _carry_out(self, soap_request: SoapRequest, armed: Armed | None) -> FaultAnswer:
        try:
            return self._till.answered(soap_request, armed)
        except RefusedError as error:
            return fault(CLIENT, str(error))

    def _fault(self, operation: str, code: str, text: str) -> FaultAnswer:
        answer = fault(code, text)
        self._till.note(operation, (), answer.status, text)
        return answer


def _is_authenticated(request: Request) -> bool:
    credentials = (request.query_params.get("ident", ""), request.query_params.get("secret", ""))
    return all(
        hmac.compare_digest(credential.encode(), other.encode())
        for credential, other in zip(credentials, (IDENT, SECRET), strict=True)
    )


def _operation(message: bytes) -> str:
    """Return the operation that a refused message names, for the ledger."""
    try:
        return str(etree.QName(body_of(message)).localname)
    except RefusedError:
        return ""


def _keys(fields: WireFields) -> Iterator[str]:
    for name, value in fields:
        if isinstance(value, WireFields):
            yield from _keys(value)
        elif name in KEYS and isinstance(value, str) and value not in {"", "0"}:
            yield value

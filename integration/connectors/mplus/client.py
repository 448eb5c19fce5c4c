"""SOAP 1.1 client of MplusKASSA: one address, with the credentials in the query."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, cast
from urllib.parse import quote

import zeep
from lxml import etree
from zeep.transports import Transport

from integration.connectors.answer import MAX_PARTS, REFUSED_STATUSES, HttpAnswer
from integration.connectors.http import Gateway
from integration.connectors.mplus.element_shape import ElementShape, require_not_different
from integration.connectors.mplus.forms import PREFIX, WireForm, enclosing_element, tag_of
from integration.connectors.mplus.settings import SYSTEM, MplusSettings
from integration.connectors.parallel import run_parallel
from integration.core.errors import (
    AccessDeniedError,
    ConnectorError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from integration.core.masking import register_secrets
from integration.core.records import WrongValueError

NAMESPACE = "urn:mplusqapi"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
BINDING = f"{{{NAMESPACE}}}MplusQapi"
WSDL = "mplus.wsdl"
DIGEST_BYTES = 32
READ_ATTEMPTS = 3  # how many unusable answers to a read are accepted before the error is raised

_BEGIN = f"""<?xml version='1.0' encoding='utf-8'?>
<soap-env:Envelope xmlns:soap-env="{SOAP}"><soap-env:Body>"""
_END = "</soap-env:Body></soap-env:Envelope>"
_ENCODING_STUB = (
    f'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="{SOAP_ENCODING}">'
    '<simpleType name="base64"><restriction base="base64Binary"/></simpleType></schema>'
).encode()

Element = etree._Element  # noqa: SLF001 - lxml gives its element type no public name


def element_text(element: Element, wire: str) -> str:
    """Return the text of a child element without surrounding blanks; empty without the child."""
    return (element.findtext(qualified(wire)) or "").strip()


def qualified(name: str) -> str:
    """Return the qualified name of an element of the interface; all are in its namespace."""
    return f"{{{NAMESPACE}}}{name}"


def description() -> bytes:
    """Return the WSDL that is shipped with the program."""
    return files(__package__).joinpath(WSDL).read_bytes()


class _OfflineTransport(Transport):
    """Keeps zeep off the network: serves the one schema it asks for, and refuses every other address."""

    def load(self, url: str) -> bytes:
        if url == SOAP_ENCODING:  # the official description imports it without a location
            return _ENCODING_STUB
        raise ValueError(f"not loaded from elsewhere: {url}")


class InterfaceContract:
    """The interface according to the WSDL: builds requests, and gives the names and shapes of answers."""

    def __init__(self) -> None:
        library, shelf = cast("Any", zeep), cast("Any", _OfflineTransport)  # zeep claims to be typed, but has few types
        client = library.Client(BytesIO(description()), transport=shelf())
        self._types = client.wsdl.types
        self._binding = client.wsdl.bindings[BINDING]
        self._forms: dict[str, tuple[str, WireForm]] = {}
        self._shapes: dict[str, ElementShape] = {}

    def message(self, operation: str, content: Mapping[str, Any]) -> bytes:
        """Return the complete request. Raises TypeError if the content does not fit, which is a bug of ours."""
        tag, form = self._form(operation)
        try:
            body = enclosing_element(tag, form.written(content), f' xmlns:{PREFIX}="{NAMESPACE}"')
        except TypeError as error:
            raise TypeError(f"{operation}: {error}") from error
        return f"{_BEGIN}{body}{_END}".encode()

    def _form(self, operation: str) -> tuple[str, WireForm]:
        if operation not in self._forms:
            body = self._binding.get(operation).input.body
            self._forms[operation] = (tag_of(body.qname), WireForm(body.type))
        return self._forms[operation]

    def answer_name(self, operation: str) -> str:
        """Return the name of the answer's element; the names follow no rule, so they are looked up."""
        return str(self._binding.get(operation).output.body.qname.text)

    def answer_shape(self, operation: str) -> ElementShape:
        if (shape := self._shapes.get(operation)) is None:
            shape = self._shapes[operation] = ElementShape(self._binding.get(operation).output.body.type)
        return shape

    def shape_of(self, type_: str) -> ElementShape:
        if (shape := self._shapes.get(f"tns:{type_}")) is None:
            shape = self._shapes[f"tns:{type_}"] = ElementShape(self._types.get_type(qualified(type_)))
        return shape


@cache
def interface_contract() -> InterfaceContract:
    """Return the contract, parsed once."""
    return InterfaceContract()


def require_shape(element: Element, type_: str, *, records: bool = True) -> None:
    """Raise WrongValueError if an element does not have the shape of its type in the WSDL, or is marked contradictory.

    Without `records`, records inside it are not checked.
    """
    require_not_different(element)
    interface_contract().shape_of(type_).require_shape(element, records=records)


# Messages for an unknown operation (the first is from gSOAP, with which the till is built).
_UNKNOWN_OPERATION = re.compile(
    r"not implemented|not recognized|operation '\w+' is not known|unknown operation", re.IGNORECASE
)

# Messages for a missing licence.
_NOT_LICENSED = re.compile(
    r"\b(no|geen|without a?) (valid )?licen[sct]\w*|\blicen[sct]\w*\b.{0,40}\b(missing|required|expired|invalid|not)\b",
    re.IGNORECASE,
)
LONGEST_PLAIN = 200  # bytes of a refusal that is not XML

_WITHOUT_RESULT = frozenset(
    {"saveCardImages"}
)  # operations whose answer has no result: only a fault shows that they failed
REFUSALS: Mapping[str, str] = {
    "FAILED-ARTICLE-NUMBER-ALREADY-TAKEN": "article_number_taken",
    "FAILED-PRODUCT-NUMBER-ALREADY-TAKEN": "article_number_taken",
    "FAILED-RELATION-NUMBER-ALREADY-TAKEN": "relation_number_taken",
    "FAILED-PRICE-DEVIATION-OUTSIDE-ALLOWED-RANGE": "price_outside_range",
    "NOT-ALLOWED": "product_update_not_allowed",
    "TOO-LARGE": "picture_refused",
    "NOT-SUPPORTED": "picture_refused",
    "NO-STOCK-ARTICLE": "no_stock_article",
    "PAYMENT-TOO-HIGH": "payment_too_high",
    "BRANCH-NOT-FOUND": "branch_missing",
    "ARTICLE-NOT-FOUND": "target_record_missing",
    "NOT-FOUND": "target_record_missing",
    "NOTFOUND": "target_record_missing",
    "PARENT-NOTFOUND": "target_record_missing",
}


class Client:
    """Client of one installation that exchanges XML elements. Safe to share between threads, closed with `close()`."""

    def __init__(self, settings: MplusSettings, gateway: Gateway | None = None) -> None:
        secret = settings.secret.get_secret_value()
        register_secrets(secret)
        self._gateway = gateway or Gateway(
            system=SYSTEM,
            host_shown=settings.host_shown,
            limits=settings.limits,
            secrets=(secret, settings.ident),
            route=settings.route,
        )
        self.answering = self._gateway.answering
        self._bare_url = settings.url
        # Percent-encoded by hand: libraries write a space as a plus sign, which not every server reads as a space.
        self._url = f"{settings.url}?ident={quote(settings.ident, safe='')}&secret={quote(secret, safe='')}"
        self._host = settings.host_shown

    def close(self) -> None:
        self._gateway.close()

    def probe(self) -> int:
        """Return the status of a bare GET: 405 when the interface is up (the vendor's own clients probe like this)."""
        return self._gateway.send("GET", self._bare_url, operation="probe", repeatable=True).status

    def read(self, operation: str, **content: Any) -> Element:
        """Return the answer to a read, which is repeated where that may help.

        Raises UnavailableError, AccessDeniedError, MalformedAnswerError, or RejectedError when the read itself is
        refused.
        """
        message = interface_contract().message(operation, content)
        if (content_ahead := self._take_ahead(operation, message)) is not None:
            return content_ahead
        looks = _ReadRetry(self, operation)
        answer = self._post(operation, message, repeatable=True, looks=looks)
        outcome = looks.outcome if looks.outcome is not None else self.parse_answer(answer, operation, write=False)
        if isinstance(outcome, ConnectorError):
            raise outcome
        return outcome

    def read_ahead(self, reads: Sequence[tuple[str, Mapping[str, Any]]], limit: int) -> "AnswersAhead":
        """Return the unparsed answers to some reads, given as operation and content, with `limit` calls at once.

        Raises as `read` does for a till that cannot be reached.
        """
        messages = [(operation, interface_contract().message(operation, content)) for operation, content in reads]
        answers: dict[bytes, HttpAnswer] = {}
        for (_, message), answer in zip(
            messages, run_parallel(lambda request: self._post(*request, repeatable=True), messages, limit), strict=True
        ):
            if isinstance(answer, IntegrationError):
                raise answer
            answers[message] = answer
        return AnswersAhead(answers)

    def _take_ahead(self, operation: str, message: bytes) -> Element | None:
        """Return the content of an answer that was read ahead, or None if there is no usable one."""
        ahead = _answers_ahead.get()
        answer = None if ahead is None else ahead.answers.pop(message, None)
        outcome = None if answer is None else self.parse_answer(answer, operation, write=False)
        if outcome is not None and not isinstance(outcome, ConnectorError):
            return outcome
        if ahead is not None:
            ahead.sufficed = False
        return None

    def write(self, operation: str, **content: Any) -> Element:
        """Return the answer to a write that the till carried out. The write is sent once.

        Raises RejectedError when the till refuses it and InDoubtError when no usable answer came.
        """
        return self._send_write(operation, interface_contract().message(operation, content))

    def write_whole(self, operation: str, element: Element) -> Element:
        """Send a write whose element is sent exactly as it is, and return the answer as `write` does."""
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"SOAP-ENV": SOAP, "ns": NAMESPACE})
        body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
        etree.SubElement(body, qualified(operation)).append(element)
        return self._send_write(operation, etree.tostring(envelope, encoding="utf-8", xml_declaration=True))

    def _send_write(self, operation: str, message: bytes) -> Element:
        answer = self._post(operation, message, repeatable=False)
        outcome = self.parse_answer(answer, operation, write=True)
        if isinstance(outcome, ConnectorError):
            raise outcome
        return self._require_success(outcome, operation)

    def _post(
        self, operation: str, message: bytes, *, repeatable: bool, looks: "_ReadRetry | None" = None
    ) -> HttpAnswer:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": operation}
        return self._gateway.send(
            "POST",
            self._url,
            operation=operation,
            headers=headers,
            content=message,
            repeatable=repeatable,
            should_retry=looks.should_retry if looks else None,
        )

    def parse_answer(self, answer: HttpAnswer, operation: str, *, write: bool) -> Element | ConnectorError:
        """Return the element of the answer, or the error that the answer means."""
        body = _body(answer.body)
        if body is not None and body.tag == f"{{{SOAP}}}Fault":
            return self._fault(body, operation, write=write)
        if body is None or answer.status >= 300 or body.tag != interface_contract().answer_name(operation):  # noqa: PLR2004
            return self._unusable_answer_error(answer, operation, write=write)
        try:
            interface_contract().answer_shape(operation).require_shape(body, records=False)
        except WrongValueError:
            return self._unusable_answer_error(answer, operation, write=write)
        return body

    def _fault(self, fault: Element, operation: str, *, write: bool) -> ConnectorError:
        """Return the error of a fault: `Client` faults refuse the request, `Server` faults are failures of the till."""
        code = (fault.findtext("faultcode") or "").rpartition(":")[2]
        message = self._gateway.masked(_text(fault, "faultstring")) or self._gateway.masked(code) or "SOAP Fault"
        facts = {"system": SYSTEM, "operation": operation, "message": message}
        if code.startswith("Client.Authentication"):
            return AccessDeniedError("mplus_credentials_rejected", **facts)
        if refusal := _refusal(message):
            return RejectedError(refusal, **facts)
        if code.partition(".")[0] == "Client":
            return RejectedError("request_refused", **facts)
        return InDoubtError("server_error", **facts) if write else UnavailableError("server_error", **facts)

    def _unusable_answer_error(self, answer: HttpAnswer, operation: str, *, write: bool) -> ConnectorError:
        facts = {"system": SYSTEM, "operation": operation, "host": self._host}
        plain = answer.body.decode("utf-8", "replace").strip() if len(answer.body) <= LONGEST_PLAIN else ""
        if "<" not in plain and (refusal := _refusal(plain)):
            return RejectedError(refusal, message=self._gateway.masked(plain), **facts)
        match answer.status:
            case 401 | 403:
                return AccessDeniedError("mplus_credentials_rejected", **facts)
            case status if status in REFUSED_STATUSES:
                return RejectedError("request_refused", **facts)
            case status if write:
                return InDoubtError("timeout_after_sending_write", reason=_fault_of(answer), **facts)
            case 404 | 405:
                return MalformedAnswerError("address_not_api", **facts)
            case status if status >= 500:  # noqa: PLR2004
                return UnavailableError("server_error", message=f"HTTP {status}", **facts)
        if _fault_of(answer) == "answer_incomplete":
            return UnavailableError("answer_incomplete", count=_items(answer.body), **facts)
        return MalformedAnswerError("answer_unreadable", **facts)

    def _require_success(self, body: Element, operation: str) -> Element:
        """Return the answer if its result is OK, because an answer with HTTP status 200 can still be a refusal."""
        facts = {"system": SYSTEM, "operation": operation}
        if operation in _WITHOUT_RESULT:
            return body
        result = _text(body, qualified("result"))
        if not result:
            raise InDoubtError("timeout_after_sending_write", reason="answer_unreadable", **facts)
        reason = result.partition("-RESULT-")[2] or result.removeprefix("CREATE-IMAGE-")
        if reason == "OK":
            return body
        message = self._gateway.masked(
            _text(body, qualified("errorMessage")) or _text(body, qualified("errorMsg")) or result
        )
        masked_result = self._gateway.masked(result)
        raise RejectedError(REFUSALS.get(reason, "mplus_rejected"), message=message, result=masked_result, **facts)


class AnswersAhead:
    """Unparsed answers to some reads, and a digest of them with their requests.

    In the block of `use`, `Client.read` takes them instead of a call. `sufficed` is False once a read needed a call
    after all, because there was no answer ahead or no usable one.
    """

    def __init__(self, answers: dict[bytes, HttpAnswer]) -> None:
        self.answers = answers
        self.sufficed = True
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for message, answer in answers.items():
            digest.update(b"%d %b%d %b" % (len(message), message, len(answer.body), answer.body))
        self.digest = digest.digest()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Let reads in the block take these answers, also in the threads that `run_parallel` begins."""
        token = _answers_ahead.set(self)
        try:
            yield
        finally:
            _answers_ahead.reset(token)


_answers_ahead: ContextVar[AnswersAhead | None] = ContextVar("answers_ahead", default=None)


class _ReadRetry:
    """Decides whether a read is repeated, and keeps the outcome, so that each answer is parsed once."""

    def __init__(self, client: Client, operation: str) -> None:
        self._client = client
        self._operation = operation
        self._attempts_left = READ_ATTEMPTS
        self.outcome: Element | ConnectorError | None = None

    def should_retry(self, answer: HttpAnswer) -> bool:
        self.outcome = self._client.parse_answer(answer, self._operation, write=False)
        self._attempts_left -= 1
        hopeful = isinstance(self.outcome, UnavailableError) or (
            isinstance(self.outcome, MalformedAnswerError) and self.outcome.code == "answer_unreadable"
        )
        return hopeful and self._attempts_left > 0


def _body(text: bytes) -> Element | None:
    """Return the content of the SOAP body, or None if this is not a well-formed envelope.

    Unknown elements are kept: newer installations send more. A document type, which SOAP does not allow, is refused
    before parsing, because its entities could expand without limit. Comments and processing instructions are removed,
    since the text of an element would end at them.
    """
    if b"<!DOCTYPE" in text or b"\0" in text[:4]:  # or an encoding that would hide a document type
        return None
    if text.count(b"<") - text.count(b"</") + text.count(b"=") > MAX_PARTS:
        return None
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        collect_ids=False,
    )
    try:
        envelope = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, MemoryError):
        return None
    if envelope.getroottree().docinfo.internalDTD is not None or envelope.tag != f"{{{SOAP}}}Envelope":
        return None
    body = envelope.find(f"{{{SOAP}}}Body")
    return None if body is None else next(body.iterchildren("*"), None)


def _refusal(message: str) -> str:
    """Return the error code of a refusal of the operation as such, empty for any other text."""
    if _NOT_LICENSED.search(message):
        return "license_missing"
    return "operation_unknown" if _UNKNOWN_OPERATION.search(message) else ""


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _fault_of(answer: HttpAnswer) -> str:
    begun = b":Envelope" in answer.body[:1000] and not answer.body.rstrip().endswith(b"Envelope>")
    return "answer_incomplete" if begun else "answer_unreadable"


def _items(text: bytes) -> int:
    """Return the number of complete list items in a truncated answer."""
    items = rb"product|articleGroups|branch|vatGroup|employee|order|invoice|receipt|relation"
    return len(re.findall(rb"</(?:\w+:)?(?:" + items + rb")>", text))

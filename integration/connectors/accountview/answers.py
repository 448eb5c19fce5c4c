"""Interprets answers of AccountView's web API: accepted, refused, failed, or not from AccountView at all."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus

import msgspec

from integration.connectors.accountview.codec import RepeatedColumn, Row, with_unique_columns
from integration.connectors.accountview.empty_answers import EMPTY, ROWS
from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.connectors.answer import MAX_PARTS, MAX_VALUES, REFUSED_STATUSES, HttpAnswer
from integration.core.errors import (
    AccessDeniedError,
    ConnectorError,
    InDoubtError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)

LONGEST_MESSAGE = 500
LONGEST_NUMBER = 40  # characters; a database of this make stores twenty digits
_JSON_SCANNER = msgspec.json.Decoder(msgspec.Raw)


class BooksAnswers:
    """Reads answers. Errors name `host`; `mask` removes secrets from the texts that AccountView sends."""

    def __init__(self, host: str, mask: Callable[[str], str]) -> None:
        self._host = host
        self._mask = mask

    def shape(self, answer: HttpAnswer, operation: str, *, reading: bool = True) -> object:
        """Return the JSON of an answer that accepts the request.

        A refusal is a RejectedError with AccountView's own text, also where its status is a success. After a write
        (`reading` is False), only an answer in AccountView's own form and a status that rejects the request itself are
        refusals. Any other failure is an InDoubtError, because the write may have been carried out.
        """
        if reading:
            self.require_interface(answer)
        elif not _is_success(answer) and not _refuses_write(answer):
            raise unreadable_answer(operation, reading=False)
        if answer.status >= HTTPStatus.BAD_REQUEST and (text := plain_text(answer)):
            shape: object = text
        elif not reading and answer.status in REFUSED_STATUSES:  # a server in front of AccountView answers with a page
            shape = _parsed_body(answer)
        else:
            shape = json_of(answer, operation, reading=reading) if answer.body.strip() else {}
        message = self._mask(message_of(shape, refused=answer.status >= HTTPStatus.BAD_REQUEST))[:LONGEST_MESSAGE]
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _is_of_accountview(shape):
            raise server_failure(answer, operation, message)
        if message and _is_success(answer) and not reading and not _is_of_accountview(shape):
            raise unreadable_answer(operation, reading=False)
        if message:
            raise refusal_of(message, operation, reading=reading)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RejectedError("request_refused", system=SYSTEM, operation=operation)
        return shape

    def tables(self, answer: HttpAnswer, operation: str, *, reading: bool = True) -> dict[str, object]:
        """Return the tables of an answer under their names in upper case."""
        shape = self.shape(answer, operation, reading=reading)
        if not isinstance(shape, dict):
            raise unreadable_answer(operation, reading=reading)
        tables = with_unique_columns([(str(name).upper(), rows) for name, rows in shape.items()])
        if _has_repeated(tables.values()) or (not reading and any(map(_has_repeated_inside, tables.values()))):
            raise unreadable_answer(operation, reading=reading)
        return tables

    def rows(self, answer: HttpAnswer, operation: str) -> list[Row]:
        """Return the rows of an answer that is a bare list."""
        shape = self.shape(answer, operation)
        if not isinstance(shape, list):
            raise unreadable_answer(operation)
        return [in_capitals(row) for row in shape if isinstance(row, dict)]

    def require_interface(self, answer: HttpAnswer) -> None:
        """Raise MalformedAnswerError if something else than the web API answers at this address."""
        if _is_wrong_address(answer):
            raise MalformedAnswerError("address_not_api", system=SYSTEM, host=self._host)


class RetryProbe:
    """Decides whether a read is repeated."""

    def __init__(self, attempts: int, mask: Callable[[str], str]) -> None:
        self._attempts_left = attempts
        self._mask = mask

    def should_retry(self, answer: HttpAnswer) -> bool | str:
        """Return whether to repeat the read; after a network failure that is the masked error text, if there is one."""
        self._attempts_left -= 1
        if is_network_failure(answer):
            return self._mask(error_text(answer))[:LONGEST_MESSAGE] or True
        return is_unreadable(answer) and self._attempts_left > 0


def table_rows(tables: Mapping[str, object], table: str) -> list[Row]:
    """Return the rows of a table; a single row may come as an object, and an empty table may be missing."""
    local = f"{table.upper()}_ID"  # numbers the rows of this answer only
    rows = _dict_rows(tables.get(table.upper()))
    for row in rows:
        row.pop(local, None)
    return list(rows)


def headers_with_lines(tables: Mapping[str, object], of: BusinessObject, operation: str) -> list[tuple[Row, list[Row]]]:
    """Return the header rows of an answer, each with its lines.

    Lines come inside their headers, or beside them with a number that is only valid in this answer. A line that is no
    object, or whose number no header has, may belong to each header, so each header has it as an empty row.
    """
    local = f"{of.table.upper()}_ID"
    headers = _dict_rows(tables.get(of.table.upper()))
    lines: dict[str, list[Row]] = {str(header.get(local, place)): [] for place, header in enumerate(headers)}
    for line in _dict_rows(tables.get(of.detail.upper())) if of.detail else []:
        belongs = next(iter(lines), "") if len(headers) == 1 else str(line.get(local))
        if belongs in lines:
            lines[belongs].append(line)
        elif line and not headers:
            raise unreadable_answer(operation)
        elif not line or all(headers):
            for header_lines in lines.values():
                header_lines.append({})
    if len(lines) < len(headers):  # two headers have one number, so a line may belong to either
        lines = {number: [*header_lines, {}] if header_lines else [] for number, header_lines in lines.items()}
    return [
        (header, [*lines[str(header.get(local, place))], *_dict_rows(header.get(of.detail.upper()))])
        for place, header in enumerate(headers)
    ]


def _has_repeated(values: Iterable[object]) -> bool:
    return any(isinstance(value, RepeatedColumn) for value in values)


def _has_repeated_inside(table: object) -> bool:
    """Return True if a row of a table has a column more than once."""
    return any(_has_repeated(row.values()) for row in _dict_rows(table))


def _dict_rows(table: object) -> list[dict[str, object]]:
    """Return the rows of a table; a row that is no object is an empty row, which no reader can take for a record."""
    if isinstance(table, RepeatedColumn):
        raise table.error()
    rows = table if isinstance(table, list) else [] if table is None else [table]
    return [in_capitals(row) if isinstance(row, dict) else {} for row in rows]


# AccountView's Dutch error texts, as far as they can be distinguished; they are written for people and not published.
CAUSES = (
    ("debtor_blocked", r"debiteur (?P<debtor>\S+) .*geblokkeerd"),
    ("article_missing", r"artikel (?P<article>\S+) (bestaat niet|is niet gevonden|is onbekend)"),
    (
        "ledger_account_unusable",
        r"(grootboek)?(rekening|dagboek) (?P<account>\S+) (bestaat niet|.*geblokkeerd|is niet gevonden|is onbekend)",
    ),
    (
        "period_closed",
        r"periode\b.*\b(af|ge)sloten|periode\b.*geblokkeerd|geen administratie met boekjaar|boekjaar\b.*sloten",
    ),
)


def refusal_cause(message: str) -> tuple[str, dict[str, str]]:
    """Return the error code of a refusal and the names in its text; `accountview_rejected` if unclear."""
    for code, pattern in CAUSES:
        match = re.search(pattern, message, re.IGNORECASE)
        if match:
            return code, {name: value for name, value in match.groupdict().items() if value}
    return "accountview_rejected", {}


# Texts of refusals that do not depend on the request.
_LOCKED = re.compile(
    r"administratie\b.*\b(in gebruik|vergrendeld|geblokkeerd|gelockt|geopend)|exclusief (in gebruik|geopend)"
    r"|administration (is )?(locked|in use)|(administration|mandant) .*gesperrt",
    re.IGNORECASE,
)
_RIGHTS = re.compile(
    r"\b(geen|niet|onvoldoende)\b.{0,60}\b(recht(en)?|bevoegd\w*|geautoriseerd|autorisatie|toegang)\b"
    r"|\b(no|not|insufficient)\b.{0,60}\b(rights?|permissions?|authori[sz]ed|access)\b"
    r"|\b(access|permission|authori[sz]ation)\b.{0,60}\bdenied\b"
    r"|\b(keine?|nicht)\b.{0,60}\b(rechte?|berechtig\w*|zugriff)\b",
    re.IGNORECASE,
)


def refusal_of(message: str, operation: str, *, reading: bool) -> ConnectorError:
    """Return the error for the text of a refusal. Only a text about rights, on a read, is a missing right."""
    if _LOCKED.search(message):
        return UnavailableError("administration_locked", system=SYSTEM, message=message, operation=operation)
    if not reading:
        return RejectedError("accountview_rejected", system=SYSTEM, message=message, operation=operation)
    if _RIGHTS.search(message):
        action, _, code = operation.partition(" ")
        return AccessDeniedError("right_missing", system=SYSTEM, object=code, action=action, message=message)
    return RejectedError("read_refused", system=SYSTEM, message=message, operation=operation)


def json_of(answer: HttpAnswer, operation: str, *, reading: bool = True) -> object:
    """Return the JSON of an answer. Raises the error of an unreadable answer for a page or a broken body."""
    try:
        return parse_json(answer.body)
    except ValueError:
        failure = unreadable_answer(operation, reading=reading)
    raise failure  # the error handled above would quote the answer


def parse_json(body: bytes) -> object:
    """Return parsed JSON. Raises ValueError if it is invalid, or has more parts or deeper nesting than real answers.

    A number too large for a database becomes a text, so that one record is unreadable and not the whole answer. A name
    that an object has more than once holds a RepeatedColumn.
    """
    if body.count(b"[") + body.count(b"{") > MAX_PARTS or body.count(b",") > MAX_VALUES:
        raise ValueError("no answer has so many parts")
    try:
        return json.loads(
            body,
            parse_int=_parse_integer,
            parse_float=_decimal,
            parse_constant=str,
            object_pairs_hook=with_unique_columns,
        )
    except (RecursionError, MemoryError):
        failure = ValueError("no answer is like this")
    raise failure


def _parse_integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else _shortened_text(digits)


def _decimal(digits: str) -> Decimal | str:
    number = Decimal(digits) if len(digits) <= LONGEST_NUMBER else None
    return _shortened_text(digits) if number is None or abs(number.adjusted()) > LONGEST_NUMBER else number


def _shortened_text(digits: str) -> str:
    """Return the beginning of a number, as a text that is not a number."""
    return f"{digits[:LONGEST_NUMBER]}…"


def server_failure(answer: HttpAnswer, operation: str, message: str = "") -> UnavailableError:
    """Return the error for a failure of the server itself."""
    text = message or f"HTTP {answer.status}"
    return UnavailableError("server_error", system=SYSTEM, message=text, operation=operation)


def unreadable_answer(operation: str, *, reading: bool = True) -> MalformedAnswerError | InDoubtError:
    """Return the error for an answer that cannot be read."""
    if reading:
        return MalformedAnswerError("answer_unreadable", system=SYSTEM, operation=operation)
    return InDoubtError("timeout_after_sending_write", system=SYSTEM, operation=operation)


def _is_success(answer: HttpAnswer) -> bool:
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def _refuses_write(answer: HttpAnswer) -> bool:
    """Return True if an error answer proves that a write was not carried out."""
    if answer.status in REFUSED_STATUSES:
        return True
    is_refusal = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    shape = _parsed_body(answer) if is_refusal else {}
    return _is_of_accountview(shape) and bool(message_of(shape, refused=True))


def _is_wrong_address(answer: HttpAnswer) -> bool:
    """Return True for a redirect and for a status that says that the address or the method does not exist."""
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
    return is_redirect or answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}


def form_of_missing(answer: HttpAnswer) -> str:
    """Return the form of a 404 that may mean "no such record", as one client has seen; empty for any other answer.

    An HTML page comes from another server.
    """
    page = "html" in answer.headers.get("content-type", "") or answer.body.lstrip().startswith(b"<")
    if answer.status != HTTPStatus.NOT_FOUND or page:
        return ""
    try:
        shape = parse_json(answer.body) if answer.body.strip() else {}
    except ValueError:
        shape = "?"
    return _form(answer, shape)


def form_of(answer: HttpAnswer, tables: Mapping[str, object], table: str, operation: str) -> str:
    """Return the form of an accepting answer: that of no rows, or that of rows."""
    table_content = tables.get(table.upper())
    if table_content == []:
        return EMPTY
    if not table_content and not isinstance(table_content, int | str):
        return _form(answer, tables)
    rows = table_content if isinstance(table_content, list) else [table_content]
    if any(isinstance(row, dict) for row in rows) or (isinstance(table_content, list) and len(rows) == 1):
        return ROWS  # a single row that is no object is a broken row; several are another kind of answer
    raise unreadable_answer(operation)


def _form(answer: HttpAnswer, shape: object) -> str:
    names = sorted(str(name).upper() for name in shape) if isinstance(shape, dict) else ["?"]
    return " ".join([str(answer.status), *names])


def is_network_failure(answer: HttpAnswer) -> bool:
    """Return True for a server error without a message of AccountView itself, which may be gone at the next attempt."""
    return answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _is_of_accountview(_parsed_body(answer))


def error_text(answer: HttpAnswer) -> str:
    """Return the text of a refusal or failure, empty where it has no readable text."""
    return message_of(plain_text(answer) or _parsed_body(answer), refused=True)


def _parsed_body(answer: HttpAnswer) -> object:
    try:
        return parse_json(answer.body) if answer.body.strip() else {}
    except ValueError:
        return {}


def plain_text(answer: HttpAnswer) -> str:
    """Return the body if it is plain text for people, otherwise an empty text."""
    kind = answer.headers.get("content-type", "")
    if not kind.startswith("text/plain"):
        return ""
    text = answer.body.decode("utf-8", "replace").strip()
    return "" if text[:1] in {"<", "{", "[", '"'} else text


def is_unreadable(answer: HttpAnswer) -> bool:
    """Return True if a successful answer is neither empty nor readable JSON."""
    if not _is_success(answer) or not answer.body.strip():
        return False
    try:
        _require_json(answer.body)
    except ValueError:
        return True
    return False


def _require_json(body: bytes) -> None:
    """Raise ValueError for a body that `parse_json` cannot read; most bodies are only scanned, not parsed."""
    try:
        body.decode()
        _JSON_SCANNER.decode(body)
    except (ValueError, RecursionError, MemoryError):
        parse_json(body)


def in_capitals(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row with upper-case column names; the dot in names of joined columns becomes an underscore.

    Two names that become equal hold a RepeatedColumn.
    """
    upper_row = {lookup_name(name): value for name, value in row.items()}
    return (
        upper_row if len(upper_row) == len(row) else with_unique_columns([(lookup_name(n), v) for n, v in row.items()])
    )


@lru_cache(maxsize=10_000)
def lookup_name(name: str) -> str:
    """Return the name of a column in the form that rows are keyed by."""
    return name.upper().replace(".", "_")


# Names of the message fields in error answers of such servers, the most specific first.
_OWN_MESSAGE_FIELDS = ("ERRORMESSAGE", "ERRORTYPE")
_MESSAGE_FIELDS = (
    *_OWN_MESSAGE_FIELDS,
    "EXCEPTIONMESSAGE",
    "ERROR_DESCRIPTION",
    "MESSAGEDETAIL",
    "DETAIL",
    "MESSAGE",
    "TITLE",
    "ERROR",
)
_OWN_NAMES = frozenset(_OWN_MESSAGE_FIELDS)
_BY_FIELD = ("MODELSTATE", "ERRORS")


def message_of(shape: object, *, refused: bool) -> str:
    """Return the error message of an answer, empty where there is none.

    Unless the status already says that the request was `refused`, only unambiguous error fields count.
    """
    match shape:
        case str() if refused:
            return shape.strip()
        case list() if refused and all(isinstance(text, str) for text in shape):
            return " ".join(text.strip() for text in shape if text.strip())
        case dict():
            return _message_in(in_capitals(shape), refused=refused)
        case _:
            return ""


def _message_in(fields: Mapping[str, object], *, refused: bool) -> str:
    bare = not any(isinstance(value, list | dict) for value in fields.values())
    names = (
        _MESSAGE_FIELDS
        if refused or "EXCEPTIONMESSAGE" in fields or ("MESSAGE" in fields and bare)
        else _OWN_MESSAGE_FIELDS
    )
    texts = [text for name in _BY_FIELD if refused for text in _texts(fields.get(name))]
    message = next((text for name in names for text in _texts(fields.get(name))), "")
    return " ".join(dict.fromkeys(filter(None, [message, *texts])))


def _texts(value: object) -> list[str]:
    """Return all texts in a value of a refusal, however they are nested."""
    match value:
        case str():
            return [value.strip()] if value.strip() else []
        case list():
            return [text for nested_value in value for text in _texts(nested_value)]
        case dict():
            return [text for nested_value in value.values() for text in _texts(nested_value)]
        case _:
            return []


def _is_of_accountview(shape: object) -> bool:
    return isinstance(shape, dict) and not _OWN_NAMES.isdisjoint(in_capitals(shape))

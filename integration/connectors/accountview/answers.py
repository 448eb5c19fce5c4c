"""What an answer of AccountView's web API means: accepted, refused, failed, or from somebody else altogether."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus
from typing import NoReturn

from integration.connectors.accountview.codec import Row
from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.connectors.http import Answer
from integration.core.errors import InDoubtError, MalformedAnswerError, RejectedError, UnavailableError

LONGEST_MESSAGE = 500


class Answers:
    """Reads answers. `host` is named in errors; `mask` blots secrets out of the texts AccountView sends."""

    def __init__(self, host: str, mask: Callable[[str], str]) -> None:
        self._host = host
        self._mask = mask

    def shape(self, answer: Answer, operation: str, *, reading: bool = True) -> object:
        """Return the JSON of an answer that says yes.

        A refusal is a RejectedError with AccountView's own text, also where it comes with a good status. A failure
        or an unreadable page after a write (`reading` is False) is an InDoubtError: it may have been done all the same.
        """
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not reading:
            raise unreadable(operation, reading=False)
        self.expect_interface(answer)
        shape = json_of(answer, operation, reading=reading) if answer.body.strip() else {}
        message = _refusal(shape)
        if message:
            text = self._mask(message)[:LONGEST_MESSAGE]
            code = "read_refused" if reading else "accountview_rejected"
            raise RejectedError(code, system=SYSTEM, message=text, operation=operation)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise failed(answer, operation)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RejectedError("request_refused", system=SYSTEM, operation=operation)
        return shape

    def tables(self, answer: Answer, operation: str, *, reading: bool = True) -> dict[str, object]:
        """Return the tables of an answer under their names in upper case."""
        shape = self.shape(answer, operation, reading=reading)
        if not isinstance(shape, dict):
            raise unreadable(operation, reading=reading)
        return {str(name).upper(): rows for name, rows in shape.items()}

    def rows(self, answer: Answer, operation: str) -> list[Row]:
        """Return the rows of an answer that is a bare list."""
        shape = self.shape(answer, operation)
        if not isinstance(shape, list):
            raise unreadable(operation)
        return [_upper(row) for row in shape if isinstance(row, dict)]

    def expect_interface(self, answer: Answer) -> None:
        """Raise MalformedAnswerError when something else than the web API answers at this address."""
        elsewhere = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
        if elsewhere or answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            raise MalformedAnswerError("address_not_api", system=SYSTEM, host=self._host)


def rows_of(tables: Mapping[str, object], table: str) -> list[Row]:
    """Return the rows of a table; a single one may come as an object, an empty table may be missing."""
    local = f"{table.upper()}_ID"  # numbers the rows of this answer only
    rows = _all_of(tables.get(table.upper()))
    for row in rows:
        row.pop(local, None)
    return list(rows)


def documents_of(tables: Mapping[str, object], of: BusinessObject, operation: str) -> list[tuple[Row, list[Row]]]:
    """Return the header rows of an answer, each with its lines.

    Lines stand beside their headers and point to them by a number that is good for one answer, or inside them.
    """
    local = f"{of.table.upper()}_ID"
    headers = _all_of(tables.get(of.table.upper()))
    lines: dict[str, list[Row]] = {str(header.get(local, place)): [] for place, header in enumerate(headers)}
    for line in _all_of(tables.get(of.detail.upper())) if of.detail else []:
        belongs = next(iter(lines), "") if len(headers) == 1 else str(line.get(local))
        if belongs not in lines:
            raise unreadable(operation)
        lines[belongs].append(line)
    return [
        (header, [*lines[str(header.get(local, place))], *_all_of(header.get(of.detail.upper()))])
        for place, header in enumerate(headers)
    ]


def _all_of(found: object) -> list[dict[str, object]]:
    rows = [found] if isinstance(found, dict) else found if isinstance(found, list) else []
    return [_upper(row) for row in rows if isinstance(row, dict)]


# What AccountView's Dutch texts say where they can be told apart; they are meant for people and not published.
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


def cause_of(message: str) -> tuple[str, dict[str, str]]:
    """Return which trouble of the catalogue a refusal is, with what its text names; accountview_rejected if unclear."""
    for code, pattern in CAUSES:
        found = re.search(pattern, message, re.IGNORECASE)
        if found:
            return code, {name: value for name, value in found.groupdict().items() if value}
    return "accountview_rejected", {}


def json_of(answer: Answer, operation: str, *, reading: bool = True) -> object:
    """Return the JSON of an answer; a page for people or a broken body is an error of ours."""
    try:
        return json.loads(answer.body, parse_float=Decimal, parse_constant=_no_number)
    except ValueError:
        failure = unreadable(operation, reading=reading)
    raise failure  # the error handled above would quote the answer


def failed(answer: Answer, operation: str) -> UnavailableError:
    """Return the error for a failure of the server's own."""
    return UnavailableError("server_error", system=SYSTEM, message=f"HTTP {answer.status}", operation=operation)


def unreadable(operation: str, *, reading: bool = True) -> MalformedAnswerError | InDoubtError:
    """Return the error for an answer that cannot be read."""
    if reading:
        return MalformedAnswerError("answer_unreadable", system=SYSTEM, operation=operation)
    return InDoubtError("timeout_after_sending_write", system=SYSTEM, operation=operation)


def says_nothing_found(answer: Answer) -> bool:
    """Tell whether a 404 means "no such record", as one client has seen, and not a wrong address."""
    page = "html" in answer.headers.get("content-type", "") or answer.body.lstrip().startswith(b"<")
    return answer.status == HTTPStatus.NOT_FOUND and not page


def is_failure_of_the_road(answer: Answer) -> bool:
    """Tell whether a failure comes without a word of AccountView itself, so that it may be gone next time."""
    return answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and b"errormessage" not in answer.body.lower()


def is_unreadable(answer: Answer) -> bool:
    """Tell whether an answer that says yes holds nothing that can be read, though it is not empty."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES or not answer.body.strip():
        return False
    try:
        json.loads(answer.body)
    except ValueError:
        return True
    return False


def _upper(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row with its column names as we look them up; joined columns may come with a dot."""
    return {_looked_up(name): value for name, value in row.items()}


@lru_cache(maxsize=10_000)
def _looked_up(name: str) -> str:
    return name.upper().replace(".", "_")


def _refusal(shape: object) -> str:
    said = _upper(shape) if isinstance(shape, dict) else {}
    message = said.get("ERRORMESSAGE") or said.get("ERRORTYPE")
    return str(message).strip() if message else ""


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")

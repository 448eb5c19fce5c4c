"""HTTP client of AccountView's web API: addresses, headers, pages.

Takes and returns plain rows and does not know our records. Facts about the interface come from public clients of it;
where those differ, the choice is a setting.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Literal, NoReturn, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from integration.connectors.accountview.answers import (
    BooksAnswers,
    RetryProbe,
    form_of,
    form_of_missing,
    headers_with_lines,
    json_of,
    table_rows,
    unreadable_answer,
)
from integration.connectors.accountview.codec import (
    Body,
    Row,
    decode_column,
    decode_flag,
    encode_body,
    merged_column,
    text_or_none,
)
from integration.connectors.accountview.empty_answers import NOBODY, EmptyAnswerProbe, ProbeTarget
from integration.connectors.accountview.login import LogIn, login_needed
from integration.connectors.accountview.paging import PageSequence, incomplete
from integration.connectors.accountview.raw_rows import RawRow, raw_rows_of, split_rows
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings, BusinessObject
from integration.connectors.answer import HttpAnswer
from integration.connectors.http import Gateway
from integration.connectors.protocol import DictionaryColumn
from integration.core.connections import Token, TokenStore
from integration.core.errors import AccessDeniedError, MalformedAnswerError, RejectedError
from integration.core.grouping import group_by_key

T = TypeVar("T")

DICTIONARY_PAGE = 256  # the page size that public clients use for the dictionary
TABLE_NAME_WIDTH = 8  # table names are padded to this width; a padded filter excludes longer names
LIKE_TABLE = "DBF_NAME"  # the column that the dictionary is filtered by
READ_ATTEMPTS = 3  # attempts at a read with an unreadable answer, such as an error page that a proxy shows for a moment


@dataclass(frozen=True, slots=True)
class Administration:
    """One company of the logged-in user: calls carry `id`, people know `code` and `name`."""

    id: str
    code: str
    name: str

    def evidence(self) -> dict[str, str]:
        """Return the values that identify the company, without empty ones."""
        return {name: text for name, text in (("id", self.id), ("code", self.code), ("name", self.name)) if text}


@dataclass(frozen=True, slots=True)
class OfferedObject:
    """One object of this installation, and whether its records may be inserted and updated."""

    code: str
    name: str
    insert: bool
    update: bool


@dataclass(frozen=True, slots=True)
class QueryFilter:
    """One condition of a read: column, operator, the letter of the value's type, value."""

    column: str
    operator: Literal["Equal", "NotEqual", "Contains", "DateOnOrAfterDate", "DateOnOrBeforeDate"]
    type: Literal["C", "N", "T", "D"]
    value: str

    def parameters(self, place: int) -> dict[str, str]:
        """Return the condition as query parameters of the web API, with this ordinal number."""
        return {
            f"FilterControlSource{place}": self.column,
            f"FilterOperator{place}": self.operator,
            f"FilterValueType{place}": self.type,
            f"FilterValue{place}": self.value,
            f"FilterIsListOfValues{place}": "false",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One page to read, by its `number` from 1 on, or by `last_key`: the key of the last row of the page before."""

    of: BusinessObject
    sort: tuple[str, ...]
    size: int
    fields: tuple[str, ...] = ()  # empty: all of them
    filters: tuple[QueryFilter, ...] = ()
    number: int = 1
    last_key: str | None = None
    descending: bool = False
    match_any: bool = False  # one condition is enough; otherwise all must hold
    book_date: date | None = None  # selects the fiscal year to read; None: today's
    dictionary: bool = False  # read outside of any company
    key: str = ""  # the column that identifies rows, where it is not the first sort column

    def parameters(self, book_date: date) -> dict[str, str]:
        """Return the page as query parameters of the web API."""
        parameters = {
            "BusinessObject": self.of.code,
            "PageSize": str(self.size),
            "SortFields": ",".join(self.sort),
            "SortOrder": "Descending" if self.descending else "Ascending",
            "BookDate": (self.book_date or book_date).isoformat(),
        }
        if self.last_key is not None:
            parameters["lastKey"] = self.last_key
        else:
            parameters["PageNumber"] = str(self.number)
        if self.fields:
            parameters["Fields"] = ",".join(self.fields)
        if self.match_any:
            parameters["MatchAnyFilter"] = "true"
        for place, condition in enumerate(self.filters, start=1):
            parameters |= condition.parameters(place)
        return parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    path: str
    operation: str
    params: Mapping[str, str] | None = None
    content: bytes | None = field(repr=False, default=None)
    company: bool = True  # False: the call concerns no particular company


def utc_now() -> datetime:
    """Return the current time in UTC by the machine's clock."""
    return datetime.now(UTC)


class AccountViewClient:
    """A logged-in client of AccountView; safe to share between threads, closed with `close()`.

    Every method may raise UnavailableError, AccessDeniedError, RejectedError or MalformedAnswerError; `create` and
    `update` also InDoubtError. The gateway retries reads where that helps, and never writes.
    """

    def __init__(
        self,
        settings: AccountViewSettings,
        keeper: TokenStore,
        *,
        gateway: Gateway | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.host = urlsplit(settings.url).hostname or settings.url
        self.given = 0  # largest number of rows in one page so far: the server is known to return as many at once
        self.described = 0  # largest number of columns in one page of the dictionary so far
        self._now = now
        self._gateway = gateway or Gateway(
            system=SYSTEM, host_shown=self.host, limits=settings.limits, secrets=self._secrets, route=settings.route
        )
        self.answering = self._gateway.answering
        self._answers = BooksAnswers(self.host, self._gateway.masked)
        self.empty_probe = EmptyAnswerProbe(
            self._form_of_answer, self._probe_target(settings.objects.articles, settings.article.code)
        )
        self.login = LogIn(settings, keeper, gateway=self._gateway, answers=self._answers, now=now)

    def close(self) -> None:
        self._gateway.close()

    def _secrets(self) -> list[str]:
        return self.login.secrets()

    def probe(self) -> None:
        """Send a request without credentials to prove that the address is AccountView's web API."""
        answer = self._gateway.send("GET", self._url("companies"), operation="look for the host", repeatable=True)
        if answer.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self._answers.require_interface(answer)
            json_of(answer, "look for the host")

    def begin(self) -> None:
        """Mark the knowledge about this installation's empty answers as stale, so that it is acquired again."""
        self.empty_probe.learn_anew()

    def remember(self, before: "AccountViewClient") -> None:
        """Copy the facts that another client learned about the same installation."""
        self.empty_probe.remember(before.empty_probe)
        self.given, self.described = before.given, before.described

    def companies(self) -> list[Administration]:
        """Return the companies that the logged-in user may choose from."""
        operation = "read companies"
        answer = self._send_authorized(_Call(method="GET", path="companies", operation=operation, company=False))
        return [
            Administration(
                text_or_none(row.get("ID")) or "",
                text_or_none(row.get("CODE")) or "",
                text_or_none(row.get("DESCRIPTION")) or "",
            )
            for row in self._answers.rows(answer, operation)
        ]

    def objects(self) -> list[OfferedObject]:
        """Return the objects of this installation."""
        operation = "read objects"
        answer = self._send_authorized(
            _Call(method="GET", path="accountviewsystembusinessobjects", operation=operation)
        )
        return [
            OfferedObject(
                code=(text_or_none(row.get("CODE")) or "").upper(),
                name=text_or_none(row.get("DESCRIPTION")) or "",
                insert=decode_flag(row.get("INSERTALLOWED")) is True,
                update=decode_flag(row.get("UPDATEALLOWED")) is True,
            )
            for row in self._answers.rows(answer, operation)
        ]

    def page(self, query: Query) -> list[Row]:
        """Return one page of rows, empty when there are none left."""
        return self._note_page_size(table_rows(self._read_tables(query), query.of.table))

    def read_all_rows(self, query: Query, *, enough: int = 0) -> list[Row]:
        """Return the rows of all pages, read by page number; see `PageSequence` for `enough`.

        Raises MalformedAnswerError for a row that is no object: what it stands for would seem not to exist.
        """
        rows = page = self._whole_rows(query)
        pages_seen = PageSequence(query.of, query.size, query.sort[0], enough=enough)
        if query.dictionary:
            self.described = max(self.described, len(page))
        row_query = replace(query, size=1)
        while not pages_seen.is_last(page, lambda place: self.page(replace(row_query, number=place))):
            number, size = pages_seen.asking()
            query = replace(query, number=number, size=size)
            page = self._whole_rows(query, len(rows))
            rows = rows + page
        return rows

    def _whole_rows(self, query: Query, count: int = 0) -> list[Row]:
        """Return one page of a list that is needed as a whole, after `count` rows.

        Raises MalformedAnswerError that names the first row that is no object.
        """
        rows = self.page(query)
        if (place := next((place for place, row in enumerate(rows, start=count + 1) if not row), 0)) != 0:
            raise MalformedAnswerError("list_row_unreadable", system=SYSTEM, object=query.of.code, row=place)
        return rows

    def raw_page(self, query: Query, key: str) -> list[RawRow]:
        """Return one page of raw rows, of which only the column `key` is parsed."""
        self._learn_empty_form(query)
        answer = self._answer(query)
        rows = split_rows(answer.body, query.of, key) if answer.status == HTTPStatus.OK else None
        return self._note_page_size(
            raw_rows_of(table_rows(self._known_tables(query, answer), query.of.table), key) if rows is None else rows
        )

    def documents(self, query: Query) -> list[tuple[Row, list[Row]]]:
        """Return one page of header rows, each with the rows of its lines in the order of the answer."""
        return self._note_page_size(headers_with_lines(self._read_tables(query), query.of, query.of.reading))

    def _note_page_size(self, rows: list[T]) -> list[T]:
        self.given = max(self.given, len(rows))
        return rows

    def prove_readable(self, of: BusinessObject, key: str, *, conditions: bool) -> None:
        """Read one row and a nonexistent row of an object, once since `begin`, to prove that both answers are usable.

        Raises UnavailableError where the answers cannot be told apart or, with `conditions`, where the object ignores
        conditions on its key. Raises RejectedError where it refuses them.
        """
        target = self._probe_target(of, key)
        self.empty_probe.learn(target, by_key=True)
        if conditions:
            self.empty_probe.require_conditions(target, check_refusal=True)

    def _read_tables(self, query: Query) -> Mapping[str, object]:
        """Return the tables of an answer, none for an answer that means "no rows" in this installation."""
        self._learn_empty_form(query)
        return self._known_tables(query, self._answer(query))

    def _learn_empty_form(self, query: Query) -> None:
        """Learn how an object says that nothing was found, before its answers are trusted."""
        target = self._probe_target(query.of, LIKE_TABLE if query.dictionary else query.key or query.sort[0])
        self.empty_probe.learn(target)
        if query.filters:
            self.empty_probe.require_conditions(target)

    def _known_tables(self, query: Query, answer: HttpAnswer) -> Mapping[str, object]:
        tables, form = self._read(query, answer)
        self.empty_probe.require_known_form(query.of, form)
        return tables

    def _probe_target(self, of: BusinessObject, key: str) -> ProbeTarget:
        objects = self.settings.objects
        filled = {
            filled_object.code for filled_object in (objects.articles, objects.vat, objects.ledgers, objects.fields)
        }
        return ProbeTarget(of, key, filled=of.code in filled)

    def _form_of_answer(self, about: ProbeTarget, nobody: bool) -> str:
        """Return the form of the answer to a question for one row, or for a row that cannot exist."""
        dictionary = about.of.code == self.settings.objects.fields.code
        condition = QueryFilter(about.key, "Contains" if dictionary else "Equal", "C", NOBODY)
        query = Query(
            of=about.of,
            sort=("FIELD_NAME",) if dictionary else (about.key,),
            size=1,
            fields=() if dictionary else (about.key,),
            filters=(condition,) if nobody else (),
            dictionary=dictionary,
        )
        tables, form = self._read(query, self._answer(query))
        rows = table_rows(tables, about.of.table)
        key = text_or_none(rows[0].get(about.key.upper())) if rows and not nobody and not dictionary else None
        if key and not self.empty_probe.counts_from_one:
            self._require_first_page(query, key)
        return form

    def _require_first_page(self, query: Query, key: str) -> None:
        """Read one existing row once, because a server that counts pages from 0 has nothing on its page 1.

        Raises MalformedAnswerError in that case.
        """
        alone = replace(query, filters=(QueryFilter(query.sort[0], "Equal", "C", key),))
        try:
            tables, _ = self._read(alone, self._answer(alone))
        except RejectedError:  # conditions are refused; the caller that needs them reports it
            return
        if not table_rows(tables, query.of.table):
            raise incomplete(query.of, 0)
        self.empty_probe.counts_from_one = True

    def _answer(self, query: Query) -> HttpAnswer:
        path = "accountviewsystemdata" if query.dictionary else "accountviewdata"
        params = query.parameters(self.today())
        return self._send_authorized(_Call(method="GET", path=path, operation=query.of.reading, params=params))

    def _read(self, query: Query, answer: HttpAnswer) -> tuple[Mapping[str, object], str]:
        """Return the tables of an answer and the form of the answer."""
        operation = query.of.reading
        if missing := form_of_missing(answer):
            return {}, missing
        tables = self._answers.tables(answer, operation)
        return tables, form_of(answer, tables, query.of.table, operation)

    def dictionary(self, table: str) -> list[DictionaryColumn]:
        """Return the columns of a table as the data dictionary describes them, each once.

        A column about which two rows contradict each other has no type, and both in its `contradiction`.
        """
        condition = QueryFilter(LIKE_TABLE, "Contains", "C", table.ljust(TABLE_NAME_WIDTH))
        query = Query(
            of=self.settings.objects.fields,
            sort=("FIELD_NAME",),
            size=DICTIONARY_PAGE,
            filters=(condition,),
            dictionary=True,
        )
        rows = [
            row
            for row in self.read_all_rows(query, enough=self.described)
            if (text_or_none(row.get("DBF_NAME")) or "").upper() == table.upper()
        ]
        columns_by_name = group_by_key((column.name, column) for column in map(decode_column, rows) if column.name)
        return [merged_column(columns) for columns in columns_by_name.values()]

    def create(self, of: BusinessObject, body: Body, book_date: date) -> dict[str, list[Row]]:
        """Create one record and return its rows by table, with the keys AccountView gave it.

        Raises InDoubtError for an answer without a row of the record, because it does not prove that the work was
        carried out.
        """
        rows = self._write("POST", of, body, book_date)
        if not rows.get(of.table.upper()):
            raise unreadable_answer(f"write {of.code}", reading=False)
        return rows

    def update(self, of: BusinessObject, body: Body, book_date: date) -> dict[str, list[Row]]:
        """Change one record: the columns include its key, and only the given columns change."""
        return self._write("PUT", of, body, book_date)

    def _write(self, method: str, of: BusinessObject, body: Body, book_date: date) -> dict[str, list[Row]]:
        operation = f"write {of.code}"
        content = json.dumps(encode_body(of, body, book_date)).encode()
        answer = self._send_authorized(
            _Call(method=method, path="accountviewdata", operation=operation, content=content)
        )
        tables = self._answers.tables(answer, operation, reading=False)
        rows = {name: table_rows(tables, name) for name in tables}
        if not all(row for several in rows.values() for row in several):
            raise unreadable_answer(operation, reading=False)
        return rows

    def _send_authorized(self, call: _Call) -> HttpAnswer:
        """Return the answer; after a 401, which proves that nothing was done, renew the token and send once more."""
        token = self.login.token()
        answer = self._send(call, token)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = self._send(call, self.login.renewed(token))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise login_needed()
        if answer.status == HTTPStatus.FORBIDDEN:
            self._deny(call)
        return answer

    def _send(self, call: _Call, token: Token) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {token.access}", "Accept": "application/json"}
        if call.company and self.settings.company:
            headers["X-Company"] = self.settings.company
        if call.content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        return self._gateway.send(
            call.method,
            self._url(call.path),
            operation=call.operation,
            params=call.params,
            headers=headers,
            content=call.content,
            repeatable=call.method == "GET",
            should_retry=RetryProbe(
                min(READ_ATTEMPTS, self._gateway.limits.attempts), self._gateway.masked
            ).should_retry,
        )

    def _deny(self, call: _Call) -> NoReturn:
        """Raise the error of a 403: the company is not available to the user, or a right is missing."""
        company = self.settings.company
        if call.company and any(administration.id == company for administration in self.companies()):
            action, _, code = call.operation.partition(" ")
            raise AccessDeniedError("right_missing", system=SYSTEM, object=code, action=action)
        raise AccessDeniedError("company_not_available", system=SYSTEM, company=company)

    def today(self) -> date:
        """Return the present date in the time zone of the books; it selects the fiscal year of a read."""
        return self._now().astimezone(ZoneInfo(self.settings.time_zone)).date()

    def _url(self, path: str) -> str:
        return f"{self.settings.url.rstrip('/')}/{path}"

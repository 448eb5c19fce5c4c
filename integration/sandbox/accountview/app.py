"""AccountView.Net sandbox: tokens, companies, dictionary, and business objects to read and write."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any, Final

from integration.sandbox.accountview import booking, daybooks, posting
from integration.sandbox.accountview.access import USERS, AccessError, AccessGrants, Grant, Pass, User
from integration.sandbox.accountview.answers import Document, ServerAnswers, as_json, error
from integration.sandbox.accountview.company import Company
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.accountview.daybooks import edit_page
from integration.sandbox.accountview.dictionary import (
    OBJECTS,
    SYSTEM_OBJECTS,
    Definition,
    SandboxObject,
    definitions,
    dictionary_fields,
    dictionary_tables,
)
from integration.sandbox.accountview.query import QueryReader, Refusal, RowQuery, check_book_date
from integration.sandbox.accountview.request import PREFIX, Request, received
from integration.sandbox.accountview.seed import books
from integration.sandbox.accountview.seed.bank import CardTaking
from integration.sandbox.accountview.tables import Table
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
from integration.sandbox.shop.shop import Shop

SYSTEM: Final = "accountview"
AUTHORIZE: Final = "/ams/authorize.aspx"
MAIN_COMPANY: Final = "7f3c"
EMPTY_COMPANY: Final = "9b21"
COMPANIES: Final = tuple(
    {"Id": id_, "Description": name, "Code": code}
    for id_, (code, name) in zip((MAIN_COMPANY, EMPTY_COMPANY), books.COMPANIES, strict=True)
)


@dataclass
class ObjectKind:
    """Kind of a call, for switches and ledger; a write adds the keys that it was given."""

    operation: str
    write: bool = False
    keys: tuple[str, ...] = ()

    def learn(self, documents: list[Document]) -> None:
        """Add the keys of the written rows."""
        self.keys = tuple(dict.fromkeys((*self.keys, *(row.key for row, _ in documents))))


@dataclass(frozen=True)
class Write:
    """A write request: method, company, user and body."""

    method: str
    company: str
    user: User
    body: Mapping[str, Any]


class AccountViewServer:
    """A thread-safe server with its companies."""

    def __init__(
        self,
        shop: Shop,
        switches: Switches,
        ledger: CallLedger,
        *,
        conventions: Conventions | None = None,
        token_seconds: int = 3600,
        journal: Journal | None = None,
        takings: Sequence[CardTaking] = (),
    ) -> None:
        self.shop = shop
        self._switches = switches
        self._ledger = ledger
        self._conventions = conventions or Conventions()
        self._journal = journal or Journal()
        self._lock = threading.RLock()
        self._access = AccessGrants(token_seconds, challenges=self._conventions.challenges)
        self._reader = QueryReader(self._conventions)
        self._definitions = definitions(self._conventions)
        self._answers = ServerAnswers(self._definitions, self._conventions)
        self._system = _system_tables(self._definitions, self._conventions, shop)
        self._companies = {
            company_row["Id"]: Company(self._definitions, self._conventions, shop) for company_row in COMPANIES
        }
        self._days = 0
        for id_, company in self._companies.items():
            if id_ == MAIN_COMPANY:
                company.open_shop(takings)
                daybooks.post_all(company, datetime.combine(shop.today, time(), UTC))
            else:
                company.open_empty()
        for entry in self._journal.earlier_entries(SYSTEM):
            # The shop may have been larger, or the conventions different, when the entry was made.
            with suppress(Refusal, LookupError):
                self._replay(entry)
        self._access.renew()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI call."""
        request = await received(scope, receive)
        if request is None:
            await deliver(error("De aanvraag is te groot.", 413), None, scope, receive, send)
            return
        if request.path == AUTHORIZE:
            await deliver(self._consent(request), None, scope, receive, send)
            return
        kind = self._kind(request)
        armed = self._switches.take(SYSTEM, kind.operation, kind.keys)
        await pause(armed)
        answer = self._answer_call(request, kind, armed)
        self._ledger.record(
            system=SYSTEM,
            operation=kind.operation,
            write=kind.write,
            keys=kind.keys,
            status=noted_status(answer, armed),
            note=armed.note if armed else "",
        )
        await deliver(answer, armed, scope, receive, send)

    def state(self, table: str, company: str = MAIN_COMPANY) -> list[dict[str, object]]:
        """Return all rows of a table, including those not visible yet. LookupError for an unknown table."""
        with self._lock:
            return self._companies[company].plain(table)

    def edit(self, table: str, key: str, values: Mapping[str, Any], company: str = MAIN_COMPANY, by: str = "") -> None:
        """Change a row as a person in AccountView would. LookupError if the row does not exist.

        A daybook page stores who changed it or one of its lines, and its ledger rows change with it. For the table
        `conventions`, `key` is the name of a convention and `values` has its `value`.
        """
        self._by_hand("edit", company, table=table, key=key, values=values, **({"by": by} if by else {}))

    def describe(self, table: str, field: str, **attributes: Any) -> None:
        """Change `length`, `required` or `blocked` of a field in the dictionary, until a restart.

        LookupError if the field does not exist.
        """
        with self._lock:
            fields = self._definitions[table].fields
            fields[field] = replace(fields[field], **attributes)
            self._system = _system_tables(self._definitions, self._conventions, self.shop)

    def add(self, table: str, values: Mapping[str, Any], company: str = MAIN_COMPANY) -> None:
        """Add a row as a person in AccountView would. LookupError if its key exists."""
        self._by_hand("add", company, table=table, values=values)

    def remove(self, table: str, key: str, company: str = MAIN_COMPANY) -> None:
        """Remove a row as a person in AccountView would. LookupError if the row does not exist."""
        self._by_hand("remove", company, table=table, key=key)

    def book(
        self, page: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], company: str = MAIN_COMPANY, by: str = ""
    ) -> None:
        """Book a daybook page as a person would. LookupError for an unknown field, account or daybook."""
        self._by_hand("book", company, page=page, lines=list(lines), **({"by": by} if by else {}))

    def post(self, key: str = "", company: str = MAIN_COMPANY) -> None:
        """Post a page to the ledger, or all unposted pages that are not concepts. LookupError for an unknown page."""
        self._by_hand("post", company, key=key)

    def invoice(self, key: str, company: str = MAIN_COMPANY, table: str = "SO_HDR") -> None:
        """Move an order or a trade invoice to the history. LookupError if it does not exist."""
        self._by_hand("invoice", company, key=key, table=table)

    def advance_day(self) -> None:
        """Advance by one day: some prices and stocks change, a name changes, and an article is new."""
        self._by_hand("day", MAIN_COMPANY)

    def _kind(self, request: Request) -> ObjectKind:
        match request.endpoint:
            case "token":
                return ObjectKind("token", keys=tuple(request.form.get("grant_type", "").split()))
            case "accountviewsystembusinessobjects":
                return ObjectKind("objects")
            case "accountviewdata" | "accountviewsystemdata":
                return self._read_kind(request) if request.method == "GET" else self._write_kind(request)
            case other:
                return ObjectKind(other[:40])

    def _read_kind(self, request: Request) -> ObjectKind:
        code = request.parameters.get("businessobject", "").strip().upper()
        try:
            keys = RowQuery.read(request.parameters, self._conventions).keys()
        except Refusal:
            keys = ()
        return ObjectKind("dictionary" if code in {"FLD", "DBF"} else f"{code[:10]} GET", keys=keys)

    def _write_kind(self, request: Request) -> ObjectKind:
        code = "?"
        try:
            body = posting.read(request.body)
            code = str(body.get("businessobject") or "?").strip().upper()[:10]
            document = posting.document(body, self._definitions)
        except Refusal:
            return ObjectKind(f"{code} {request.method}", write=True)
        keys = document.keys(self._definitions[document.object.table])
        return ObjectKind(f"{code} {request.method}", write=True, keys=keys)

    def _answer_call(self, request: Request, kind: ObjectKind, armed: Armed | None) -> FaultAnswer | None:
        """Return the answer to a call; None if the connection is cut before the call is carried out."""
        fault = armed.fault if armed else None
        if fault is Fault.CUT_BEFORE:
            return None
        if fault is Fault.FAULT:
            return error("Er is een interne fout opgetreden in AccountView.", 500)
        with self._lock:
            if fault is Fault.EXPIRED:
                self._access.expire(request.headers.get("authorization", ""))
            try:
                return refusal(armed) or self._route(request, kind, armed)
            except Refusal as no:
                return self._answers.refused(no)

    def _route(self, request: Request, kind: ObjectKind, armed: Armed | None) -> FaultAnswer:
        if not request.path.startswith(PREFIX):
            return error("Dit adres bestaat niet.", 404)
        match request.method, request.endpoint:
            case "POST", "token":
                return self._token(request)
            case "GET", "companies":
                self._require_pass(request)
                return as_json(COMPANIES)
            case "GET", "accountviewsystembusinessobjects":
                return as_json(self._objects(self._require_pass(request).user))
            case "GET", "accountviewdata" | "accountviewsystemdata":
                return self._read(request, self._require_pass(request).user)
            case "POST" | "PUT", "accountviewdata":
                return self._write(request, self._require_pass(request), kind, armed)
            case _, "accountviewdata" | "accountviewsystemdata" | "companies" | "token":
                return error("Deze bewerking is niet toegestaan.", 405)
            case _:
                return error("Dit adres bestaat niet.", 404)

    def _consent(self, request: Request) -> FaultAnswer:
        with self._lock:
            if request.method == "POST":
                return self._access.answered(request.form, datetime.now(UTC))
            return self._access.page(request.parameters)

    def _token(self, request: Request) -> FaultAnswer:
        try:
            grant = self._access.grant_token(request.form, datetime.now(UTC))
        except AccessError as problem:
            return as_json({"error": str(problem)}, 400)
        body = json.dumps({"user": grant.user, "spent": grant.spent, "scope": grant.scope})
        entry = self._journal.append(SYSTEM, "token", body)
        return as_json(self._access.give(grant, entry.number, entry.at))

    def _require_pass(self, request: Request) -> Pass:
        access_pass = self._access.admitted(request.headers.get("authorization", ""), datetime.now(UTC))
        if access_pass is None:
            raise Refusal("Het toegangstoken ontbreekt of is verlopen.", 401)
        return access_pass

    def _company(self, request: Request) -> str:
        company = request.headers.get("x-company", "").strip()
        if not company:
            raise Refusal("De header X-Company ontbreekt.", 400)
        if company not in self._companies:
            raise Refusal(f"Onderneming {company} is onbekend.", self._conventions.unknown_company_status)
        return company

    def _objects(self, user: User) -> list[dict[str, object]]:
        return [
            {
                "Code": object_.code,
                "Description": object_.caption,
                "InsertAllowed": object_.insert and object_.code not in user.cannot_insert,
                "UpdateAllowed": self._updatable(object_) and object_.code not in user.cannot_update,
                "DeleteAllowed": False,
            }
            for object_ in (*OBJECTS.values(), *SYSTEM_OBJECTS.values())
        ]

    def _updatable(self, object_: SandboxObject) -> bool:
        return object_.update or (object_.code == "SO1" and self._conventions.order_update)

    def _read(self, request: Request, user: User) -> FaultAnswer:
        query = RowQuery.read(request.parameters, self._conventions)
        check_book_date(query.book_date, self._conventions)
        if query.object in SYSTEM_OBJECTS:
            object_, query = SYSTEM_OBJECTS[query.object], self._supported_query(query)
            if how := self._conventions.unreadable.get(object_.code):
                return self._answers.empty_result(how, object_)
            return self._answers.page(object_, self._reader.page(self._system[object_.table], query), {}, query.fields)
        company = self._companies[self._company(request)]
        if query.object not in OBJECTS:
            raise Refusal(f"Business object {query.object or '(leeg)'} bestaat niet.")
        object_, query = OBJECTS[query.object], self._supported_query(query)
        self._check_right(object_, user.cannot_read, "lezen")
        if how := self._conventions.unreadable.get(object_.code):
            return self._answers.empty_result(how, object_)
        company.ripen(datetime.now(UTC))
        table = company.table(object_.table)
        rows = self._reader.page(table, query, company.administration(table, query.book_date))
        children = company.table(object_.detail).children if object_.detail else {}
        return self._answers.page(object_, rows, children, query.fields)

    def _supported_query(self, query: RowQuery) -> RowQuery:
        """Return the query with filters as its object supports them."""
        support = self._conventions.filters.get(query.object) if query.filters else None
        if support == "refused":
            raise Refusal(f"Filteren van business object {query.object} is niet mogelijk.")
        return replace(query, filters=()) if support else query

    def _write(self, request: Request, admitted: Pass, kind: ObjectKind, armed: Armed | None) -> FaultAnswer:
        if not admitted.writes:
            raise Refusal("De toepassing heeft geen toestemming om te wijzigen.", 403)
        write = Write(request.method, self._company(request), admitted.user, posting.read(request.body))
        body = {"company": write.company, "user": write.user.name, "body": request.body.decode()}
        note = str(Fault.WRONG) if armed and armed.fault is Fault.WRONG else ""
        if armed and armed.seconds_hidden:
            note = f"{Fault.LATE} {armed.seconds_hidden:g}"
        return self._carry_out(
            write,
            kind,
            lambda: self._journal.append(SYSTEM, kind.operation, json.dumps(body), note=note),
        )

    def _carry_out(self, write: Write, kind: ObjectKind, accept: Callable[[], JournalEntry]) -> FaultAnswer:
        """Check a write completely, then journal it and carry it out; a refused write changes nothing."""
        document = posting.document(write.body, self._definitions)
        check_book_date(document.book_date, self._conventions)
        object_, company = document.object, self._companies[write.company]
        company.ripen(datetime.now(UTC))
        if write.method == "PUT":
            self._check_verb(object_, self._updatable(object_), write.user.cannot_update, "wijzigen")
            changes = booking.check_update(company, document)
            entry = accept()
            documents = booking.update(company, document, changes, entry)
        else:
            self._check_verb(object_, object_.insert, write.user.cannot_insert, "toevoegen")
            booking.check_insert(company, document)
            entry = accept()
            documents = booking.insert(company, document, entry, write.user.name)
        kind.learn(documents)
        answer = self._answers.documents(object_, documents)
        booking.spoil(company, document, documents, entry)
        return answer

    def _check_verb(self, object_: SandboxObject, allowed: bool, withheld: frozenset[str], verb: str) -> None:
        if not allowed:
            raise Refusal(f"{object_.caption}: {verb} is niet mogelijk.")
        self._check_right(object_, withheld, verb)

    def _check_right(self, object_: SandboxObject, withheld: frozenset[str], verb: str) -> None:
        if object_.code in withheld:
            raise Refusal(f"U hebt geen rechten om {object_.caption} te {verb}.", self._conventions.no_right_status)

    def _by_hand(self, operation: str, company: str, **arguments: Any) -> None:
        with self._lock:
            act = edit_page(self._companies[company], operation, arguments, self._days + 1)
            entry = self._journal.append(SYSTEM, operation, json.dumps({"company": company, **arguments}, default=str))
            self._days += operation == "day"
            act(entry)

    def _replay(self, entry: JournalEntry) -> None:
        """Replay an entry of an earlier start."""
        content = json.loads(entry.body)
        if entry.operation == "token":
            self._access.give(Grant(content["user"], content["spent"], content["scope"]), entry.number, entry.at)
        elif entry.operation.endswith((" POST", " PUT")):
            method = entry.operation.rpartition(" ")[2]
            write = Write(method, content["company"], USERS[content["user"]], posting.read(content["body"].encode()))
            self._carry_out(write, ObjectKind(entry.operation, write=True), lambda: entry)
        else:
            self._days += entry.operation == "day"
            edit_page(self._companies[content["company"]], entry.operation, content, self._days)(entry)


def _system_tables(
    definitions: Mapping[str, Definition],
    conventions: Conventions,
    shop: Shop,
) -> Mapping[str, Table]:
    tables = {object_.table: Table(definitions[object_.table]) for object_ in SYSTEM_OBJECTS.values()}
    tables["ADM_LIST"].load(books.administrations(shop))
    tables["DCT_FLD"].load(dictionary_fields(definitions))
    tables["DCT_FILE"].load(dictionary_tables(definitions, conventions))
    return tables

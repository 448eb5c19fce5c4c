"""Completes till documents with defaults, and determines their debtor and delivery address."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from integration.core.compiled import CompiledMapping
from integration.core.days.till import till_text
from integration.core.errors import Reason
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value, clean
from integration.core.rules import EMPTY, Function, MappingResult, as_text
from integration.core.source_values import with_source_values
from integration.core.staged_records import StagedRecord
from integration.core.traces import Trace, TraceStep
from integration.core.transliteration import normalized_text, transliterate
from integration.flows.orders.buyers import Buyers, customer_name, known_customer
from integration.flows.orders.outcomes import document_title
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.terms import TERMS
from integration.flows.settings import BOOKS, RecordRejected
from integration.flows.spec import TargetRecord

MAX_DOCUMENTS = 50  # maximum number of documents of one customer that an issue names
ZONE = ZoneInfo("Europe/Amsterdam")  # time zone of booking dates
# The fields that identify a delivery address; blanks and case are ignored.
PLACE = ("name", "street", "postcode", "city")
EMAIL = "debtor.email"
DATES = ("date", "delivery_date", "due_date")  # date fields of a document
DAYS_A_YEAR = timedelta(days=365, hours=6)
CODE_PAGE = "cp1252"  # code page of the books; letters outside it are stored without accent, as the plan shows
EXACT = frozenset({"email", "website", "external_id", "vat_number", "chamber_number"})


@dataclass(frozen=True, slots=True)
class CompletedDocument:
    """A till document with defaults for missing values; `completed` names the fields that got a default."""

    record: Record
    values: Mapping[str, Value]
    completed: tuple[str, ...]
    title: str
    country: str
    customer: Record | None  # with its relation number as key
    vat_number: str = ""  # valid VAT number of the customer, or empty
    vat_number_refused: str = ""
    billed: Mapping[str, Value] | None = None  # the billed debtor as the books will have it, if known
    debtor: StagedRecord | None = None  # the staged debtor of its customer, if already made

    @property
    def stamp(self) -> str:
        """Return a sort key that orders documents by entry time."""
        return f"{as_text(self.values.get('entered')) or as_text(self.values.get('date'))} {self.record.key}"

    def part(self, kind: Kind) -> Record | None:
        """Return the first part of a kind, or None."""
        return next((part for part in self.record.parts if part.kind is kind), None)

    def text(self, name: str) -> str:
        """Return a value as text without surrounding blanks."""
        return as_text(self.values.get(name)).strip()


@dataclass(frozen=True, slots=True)
class Owner:
    """The debtor of a document: a customer by its relation number, or a fixed debtor number."""

    debtor: str = ""
    number: str = ""

    @property
    def values(self) -> dict[str, Value]:
        """Return the field of documents and addresses that points to the debtor."""
        return {"debtor": self.debtor} if self.debtor else {"debtor_number": self.number}

    @property
    def key(self) -> str:
        """Return the prefix of the keys of its addresses; fixed debtor numbers cannot collide with relation numbers."""
        return self.debtor or f"={self.number}"


def local_today() -> date:
    """Return today's date in the time zone of the books."""
    return datetime.now(ZONE).date()


class Completion:
    """Adds defaults to documents, and normalises countries and VAT numbers."""

    def __init__(
        self,
        settings: OrderSettings,
        countries: Mapping[str, str],
        country: Function,
        today: Callable[[], date] = local_today,
    ) -> None:
        self._settings = settings
        self._today = today
        self._buyers = Buyers(settings.default_country, countries, country)

    def __call__(self, record: Record) -> CompletedDocument:
        """Return the completed document. Raises RecordRejected if a value is invalid, or missing without a default."""
        settings, values = self._settings, dict(record.values)
        title = document_title(record)
        defaults: dict[str, Value] = {
            "employee": settings.default_employee,
            "branch": settings.default_branch,
            "workplace": settings.default_workplace,
            "country": settings.default_country,
            "currency": settings.default_currency,
            "date": _day(values.get("entered")),
        }
        missing = {name: value for name, value in defaults.items() if values.get(name) in EMPTY and value not in EMPTY}
        values |= missing
        if values.get("date") in EMPTY:
            raise RecordRejected("required_field_empty", "date", field="date", system=BOOKS.system, document=title)
        self._require_plausible(values, title)
        currency = as_text(values.get("currency")).strip().upper()
        if currency != settings.default_currency:
            raise RecordRejected(
                "currency_without_rate",
                "currency",
                currency=currency,
                base_currency=settings.default_currency,
                document=title,
            )
        values["country"] = country = self.country(as_text(values["country"]), title)
        document = CompletedDocument(record, values, tuple(missing), title, country, known_customer(record))
        return self._with_vat_number(document)

    def _require_plausible(self, values: Mapping[str, Value], title: str) -> None:
        """Raise RecordRejected for a date outside the plausible range of years."""
        today, settings = self._today(), self._settings
        first, last = today - DAYS_A_YEAR * settings.years_back, today + DAYS_A_YEAR * settings.years_ahead
        for name in DATES:
            day = values.get(name)
            if isinstance(day, date) and not isinstance(day, datetime) and not first <= day <= last:
                facts = {"first": as_text(first), "last": as_text(last), "field": name, "document": title}
                raise RecordRejected("date_implausible", name, value=as_text(day), **facts)

    def country(self, name: str, document: str) -> str:
        """Return the ISO code of a country; the table of countries takes precedence. Raises RecordRejected."""
        return self._buyers.country(name, document)

    def _with_vat_number(self, document: CompletedDocument) -> CompletedDocument:
        if document.customer is None:
            return document
        checked, refused = self._buyers.vat_number(document.customer, document.country, document.title)
        return replace(document, vat_number=checked, vat_number_refused=refused)


class Parties:
    """Debtors and delivery addresses as the books should have them."""

    def __init__(
        self,
        settings: OrderSettings,
        debtors: CompiledMapping,
        addresses: CompiledMapping,
        completion: Completion,
        default_values: Callable[[Mapping[str, Value]], Mapping[str, Value]],
    ) -> None:
        """Take the compiled rules; `default_values` returns the defaults for debtor fields that no rule fills."""
        self._settings = settings
        self._default_values = default_values
        self._debtors = debtors
        self._addresses = addresses
        self._completion = completion

    def billed_to(self, document: CompletedDocument) -> Owner | None:
        """Return the debtor whose address is compared with the delivery address; None if no comparison is needed."""
        if self._settings.addresses != "when_different":
            return None
        try:
            return self.owner(document)
        except RecordRejected:
            return None

    def owner(self, document: CompletedDocument) -> Owner:
        """Return the debtor of a document. Raises RecordRejected if there is none."""
        settings = self._settings
        fixed = (
            settings.fixed_debtor(document.text("branch"), document.country) if settings.default_debtor != "off" else ""
        )
        if fixed and (settings.default_debtor == "forced" or document.customer is None):
            return Owner(number=fixed)
        if document.customer is None:
            raise RecordRejected("customer_missing", "relation", document=document.title)
        return Owner(debtor=document.customer.key)

    def debtor(self, document: CompletedDocument) -> StagedRecord | None:
        """Return the staged debtor of a document's customer; None without a customer."""
        customer, document_key = document.customer, document.record.key
        if customer is None or document.debtor is not None:
            return document.debtor
        key, title = customer.key, customer_name(customer) or customer.key
        try:
            mapped = self._debtors.apply(self.debtor_source(document, customer))
            self._require_no_issues(mapped, title)
        except RecordRejected as rejected:
            issue = _with_documents(rejected.issue(key), (document_key,))
            return StagedRecord(document_key, key, title, mark=document.stamp, issue=issue)
        guessed = {} if as_text(customer.values.get("country")).strip() else {"country_guessed": True}
        values = _non_empty_values(mapped)
        values |= self._default_values(values)
        values |= {**with_source_values(values, customer.values, CODE_PAGE), **guessed, "documents": (document_key,)}
        record = Record(Kind.DEBTOR, key, values)
        return StagedRecord(document_key, key, title, mark=document.stamp, record=record)

    def debtor_source(self, document: CompletedDocument, customer: Record) -> Record:
        """Return the source record for the rules of debtors. Raises RecordRejected for an invalid VAT number."""
        values = dict(customer.values)
        country = as_text(values.get("country")).strip()
        values["country"] = self._completion.country(country, document.title) if country else document.country
        if document.vat_number_refused:
            facts = {"value": document.vat_number_refused, "country": as_text(values["country"])}
            raise RecordRejected("vat_number_invalid", "debtor.vat_number", customer=customer_name(customer), **facts)
        if "vat_number" in values:
            values["vat_number"] = document.vat_number
        if self._settings.collective_account:
            values["collective_account"] = self._settings.collective_account
        return Record(Kind.RELATION, customer.key, {**values, "number": customer.key})

    def _require_no_issues(self, mapped: MappingResult, title: str) -> None:
        for issue in mapped.issues:
            facts = {**issue.facts, "key": title, "customer": title, "system": BOOKS.system}
            cause = "email_too_long" if (issue.cause, issue.field) == ("field_too_long", EMAIL) else issue.cause
            raise RecordRejected(cause, issue.field, **facts)

    def address(self, document: CompletedDocument, owner: Owner) -> StagedRecord | None:
        """Return the staged delivery address of a document; None if it needs none."""
        source = self.address_source(document)
        if source is None:
            return None
        document_key = document.record.key
        mapped = self._addresses.apply(source)
        values = _non_empty_values(mapped)
        place = "\n".join(normalized_text(as_text(values.get(name))) for name in PLACE)
        key = f"{owner.key}/{hashlib.sha256(place.encode()).hexdigest()[:12]}"
        title = ", ".join(filter(None, (as_text(values.get(name)) for name in ("name", "street", "city"))))
        if mapped.issues:
            first = mapped.issues[0]
            facts = {**first.facts, "key": title or key, "system": BOOKS.system}
            issue = _with_documents(Issue(first.cause, key, first.field, facts), (document_key,))
            return StagedRecord(document_key, key, title or key, mark=document.stamp, issue=issue)
        values |= with_source_values(values, source.values, CODE_PAGE)
        record = Record(Kind.ADDRESS, key, {**owner.values, **values, "documents": (document_key,)})
        return StagedRecord(document_key, key, title or key, mark=document.stamp, record=record)

    def address_source(self, document: CompletedDocument) -> Record | None:
        """Return the source record for the rules of addresses; None if the document needs no delivery address."""
        delivery = document.part(Kind.ADDRESS)
        if self._settings.addresses == "off" or delivery is None:
            return None
        if not any(normalized_text(as_text(delivery.values.get(name))) for name in PLACE[1:]):
            return None
        customer = document.customer.values if document.customer else {}
        billed = customer if document.billed is None else document.billed
        if self._settings.addresses == "when_different" and _same_place(delivery.values, billed, customer):
            return None
        values = dict(delivery.values)
        country = as_text(values.get("country")).strip()
        values["country"] = self._completion.country(country, document.title) if country else document.country
        names = (values.get("name"), values.get("contact"), customer_name(document.customer))
        values["name"] = next((name for name in names if name not in EMPTY), "")
        about = {f"customer_{name}": customer[name] for name in ("name", "email", "phone") if name in customer}
        return Record(Kind.ADDRESS, document.record.key, {**values, **about})


def shared_party(members: Sequence[StagedRecord], kind: Kind) -> TargetRecord:
    """Return the debtor or address that several documents share, with the values of the newest document."""
    newest = max(members, key=lambda member: member.mark)
    documents = tuple(member.key for member in members)[:MAX_DOCUMENTS]
    if newest.issue is not None:
        return TargetRecord(None, newest.title, parked=(_with_documents(newest.issue, documents),))
    if newest.record is None:
        return TargetRecord(None, newest.title, skipped=(newest.skip,) if newest.skip else ())
    values = {**newest.record.values, "documents": documents}
    return TargetRecord(Record(kind, newest.parent, values), newest.title)


def require_mapped(issues: Iterable[Issue], document: CompletedDocument) -> None:
    """Raise RecordRejected for the first issue of a mapping."""
    for issue in issues:
        raise mapping_rejection(issue, document)


def mapping_rejection(issue: Issue, document: CompletedDocument) -> RecordRejected:
    facts = {**issue.facts, "document": document.title, "system": BOOKS.system}
    if facts.get("table") in TERMS:
        return RecordRejected("payment_method_unmapped", issue.field, **facts, method=facts["value"])
    return RecordRejected(issue.cause, issue.field, **facts)


def _day(entered: Value) -> Value:
    return entered.astimezone(ZONE).date() if isinstance(entered, datetime) else None


def _non_empty_values(mapped: MappingResult) -> dict[str, Value]:
    """Return the non-empty values: a value that the till lacks never clears a field in the books."""
    fields = ((target.partition(".")[2], clean(value)) for target, value in mapped.values.items())
    return {name: _stored_value(name, value) for name, value in fields if value not in EMPTY}


def _stored_value(name: str, value: Value) -> Value:
    """Return a text in the code page of the books; fields with exact content, such as e-mail, are unchanged."""
    return transliterate(value, CODE_PAGE) if isinstance(value, str) and name not in EXACT else value


def kept_traces(traces: Iterable[Trace]) -> list[Trace]:
    """Return traces with a step for texts that the code page of the books changes."""
    stored_traces = []
    for trace in traces:
        value = _stored_value(trace.target.partition(".")[2], trace.value)
        is_other = trace.issue is None and value != trace.value
        steps = (*trace.steps, TraceStep(f"letters({CODE_PAGE})", value)) if is_other else trace.steps
        why = Reason("because_letters") if is_other else trace.reason
        stored_traces.append(replace(trace, steps=steps, value=value, reason=why))
    return stored_traces


def _with_documents(issue: Issue, documents: Iterable[str]) -> Issue:
    return replace(issue, facts={**issue.facts, "documents": ",".join(documents)})


def _same_place(delivery: Mapping[str, Value], billed: Mapping[str, Value], customer: Mapping[str, Value]) -> bool:
    """Return True if the delivery address equals the billing address, under a name of the customer.

    Letters outside the code page of the books are ignored, because the billing address may come from the books.
    """
    name = _comparison_text(delivery, "name")
    own = {_comparison_text(party, field) for party in (billed, customer) for field in ("name", "company", "contact")}
    return (not name or name in own) and all(
        _comparison_text(delivery, field) == _comparison_text(billed, field) for field in PLACE[1:]
    )


def _comparison_text(values: Mapping[str, Value], name: str) -> str:
    return normalized_text(transliterate(till_text(values, name), CODE_PAGE))

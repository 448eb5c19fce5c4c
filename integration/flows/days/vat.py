"""Determines the VAT codes of a day's documents in the same way as for separately booked documents."""

from dataclasses import dataclass, replace

from integration.core.days.books import DecidedVat, DecideVat
from integration.core.days.documents import DayDocument
from integration.core.days.till import DayRefusedError, TillDay
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.flows.orders.buyers import Buyers, known_customer
from integration.flows.orders.codes import VatCase, VatDecision
from integration.flows.orders.outcomes import document_title
from integration.flows.orders.sold import vat_method
from integration.flows.settings import RecordRejected


@dataclass(frozen=True, slots=True)
class DocumentVat:
    """Determines the VAT codes of documents by country, VAT number and VAT method."""

    decision: VatDecision
    buyers: Buyers

    def decider(self) -> DecideVat:
        """Return the VAT decision function of one day; it raises DayRefusedError for an unreadable country."""
        cases: dict[str, VatCase] = {}

        def decide(document: DayDocument | None, code: str) -> DecidedVat:
            case = VatCase(self.decision.home)
            if document is not None:
                key = document.record.key
                case = cases[key] if key in cases else cases.setdefault(key, self._case(document.record))
            books_code = self.decision.code(case, code)
            return DecidedVat(books_code, case.key, "" if books_code else self.decision.impossible_row(case, code))

        return decide

    def _case(self, record: Record) -> VatCase:
        """Return the facts that determine a document's VAT codes, besides the till's codes. Raises DayRefusedError.

        The country is read only if a row holds for particular countries.
        """
        customer, title = known_customer(record), document_title(record)
        try:
            country = self.buyers.country_of(record) if self.decision.by_country else self.decision.home
            number, _ = self.buyers.vat_number(customer, country, title) if customer else ("", "")
        except RecordRejected as rejected:
            raise DayRefusedError(rejected.cause, rejected.field, **rejected.facts) from rejected
        return VatCase(country, bool(number), vat_method(record))

    def with_country_codes(self, day: TillDay) -> TillDay:
        """Return a day whose customers have country codes, as far as their countries can be read."""
        spelt = (
            replace(self._with_country_code(document), parts=tuple(map(self._customer_with_code, document.parts)))
            for document in day.documents
        )
        return replace(day, documents=tuple(spelt))

    def _customer_with_code(self, part: Record) -> Record:
        return self._with_country_code(part) if part.kind is Kind.RELATION else part

    def _with_country_code(self, part: Record) -> Record:
        name = as_text(part.values.get("country")).strip()
        if not name:
            return part
        try:
            return replace(part, values={**part.values, "country": self.buyers.country(name, "")})
        except RecordRejected:
            return part

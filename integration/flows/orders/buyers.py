"""Country and VAT number of a document's customer, determined identically for documents and for days."""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.records import Kind, Record, clean
from integration.core.rows import row_value
from integration.core.rules import Function, as_text
from integration.flows.orders.outcomes import document_title
from integration.flows.settings import RecordRejected
from integration.flows.vat_numbers import checked_vat_number

COUNTRIES = "countries"  # value table for country names of the till that are not recognised


@dataclass(frozen=True, slots=True)
class Buyers:
    """Reads countries and VAT numbers of customers.

    `home` is the country of the shop. `rows` are those of the table of countries. `country_function` returns the code
    of a country's name.
    """

    home: str
    rows: Mapping[str, str]
    country_function: Function

    def country(self, name: str, document: str) -> str:
        """Return the ISO code of a country; the table of countries takes precedence. Raises RecordRejected."""
        name = name.strip()
        code = self.rows.get(name, "") if name in self.rows else self._country_of_name(name)
        code = self.rows.get(code, code)  # a row for a country code holds for all names of that country
        if not code:
            raise RecordRejected("value_unmapped", "country", value=name, table=COUNTRIES, document=document)
        return code

    def _country_of_name(self, name: str) -> str:
        """Return the country of a recognised name, else that of the row for all other names."""
        try:
            return as_text(self.country_function(name, {}))
        except ValueError:
            return row_value(self.rows)

    def country_of(self, record: Record) -> str:
        """Return the country of a document's customer; that of the shop if the till gives none.

        Raises RecordRejected.
        """
        return self.country(as_text(record.values.get("country")).strip() or self.home, document_title(record))

    def vat_number(self, customer: Record, country: str, document: str) -> tuple[str, str]:
        """Return the VAT number of a customer if it is valid, and the given number if it is invalid, else empty texts.

        `country` is that of the document, for a customer without a country. Raises RecordRejected.
        """
        number = as_text(customer.values.get("vat_number")).strip()
        if not number:
            return "", ""
        customer_country = as_text(customer.values.get("country"))
        checked = checked_vat_number(
            number, self.country(customer_country, document) if customer_country.strip() else country
        )
        return checked, "" if checked else number


def customer_name(customer: Record | None) -> str:
    """Return the name of a customer: the company, else the person, else the e-mail address."""
    values = customer.values if customer else {}
    return next(
        (name for field in ("company", "name", "contact", "email") if (name := as_text(values.get(field)).strip())), ""
    )


def known_customer(record: Record) -> Record | None:
    """Return the customer under its relation number; None without a number or a name."""
    number = as_text(record.values.get("relation")).strip()
    part = next((part for part in record.parts if part.kind is Kind.RELATION), None)
    if not number or part is None or not customer_name(part):
        return None
    return Record(Kind.RELATION, number, {name: clean(value) for name, value in part.values.items()})

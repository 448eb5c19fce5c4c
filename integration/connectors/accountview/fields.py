"""Which fields there are: what the dictionary has, what of it a mapping may use, and what its captions suggest."""

import re
from collections.abc import Collection, Mapping, Sequence

from integration.connectors.accountview.articles import Warehouses
from integration.connectors.accountview.codec import Column, offered_fields
from integration.connectors.accountview.layout import NUMBERED, Layout, Layouts
from integration.core.records import Field, Kind

# The kinds of record that the books take in.
WRITTEN = frozenset({Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING})

# What captions of the dictionary suggest for fields that have no column by default; Dutch, German and English.
CAPTIONS = {
    Kind.ARTICLE: {
        "ean": r"\bean|barcode|gtin|streepjescode|strichcode",
        "text": r"(lange|uitgebreide) omschrijving|artikeltekst|webtekst|langtext|long description",
        "short_text": r"korte omschrijving|kurztext|short description",
        "parent": r"hoofdartikel|moederartikel|\bmodel|parent|hauptartikel",
        "colour": r"\bkleur|colou?r|\bfarbe",
        "size": r"\bmaat\b|\bsize\b|größe",
        "currency": r"\bvaluta|currency|währung",
    },
    Kind.GROUP: {"parent": r"bovenliggend|hoofdgroep|parent|übergeordnet|obergruppe"},
    Kind.SALES_ORDER: {
        "order_number": r"^(verkoop)?ordernummer|^(sales )?order number|^auftragsnummer",
        "remark": r"externe notitie|external note|externe notiz",
        "note": r"interne notitie|internal note|interne notiz",
        "payment_condition": r"betalingsconditie|payment (condition|terms)|zahlungsbedingung",
        "payment_reference": r"betalingsreferentie|payment reference|zahlungsreferenz",
        "shipping_method": r"vervoersmethode|verzendwijze|shipping method|versandart",
        "gross": r"incl\.? btw weergeven|including vat|inkl\.? mwst",
        "cost_centre": r"kostenplaats|cost centre|kostenstelle",
    },
}


class Fields:
    """The fields of one installation."""

    def __init__(self, layouts: Layouts, warehouses: Warehouses) -> None:
        self._layouts = layouts
        self._warehouses = warehouses

    def of(self, kind: Kind) -> list[Field]:
        """Return the fields of a kind: those with a meaning under our names, then all others of the dictionary.

        The lines of orders and of postings are one kind: a field of either is a field of LINE.
        """
        if kind is Kind.LINE:
            layouts = [self._layouts.of(each, fresh=True)[1] for each in (Kind.SALES_ORDER, Kind.POSTING)]
            lines = [field for layout in layouts for field in _offered(kind, layout)]
            return list({field.name: field for field in reversed(lines)}.values())[::-1]
        offered = _offered(kind, self._layouts.of(kind, fresh=True)[0])
        return offered + (self._warehouses.fields() if kind is Kind.ARTICLE else [])

    def unknown(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return which of these fields records of a kind do not have, each with the column that should hold it.

        A field of ours that the settings leave without a column has "", a name that is none of ours itself.
        """
        known = {field.name for field in self.of(kind)}
        named = self._layouts.named(kind)
        return {name: named[name].upper() if name in named else name for name in names if name not in known}

    def proposed(self) -> dict[Kind, dict[str, str]]:
        """Return a column for each field that has none, where a caption of the dictionary suggests one."""
        layouts = {kind: self._layouts.of(kind, fresh=True)[0] for kind in CAPTIONS}
        proposed = {
            kind: suggestions(kind, layout.known() if kind in WRITTEN else layout.names, list(layout.columns.values()))
            for kind, layout in layouts.items()
        }
        return {kind: names for kind, names in proposed.items() if names}


def _offered(kind: Kind, layout: Layout) -> list[Field]:
    return offered_fields(kind, list(layout.columns.values()), layout.known())


def suggestions(kind: Kind, names: Mapping[str, str], columns: Sequence[Column]) -> dict[str, str]:
    """Return a column for each field of a kind that `names` has none for, where a caption suggests one."""
    found = _proposed(names, columns, CAPTIONS.get(kind, {}))
    closed = {column.name for column in columns if column.blocked} if kind in WRITTEN else set()
    return {name: column for name, column in found.items() if name in NUMBERED or column not in closed}


def _proposed(names: Mapping[str, str], columns: Sequence[Column], captions: Mapping[str, str]) -> dict[str, str]:
    taken = set(names.values())
    free = [column for column in columns if column.name not in taken]
    proposals: dict[str, str] = {}
    for name, pattern in captions.items():
        column = _first_with(pattern, free, "L" if name == "gross" else "CM") if name not in names else None
        if column is not None:
            proposals[name] = column.name
            free.remove(column)
    return proposals


def _first_with(pattern: str, columns: Sequence[Column], types: str) -> Column | None:
    """Return the first column of these types whose caption fits."""
    fits = re.compile(pattern, re.IGNORECASE)
    return next((column for column in columns if column.type in types and fits.search(column.caption)), None)

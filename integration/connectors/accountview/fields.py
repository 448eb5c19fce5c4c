"""Fields of the books: the dictionary's columns, those a mapping may use, and column proposals from captions."""

import re
from collections.abc import Collection, Mapping, Sequence

from integration.connectors.accountview.articles import Warehouses
from integration.connectors.accountview.codec import offered_fields
from integration.connectors.accountview.items import ITEM_FIELDS
from integration.connectors.accountview.layout import NUMBERED, Layout, Layouts
from integration.connectors.protocol import DictionaryColumn
from integration.core.records import Field, Kind

# The kinds of record that can be written to the books.
WRITTEN = frozenset(
    {Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.QUOTATION, Kind.POSTING, Kind.DAY_PAGE}
)  # fmt: skip

# The kinds in WRITTEN that have lines.
WITH_LINES = (Kind.SALES_ORDER, Kind.POSTING, Kind.DAY_PAGE, Kind.QUOTATION)

# Captions (Dutch, German and English) that suggest a column for fields without a default column.
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

# Captions of columns that may hold reserved stock. Such a column is only proposed: a person decides.
RESERVED = re.compile(r"gereserveerd|reservering|reserved|reservation|reserviert", re.IGNORECASE)


def reserving(layout: Layout) -> list[DictionaryColumn]:
    """Return the number columns without a name of ours whose caption says that they hold reserved stock."""
    named_columns = set(layout.names.values())
    return [
        column
        for column in layout.columns.values()
        if column.type in "NBI" and column.name not in named_columns and RESERVED.search(column.caption)
    ]


class BooksFields:
    """The fields of one installation."""

    def __init__(self, layouts: Layouts, warehouses: Warehouses) -> None:
        self._layouts = layouts
        self._warehouses = warehouses

    def list_fields(self, kind: Kind, *, fresh: bool = True) -> list[Field]:
        """Return the fields of a kind: first those with a name of ours, then all others of the dictionary.

        The lines of all documents are one kind: a field of any of them is a field of LINE. Unless `fresh`, the
        dictionary as read earlier is reused.
        """
        if kind is Kind.LINE:
            of = {
                line_kind: self._layouts.layout_of_kind(line_kind, fresh=fresh)[1]
                for line_kind in WITH_LINES
                if self._layouts.serves(line_kind)
            }
            more = of.pop(Kind.QUOTATION, None)  # rarely configured, so its fields come last
            lines = [field for layout in of.values() for field in _layout_fields(kind, layout)]
            fields_by_name = {field.name: field for field in reversed(lines)}
            added = [
                field for field in (_layout_fields(kind, more) if more else ()) if field.name not in fields_by_name
            ]
            return [*list(fields_by_name.values())[::-1], *added]
        if kind is Kind.ITEM:  # not a row of a table: computed from several rows
            return list(ITEM_FIELDS)
        offered = _layout_fields(kind, self._layouts.layout_of_kind(kind, fresh=fresh)[0])
        return offered + (self._warehouses.fields(fresh=fresh) if kind is Kind.ARTICLE else [])

    def missing_fields(self, kind: Kind, names: Collection[str]) -> dict[str, str]:
        """Return the fields that records of a kind lack, each with the column that should hold it.

        A field of ours without a column in the settings has "". A name that is not a field of ours maps to itself. The
        dictionary is used as the last check read it.
        """
        existing_names = {field.name for field in self.list_fields(kind, fresh=False)}
        columns = self._layouts.column_names(kind)
        return {
            name: columns[name].upper() if name in columns else name for name in names if name not in existing_names
        }

    def proposed(self) -> dict[Kind, dict[str, str]]:
        """Return a column for each unnamed field for which a caption of the dictionary suggests one."""
        layouts = {kind: self._layouts.layout_of_kind(kind)[0] for kind in CAPTIONS}
        proposed = {
            kind: suggestions(
                kind, layout.existing_columns() if kind in WRITTEN else layout.names, list(layout.columns.values())
            )
            for kind, layout in layouts.items()
        }
        return {kind: names for kind, names in proposed.items() if names}


def _layout_fields(kind: Kind, layout: Layout) -> list[Field]:
    return offered_fields(kind, list(layout.columns.values()), layout.existing_columns())


def suggestions(kind: Kind, names: Mapping[str, str], columns: Sequence[DictionaryColumn]) -> dict[str, str]:
    """Return a column for each field of a kind that `names` lacks and for which a caption suggests one."""
    proposals = _propose_columns(names, columns, CAPTIONS.get(kind, {}))
    closed = {column.name for column in columns if column.blocked} if kind in WRITTEN else set()
    return {name: column for name, column in proposals.items() if name in NUMBERED or column not in closed}


def _propose_columns(
    names: Mapping[str, str], columns: Sequence[DictionaryColumn], captions: Mapping[str, str]
) -> dict[str, str]:
    used_columns = set(names.values())
    free = [column for column in columns if column.name not in used_columns]
    proposals: dict[str, str] = {}
    for name, pattern in captions.items():
        column = _first_with(pattern, free, "L" if name == "gross" else "CM") if name not in names else None
        if column is not None:
            proposals[name] = column.name
            free.remove(column)
    return proposals


def _first_with(pattern: str, columns: Sequence[DictionaryColumn], types: str) -> DictionaryColumn | None:
    """Return the first column of these types whose caption matches."""
    fits = re.compile(pattern, re.IGNORECASE)
    return next((column for column in columns if column.type in types and fits.search(column.caption)), None)

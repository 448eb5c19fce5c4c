"""Fields of AccountView, and all behaviour of the sandbox that no public source describes.

`Conventions` are choices of behaviour that can be switched. `BY_ANALOGY` are field names known from neighbouring tables
and assumed here. `INVENTED` are custom fields with invented names, marked as custom in the dictionary. All names can be
changed with `renamed`: a client that works only with the names given here has guessed them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from json.encoder import encode_basestring
from typing import Any, Final, Literal

# ---- one field in the data dictionary, and the storage and JSON form of its values


Value = str | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class ColumnField:
    """One field. Types: C text, M memo, N B number, Y currency, I integer, L logical, D date, T date and time."""

    name: str
    type: str
    length: int
    caption: str
    required: bool = False
    blocked: bool = False
    upper: bool = False
    custom: bool = False
    mask: str = ""
    points_to: str = ""

    @property
    def is_number(self) -> bool:
        """True if values are numbers."""
        return self.type in "NYBI"

    @property
    def is_moment(self) -> bool:
        """True if values are dates or times; they are stored as ISO text without a time zone."""
        return self.type in "DT"


def tidy(number: Decimal) -> Decimal:
    """Return the same number without an exponent and without trailing zeros."""
    plain = number.normalize()
    return plain.quantize(Decimal(1)) if plain.as_tuple().exponent > 0 else plain  # type: ignore[operator]


def encoder(type_: str) -> Callable[[Any], str]:
    """Return the function that encodes values of a field type as JSON."""
    return _ENCODERS.get(type_, _text)


def _text(value: str | None) -> str:
    return encode_basestring(value) if value else '""'


_ENCODERS: Final[Mapping[str, Callable[[Any], str]]] = {
    **dict.fromkeys("NYBI", lambda value: "0" if value is None else str(value)),
    "L": lambda value: "true" if value else "false",
}


# ---- behaviour that no source describes

# Forms of an empty result: an empty list, no list, no body, no content, or a 404 with or without a body.
EmptyAnswerForm = Literal["empty", "absent", "no_body", "no_content", "not_found", "not_found_bare"]


@dataclass(frozen=True)
class Conventions:
    """Behaviour of the sandbox where that of the real system is unknown."""

    renamed: Mapping[str, str] = field(default_factory=dict)  # other names for fields, by `FIELD` or `TABLE.FIELD`
    page_size_default: int = 100
    page_size_max: int = 1000
    larger_pages: Literal["refused", "shortened"] = "refused"  # what happens to a request for a larger page
    text_ignores_case: bool = True
    equal_is_prefix: bool = False  # FoxPro compares up to the length of the right-hand side unless configured otherwise
    padded_text: bool = False
    no_hit: EmptyAnswerForm = "empty"
    unreadable: Mapping[str, EmptyAnswerForm] = field(
        default_factory=dict
    )  # objects whose reads always return this form
    filters: Mapping[str, Literal["ignored", "refused"]] = field(default_factory=dict)  # how objects treat filters
    one_row_as_object: bool = False
    dictionary_keys: bool = True  # whether dictionary rows have EXT_KEY, as records do
    list_separator: str = ","
    order_update: bool = False
    # When a trade invoice gets its number; a setting of the administration.
    invoice_numbers: Literal["added", "printed"] = "printed"
    # Which stock figures an order changes: the reserved quantity only, with the available quantity unchanged until
    # invoicing; the available quantity as well; or none, for all documents.
    documents_move: Literal["reserved", "available", "nothing"] = "reserved"
    errors_as_ok: bool = False  # business errors have status 200 and show only in the body
    invalid_status: int = 400
    no_right_status: int = 403
    missing_status: int = 404
    unknown_company_status: int = 403
    first_year: int = 2000
    last_year: int = 2099
    year_begins: str = "01-01"  # the first day of a fiscal year, as `mm-dd`
    periods: Literal["months", "four weeks"] = "months"  # periods of a fiscal year: twelve or thirteen
    # Whether documents of other fiscal years are visible; each year is a separate administration.
    years: Literal["together", "apart"] = "together"
    vat_amounts: Literal["kept", "computed"] = "kept"  # whether VAT on a posting line stays as it was sent
    concepts: Literal["kept", "ignored"] = "kept"  # whether a page that is sent as a concept is one
    # When a page is posted to the ledger: as soon as it exists, or when a person posts it.
    posting: Literal["at once", "by hand"] = "at once"
    memorial_sign: Literal["debit", "credit"] = "debit"  # side of a positive amount in a memorial
    closed_until: str = ""  # periods are closed up to this day, as `yyyy-mm-dd`
    challenges: bool = True  # whether a log-in may have a code challenge (RFC 7636), which is ignored otherwise
    unfilterable: frozenset[str] = frozenset()  # fields that refuse filters
    unmatched: frozenset[str] = frozenset()  # fields whose filters find nothing

    def year_of(self, day: date) -> date:
        """Return the first day of the fiscal year of a day."""
        month, first = (int(part) for part in self.year_begins.split("-"))
        begins = day.replace(month=month, day=first)
        return begins if begins <= day else begins.replace(year=day.year - 1)

    def periods_of(self, year: date) -> list[tuple[date, date]]:
        """Return the first and last day of each period of a fiscal year; the last period ends with the year."""
        months = [_months_later(year, number) for number in range(13)]
        weeks = [year + timedelta(weeks=4 * number) for number in range(13)]
        starts = months if self.periods == "months" else [*weeks, months[-1]]
        return [(start, after - timedelta(days=1)) for start, after in pairwise(starts)]

    def name(self, table: str, conventional: str) -> str:
        """Return the name of a field in this sandbox."""
        return self.renamed.get(f"{table}.{conventional}") or self.renamed.get(conventional) or conventional


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1)


_STAMPS: Final = (
    ColumnField("CNG_NR", "I", 4, "Wijzignummer", blocked=True),
    ColumnField("CNG_USR", "C", 20, "Medewerker laatste wijziging", blocked=True, upper=True),
    ColumnField("INP_DATE", "T", 8, "Invoerdatum", blocked=True),
    ColumnField("INP_USR", "C", 20, "Invoermedewerker", blocked=True, upper=True),
)
_CHANGED: Final = ColumnField("CNG_DATE", "T", 8, "Wijzigingsdatum", blocked=True)

BY_ANALOGY: Final[Mapping[str, tuple[ColumnField, ...]]] = {
    "ARTICLE": (
        ColumnField("VAT_CODE", "C", 2, "BTW-code", upper=True),
        ColumnField("UNT_CODE", "C", 10, "Eenheid", upper=True),
        ColumnField("CUR_CODE", "C", 3, "Valutacode", upper=True),
        ColumnField("REC_BLK", "L", 1, "Geblokkeerd"),
        *_STAMPS,
    ),
    "ART_GRP": (_CHANGED, *_STAMPS),
    "DEL_ADDR": (_CHANGED, *_STAMPS),
    "SO_HDR": (
        ColumnField("ORD_NR", "C", 10, "Ordernummer", upper=True, blocked=True),
        ColumnField("COMMENT3", "M", 4, "Interne notitie"),
        ColumnField("GROSS_FLG", "L", 1, "Basisbedrag incl BTW weergeven"),
        ColumnField("DISC_CODE", "C", 2, "Betalingsconditie", upper=True),
        ColumnField("SHIP_MTH", "C", 10, "Vervoersmethode", upper=True),
        ColumnField("SHIP_COST", "Y", 8, "Verzendkosten"),
        ColumnField("EXT_DESC", "C", 40, "Betalingsreferentie"),
        ColumnField("CUR_CODE", "C", 3, "Valutacode", upper=True),
        ColumnField("COST_CODE", "C", 10, "Kostenplaatscode", upper=True),
        _CHANGED,
        *_STAMPS,
    ),
    "SO_LINE": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True),
        ColumnField("ORD_NR", "C", 10, "Ordernummer", upper=True, blocked=True),
        ColumnField("ART_DESC1", "C", 40, "Omschrijving orderregel"),
        ColumnField("DISC_PCT", "N", 9, "Kortingspercentage"),
        ColumnField("VAT_CODE", "C", 2, "BTW-code", upper=True),
        ColumnField("COST_CODE", "C", 10, "Kostenplaatscode", upper=True),
    ),
    "HST_AL": (
        ColumnField("ART_DESC1", "C", 40, "Omschrijving orderregel"),
        ColumnField("ART_QTY", "N", 13, "Aantal ontvangen/geleverd"),
        ColumnField("HST_AH_ORD_NR", "C", 10, "Ordernummer", upper=True),
        _CHANGED,
    ),
}

_TILL_ID: Final = ColumnField("K9_TILL_ID", "C", 40, "Kassa-id", custom=True)

INVENTED: Final[Mapping[str, tuple[ColumnField, ...]]] = {
    "ARTICLE": (
        ColumnField("K9_EAN", "C", 14, "EAN-barcode", custom=True),
        ColumnField("K9_TEXT", "M", 4, "Uitgebreide omschrijving", custom=True),
        ColumnField("K9_PARENT", "C", 15, "Modelcode", upper=True, custom=True),
        ColumnField("K9_IMAGE", "C", 120, "Afbeelding", custom=True),
        ColumnField("K9_COLOUR", "C", 20, "Kleur", custom=True),
        ColumnField("K9_SIZE", "C", 10, "Maat", custom=True),
        ColumnField("K9_ORIGIN", "C", 2, "Land van oorsprong", upper=True, custom=True),
        ColumnField("K9_DELIV", "C", 20, "Levertijd", custom=True),
        ColumnField("K9_RSRV", "N", 13, "Aantal gereserveerd", custom=True),
        ColumnField("K9_EXPD", "D", 8, "Verwachte leverdatum inkoop", custom=True),
        ColumnField("K9_MINQ", "N", 13, "Minimumvoorraad", custom=True),
        ColumnField("K9_DGRP", "I", 4, "Kortingsgroep", custom=True),
    ),
    "ART_GRP": (ColumnField("K9_PARENT", "C", 5, "Bovenliggende artikelgroep", upper=True, custom=True),),
    "SO_HDR": (_TILL_ID,),
    "DJ_PAGE": (_TILL_ID,),
    "K9_STOCK": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True, custom=True),
        ColumnField("ART_CODE", "C", 15, "Artikelcode", upper=True, custom=True),
        ColumnField("K9_BRANCH", "C", 5, "Magazijn", upper=True, custom=True),
        ColumnField("K9_QTY", "N", 13, "Aantal in magazijn", custom=True),
        _CHANGED,
    ),
    # Prices of customers: for a price list, in a branch, or agreed with a debtor.
    "K9_PRICE": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True, custom=True),
        ColumnField("ART_CODE", "C", 15, "Artikelcode", upper=True, custom=True),
        ColumnField("K9_LIST", "C", 5, "Prijslijst", upper=True, custom=True),
        ColumnField("K9_BRANCH", "C", 5, "Vestiging", upper=True, custom=True),
        ColumnField("SUB_NR", "C", 10, "Debiteurnummer", upper=True, custom=True),
        ColumnField("K9_DGRP", "C", 5, "Kortingsgroep", upper=True, custom=True),
        ColumnField("K9_MINQ", "N", 13, "Vanaf aantal", custom=True),
        ColumnField("K9_PX", "Y", 8, "Prijs", custom=True),
        ColumnField("K9_PCT", "N", 9, "Kortingspercentage", custom=True),
        ColumnField("K9_OFFER", "C", 10, "Aanbieding", upper=True, custom=True),
        ColumnField("K9_FIRST", "D", 8, "Eerste dag", custom=True),
        ColumnField("K9_LAST", "D", 8, "Laatste dag", custom=True),
        _CHANGED,
    ),
    "K9_INV": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True, custom=True),
        ColumnField("INV_NR", "C", 10, "Factuurnummer", upper=True, blocked=True, custom=True),
        ColumnField("RPL_INV", "C", 10, "Factuurdebiteur", required=True, upper=True, custom=True),
        ColumnField("RPL_DEL", "C", 10, "Afleverdebiteur", upper=True, custom=True),
        ColumnField("INV_DATE", "T", 8, "Factuurdatum", custom=True),
        ColumnField("DEL_DATE", "T", 8, "Leverdatum", custom=True),
        ColumnField("DEL_CODE", "C", 10, "Afleveradrescode", upper=True, custom=True),
        ColumnField("TO_EMAIL", "C", 50, "E-mailadres factuur", custom=True),
        ColumnField("COMMENT1", "C", 40, "Omschrijving factuur", custom=True),
        ColumnField("COMMENT2", "M", 4, "Externe notitie", custom=True),
        ColumnField("COMMENT3", "M", 4, "Interne notitie", custom=True),
        ColumnField("PD_AMT", "Y", 8, "Kortingsbedrag", custom=True),
        ColumnField("EMP_NR", "C", 10, "Verkoper", upper=True, custom=True),
        ColumnField("APX_LIST", "C", 5, "Prijslijst artikelprijzen", upper=True, custom=True),
        ColumnField("GROSS_FLG", "L", 1, "Basisbedrag incl BTW weergeven", custom=True),
        ColumnField("DISC_CODE", "C", 2, "Betalingsconditie", upper=True, custom=True),
        ColumnField("SHIP_MTH", "C", 10, "Vervoersmethode", upper=True, custom=True),
        ColumnField("SHIP_COST", "Y", 8, "Verzendkosten", custom=True),
        ColumnField("EXT_DESC", "C", 40, "Betalingsreferentie", custom=True),
        ColumnField("CUR_CODE", "C", 3, "Valutacode", upper=True, custom=True),
        ColumnField("COST_CODE", "C", 10, "Kostenplaatscode", upper=True, custom=True),
        _TILL_ID,
        _CHANGED,
        *_STAMPS,
    ),
    "K9_INVL": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True, custom=True),
        ColumnField("HDR_ID", "C", 10, "Unieke code factuur", upper=True, blocked=True, custom=True),
        ColumnField("ART_CODE", "C", 15, "Artikelcode", required=True, upper=True, custom=True),
        ColumnField("ART_QTY", "N", 13, "Aantal gefactureerd", required=True, custom=True),
        ColumnField("ART_PX", "Y", 8, "Verkoopprijs", custom=True),
        ColumnField("DEL_DATE", "T", 8, "Leverdatum", custom=True),
        ColumnField("ART_DESC1", "C", 40, "Omschrijving factuurregel", custom=True),
        ColumnField("DISC_PCT", "N", 9, "Kortingspercentage", custom=True),
        ColumnField("VAT_CODE", "C", 2, "BTW-code", upper=True, custom=True),
        ColumnField("COST_CODE", "C", 10, "Kostenplaatscode", upper=True, custom=True),
    ),
    "K9_QUO": (
        ColumnField("QT_NR", "C", 10, "Offertenummer", upper=True, blocked=True, custom=True),
        ColumnField("RPL_INV", "C", 10, "Factuurdebiteur", required=True, upper=True, custom=True),
        ColumnField("RPL_DEL", "C", 10, "Afleverdebiteur", upper=True, custom=True),
        ColumnField("QT_DATE", "T", 8, "Offertedatum", custom=True),
        ColumnField("DEL_DATE", "T", 8, "Leverdatum", custom=True),
        ColumnField("DEL_CODE", "C", 10, "Afleveradrescode", upper=True, custom=True),
        ColumnField("TO_EMAIL", "C", 50, "E-mailadres offerte", custom=True),
        ColumnField("K9_REF", "C", 40, "Uw aanvraag", custom=True),
        ColumnField("COMMENT2", "M", 4, "Externe notitie", custom=True),
        ColumnField("COMMENT3", "M", 4, "Interne notitie", custom=True),
        ColumnField("EMP_NR", "C", 10, "Verkoper", upper=True, custom=True),
        ColumnField("APX_LIST", "C", 5, "Prijslijst artikelprijzen", upper=True, custom=True),
        ColumnField("GROSS_FLG", "L", 1, "Basisbedrag incl BTW weergeven", custom=True),
        ColumnField("DISC_CODE", "C", 2, "Betalingsconditie", upper=True, custom=True),
        ColumnField("CUR_CODE", "C", 3, "Valutacode", upper=True, custom=True),
        ColumnField("COST_CODE", "C", 10, "Kostenplaatscode", upper=True, custom=True),
        _TILL_ID,
        _CHANGED,
        *_STAMPS,
    ),
    "K9_QUOL": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True, custom=True),
        ColumnField("QT_NR", "C", 10, "Offertenummer", upper=True, blocked=True, custom=True),
        ColumnField("ART_CODE", "C", 15, "Artikelcode", required=True, upper=True, custom=True),
        ColumnField("ART_QTY", "N", 13, "Aantal aangeboden", required=True, custom=True),
        ColumnField("ART_PX", "Y", 8, "Verkoopprijs", custom=True),
        ColumnField("DEL_DATE", "T", 8, "Leverdatum", custom=True),
        ColumnField("ART_DESC1", "C", 40, "Omschrijving offerteregel", custom=True),
        ColumnField("DISC_PCT", "N", 9, "Kortingspercentage", custom=True),
        ColumnField("VAT_CODE", "C", 2, "BTW-code", upper=True, custom=True),
        ColumnField("COST_CODE", "C", 10, "Kostenplaatscode", upper=True, custom=True),
    ),
}

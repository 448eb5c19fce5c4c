"""Tables and business objects of the AccountView sandbox.

Tables with a public dictionary come complete from `fields.csv`. Others have the fields seen in running clients, and the
fields that `conventions` adds.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from integration.sandbox.accountview.conventions import BY_ANALOGY, INVENTED, ColumnField, Conventions, Value


@dataclass(frozen=True)
class Definition:
    """One table: its fields by name, its key, and the column by which a detail refers to its header."""

    name: str
    caption: str
    key: str
    fields: dict[str, ColumnField]
    names: Mapping[str, str]  # conventional names to the names used here
    parent_key: str = ""
    related: bool = False  # whether rows have an id that is local to the answer
    prefix: str = ""  # prefix of fields from a joined header

    def local_name(self, conventional: str) -> str:
        """Return the name of a field in this sandbox."""
        return self.names.get(conventional, conventional)

    def find(self, field_name: str) -> ColumnField | None:
        """Return the field with a bare or qualified name, in any letter case, or None."""
        name = field_name.strip().upper()
        if name in self.fields:
            return self.fields[name]
        table, _, bare = name.partition(".")
        if table == self.name:
            return self.fields.get(bare)
        return self.fields.get(f"{table}_{bare}") if bare and f"{table}_" == self.prefix else None


@dataclass(frozen=True)
class SandboxObject:
    """A business object: its code, table and detail tables, and the operations of the Web API."""

    code: str
    caption: str
    table: str
    detail: str = ""
    empty: tuple[str, ...] = ()  # additional tables in every answer, empty here
    insert: bool = False
    update: bool = False
    filled: frozenset[str] = frozenset()  # required fields that AccountView fills itself


_FILLED_LINE: Final = frozenset({"DJ_CODE", "PAGE_NR", "REC_ID", "SRC_ID", "SRC_TYPE", "TRN_DATE"})

OBJECTS: Final[Mapping[str, SandboxObject]] = {
    business_object.code: business_object
    for business_object in (
        SandboxObject(
            "AR1",
            "Debiteuren",
            "CONTACT",
            empty=("USR_LINK",),
            insert=True,
            update=True,
            filled=frozenset({"SUB_NR"}),
        ),
        SandboxObject("CON", "Relaties", "CONTACT", empty=("USR_LINK",)),
        SandboxObject("ADDR", "Afleveradressen", "DEL_ADDR", insert=True, update=True, filled=frozenset({"REC_ID"})),
        SandboxObject("AK1", "Artikelen", "ARTICLE", insert=True, update=True),
        SandboxObject("AG1", "Artikelgroepen", "ART_GRP"),
        SandboxObject("SO1", "Verkooporders", "SO_HDR", "SO_LINE", insert=True),
        SandboxObject("ALH", "Historie orderregels", "HST_AL"),
        SandboxObject("DJ1", "Dagboeken", "DAILY"),
        SandboxObject(
            "DJ2",
            "Dagboekbladzijden",
            "DJ_PAGE",
            "DJ_LINE",
            insert=True,
            filled=frozenset({"PAGE_NR"}) | _FILLED_LINE,
        ),
        SandboxObject("DJ2P", "Dagboekbladzijden (lezen)", "DJ_PAGE", "DJ_LINE", ("USR_LINK", "PAGE_WF")),
        SandboxObject("GJ1", "Journaalposten", "TRANSACT", empty=("TRN_HDR",)),
        SandboxObject("CMP1", "Ondernemingen", "COMP_HDR"),
        SandboxObject("GL1", "Grootboekrekeningen", "LEDGER"),
        SandboxObject("VA1", "BTW-codes", "VAT"),
        SandboxObject("CC1", "Kostenplaatsen", "COST"),
        SandboxObject("PER", "Perioden", "ADM_PER"),
        SandboxObject("K9V", "Voorraad per magazijn (maatwerk)", "K9_STOCK"),
        SandboxObject("K9P", "Prijsafspraken (maatwerk)", "K9_PRICE"),
        SandboxObject("K9F", "Verkoopfacturen (maatwerk)", "K9_INV", "K9_INVL", insert=True),
        SandboxObject("K9Q", "Offertes (maatwerk)", "K9_QUO", "K9_QUOL", insert=True),
    )
}

SYSTEM_OBJECTS: Final[Mapping[str, SandboxObject]] = {
    business_object.code: business_object
    for business_object in (
        SandboxObject("ADL", "Administraties", "ADM_LIST"),
        SandboxObject("FLD", "Velden", "DCT_FLD", empty=("DCT_FILE", "DCT_TAG")),
        SandboxObject("DBF", "Tabellen", "DCT_FILE"),
    )
}

_SEEN: Final[Mapping[str, tuple[ColumnField, ...]]] = {
    "ARTICLE": (
        ColumnField("ART_CODE", "C", 15, "Artikelcode", required=True, upper=True),
        ColumnField("ART_DESC1", "C", 40, "Omschrijving", required=True),
        ColumnField("AG_CODE", "C", 5, "Artikelgroepcode", upper=True),
        ColumnField("PX_SELL", "Y", 8, "Verkoopprijs"),
        ColumnField("QTY_AVAIL", "N", 13, "Aantal beschikbaar", blocked=True),
        ColumnField("QTY_FREE2", "N", 13, "Aantal vrij", blocked=True),
        ColumnField("QTY_TECH", "N", 13, "Aantal technisch", blocked=True),
        ColumnField("QTY_BESTEL", "N", 13, "Aantal besteld", blocked=True),
        ColumnField("COST_PX", "Y", 8, "Gemiddelde kostprijs"),
        ColumnField("L_COSTPX", "Y", 8, "Laatste kostprijs"),
        ColumnField("B_COSTPX", "Y", 8, "Kostprijs besteld"),
        ColumnField("CNG_DATE", "T", 8, "Wijzigingsdatum", blocked=True),
        ColumnField("IMG_MEDIUM", "C", 100, "Afbeelding"),
    ),
    "ART_GRP": (
        ColumnField("AG_CODE", "C", 5, "Artikelgroepcode", required=True, upper=True),
        ColumnField("AG_DESC", "C", 40, "Omschrijving artikelgroep", required=True),
    ),
    "SO_HDR": (
        ColumnField("RPL_INV", "C", 10, "Factuurdebiteur", required=True, upper=True),
        ColumnField("RPL_DEL", "C", 10, "Afleverdebiteur", upper=True),
        ColumnField("ORD_DATE", "T", 8, "Orderdatum"),
        ColumnField("INV_DATE", "T", 8, "Factuurdatum"),
        ColumnField("DEL_DATE", "T", 8, "Leverdatum"),
        ColumnField("DEL_CODE", "C", 10, "Afleveradrescode", upper=True),
        ColumnField("TO_EMAIL", "C", 50, "E-mailadres order"),
        ColumnField("COMMENT1", "C", 40, "Omschrijving order"),
        ColumnField("COMMENT2", "M", 4, "Externe notitie"),
        ColumnField("PD_AMT", "Y", 8, "Kortingsbedrag"),
        ColumnField("EMP_NR", "C", 10, "Verkoper", upper=True),
        ColumnField("APX_LIST", "C", 5, "Prijslijst artikelprijzen", upper=True),
    ),
    "SO_LINE": (
        ColumnField("ART_CODE", "C", 15, "Artikelcode", required=True, upper=True),
        ColumnField("ORD_QTY", "N", 13, "Aantal besteld", required=True),
        ColumnField("ART_PX", "Y", 8, "Verkoopprijs"),
        ColumnField("DEL_DATE", "T", 8, "Leverdatum"),
    ),
    "DEL_ADDR": (
        ColumnField("REC_ID", "C", 10, "Unieke code", required=True, upper=True, blocked=True),
        ColumnField("SUB_NR", "C", 10, "Debiteurnummer", required=True, upper=True),
        ColumnField("DEL_NAME", "C", 40, "Naam"),
        ColumnField("ADDRESS1", "C", 80, "Adres"),
        ColumnField("POST_CODE", "C", 10, "Postcode", upper=True),
        ColumnField("CITY", "C", 35, "Plaats"),
        ColumnField("CNT_CODE", "C", 2, "ISO-landcode", upper=True),
        ColumnField("MAIL_BUS", "C", 50, "E-mail zakelijk"),
        ColumnField("TEL_BUS", "C", 20, "Telefoon zakelijk"),
    ),
    "HST_AL": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True),
        ColumnField("ART_CODE", "C", 15, "Artikelcode", upper=True),
        ColumnField("UNIT_PX", "Y", 8, "Prijs per eenheid"),
        ColumnField("ART_UNIT", "C", 10, "Eenheid", upper=True),
        ColumnField("PACK_QTY", "N", 13, "Aantal verpakkingen"),
        ColumnField("PACK_CONT", "N", 13, "Inhoud verpakking"),
        ColumnField("COST_PX", "Y", 8, "Gemiddelde kostprijs"),
        ColumnField("HST_AH_HDR_TYPE", "N", 1, "Soort"),
        ColumnField("HST_AH_RPL_INV", "C", 10, "Factuurdebiteur", upper=True),
        ColumnField("HST_AH_DC_NAME", "C", 40, "Naam debiteur/crediteur"),
        ColumnField("HST_AH_INV_DATE", "T", 8, "Factuurdatum"),
        ColumnField("HST_AH_DEL_DATE", "T", 8, "Leverdatum"),
        ColumnField("HST_AH_SHIP_MTH", "C", 10, "Vervoersmethode", upper=True),
        ColumnField("HST_AH_SHIP_COST", "Y", 8, "Verzendkosten"),
        ColumnField("HST_AH_ORD_COST", "Y", 8, "Orderkosten"),
        ColumnField("HST_AH_VDISC_DESC", "C", 40, "Omschrijving betalingsconditie"),
        ColumnField("HST_AH_COMMENT1", "C", 40, "Omschrijving order"),
        ColumnField("HST_AH_COMMENT2", "M", 4, "Externe notitie"),
        ColumnField("HST_AH_DEL_ADDR", "M", 4, "Afleveradres"),
    ),
    "ADM_PER": (
        ColumnField("REC_ID", "C", 10, "Unieke code", upper=True, blocked=True),
        ColumnField("PER_NR", "I", 4, "Periode", blocked=True),
        ColumnField("START_DATE", "D", 8, "Begindatum", blocked=True),
        ColumnField("END_DATE", "D", 8, "Einddatum", blocked=True),
    ),
    "DCT_FLD": (
        ColumnField("FLD_DESC", "C", 60, "Omschrijving veld"),
        ColumnField("FIELD_NAME", "C", 10, "Veldnaam"),
        ColumnField("DBF_NAME", "C", 8, "Tabelnaam"),
        ColumnField("FIELD_LEN", "N", 3, "Breedte"),
        ColumnField("FIELD_TYPE", "C", 1, "Veldtype"),
        ColumnField("INP_MAND", "L", 1, "Invoer verplicht"),
        ColumnField("FLD_FMT", "C", 10, "Formaat"),
        ColumnField("FLD_MASK", "C", 60, "Invoermasker"),
        ColumnField("COM_BLK", "L", 1, "Blokkeren voor COM"),
        ColumnField("CNG_DATE", "T", 8, "Wijzigingsdatum"),
        ColumnField("CNG_NR", "I", 4, "Wijzignummer"),
        ColumnField("CNG_USR", "C", 20, "Medewerker laatste wijziging"),
        ColumnField("INP_DATE", "T", 8, "Invoerdatum"),
        ColumnField("PKY_TBL", "C", 8, "Naam hoofdtabel"),
        ColumnField("REC_CUST", "L", 1, "Aangepast"),
        ColumnField("DCT_FLD_ID", "I", 4, ""),
    ),
    "DCT_FILE": (
        ColumnField("DBF_NAME", "C", 8, "Tabelnaam"),
        ColumnField("DBF_DESC", "C", 60, "Omschrijving tabel"),
        ColumnField("OBJ_CODE", "C", 5, "Object Code"),
        ColumnField("TBL_CHILD", "C", 40, "Regeltabel"),
        ColumnField("TBL_HDR", "C", 8, "Headertabel"),
        ColumnField("NO_INSERT", "L", 1, "Toevoegen niet mogelijk"),
        ColumnField("NO_UPDATE", "L", 1, "Wijzigen niet mogelijk"),
        ColumnField("NO_DELETE", "L", 1, "Verwijderen niet mogelijk"),
        ColumnField("NO_XML_UPD", "L", 1, "Mutaties niet via Web- API"),
        ColumnField("TBL_ACTIVE", "L", 1, "Tabel actief"),
        ColumnField("OBJ_ACTIVE", "L", 1, "Object actief"),
        ColumnField("DBF_VIRT", "L", 1, "Virtuele tabel"),
        ColumnField("REC_CUST", "L", 1, "Aangepast"),
    ),
}

_TABLES: Final = (
    ("CONTACT", "Relaties", "SUB_NR", ""),
    ("DEL_ADDR", "Afleveradressen", "REC_ID", ""),
    ("ARTICLE", "Artikelen", "ART_CODE", ""),
    ("ART_GRP", "Artikelgroepen", "AG_CODE", ""),
    ("SO_HDR", "Verkooporders", "ORD_NR", ""),
    ("SO_LINE", "Verkooporderregels", "REC_ID", "ORD_NR"),
    ("HST_AL", "Historie orderregels", "REC_ID", ""),
    ("DAILY", "Dagboeken", "DJ_CODE", ""),
    ("DJ_PAGE", "Dagboekbladzijden", "PAGE_NR", ""),
    ("DJ_LINE", "Dagboekregels", "REC_ID", "PAGE_NR"),
    ("TRANSACT", "Journaalposten", "REC_ID", ""),
    ("COMP_HDR", "Ondernemingen", "COMP_ID", ""),
    ("LEDGER", "Grootboekrekeningen", "ACCT_NR", ""),
    ("VAT", "BTW-codes", "VAT_CODE", ""),
    ("COST", "Kostenplaatsen", "COST_CODE", ""),
    ("ADM_PER", "Perioden", "REC_ID", ""),
    ("K9_STOCK", "Voorraad per magazijn", "REC_ID", ""),
    ("K9_PRICE", "Prijsafspraken", "REC_ID", ""),
    ("K9_INV", "Verkoopfacturen", "REC_ID", ""),
    ("K9_INVL", "Verkoopfactuurregels", "REC_ID", "HDR_ID"),
    ("K9_QUO", "Offertes", "QT_NR", ""),
    ("K9_QUOL", "Offerteregels", "REC_ID", "QT_NR"),
    ("ADM_LIST", "Administraties", "ADM_CODE", ""),
    ("DCT_FLD", "Velden", "DCT_FLD_ID", ""),
    ("DCT_FILE", "Tabellen", "DBF_NAME", ""),
)
_RELATED: Final = frozenset({"COMP_HDR", "CONTACT", "DJ_PAGE", "K9_INV", "K9_QUO", "SO_HDR", "TRANSACT"})
_POINTS: Final[Mapping[tuple[str, str], str]] = {
    ("ARTICLE", "AG_CODE"): "ART_GRP",
    ("ARTICLE", "VAT_CODE"): "VAT",
    ("CONTACT", "ACCT_NR"): "LEDGER",
    ("CONTACT", "VAT_CODE"): "VAT",
    ("DEL_ADDR", "SUB_NR"): "CONTACT",
    ("SO_HDR", "RPL_INV"): "CONTACT",
    ("SO_HDR", "RPL_DEL"): "CONTACT",
    ("SO_HDR", "DEL_CODE"): "DEL_ADDR",
    ("SO_HDR", "COST_CODE"): "COST",
    ("SO_LINE", "ART_CODE"): "ARTICLE",
    ("SO_LINE", "VAT_CODE"): "VAT",
    ("SO_LINE", "COST_CODE"): "COST",
    ("K9_INV", "RPL_INV"): "CONTACT",
    ("K9_INV", "RPL_DEL"): "CONTACT",
    ("K9_INV", "DEL_CODE"): "DEL_ADDR",
    ("K9_INV", "COST_CODE"): "COST",
    ("K9_INVL", "ART_CODE"): "ARTICLE",
    ("K9_INVL", "VAT_CODE"): "VAT",
    ("K9_INVL", "COST_CODE"): "COST",
    ("K9_QUO", "RPL_INV"): "CONTACT",
    ("K9_QUO", "RPL_DEL"): "CONTACT",
    ("K9_QUO", "DEL_CODE"): "DEL_ADDR",
    ("K9_QUO", "COST_CODE"): "COST",
    ("K9_QUOL", "ART_CODE"): "ARTICLE",
    ("K9_QUOL", "VAT_CODE"): "VAT",
    ("K9_QUOL", "COST_CODE"): "COST",
    ("DJ_PAGE", "DJ_CODE"): "DAILY",
    ("DJ_PAGE", "SUB_NR"): "CONTACT",
    ("DJ_PAGE", "COST_CODE"): "COST",
    ("DJ_LINE", "ACCT_NR"): "LEDGER",
    ("DJ_LINE", "VAT_CODE"): "VAT",
    ("DJ_LINE", "SUB_NR"): "CONTACT",
    ("DJ_LINE", "COST_CODE"): "COST",
}


def dictionary_fields(definitions: Mapping[str, Definition]) -> Iterator[Mapping[str, Value]]:
    """Yield the rows of the data dictionary, for every table."""
    number = 0
    for definition in definitions.values():
        for field in definition.fields.values():
            yield {
                "DCT_FLD_ID": Decimal(number),
                "FLD_DESC": field.caption,
                "FIELD_NAME": field.name,
                "DBF_NAME": definition.name,
                "FIELD_LEN": Decimal(field.length),
                "FIELD_TYPE": field.type,
                "INP_MAND": field.required,
                "FLD_FMT": "!" if field.upper else "",
                "FLD_MASK": field.mask,
                "COM_BLK": field.blocked,
                "PKY_TBL": field.points_to,
                "REC_CUST": field.custom,
            }
            number += 1


def dictionary_tables(definitions: Mapping[str, Definition], conventions: Conventions) -> Iterator[Mapping[str, Value]]:
    """Yield the rows that describe the tables."""
    objects = {
        business_object.table: business_object
        for business_object in reversed([*OBJECTS.values(), *SYSTEM_OBJECTS.values()])
    }
    parents = {
        business_object.detail: business_object.table for business_object in OBJECTS.values() if business_object.detail
    }
    for name, definition in definitions.items():
        business_object = objects.get(name)
        writable = bool(business_object and business_object.insert) or name in parents
        yield {
            "DBF_NAME": name,
            "DBF_DESC": definition.caption,
            "OBJ_CODE": business_object.code if business_object else "",
            "TBL_CHILD": business_object.detail if business_object else "",
            "TBL_HDR": parents.get(name, ""),
            "NO_INSERT": not writable,
            "NO_UPDATE": not (
                business_object and (business_object.update or (name == "SO_HDR" and conventions.order_update))
            ),
            "NO_DELETE": True,
            "NO_XML_UPD": not writable,
            "TBL_ACTIVE": True,
            "OBJ_ACTIVE": business_object is not None,
            "REC_CUST": name.startswith("K9_"),
        }


def definitions(conventions: Conventions) -> Mapping[str, Definition]:
    """Return all tables by name, with the field names of these conventions. Servers may change their own copy."""
    shared = _renamed_definitions(frozenset(conventions.renamed.items()))
    return {table: replace(definition, fields=dict(definition.fields)) for table, definition in shared.items()}


@cache
def _renamed_definitions(renamed: frozenset[tuple[str, str]]) -> Mapping[str, Definition]:
    names = Conventions(renamed=dict(renamed))
    return {table: _definition(table, caption, key, parent, names) for table, caption, key, parent in _TABLES}


def _definition(table: str, caption: str, key: str, parent: str, conventions: Conventions) -> Definition:
    source_fields = (
        *_dumped_fields().get(table, ()),
        *_SEEN.get(table, ()),
        *BY_ANALOGY.get(table, ()),
        *INVENTED.get(table, ()),
    )
    names = {field.name: conventions.name(table, field.name) for field in source_fields}
    fields = [
        replace(field, name=names[field.name], points_to=_POINTS.get((table, field.name), ""))
        for field in source_fields
    ]
    return Definition(
        name=table,
        caption=caption,
        key=names[key],
        fields={field.name: field for field in fields},
        names=names,
        parent_key=names[parent] if parent else "",
        related=table in _RELATED,
        prefix="HST_AH_" if table == "HST_AL" else "",
    )


@cache
def _dumped_fields() -> Mapping[str, tuple[ColumnField, ...]]:
    tables: dict[str, tuple[ColumnField, ...]] = {}
    with Path(__file__).with_name("fields.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            flags = line["flags"]
            field = ColumnField(
                name=line["name"],
                type=line["type"],
                length=int(line["length"] or 0),
                caption=line["caption"],
                required="r" in flags,
                blocked="b" in flags,
                upper="u" in flags,
                mask=line["mask"],
            )
            tables[line["table"]] = (*tables.get(line["table"], ()), field)
    return tables

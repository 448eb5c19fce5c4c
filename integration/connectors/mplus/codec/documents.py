"""Reads orders, invoices, receipts and proposals with lines, VAT, payments and addresses from the till's XML."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

from integration.connectors.mplus.client import Element, qualified, require_shape
from integration.connectors.mplus.codec.document_fields import DOCUMENTS, SCALED, simple_fields
from integration.connectors.mplus.codec.fields import sequence
from integration.connectors.mplus.codec.relations import decode_relation
from integration.connectors.mplus.codec.values import (
    Readers,
    child_number,
    date_of,
    field_decoder,
    parse_flag,
    percent,
    plain_word,
    raw_child_text,
    read_if_filled,
    read_values,
    required_integer,
    whole_number,
)
from integration.core.money import from_scaled
from integration.core.records import Field, Kind, Record, Value, WrongValueError

_Reader = Callable[[Element], Value]

_ZERO_IS_NONE = ("branch", "entry_branch", "workplace", "employee", "category")  # a zero in these fields means none
PROPOSAL_STATES = ("outstanding", "order", "invoice", "cancelled")
_NON_GOODS_KINDS = frozenset({"LINE-KIND-SUBTOTAL", "LINE-KIND-HEADER", "LINE-KIND-SECONDARY-HEADER"})
_NESTED_LINE_TYPES = frozenset({"LINE-TYPE-PREPARATION", "LINE-TYPE-COMPONENT"})
_NESTED_LISTS = ("preparationList", "uncondensedLines")  # lists of lines inside a line, whose total may include them
_LINE_WORDS = (  # (of lines: our field for an unknown word, wire name, known words)
    ("line_kind", "lineKind", frozenset({"LINE-KIND-DEFAULT", *_NON_GOODS_KINDS})),
    ("line_type", "lineType", frozenset({"LINE-TYPE-NONE", *_NESTED_LINE_TYPES})),
)


@cache
def _readers(type_: str, kind: Kind) -> Readers:
    types = sequence(type_)
    return {
        qualified(field.wire): (field.name, _reader(field, types[field.wire])) for field in simple_fields(type_, kind)
    }


def _reader(field: Field, xsd: str) -> _Reader:
    match xsd:
        case "enum" if field.name == "type" and field.kind in DOCUMENTS:
            return lambda element: read_if_filled(element, plain_word)
        case "enum":
            return lambda element: read_if_filled(element, lambda text: plain_word(text).lower())
        case "string":
            return lambda element: (element.text or "").strip()
        case "tns:YearNumber" | "tns:WorkplaceYearNumber":
            names = tuple(sequence(xsd.removeprefix("tns:")))
            return lambda element: _number(element, names)
        case _ if field.wire in SCALED:
            return _scaled
        case _ if field.wire in ("vatPercentage", "discountPercentage"):
            return lambda element: read_if_filled(element, percent)
        case _:
            return field_decoder(field, xsd)


def _number(element: Element, names: Iterable[str]) -> str | None:
    """Return the number people know a document by, with all its parts; None if its year and number are 0 or missing.

    Raises ValueError for a number without one of its parts: documents of several tills would have it in common.
    """
    texts = {name: raw_child_text(element, qualified(name)).strip() for name in names}
    numbers = {name: whole_number(text or "0") for name, text in texts.items()}
    if not numbers["year"] and not numbers["number"]:
        return None
    if not all(texts.values()) or min(numbers.values()) < 0 or not (numbers["year"] and numbers["number"]):
        raise ValueError("a number without a part of it")
    return ".".join(map(str, numbers.values()))


def _scaled(element: Element) -> Decimal | None:
    """Return a quantity scaled by the number of decimals beside it; without one it is whole (tutorials)."""
    text, parent = (element.text or "").strip(), element.getparent()
    if not text or parent is None:
        return None
    companion = SCALED[element.tag.rpartition("}")[2]]
    return from_scaled(whole_number(text), child_number(parent, companion))


def _values(element: Element | None, type_: str, kind: Kind) -> dict[str, Value]:
    return read_values(element, _readers(type_, kind))


def document_key(document: Element, kind: Kind) -> str:
    """Return a document's id. Raises WrongValueError when it has none."""
    key = (document.findtext(qualified(DOCUMENTS[kind].key)) or "").strip()
    if not key:
        raise WrongValueError(DOCUMENTS[kind].key, "")
    return key


def document_marker(document: Element) -> int:
    """Return a document's change marker. Raises WrongValueError when it has none, because paging depends on it."""
    return required_integer(document, "syncMarker")


def document_relation(document: Element) -> str:
    """Return the number of a document's customer, empty when it has none."""
    number = child_number(document, "relationNumber")
    return str(number) if number else ""


def document_date(document: Element) -> date | None:
    """Return the financial date of a document, None when it has none."""
    day = document.find(qualified("financialDate"))
    return None if day is None else date_of(day)


def document_branch(document: Element) -> str | None:
    """Return the number of the branch that a document is booked on, None when it has none."""
    number = child_number(document, "financialBranchNumber")
    return str(number) if number else None


def document_articles(document: Element) -> list[str]:
    """Return the article numbers on a document's lines."""
    numbers = (child_number(line, "articleNumber") for line in _lines(document))
    return [str(number) for number in numbers if number]


def decode_document(kind: Kind, document: Element, relation: Element | None, codes: Mapping[str, str]) -> Record:
    """Return a document under its id, with its parts.

    `relation` is its customer as the till has it, `codes` are external article ids by article number. Raises
    WrongValueError when a field does not hold what its type says.
    """
    require_shape(document, DOCUMENTS[kind].type)
    if relation is not None:
        require_shape(relation, "Relation")
    values = _values(document, DOCUMENTS[kind].type, kind)
    values |= {name: "" for name in _ZERO_IS_NONE if values.get(name) == "0"}
    values["relation"] = document_relation(document)
    parts = tuple(_parts(document, relation, codes))
    values |= {**_payment_flags(kind, document, values), **_related_ids(kind, document)}
    method = _payment_method(document, parts)
    if method:
        values["payment_method"] = method
    country = _country(document, relation)
    if country:
        values["country"] = country
    values["digest"] = _digest(values, parts)
    return Record(kind, document_key(document, kind), values, parts)


def _parts(document: Element, relation: Element | None, codes: Mapping[str, str]) -> Iterator[Record]:
    for place, line in enumerate(_lines(document), 1):
        yield _decode_line(line, str(place), codes)
    for place, group in enumerate(document.iterfind(f"{qualified('vatGroupList')}/{qualified('vatGroup')}"), 1):
        sums = _values(group, "VatGroup", Kind.VAT)
        for name, wire in (("excl", "exclAmount"), ("vat", "vatAmount")):
            if name not in sums and sums.keys() & {"excl", "vat"}:
                raise WrongValueError(wire, "")  # a VAT split without one of its amounts is unusable
        yield Record(Kind.VAT, f"vat:{place}", sums)
    for place, payment in enumerate(document.iterfind(f"{qualified('paymentList')}/{qualified('payment')}"), 1):
        required_integer(payment, "amount")
        values = _values(payment, "Payment", Kind.PAYMENT)
        values |= {name: "" for name in _ZERO_IS_NONE if values.get(name) == "0"}
        yield Record(Kind.PAYMENT, f"payment:{place}", values)
    if relation is not None:
        customer = decode_relation(relation, "customer")
        yield replace(customer, values={name: _trimmed(value) for name, value in customer.values.items()})
    address = _values(document.find(qualified("deliveryAddress")), "Address", Kind.ADDRESS)
    if any(address.get(name) for name in ("street", "postcode", "city")):
        yield Record(Kind.ADDRESS, "delivery", address)


def _trimmed(value: Value) -> Value:
    return value.strip() if isinstance(value, str) else value


def _lines(document: Element) -> Iterator[Element]:
    """Yield the lines that sell something; lines inside another line belong to it."""
    for line in document.iterfind(f"{qualified('lineList')}/{qualified('line')}"):
        kind, type_ = ((line.findtext(qualified(wire)) or "").strip() for wire in ("lineKind", "lineType"))
        if kind not in _NON_GOODS_KINDS and type_ not in _NESTED_LINE_TYPES:
            yield line


def _decode_line(line: Element, key: str, codes: Mapping[str, str]) -> Record:
    values = _values(line.find(qualified("data")), "LineData", Kind.LINE) | _values(line, "Line", Kind.LINE)
    if values.get("article") == "0":
        values["article"] = ""
    if values.get("quantity") is None and (values.get("article") or line.find(qualified("data")) is not None):
        raise WrongValueError("quantity", "")  # the interface requires a quantity of everything that is sold
    if any(line.find(f"{qualified(wire)}/{qualified('line')}") is not None for wire in _NESTED_LISTS):
        values["composed"] = True
    values["code"] = codes.get(str(values.get("article", "")), "")
    values |= {
        name: word for name, wire, known_words in _LINE_WORDS if (word := _unknown_word(line, wire, known_words))
    }
    return Record(Kind.LINE, key, values)


def _unknown_word(line: Element, wire: str, known_words: Collection[str]) -> str:
    """Return a word with unknown meaning, which leaves open whether the line sells something; otherwise ""."""
    word = (line.findtext(qualified(wire)) or "").strip()
    return "" if word in known_words else plain_word(word).lower()


def _payment_flags(kind: Kind, document: Element, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the flags `paid` and `cancelled`, each only if it applies to the kind and the till has it.

    A proposal is never paid, and its state says whether it is cancelled.
    """
    if kind is Kind.PROPOSAL:
        return {"cancelled": values["state"] == "cancelled"} if values.get("state") in PROPOSAL_STATES else {}
    if kind is not Kind.ORDER:
        return {"paid": values["state"] in ("paid", "handled")} if "state" in values else {}
    flags: dict[str, Value] = {}
    text = (document.findtext(qualified("fullyPaid")) or "").strip()
    try:
        flags |= {"paid": parse_flag(text)} if text else {}
    except ValueError:
        raise WrongValueError("fullyPaid", text) from None
    if values.get("cancel_state") in ("nothing", "partial", "complete"):
        flags["cancelled"] = values["cancel_state"] == "complete"
    return flags


def _related_ids(kind: Kind, document: Element) -> dict[str, Value]:
    """Return the ids of preceding and following documents, each once, as far as the till has them.

    They do not affect what the books take over: a document stays unchanged when another one is made of it.
    """
    ids_by_name: dict[str, Value] = {}
    for name, wires in DOCUMENTS[kind].related.items():
        lists = [element for wire in wires if (element := document.find(qualified(wire))) is not None]
        if lists:
            ids = ((child.text or "").strip() for element in lists for child in element.iter())
            ids_by_name[name] = tuple(dict.fromkeys(filter(None, ids)))
    return ids_by_name


def _payment_method(document: Element, parts: Iterable[Record]) -> str:
    """Return the method that the document names, else the one that all its payments have; empty if they differ."""
    document_method = (document.findtext(qualified("paymentMethod")) or "").strip()
    methods = {str(part.values.get("method", "")) for part in parts if part.kind is Kind.PAYMENT}
    return document_method or (methods.pop() if len(methods) == 1 else "")


def _country(document: Element, relation: Element | None) -> str:
    """Return the customer's country: that of the invoice address, the relation, or the delivery address."""
    card = None if relation is None else relation.findtext(qualified("country"))
    countries = (
        document.findtext(f"{qualified('invoiceAddress')}/{qualified('country')}"),
        card,
        document.findtext(f"{qualified('deliveryAddress')}/{qualified('country')}"),
    )
    return next((country.strip() for country in countries if country and country.strip()), "")


# ---- digest of what the books take over

_DIGEST_FIELDS = ("date", "cancel_state", "relation", "vat_method", "total_incl", "total_excl")
_DIGEST_PART_FIELDS = {
    Kind.LINE: (
        "article", "text", "quantity", "price_incl", "price_excl", "discount_percent", "amount_incl", "amount_excl",
        "vat_code", "vat_percent", "turnover_group", "price_type", "cancelledQuantity",
    ),
    Kind.VAT: ("code", "percent", "excl", "vat"),
}  # fmt: skip


def _digest(values: Mapping[str, Value], parts: Iterable[Record]) -> str:
    """Return a digest that changes if and only if something changes that the books take over.

    The order of lines is irrelevant, and empty and zero values equal missing ones.
    """
    rows = sorted(
        [part.kind, *_plain_values(part.values, _DIGEST_PART_FIELDS[part.kind])]
        for part in parts
        if part.kind in _DIGEST_PART_FIELDS
    )
    shape = json.dumps([_plain_values(values, _DIGEST_FIELDS), rows], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(shape.encode()).hexdigest()


def _plain_values(values: Mapping[str, Value], names: Iterable[str]) -> list[str]:
    return [_plain_text(values.get(name)) for name in names]


def _plain_text(value: Value) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else ""
    return "" if value is None else str(value)

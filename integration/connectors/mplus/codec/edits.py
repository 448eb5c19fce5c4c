"""Updates: a copy of the element that was read, with the wanted values, and everything else unchanged.

It is not documented whether the till keeps values that an update leaves out, and newer installations have fields that
we do not know.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lxml import etree

from integration.connectors.mplus.client import Element, qualified
from integration.connectors.mplus.codec.contacts import CONTACT, WRAPPER, contacts, first_contact, move_to_front
from integration.connectors.mplus.codec.fields import TYPES, Vocabulary, places, sequence
from integration.connectors.mplus.codec.prices import (
    SAYS,
    card_rows,
    encode_price,
    row_subject,
    subject_elements,
    term_list,
    wanted_rows,
)
from integration.connectors.mplus.codec.products import (
    article_number,
    articles,
    customs,
    date_fields,
    group_numbers,
    texts,
)
from integration.connectors.mplus.codec.values import (
    CUSTOM_TEXTS,
    CUSTOM_VALUES,
    custom_value,
    encode_custom,
    is_empty_value,
)
from integration.core.records import Record, Value
from integration.core.rules import as_text

# Values that the till computes from written ones; a copy of the old value would contradict the new one.
_COMPUTED_FIELDS = {
    "priceIncl": "priceExcl",
    "priceExcl": "priceIncl",
    "vatCode": "vatPercentage",
    "vatCodeAlternative": "vatPercentageAlternative",
}


@dataclass(frozen=True, slots=True)
class ElementEdit:
    """The wanted changes of a product that was read, and the settings needed to write them."""

    desired: Record
    words: Vocabulary
    types: Mapping[str, str]
    leading_price: str
    groups: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())  # numbers to join and to leave


def edited(product: Element, edit: ElementEdit) -> tuple[Element, bool]:
    """Return a copy of the product with the wanted values, and whether anything in it changed.

    Everything else stays unchanged and in order, whether we know it or not. Raises UnfitError and
    CustomFieldUnknownError.
    """
    whole = deepcopy(product)
    touched = False
    for wire, text in texts(edit.desired, edit.words, cleared=True):
        _put(whole, "Product", wire, text)
        touched = True
    articles_by_number = {article_number(article): article for article in articles(whole)}
    for part in edit.desired.parts:
        article = articles_by_number.get(part.key)
        if article is None:
            article = etree.SubElement(_child(whole, "Product", "articleList"), qualified("article"))
            _put(article, "Article", "articleNumber", part.key)
        _edit_article(article, part, edit)
        touched = True
    join, leave = edit.groups
    if join or leave:
        _regroup(whole, join, leave)
        touched = True
    return whole, touched


def write_card(element: Element, record: Record, words: Vocabulary, types: Mapping[str, str]) -> dict[str, str]:
    """Write the values of an article or relation into an element, and return the simple ones as written.

    Raises UnfitError and CustomFieldUnknownError.
    """
    name = TYPES[record.kind]
    wire_texts = dict(texts(record, words, cleared=True))
    for wire, text in wire_texts.items():
        _put(element, name, wire, text)
    for wire, day in date_fields(record):
        _fill(_child(element, name, wire), {"day": day.day, "mon": day.month, "year": day.year}, "SoapMplusDate")
    for field, value in customs(record):
        _put_custom(element, name, field, value, types)
    _put_terms(element, record, words)
    if CONTACT.keys() & record.values.keys():
        _put_contact(element, record)
    return wire_texts


def _put_contact(relation: Element, record: Record) -> None:
    """Put the wanted contact person in front of all others; without a name, remove the first one."""
    desired_values = {
        wire: as_text(record.values[ours]).strip() for ours, wire in CONTACT.items() if ours in record.values
    }
    now = {CONTACT[ours]: as_text(value) for ours, value in first_contact(relation).items()}
    name = desired_values.get("name", now.get("name", ""))
    if not name:
        for contact in contacts(relation)[:1]:
            _parent(contact).remove(contact)
        return
    contact = move_to_front(_child(relation, "Relation", WRAPPER), name)
    for wire, text in {"name": name, **desired_values}.items():
        _put(contact, "Relation", wire, text)


def _put_terms(card: Element, record: Record, words: Vocabulary) -> None:
    """Write prices and percentages into the rows of their terms, and remove rows that become empty."""
    rows = {place: row for of, row in card_rows(card, record.kind) if (place := row_subject(row, of))}
    for place, desired_values in wanted_rows(record).items():
        of, row = term_list(record.kind, place[0]), rows.get(place)
        if of is None or (row is None and all(value is None for value in desired_values.values())):
            continue
        if row is None:
            row = etree.SubElement(_child(card, TYPES[record.kind], of.wrapper), qualified(of.item))
            _fill(row, dict(subject_elements(place, of)), of.type)
        for how, value in desired_values.items():
            text = "" if value is None else encode_price(place, how, value, words)
            _put(row, of.type, SAYS[how], text)
            if text and SAYS[how] in _COMPUTED_FIELDS:
                _remove(row, _COMPUTED_FIELDS[SAYS[how]])
        if not any((row.findtext(qualified(wire)) or "").strip() for wire in SAYS.values()):
            _parent(row).remove(row)


def _edit_article(article: Element, part: Record, edit: ElementEdit) -> None:
    barcode = article.findtext(qualified("barcode")) or ""
    wire_texts = write_card(article, part, edit.words, edit.types)
    _drop_computed(article, wire_texts, edit.leading_price)
    if "barcode" in wire_texts:
        _update_barcode_list(article, barcode, wire_texts["barcode"])


def _drop_computed(article: Element, wire_texts: Mapping[str, str], leading_price: str) -> None:
    """Remove values that the till computes from written ones: a price from the other price, a rate from its code."""
    leaders = set(wire_texts)
    if "vatCode" in leaders and not leaders & {"priceIncl", "priceExcl"}:
        leaders.add("priceIncl" if leading_price == "incl" else "priceExcl")
    for wire in leaders & set(_COMPUTED_FIELDS):
        follower = _COMPUTED_FIELDS[wire]
        has_leader = article.find(qualified(wire)) is not None
        if follower not in wire_texts and has_leader:
            _remove(article, follower)


def _update_barcode_list(article: Element, old: str, new: str) -> None:
    """Update the list of all barcodes, in which the current one is marked."""
    entries = list(article.iterfind(f"{qualified('barcodeList')}/{qualified('barcode')}"))
    new_entry = next((entry for entry in entries if new and entry.findtext(qualified("barcode")) == new), None)
    for entry in entries:
        current = entry.findtext(qualified("isCurrent")) in ("true", "1") or entry.findtext(qualified("barcode")) == old
        if new_entry is not None:
            if entry.find(qualified("isCurrent")) is not None or entry is new_entry:
                _put(entry, "Barcode", "isCurrent", "true" if entry is new_entry else "false")
        elif current and new:
            _put(entry, "Barcode", "barcode", new)
        elif current:
            _parent(entry).remove(entry)


def _regroup(product: Element, join: frozenset[str], leave: frozenset[str]) -> None:
    for number_element in list(product.iterfind(qualified("groupNumbers"))):
        if (number_element.text or "").strip() in leave:
            product.remove(number_element)
    for sort_entry in list(product.iterfind(f"{qualified('sortOrderGroupList')}/{qualified('sortOrderGroup')}")):
        if sort_entry.findtext(qualified("groupNumber")) in leave:
            _parent(sort_entry).remove(sort_entry)
    for number in sorted(join - set(group_numbers(product)), key=int):
        _insert(product, "Product", "groupNumbers").text = number
        entry = etree.SubElement(_child(product, "Product", "sortOrderGroupList"), qualified("sortOrderGroup"))
        _fill(entry, {"groupNumber": number, "sortOrder": "0"}, "SortOrderGroup")


def _put_custom(card: Element, kind: str, name: str, value: Value, types: Mapping[str, str]) -> None:
    custom_fields = card.iterfind(f"{qualified('customFieldList')}/{qualified('customField')}")
    entry = next(
        (custom_field for custom_field in custom_fields if custom_field.findtext(qualified("fieldName")) == name), None
    )
    if entry is None:
        if not is_empty_value(value):
            fields = _child(card, kind, "customFieldList")
            _fill(etree.SubElement(fields, qualified("customField")), encode_custom(name, value, types), "CustomField")
        return
    data_type = types.get(name) or entry.findtext(qualified("dataType")) or "DATA-TYPE-UNKNOWN"
    for wire in CUSTOM_VALUES:
        _remove(entry, wire)
    if not is_empty_value(value):
        _fill(entry, custom_value(name, value, data_type), "CustomField")
    elif data_type in CUSTOM_TEXTS:
        _put(entry, "CustomField", "strValue", "")


def _fill(element: Element, content: Mapping[str, Any], name: str) -> None:
    """Write plain content into an element: numbers, flags and texts as texts, lists as repeated elements."""
    types = sequence(name)
    for wire, value in content.items():
        match value:
            case Mapping():
                _fill(_child(element, name, wire), value, types[wire].removeprefix("tns:"))
            case list():
                for item in value:
                    _insert(element, name, wire).text = str(item)
            case bool():
                _put(element, name, wire, "true" if value else "false")
            case _:
                _put(element, name, wire, str(value))


def _put(element: Element, name: str, wire: str, text: str) -> None:
    """Write a simple value, or remove it if it is empty and its type has no empty value."""
    if not text and sequence(name).get(wire) != "string":
        _remove(element, wire)
    else:
        _child(element, name, wire).text = text


def _remove(element: Element, wire: str) -> None:
    for child in list(element.iterfind(qualified(wire))):
        element.remove(child)


def _child(element: Element, name: str, wire: str) -> Element:
    child = element.find(qualified(wire))
    return _insert(element, name, wire) if child is None else child


def _insert(element: Element, name: str, wire: str) -> Element:
    """Add an element in the order of its type, behind all known elements that precede it."""
    order = places(name)
    place = order[qualified(wire)]
    position = 0
    for at, child in enumerate(element):
        if order.get(str(child.tag), len(order)) <= place:
            position = at + 1
    fresh = etree.Element(qualified(wire))
    element.insert(position, fresh)
    return fresh


def _parent(element: Element) -> Element:
    parent = element.getparent()
    if parent is None:
        raise ValueError("an element without a parent")
    return parent

"""The first contact person of a customer: the till keeps contact persons as relations inside the relation.

Somebody else may have put others there. One is known by its name: it is put in front, with what is behind it left as it
came, and none is ever renamed, since what else is known of a person would then stand under another name.
"""

from typing import Any

from lxml import etree

from integration.connectors.mplus.client import Element, qualified
from integration.core.records import Field, FieldType, Kind, Record, Value
from integration.core.rules import as_text

WRAPPER, ITEM = "contactList", "relation"
CONTACT = {"contact_person": "name", "contact_person_email": "email"}  # our words, with what they are there
FIELDS = (
    Field("contact_person", "First contact person: name", FieldType.TEXT, Kind.RELATION),
    Field("contact_person_email", "First contact person: e-mail", FieldType.TEXT, Kind.RELATION),
)


def contacts(relation: Element) -> list[Element]:
    """Return the contact persons of a relation."""
    return list(relation.iterfind(f"{qualified(WRAPPER)}/{qualified(ITEM)}"))


def first_contact(relation: Element) -> dict[str, Value]:
    """Return what is filled of the first contact person."""
    told = {ours: _told(one, wire) for one in contacts(relation)[:1] for ours, wire in CONTACT.items()}
    return {name: value for name, value in told.items() if value}


def encode_contact(card: Record) -> dict[str, Any]:
    """Return the contact person of a new relation as the contract takes it; nothing where there is none."""
    told = {wire: as_text(card.values[ours]).strip() for ours, wire in CONTACT.items() if card.values.get(ours)}
    return {WRAPPER: {ITEM: [told]}} if told.get("name") else {}


def move_to_front(listed: Element, name: str) -> Element:
    """Return the contact person of a name, put before all others of a list; a new one where there is none."""
    found = next((one for one in listed.iterfind(qualified(ITEM)) if _told(one, "name") == name), None)
    one = etree.Element(qualified(ITEM)) if found is None else found
    listed.insert(0, one)
    return one


def _told(contact: Element, wire: str) -> str:
    return (contact.findtext(qualified(wire)) or "").strip()

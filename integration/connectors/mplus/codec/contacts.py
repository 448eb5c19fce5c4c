"""The first contact person of a customer: the till stores contact persons as relations inside the relation.

Other people may have added contacts there. A contact is identified by its name. It is moved to the front, and the
others stay unchanged. A contact is never renamed, because its other data would then belong to another person.
"""

from typing import Any

from lxml import etree

from integration.connectors.mplus.client import Element, qualified
from integration.core.records import Field, FieldType, Kind, Record, Value
from integration.core.rules import as_text

WRAPPER, ITEM = "contactList", "relation"
CONTACT = {"contact_person": "name", "contact_person_email": "email"}  # our fields with their wire names
FIELDS = (
    Field("contact_person", "First contact person: name", FieldType.TEXT, Kind.RELATION),
    Field("contact_person_email", "First contact person: e-mail", FieldType.TEXT, Kind.RELATION),
)


def contacts(relation: Element) -> list[Element]:
    """Return the contact persons of a relation."""
    return list(relation.iterfind(f"{qualified(WRAPPER)}/{qualified(ITEM)}"))


def first_contact(relation: Element) -> dict[str, Value]:
    """Return the values of the first contact person, without empty ones."""
    told = {ours: _told(one, wire) for one in contacts(relation)[:1] for ours, wire in CONTACT.items()}
    return {name: value for name, value in told.items() if value}


def encode_contact(card: Record) -> dict[str, Any]:
    """Return the contact person of a new relation as request content, empty if there is none."""
    told = {wire: as_text(card.values[ours]).strip() for ours, wire in CONTACT.items() if card.values.get(ours)}
    return {WRAPPER: {ITEM: [told]}} if told.get("name") else {}


def move_to_front(listed: Element, name: str) -> Element:
    """Return the contact person with a name, moved to the front of the list; a new one if it does not exist."""
    found = next((one for one in listed.iterfind(qualified(ITEM)) if _told(one, "name") == name), None)
    one = etree.Element(qualified(ITEM)) if found is None else found
    listed.insert(0, one)
    return one


def _told(contact: Element, wire: str) -> str:
    return (contact.findtext(qualified(wire)) or "").strip()

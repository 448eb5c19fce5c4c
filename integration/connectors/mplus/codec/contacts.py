"""The first contact person of a customer: the till stores contact persons as relations inside the relation.

Other people may have added contacts there. A contact is identified by its name. It is moved to the front, and the
others stay unchanged. A contact is never renamed, because its other data would then belong to another person.
"""

from typing import Any

from lxml import etree

from integration.connectors.mplus.client import Element, child_text, qualified
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
    values = {ours: child_text(contact, wire) for contact in contacts(relation)[:1] for ours, wire in CONTACT.items()}
    return {name: value for name, value in values.items() if value}


def encode_contact(card: Record) -> dict[str, Any]:
    """Return the contact person of a new relation as request content, empty if there is none."""
    contact = {wire: as_text(card.values[ours]).strip() for ours, wire in CONTACT.items() if card.values.get(ours)}
    return {WRAPPER: {ITEM: [contact]}} if contact.get("name") else {}


def move_to_front(contact_list: Element, name: str) -> Element:
    """Return the contact person with a name, moved to the front of the list; a new one if it does not exist."""
    existing_contact = next(
        (contact for contact in contact_list.iterfind(qualified(ITEM)) if child_text(contact, "name") == name), None
    )
    contact = etree.Element(qualified(ITEM)) if existing_contact is None else existing_contact
    contact_list.insert(0, contact)
    return contact

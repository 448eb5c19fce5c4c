"""Evidence of identity: identifying values that a link stores, to detect that a key now belongs to another record.

A number alone identifies nobody: a replaced system may give the same number to somebody else. So a link stores other
identifying values of both records, and each side is compared with the earlier values of the same side.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value
from integration.core.vat_numbers import same_vat_number

Identity = Mapping[str, str]  # field -> value, as the system has it; a field without a value is left out
Identities = Mapping[str, Identity]  # by the key of the part; "" is the record itself

SAME_RECORD, OTHER_RECORD = "same_record", "other_record"  # the answers to the identity question
CUSTOMER_CHANGED, ARTICLE_CHANGED = "customer_identity_changed", "article_identity_changed"
IDENTITY_CAUSES = (CUSTOMER_CHANGED, ARTICLE_CHANGED)

_OF_PARTY = ("name", "email", "vat_number", "postcode")
_OF_GOODS = ("name", "ean", "external_id")
_FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.DEBTOR: _OF_PARTY,
    Kind.RELATION: _OF_PARTY,
    Kind.PRODUCT: _OF_GOODS,
    Kind.ARTICLE: _OF_GOODS,
    Kind.STOCK: _OF_GOODS,
}
_STRONG = frozenset({"email", "vat_number", "ean"})  # one equal value of these is sufficient
_MARK_LENGTH = 16
_SHORTEST_WORD = 3  # letters: a shared word of this length in two article names is hardly a coincidence


class Match(StrEnum):
    """Result of comparing a record with the evidence of its link."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    SILENT = "silent"  # nothing can be compared


class Side(StrEnum):
    """The side of a link."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Identifying values of the records of a link, on each side as last reported by that side."""

    source: Identities = field(default_factory=dict)
    target: Identities = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.source or self.target)

    @property
    def swapped(self) -> "Evidence":
        """The evidence for a link in the opposite direction."""
        return Evidence(self.target, self.source)

    def renewed(self, current: "Evidence") -> "Evidence":
        """Return the evidence updated with current values. A field that is now empty keeps its last value."""
        return Evidence(_merge_identities(self.source, current.source), _merge_identities(self.target, current.target))

    def replaced(self, current: "Evidence") -> "Evidence":
        """Return the evidence in which each record in `current` replaces its earlier evidence."""
        return Evidence({**self.source, **current.source}, {**self.target, **current.target})

    def after_write(self, record: Record) -> "Evidence":
        """Return the evidence after a record was written to the target."""
        return Evidence(self.source, _merge_identities(self.target, identities_of(record)))

    def to_json(self) -> dict[str, Any]:
        """Return the evidence as JSON data; empty if there is none."""
        sides = (("source", self.source), ("target", self.target))
        return {name: {key: dict(identity) for key, identity in side.items()} for name, side in sides if side}

    @property
    def mark(self) -> str:
        """A short digest that identifies the evidence an answer was given for."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:_MARK_LENGTH]


NO_EVIDENCE = Evidence()


def evidence_from_json(shape: Mapping[str, Any] | None) -> Evidence:
    """Return the evidence from the data of `Evidence.to_json`."""
    return Evidence(shape.get("source", {}), shape.get("target", {})) if shape else NO_EVIDENCE


def identities_of(record: Record) -> Identities:
    """Return the identifying values of a record and of its parts; empty for kinds without an identity.

    An article in a product without a name of its own has the product's name.
    """
    identities = dict(_identities(record))
    return {key: identity for key, identity in identities.items() if identity}


def _identities(record: Record) -> Iterator[tuple[str, Identity]]:
    if record.kind is Kind.PRODUCT:  # identified by its articles
        for part in record.parts:
            if part.kind is Kind.ARTICLE:
                product_name = identity_of(part.kind, {"name": record.values.get("name")})
                yield part.key, {**product_name, **identity_of(part.kind, part.values)}
    else:
        yield "", identity_of(record.kind, record.values)


def identity_of(kind: Kind, values: Mapping[str, Value]) -> Identity:
    """Return the values that identify a record of this kind."""
    texts = ((name, _text(values.get(name))) for name in _FIELDS.get(kind, ()))
    return {name: text for name, text in texts if text}


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ""


def is_identified(kind: Kind) -> bool:
    """Return True if links of this kind store evidence of identity."""
    return kind in _FIELDS


def evidence_of(desired: Record, current: CurrentRecord | None) -> Evidence:
    """Return the evidence of a mapped source record and of the target's current record."""
    source, current_record = identities_of(desired), current.record if current else None
    if current is None or current_record is None or isinstance(current_record, Unreadable):
        return Evidence(source)
    target = current.identities or identities_of(current_record)
    return Evidence(source, {key: identity for key, identity in target.items() if key in source or not key})


def match_identity(kind: Kind, before: Identity, now: Identity) -> Match:
    """Return whether two identities belong to the same person or article.

    Only fields that both have are compared. An equal e-mail address, VAT number or EAN is sufficient. Otherwise the
    record contradicts if more fields differ than agree: a new address or a new e-mail address is ordinary, a change
    of all fields is not. For an article the external id counts even if it is now missing, because we wrote it. If
    only the name of an article can be compared, one common word is sufficient.
    """
    compared = {name: _is_same(name, before[name], now[name]) for name in before if now.get(name)}
    if not compared:
        return Match.SILENT
    if "external_id" in before and "external_id" not in now:
        compared["external_id"] = False
    if any(is_same for name, is_same in compared.items() if name in _STRONG):
        return Match.AGREES
    if _FIELDS.get(kind) == _OF_GOODS and set(compared) == {"name"} and _words(before["name"]) & _words(now["name"]):
        return Match.AGREES
    different = sum(not is_same for is_same in compared.values())
    return Match.CONTRADICTS if different > len(compared) - different else Match.AGREES


def match_evidence(kind: Kind, evidence: Evidence, current: Evidence) -> Mapping[Side, Match]:
    """Return for each side of a link whether the current values match the evidence.

    A record with several parts contradicts if one of its parts does.
    """
    sides = {Side.SOURCE: (evidence.source, current.source), Side.TARGET: (evidence.target, current.target)}
    return {side: _match(kind, before, now) for side, (before, now) in sides.items()}


def _match(kind: Kind, before: Identities, now: Identities) -> Match:
    matches = {match_identity(kind, before[key], now[key]) for key in before if key in now}
    return next((match for match in (Match.CONTRADICTS, Match.AGREES) if match in matches), Match.SILENT)


def contradicting_side(kind: Kind, evidence: Evidence, current: Evidence) -> Side | None:
    """Return the side on which the record is no longer the linked one, or None."""
    matches = match_evidence(kind, evidence, current)
    return next((side for side, match in matches.items() if match is Match.CONTRADICTS), None)


def contradicts_match(kind: Kind, current: Evidence) -> bool:
    """Return True if two records with the same number that were never linked are different records.

    Article names differ between systems that never shared them, so an article is compared only if both sides have an
    EAN.
    """
    for key, identity in current.source.items():
        source, target = (
            {name: value for name, value in identity.items() if name != "external_id"},
            current.target.get(key, {}),
        )
        several = _FIELDS.get(kind) != _OF_GOODS or (source.get("ean") and target.get("ean"))
        if several and match_identity(kind, source, target) is Match.CONTRADICTS:
            return True
    return False


def identity_cause(kind: Kind) -> str:
    """Return the cause of the identity question for records of this kind."""
    return CUSTOMER_CHANGED if _FIELDS.get(kind) == _OF_PARTY else ARTICLE_CHANGED


def shown_identity(before: Identities, now: Identities) -> tuple[str, str]:
    """Return two identities as texts, from the first part in which they differ."""
    keys = [key for key in now if before.get(key, {}) != now[key]] or list(now) or list(before)
    key = keys[0] if keys else ""
    return _display_text(before.get(key, {})), _display_text(now.get(key, {}))


def _display_text(identity: Identity) -> str:
    return ", ".join(identity.values()) or "-"


def _merge_identities(before: Identities, now: Identities) -> Identities:
    return {key: {**before.get(key, {}), **now.get(key, {})} for key in {**before, **now}}


def _is_same(name: str, value: str, other: str) -> bool:
    if name == "vat_number":
        return same_vat_number(value, other)
    if value == other:  # the usual case
        return True
    if name == "name":
        return _same_name(value, other)
    return _normalized_value(name, value) == _normalized_value(name, other)


def _normalized_value(name: str, text: str) -> str:
    if name == "email":
        return text.casefold()
    bare = re.sub(r"[\W_]", "", text).casefold()
    return bare.lstrip("0") if name == "ean" else bare


def _same_name(name: str, other: str) -> bool:
    """Return True if all words of one name are among those of the other. Initials do not count."""
    if _normalized_value("name", name) == _normalized_value("name", other):
        return True
    words, other_words = ({word for word in _tokens(text) if len(word) > 1} for text in (name, other))
    return bool(words and other_words) and (words <= other_words or other_words <= words)


def _words(text: str) -> set[str]:
    return {word for word in _tokens(text) if len(word) >= _SHORTEST_WORD and not word.isdecimal()}


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())

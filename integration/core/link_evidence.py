"""Evidence of identity: what a link keeps of the two records it joins, and whether a record is still the one linked.

A number identifies nobody: a system that was replaced gives the same number to somebody else. So a link keeps what
else identifies its record on either side, and each side is compared with what that same side said before.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from integration.core.records import Held, Kind, Record, Unreadable, Value
from integration.core.vat_numbers import same_vat_number

Identity = Mapping[str, str]  # field -> value, as the system has it; a field without a value is left out
Identities = Mapping[str, Identity]  # by the key of the part; "" is the record itself

SAME_RECORD, OTHER_RECORD = "same_record", "other_record"  # the answers to the question
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
_STRONG = frozenset({"email", "vat_number", "ean"})  # one of these that is the same settles it
_MARK_LENGTH = 16
_SHORTEST_WORD = 3  # letters of a word that two names of an article may have in common by more than chance


class Match(StrEnum):
    """Whether a record is the one that a link was made for."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    SILENT = "silent"  # nothing can be compared


class Side(StrEnum):
    """Which side of a link a record is on."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What identifies the records of a link, on each side as that side said it last."""

    source: Identities = field(default_factory=dict)
    target: Identities = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.source or self.target)

    @property
    def swapped(self) -> "Evidence":
        """The same for a link in the other direction."""
        return Evidence(self.target, self.source)

    def renewed(self, seen: "Evidence") -> "Evidence":
        """Return the evidence with what was seen now; a field that a system no longer fills keeps its last value."""
        return Evidence(_renewed(self.source, seen.source), _renewed(self.target, seen.target))

    def replaced(self, seen: "Evidence") -> "Evidence":
        """Return the evidence with each record that was seen now in the place of what was known of it."""
        return Evidence({**self.source, **seen.source}, {**self.target, **seen.target})

    def after_write(self, written: Record) -> "Evidence":
        """Return the evidence as it is once a record was written to the target."""
        return Evidence(self.source, _renewed(self.target, identities_of(written)))

    def to_json(self) -> dict[str, Any]:
        """Return the evidence as JSON can carry it; empty for none."""
        sides = (("source", self.source), ("target", self.target))
        return {name: {key: dict(one) for key, one in side.items()} for name, side in sides if side}

    @property
    def mark(self) -> str:
        """A short digest, by which an answer is known to be about this evidence."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:_MARK_LENGTH]


NO_EVIDENCE = Evidence()


def evidence_from_json(shape: Mapping[str, Any] | None) -> Evidence:
    """Return the evidence that `Evidence.to_json` gave."""
    return Evidence(shape.get("source", {}), shape.get("target", {})) if shape else NO_EVIDENCE


def identities_of(record: Record) -> Identities:
    """Return what identifies a record and each of its parts; empty for kinds that have no identity of their own.

    An article inside a product has the name of the product where it has none itself.
    """
    found = dict(_identities(record))
    return {key: one for key, one in found.items() if one}


def _identities(record: Record) -> Iterator[tuple[str, Identity]]:
    if record.kind is Kind.PRODUCT:  # identified by its articles
        for part in record.parts:
            if part.kind is Kind.ARTICLE:
                yield part.key, identity_of(part.kind, {"name": record.values.get("name"), **_filled(part.values)})
    else:
        yield "", identity_of(record.kind, record.values)


def _filled(values: Mapping[str, Value]) -> Mapping[str, Value]:
    return {name: value for name, value in values.items() if _text(value)}


def identity_of(kind: Kind, values: Mapping[str, Value]) -> Identity:
    """Return those of some values that identify a record of a kind."""
    texts = ((name, _text(values.get(name))) for name in _FIELDS.get(kind, ()))
    return {name: text for name, text in texts if text}


def _text(value: Value) -> str:
    return value.strip() if isinstance(value, str) else ""


def is_identified(kind: Kind) -> bool:
    """Tell whether links of a kind keep evidence of identity."""
    return kind in _FIELDS


def evidence_of(wanted: Record, held: Held | None) -> Evidence:
    """Return what identifies a record of the source, mapped as it is wanted, and what the target holds of it."""
    source, there = identities_of(wanted), held.record if held else None
    if held is None or there is None or isinstance(there, Unreadable):
        return Evidence(source)
    target = held.identities or identities_of(there)
    return Evidence(source, {key: one for key, one in target.items() if key in source or not key})


def match_identity(kind: Kind, before: Identity, now: Identity) -> Match:
    """Tell whether two identities are of the same person or article.

    Compared is what both have. The same e-mail address, VAT number or EAN settles it. Else the record contradicts
    where more is different than the same: a new address or a new e-mail address is ordinary, everything at once is
    not. Of an article the external id counts as well, also where it is gone: we wrote it. Where nothing but a name can
    be compared, one that has a word in common is the same article reworded.
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


def match_evidence(kind: Kind, known: Evidence, seen: Evidence) -> Mapping[Side, Match]:
    """Tell for each side of a link whether what is seen now is what the link was made for.

    A record with several parts contradicts where one of them does.
    """
    sides = {Side.SOURCE: (known.source, seen.source), Side.TARGET: (known.target, seen.target)}
    return {side: _match(kind, before, now) for side, (before, now) in sides.items()}


def _match(kind: Kind, before: Identities, now: Identities) -> Match:
    found = {match_identity(kind, before[key], now[key]) for key in before if key in now}
    return next((one for one in (Match.CONTRADICTS, Match.AGREES) if one in found), Match.SILENT)


def contradicting_side(kind: Kind, known: Evidence, seen: Evidence) -> Side | None:
    """Return the side on which the record is another one than the one linked; None where there is none."""
    found = match_evidence(kind, known, seen)
    return next((side for side, match in found.items() if match is Match.CONTRADICTS), None)


def contradicts_match(kind: Kind, seen: Evidence) -> bool:
    """Tell whether two records that were found to have one number, and were never linked, are not the same.

    Names of articles differ between systems that never shared them: what is compared has to be more than the name.
    """
    for key, one in seen.source.items():
        source, target = {name: value for name, value in one.items() if name != "external_id"}, seen.target.get(key, {})
        several = _FIELDS.get(kind) != _OF_GOODS or (source.get("ean") and target.get("ean"))
        if several and match_identity(kind, source, target) is Match.CONTRADICTS:
            return True
    return False


def identity_cause(kind: Kind) -> str:
    """Return the cause of the question about a record of a kind."""
    return CUSTOMER_CHANGED if _FIELDS.get(kind) == _OF_PARTY else ARTICLE_CHANGED


def shown_identity(before: Identities, now: Identities) -> tuple[str, str]:
    """Return two identities as texts, of the first part in which they differ."""
    keys = [key for key in now if before.get(key, {}) != now[key]] or list(now) or list(before)
    key = keys[0] if keys else ""
    return _shown(before.get(key, {})), _shown(now.get(key, {}))


def _shown(identity: Identity) -> str:
    return ", ".join(identity.values()) or "-"


def _renewed(before: Identities, now: Identities) -> Identities:
    return {key: {**before.get(key, {}), **now.get(key, {})} for key in {**before, **now}}


def _is_same(name: str, one: str, other: str) -> bool:
    if name == "vat_number":
        return same_vat_number(one, other)
    if name == "name":
        return _same_name(one, other)
    return _compared(name, one) == _compared(name, other)


def _compared(name: str, text: str) -> str:
    if name == "email":
        return text.casefold()
    bare = re.sub(r"[\W_]", "", text).casefold()
    return bare.lstrip("0") if name == "ean" else bare


def _same_name(one: str, other: str) -> bool:
    """Tell whether two names are of the same: the words of one are among those of the other; initials do not count."""
    if _compared("name", one) == _compared("name", other):
        return True
    mine, theirs = ({word for word in _tokens(text) if len(word) > 1} for text in (one, other))
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


def _words(text: str) -> set[str]:
    return {word for word in _tokens(text) if len(word) >= _SHORTEST_WORD and not word.isdecimal()}


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())

"""Evidence that two records are the same customer, value by value. A person decides on it."""

import re
from collections.abc import Mapping

from integration.core.records import Record, Value
from integration.core.rules import as_text
from integration.core.vat_numbers import same_vat_number

# Values that identify a customer, the strongest first, with their field names in either system.
EVIDENCE: Mapping[str, tuple[str, ...]] = {
    "number": ("external_id", "number"),
    "vat_number": ("vat_number",),
    "email": ("email",),
    "name": ("name", "company"),
    "phone": ("phone", "mobile"),
    "street": ("street",),
    "postcode": ("postcode",),
    "city": ("city",),
}


def matching_evidence(record: Record) -> dict[str, str]:
    """Return the identifying values of a customer. The record's key replaces a missing number."""
    values: Mapping[str, Value] = {**record.values, "number": record.values.get("number") or record.key}
    candidates = {name: [as_text(values.get(field)).strip() for field in names] for name, names in EVIDENCE.items()}
    return {name: next(filter(None, texts)) for name, texts in candidates.items() if any(texts)}


def shared_evidence(ours: Record, other: Record) -> tuple[str, ...]:
    """Return the names of the evidence that two records share, regardless of spelling."""
    evidence, other_evidence = matching_evidence(ours), matching_evidence(other)
    spelled = {
        name: _normalized_text(evidence[name]) == _normalized_text(other_evidence.get(name, ""))
        for name in EVIDENCE
        if name in evidence
    }
    if "vat_number" in spelled:
        countries = (as_text(record.values.get("country")) for record in (ours, other))
        spelled["vat_number"] = same_vat_number(
            evidence["vat_number"], other_evidence.get("vat_number", ""), *countries
        )
    return tuple(name for name, fits in spelled.items() if fits)


def _normalized_text(value: str) -> str:
    """Return a text for comparison, without spaces and punctuation and in lower case."""
    return re.sub(r"[^\w@+]|_", "", value).casefold()

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
    """Return the identifying values of a customer. The record's key stands in for a missing number."""
    values: Mapping[str, Value] = {**record.values, "number": record.values.get("number") or record.key}
    found = {name: [as_text(values.get(one)).strip() for one in names] for name, names in EVIDENCE.items()}
    return {name: next(filter(None, some)) for name, some in found.items() if any(some)}


def shared_evidence(ours: Record, other: Record) -> tuple[str, ...]:
    """Return the names of the evidence that two records share, regardless of spelling."""
    mine, theirs = matching_evidence(ours), matching_evidence(other)
    spelled = {name: _bare(mine[name]) == _bare(theirs.get(name, "")) for name in EVIDENCE if name in mine}
    if "vat_number" in spelled:
        countries = (as_text(one.values.get("country")) for one in (ours, other))
        spelled["vat_number"] = same_vat_number(mine["vat_number"], theirs.get("vat_number", ""), *countries)
    return tuple(name for name, fits in spelled.items() if fits)


def _bare(value: str) -> str:
    """Return a text for comparison, without spaces and punctuation and in lower case."""
    return re.sub(r"[^\w@+]|_", "", value).casefold()

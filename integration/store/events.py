"""Events for the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integration.core.links import Link
from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.search_keys import search_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event. Facts, before and after are texts by name. They never contain secrets."""

    event: str  # run_started, read, planned, skipped, parked, approved, sent, proven, in_doubt, left, run_done, ...
    run: str = ""
    flow: str = ""
    kind: str = ""
    key: str = ""
    sources: tuple[str, ...] = ()
    title: str = ""
    code: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] | None = None
    after: Mapping[str, str] | None = None
    ms: int | None = None


def values_of(record: Record | None) -> dict[str, str] | None:
    """Return a record's values as texts by path, in the form of the log."""
    if record is None:
        return None
    return {path: _value_text(value) for path, value in record.flat().items()}


def matched(run: str, flow: str, link: Link) -> Event:
    """Return the event that both systems agree on a record, which is linked from then on."""
    values = link.agreed.values if link.agreed else {}
    title = as_text(values.get("number")) or as_text(values.get("name")) or link.key
    about = search_keys(link.agreed) if link.agreed else {}
    return Event(
        event="matched", run=run, flow=flow, kind=link.kind, key=link.key, title=title,
        sources=link.agreed.sources if link.agreed else (), facts={**about, "reference": link.reference},
        after=values_of(link.agreed),
    )  # fmt: skip


def _value_text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat()
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)

"""Which records of the target may be the customer that is meant, and when each was last sold to or booked on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from integration.connectors.protocol import Connector, LastActivity
from integration.core.errors import IntegrationError
from integration.core.issues import OpenIssue
from integration.core.records import Kind, Record
from integration.store.links import Links

LOOKED_BACK = timedelta(days=365)  # for when somebody was last sold to, before the issue was last met


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the target that may be the one that is meant; `record` is None when it is not there any more."""

    reference: str
    record: Record | None
    taken_by: str = ""  # our key of what it is linked to already
    last_used: date | None = None  # None: not within a year, or the target does not tell
    is_use_unclear: bool = False  # the target tells something of it that cannot be read


class _AsNamed:
    """References by which every record is called what it is asked for."""

    def reference(self, kind: Kind, key: str) -> str | None:
        del kind
        return key

    def key(self, kind: Kind, reference: str) -> str | None:
        del kind
        return reference

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        del kind, key
        return ()


def candidates(target: Connector, links: Links, one: OpenIssue, kind: Kind) -> list[Candidate]:
    """Return the records of a kind that an issue names, as the target has them now."""
    facts = one.issue.facts
    named = facts.get("candidates") or facts.get("number", "")
    references = [reference for reference in named.split(", ") if reference]
    if not references:
        return []
    held = target.lookup([Record(kind, reference, {}) for reference in references], _AsNamed())
    owners = links.by_reference(one.flow, kind, references)
    used = _last_used(target, references, one.last_seen.date() - LOOKED_BACK)
    return [
        Candidate(
            reference,
            held[reference].record if reference in held else None,
            owners[reference].key if reference in owners and owners[reference].key != one.issue.key else "",
            used.get(reference),
            is_use_unclear=reference in used and used[reference] is None,
        )
        for reference in references
    ]


def _last_used(target: Connector, references: Sequence[str], since: date) -> Mapping[str, date | None]:
    """Return when each was last used; nothing where the target cannot say: it is one of many things that speak."""
    if not isinstance(target, LastActivity):
        return {}
    try:
        return target.last_used(references, since)
    except IntegrationError:
        return {}

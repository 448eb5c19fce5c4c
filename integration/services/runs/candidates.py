"""Candidates for the customer that an issue is about, with the date of their last sale or booking."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from integration.connectors.protocol import Connector, LastActivity
from integration.core.errors import IntegrationError
from integration.core.issues import OpenIssue
from integration.core.records import Kind, Record
from integration.store.links import Links

SEARCH_PERIOD = timedelta(days=365)  # before the issue was last seen: the period searched for the last sale


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the target that may be the right one. `record` is None if the target no longer has it."""

    reference: str
    record: Record | None
    taken_by: str = ""  # our key of another record that is linked to it
    last_used: date | None = None  # None: not within a year, or unknown to the target
    is_use_unclear: bool = False  # the target returned a date that cannot be parsed


class NumbersAsKeys:
    """References that treat each key as the reference itself."""

    def reference(self, kind: Kind, key: str) -> str | None:
        del kind
        return key

    def key(self, kind: Kind, reference: str) -> str | None:
        del kind
        return reference

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        del kind, key
        return ()


def candidates(target: Connector, links: Links, open_issue: OpenIssue, kind: Kind) -> list[Candidate]:
    """Return the records that an issue names as candidates, with their current values in the target."""
    facts = open_issue.issue.facts
    text = facts.get("candidates") or facts.get("number", "")
    references = [reference for reference in text.split(", ") if reference]
    if not references:
        return []
    current = target.lookup([Record(kind, reference, {}) for reference in references], NumbersAsKeys())
    owners = links.by_reference(open_issue.flow, kind, references)
    last_used = _last_used(target, references, open_issue.last_seen.date() - SEARCH_PERIOD)
    return [
        Candidate(
            reference,
            current[reference].record if reference in current else None,
            owners[reference].key if reference in owners and owners[reference].key != open_issue.issue.key else "",
            last_used.get(reference),
            is_use_unclear=reference in last_used and last_used[reference] is None,
        )
        for reference in references
    ]


def _last_used(target: Connector, references: Sequence[str], since: date) -> Mapping[str, date | None]:
    """Return the date of the last use by reference, or nothing if the target cannot report it.

    The date is only extra information.
    """
    if not isinstance(target, LastActivity):
        return {}
    try:
        return target.last_activity_dates(references, since)
    except IntegrationError:
        return {}

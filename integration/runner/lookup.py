"""Looks up records in the target, and finds articles that the target has in another record than planned."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from integration.connectors.protocol import Connector
from integration.core.issues import Issue, article_elsewhere_issue
from integration.core.links import Link
from integration.core.plan import differences
from integration.core.records import CurrentRecord, Kind, Location, Record
from integration.core.rules import as_text
from integration.flows.spec import TargetRecord
from integration.store.links import LinkReferences, Links

Inside = Mapping[str, Link]  # links of the articles in one target record, by their number in the target


def lookup_records(
    target: Connector, records: Sequence[Record], references: LinkReferences
) -> dict[str, CurrentRecord]:
    """Return the target's records for these records. Links of the records and their parts are loaded in one query."""
    return lookup_with_canary(target, records, references, ())[0]


class _PartialReferences:
    """References that hide the links of some records, so that the lookup finds these records by their own values."""

    def __init__(self, references: LinkReferences, apart: Collection[tuple[Kind, str]]) -> None:
        self._references = references
        self._hidden = apart

    def reference(self, kind: Kind, key: str) -> str | None:
        return None if (kind, key) in self._hidden else self._references.reference(kind, key)

    def key(self, kind: Kind, reference: str) -> str | None:
        return self._references.key(kind, reference)

    def distinct(self, kind: Kind, key: str) -> Collection[str]:
        return self._references.distinct(kind, key)


def lookup_with_canary(
    target: Connector, records: Sequence[Record], references: LinkReferences, canaries: Sequence[Record]
) -> tuple[dict[str, CurrentRecord], bool]:
    """Return the target's records for these records, and whether the lookup can be trusted.

    The lookup is trusted if the same query finds one of the `canaries`, which are known to exist. A system that cannot
    be read, or that ignores the query, answers as if nothing existed.

    A marker is returned only for a record that has all wanted values. A marker stored with the agreed values means that
    the record need not be looked up again while it has that marker.
    """
    current_records, is_reliable = _lookup(target, records, references, canaries)
    return {
        record.key: _with_valid_marker(current_records[record.key], record)
        for record in records
        if record.key in current_records
    }, is_reliable


def _lookup(
    target: Connector, records: Sequence[Record], references: LinkReferences, canaries: Sequence[Record] = ()
) -> tuple[dict[str, CurrentRecord], bool]:
    keys = {record.key for record in records}
    apart = [record for record in canaries if record.key not in keys]
    linked = [(record.kind, record.key) for record in records]
    linked += [(part.kind, part.source) for parent in (*records, *apart) for part in parent.parts if part.source]
    for kind in {kind for kind, _ in linked}:
        references.ask(kind, [key for part_kind, key in linked if part_kind is kind])
    hidden = _PartialReferences(references, {(record.kind, record.key) for record in apart})
    current_records = target.lookup([*records, *apart], hidden) if records else {}
    is_reliable = any(record.key in current_records for record in apart)
    return {key: current for key, current in current_records.items() if key in keys}, is_reliable


def _with_valid_marker(current: CurrentRecord, record: Record) -> CurrentRecord:
    return replace(current, marker="") if current.marker and differences(record, current.record) else current


def find_in_target(
    target: Connector, shaped: Sequence[TargetRecord], links: Links, flow: str, parts: Kind | None
) -> tuple[dict[str, CurrentRecord], dict[str, Issue]]:
    """Return the target's records, and an issue for each article that the target has elsewhere, by its source.

    `parts` is the kind of the articles. Articles that are in a target record of another owner stay there, and the
    record is looked up again with its remaining articles.
    """
    references = links.references(flow)
    members = {target_record.desired.key: _members(target_record) for target_record in shaped if target_record.desired}
    waiting = [target_record.desired for target_record in shaped if target_record.desired]
    current_records: dict[str, CurrentRecord] = {}
    issues: dict[str, Issue] = {}
    while waiting:
        looked_up, _ = _lookup(target, waiting, references)
        foreign: dict[str, Inside] = {}
        if parts:
            shared = {
                record.key: now for record in waiting if (now := looked_up.get(record.key)) and _has_more(now, record)
            }
            foreign = _foreign(shared, members, references, partial(links.by_reference, flow, parts))
        rest = []
        for record in waiting:
            if (now := looked_up.get(record.key)) is None:
                continue
            left_there = _locations(record, now, foreign[record.key]) if record.key in foreign else {}
            issues |= _elsewhere_issues(record, left_there or _unlinked_locations(record, now, references))
            if not left_there:
                current_records[record.key] = now
            elif present_parts := tuple(part for part in record.parts if part.key not in left_there):
                rest.append(replace(record, parts=present_parts))
        waiting = rest
    return current_records, issues


def _unlinked_locations(record: Record, current: CurrentRecord, references: LinkReferences) -> dict[str, Location]:
    """Return the location of articles that are not here under their number.

    Leaves out those that `with_current_numbers` follows.
    """
    parts = {part.key: part for part in record.parts}
    return {
        key: place
        for key, place in current.elsewhere.items()
        if not _is_renumbered(current, place)
        or key not in parts
        or references.reference(parts[key].kind, parts[key].source) != key
    }


def _is_renumbered(current: CurrentRecord, place: Location) -> bool:
    return place.reference == current.reference and not place.other


def with_current_numbers(record: Record, current: CurrentRecord | None) -> Record:
    """Return the record with its articles under the numbers that they have in the target now."""
    if current is None or not current.elsewhere:
        return record
    places = {key: place.number for key, place in current.elsewhere.items() if _is_renumbered(current, place)}
    return replace(record, parts=tuple(replace(part, key=places.get(part.key, part.key)) for part in record.parts))


def _members(target_record: TargetRecord) -> frozenset[str]:
    """Return the keys of all records read for one parent, whether or not they take part."""
    apart = {issue.key for issue in target_record.parked} | {skip.key for skip in target_record.skipped}
    return frozenset(apart.union(target_record.desired.sources if target_record.desired else ()))


def _has_more(current: CurrentRecord, record: Record) -> bool:
    """Return True if the target record has articles that the record does not have."""
    return not {part.key for part in current.record.parts}.issubset(part.key for part in record.parts)


def _foreign(
    current_records: Mapping[str, CurrentRecord],
    members: Mapping[str, frozenset[str]],
    references: LinkReferences,
    by_reference: Callable[[Collection[str]], Mapping[str, Link]],
) -> dict[str, Inside]:
    """Return the keys whose target record belongs to another owner, with the links of the articles in it.

    The owner is the record with most of the articles in it; if equal, the record that is linked. Retired articles, and
    articles that belong to this key now, do not count for another owner.
    """
    numbers = [part.key for now in current_records.values() for part in now.record.parts]
    articles = by_reference(numbers)
    insides: dict[str, Inside] = {}
    for key, now in current_records.items():
        inside = {part.key: articles[part.key] for part in now.record.parts if part.key in articles}
        ours = sum(link.owner == key for link in inside.values())
        others = [link.owner for link in inside.values() if not (link.retired or link.key in members[key])]
        highest_count = max(Counter(owner for owner in others if owner != key).values(), default=0)
        is_linked = references.reference(now.record.kind, key) == now.reference
        if ours < highest_count or (ours == highest_count > 0 and not is_linked):
            insides[key] = inside
    return insides


def _locations(record: Record, current: CurrentRecord, inside: Inside) -> dict[str, Location]:
    """Return the location of the record's parts that are in the given target record.

    Leaves out a part whose number belongs to another article.
    """
    name, target_keys = as_text(current.record.values.get("name")), {part.key for part in current.record.parts}
    locations = {}
    for part in record.parts:
        location = current.elsewhere.get(part.key, Location(current.reference, name, part.key))
        is_here = location.reference == current.reference and location.number in target_keys and not location.other
        link = inside.get(location.number)
        if is_here and (link is None or link.key == part.source):
            locations[part.key] = location
    return locations


def _elsewhere_issues(record: Record, locations: Mapping[str, Location]) -> dict[str, Issue]:
    apart = [part for part in record.parts if part.key in locations]
    return {part.source: article_elsewhere_issue(part, record.key, locations[part.key]) for part in apart}

"""Selects the events that are also written to the audit log: decisions of people, not processing of records."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from integration.core.people import AccessChannel, current_action
from integration.store.events import Event
from integration.store.sealing import AuditRecord, collect_audit_records

ACTIONS = frozenset(
    {
        "setting_changed", "setting_forgotten", "table_changed", "mapping_published", "connection_changed",
        "connection_forgotten", "place_changed", "brake_switched_off", "left_out", "taken_in", "value_corrected",
        "correction_removed", "cause_assigned", "cause_noted", "issue_dismissed", "issue_reopened", "issue_closed",
        "linked_by_hand", "conflict_settled", "identity_decided", "found_by_hand", "not_there", "run_started",
        "approved", "approved_first", "stop_asked", "run_discarded", "person_added", "person_changed", "person_on",
        "person_off", "person_invited", "person_came", "session_begun", "session_revoked", "key_changed",
        "customer_erasing", "customer_erased", "customer_lifted", "customer_access", "plan_noted",
        "change_requested", "change_approved", "change_rejected", "customers_merged", "customers_separated",
        "customer_pair_dismissed", "customer_pair_proposed_again",
    }
)  # fmt: skip
RECORD_EVENTS = frozenset({"value_corrected", "correction_removed"})  # before and after are values of a record
PLAN_EVENTS = frozenset({"plan_noted", "run_discarded"})
"""The texts of these events are stored with the plan, where they can be erased. The audit log has only a digest."""
UNAUDITED_ACTORS = {
    "run_started": frozenset({"schedule"})
}  # the scheduler starts runs all day; its approvals are audited
UNAUDITED_SETTINGS = ("draft:", "retention_done", "audit_checked")
"""Settings that decide nothing: drafts of mappings (their publication is audited), and notes of the program itself."""
PEOPLE_EVENT_PREFIXES = ("person_", "session_")
MAX_SUBJECTS = 100  # keys that an entry names; for more it has the number and a digest of all keys
MAX_VALUES, LONGEST = 200, 500
PLAIN = re.compile(r"-?\d+([.,]\d+)?|\d{4}-\d{2}-\d{2}(T[\d:.+]+)?|yes|no|[A-Z0-9_.-]{1,8}")
TELLING = re.compile(
    r"name|mail|phone|mobile|tel|fax|street|house|post|zip|city|town|addr|contact|attention|person|birth|iban|bank|bic|"
    r"vat_n|coc|remark|memo|note|text|login|salut|initial|naam|straat|plaats|huis|omschr|opm|website|url"
)


def record_audit_entries(connection: sa.Connection, at: datetime, events: Sequence[Event]) -> None:
    """Collect audit entries for the events that are decisions of people, in the current transaction."""
    if decisions := [event for event in events if event.event in ACTIONS and _is_audited(event)]:
        collect_audit_records(connection, list(_audit_records(at, decisions)))


def _is_audited(event: Event) -> bool:
    by = event.facts.get("by", "")
    if not by or by in UNAUDITED_ACTORS.get(event.event, ()):
        return False
    return not (event.event.startswith("setting_") and event.key.startswith(UNAUDITED_SETTINGS))


def _audit_records(at: datetime, events: Sequence[Event]) -> Iterator[AuditRecord]:
    """Yield audit records. Consecutive events that differ only in the record become one."""
    for _, together in groupby(events, _group_key):
        yield _audit_record(at, list(together))


def _group_key(event: Event) -> tuple[object, ...]:
    values = () if event.before is None and event.after is None else (event.key, id(event))
    return (event.event, event.run, event.flow, event.kind, event.code, tuple(sorted(event.facts.items())), values)


def _audit_record(at: datetime, events: Sequence[Event]) -> AuditRecord:
    first = events[0]
    facts = dict(first.facts)
    by, reason = facts.pop("by"), facts.pop("reason", "") or facts.pop("note", "")
    if reason and first.event in PLAN_EVENTS:
        facts["digest"], reason = hashlib.sha256(reason.encode("utf-8", "replace")).hexdigest()[:16], ""
    keys = [event.key for event in events if event.key]
    if len(keys) > MAX_SUBJECTS:
        facts["digest"] = hashlib.sha256("\n".join(keys).encode("utf-8", "replace")).hexdigest()
    doing = current_action()
    before, after = differing_values(first.before or {}, first.after or {})
    hidden = first.event in RECORD_EVENTS and not _is_plain({**before, **after}, [*before.values(), *after.values()])
    return AuditRecord(
        at=at,
        actor=by,
        action=first.event,
        flow=first.flow,
        run=first.run,
        kind=first.kind,
        code=first.code,
        subjects=tuple(keys[:MAX_SUBJECTS]),
        count=len(events),
        reason=reason,
        facts={name: fact for name, fact in facts.items() if fact},
        before=before,
        after=after,
        hidden=hidden,
        session=doing.actor.session if doing else "",
        channel=doing.actor.channel if doing and doing.actor.channel is not AccessChannel.CONSOLE else "",
        of_people=first.event.startswith(PEOPLE_EVENT_PREFIXES),
    )


def _is_plain(names: Mapping[str, str], values: Sequence[str]) -> bool:
    """Return True if the values contain only amounts, dates and codes, in fields that are not about a person."""
    return not any(TELLING.search(name.casefold()) for name in names) and all(
        PLAIN.fullmatch(value) for value in values if value
    )


def differing_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values that differ between two groups, as texts by path."""
    was, becomes = (dict(_flat("", group)) for group in (before, after))
    paths = [path for path in {**was, **becomes} if was.get(path) != becomes.get(path)]
    shown_paths = paths[:MAX_VALUES]
    more = {"…": str(len(paths) - MAX_VALUES)} if len(paths) > MAX_VALUES else {}
    return (
        {path: was[path][:LONGEST] for path in shown_paths if path in was},
        {path: becomes[path][:LONGEST] for path in shown_paths if path in becomes} | more,
    )


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inside in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), inside)
    elif isinstance(value, list) and value:
        for at, inside in enumerate(value):
            name = inside.get("target", at) if isinstance(inside, Mapping) else at
            yield from _flat(f"{path}[{name}]", inside)
    elif path:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

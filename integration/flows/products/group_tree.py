"""Checks the tree of article groups for cycles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.core.issues import Issue
from integration.core.rules import as_text
from integration.core.staged_records import StagedRecord


def find_cycles(parents: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return for each group in a cycle all groups of that cycle, each before its parent, from the smallest key.

    `parents` gives the parent of each group, empty for a top group. A group below a cycle is not part of it.
    """
    cycles: dict[str, tuple[str, ...]] = {}
    visited: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        group = start
        while group in parents and group not in visited:
            visited.add(group)
            path[group] = len(path)
            group = parents[group]
        if group in path:
            members = list(path)[path[group] :]
            first = members.index(min(members))
            cycle = (*members[first:], *members[:first])
            cycles |= dict.fromkeys(cycle, cycle)
    return cycles


def without_cycles(staged: Sequence[StagedRecord]) -> list[StagedRecord]:
    """Return the staged groups, with an issue for each group that is in a cycle."""
    parents = {group.key: as_text(group.record.values.get("parent")).strip() for group in staged if group.record}
    circular = find_cycles(parents)
    return [replace(group, record=None, issue=_issue(group, circular[group.key])) if group.key in circular else group
            for group in staged]  # fmt: skip


def _issue(group: StagedRecord, cycle: Sequence[str]) -> Issue:
    facts = {"key": group.title, "groups": ", ".join(cycle)}
    return Issue("group_cycle", group.key, "group.parent", facts)

"""Checks the tree of article groups for cycles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.core.issues import Issue
from integration.core.rules import as_text
from integration.core.staged import Staged


def find_cycles(parents: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return for each group in a cycle all groups of that cycle, each before its parent, from the smallest key.

    `parents` gives the parent of each group, empty for a top group. A group below a cycle is not part of it.
    """
    found: dict[str, tuple[str, ...]] = {}
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
            found |= dict.fromkeys(cycle, cycle)
    return found


def without_cycles(staged: Sequence[Staged]) -> list[Staged]:
    """Return the staged groups, with an issue for each group that is in a cycle."""
    parents = {one.key: as_text(one.record.values.get("parent")).strip() for one in staged if one.record}
    circular = find_cycles(parents)
    return [replace(one, record=None, issue=_issue(one, circular[one.key])) if one.key in circular else one
            for one in staged]  # fmt: skip


def _issue(group: Staged, cycle: Sequence[str]) -> Issue:
    facts = {"key": group.title, "groups": ", ".join(cycle)}
    return Issue("group_cycle", group.key, "group.parent", facts)

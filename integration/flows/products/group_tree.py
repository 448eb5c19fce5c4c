"""The tree of article groups: groups that contain each other have no place in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from integration.core.issues import Issue
from integration.core.rules import as_text
from integration.core.staged import Staged


def find_cycles(parents: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return for each group in a cycle all groups of that cycle, each before its parent, the first key first.

    `parents` has the parent of each group, empty for one at the top. A group below a cycle is in none.
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
    """Return groups as they were staged, with an issue in the place of each that is in a cycle."""
    parents = {one.key: as_text(one.record.values.get("parent")).strip() for one in staged if one.record}
    circular = find_cycles(parents)
    return [replace(one, record=None, issue=_issue(one, circular[one.key])) if one.key in circular else one
            for one in staged]  # fmt: skip


def _issue(group: Staged, cycle: Sequence[str]) -> Issue:
    facts = {"key": group.title, "groups": ", ".join(cycle)}
    return Issue("group_cycle", group.key, "group.parent", facts)

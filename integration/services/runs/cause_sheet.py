"""Collects facts over all records of a cause, for example all currencies without a rate."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from integration.core.causes import cause
from integration.core.issues import CauseGroup, OpenIssue


def with_listed_facts(group: CauseGroup, issues: Callable[[], Iterable[OpenIssue]]) -> CauseGroup:
    """Return the group with the facts of all its issues merged. Calls `issues` only if the cause lists facts."""
    names = cause(group.cause).listing if group.count > 1 else ()
    if not names:
        return group
    issue_facts = [open_issue.issue.facts for open_issue in issues()]
    merged_facts = {
        name: ", ".join(sorted({value for facts in issue_facts for value in facts.get(name, "").split(", ") if value}))
        for name in names
    }
    return replace(group, facts={**group.facts, **merged_facts})

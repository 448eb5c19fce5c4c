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
    told = [one.issue.facts for one in issues()]
    listed = {name: ", ".join(sorted({facts[name] for facts in told if facts.get(name)})) for name in names}
    return replace(group, facts={**group.facts, **listed})

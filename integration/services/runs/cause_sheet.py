"""What is told of all records of a cause together, though one repair serves them: the currencies without a rate."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from integration.core.causes import cause
from integration.core.issues import CauseGroup, OpenIssue


def listing(group: CauseGroup, issues: Callable[[], Iterable[OpenIssue]]) -> CauseGroup:
    """Return a group whose facts name what each of its `issues` tells; they are looked at only where that is asked."""
    names = cause(group.cause).listing if group.count > 1 else ()
    if not names:
        return group
    told = [one.issue.facts for one in issues()]
    listed = {name: ", ".join(sorted({facts[name] for facts in told if facts.get(name)})) for name in names}
    return replace(group, facts={**group.facts, **listed})

"""What the operational database knows of one record: what it is in the target, and why it waits."""

from collections.abc import Iterable

from integration.core.flow import Flow
from integration.core.issues import Issue
from integration.core.queue import IssueState
from integration.core.records import Kind
from integration.core.run import Link
from integration.store.issues import Issues
from integration.store.links import Links


class Records:
    """What is known of the records of every flow."""

    def __init__(self, links: Links, issues: Issues) -> None:
        self._links = links
        self._issues = issues

    def link(self, flow: str, named: Iterable[tuple[str, str]]) -> Link | None:
        """Return which record of the target a record is, by the first kind and key that was linked."""
        for kind, key in named:
            if kind in list(Kind) and (found := self._links.get(flow, Kind(kind), [key]).get(key)):
                return found
        return None

    def reference(self, flow: str, kind: Kind, key: str) -> str:
        """Return the target's reference of a record, also where another flow knows it; empty for none."""
        return self._links.references(flow).reference(kind, key) or ""

    def linked(self, flow: Flow) -> int:
        """Return how many records a flow has linked."""
        return self._links.count(flow.name, flow.linked)

    def waits(self, flow: str, key: str) -> Issue | None:
        """Return why a record waits for a person, or None when it does not."""
        return next((one.issue for one in self._issues.of_key(flow, key) if one.state is IssueState.OPEN), None)

"""What a record of one system is in the other."""

from integration.core.flow import Flow
from integration.core.records import Kind
from integration.core.run import Link
from integration.store.links import Links as StoredLinks


class Links:
    """The links of every flow."""

    def __init__(self, stored: StoredLinks) -> None:
        self._stored = stored

    def of(self, flow: str, kind: Kind, key: str) -> Link | None:
        """Return what a record is linked to in this flow, and what both sides last agreed on."""
        return self._stored.get(flow, kind, [key]).get(key)

    def reference(self, flow: str, kind: Kind, key: str) -> str:
        """Return the target's reference of a record, also where another flow knows it; empty for none."""
        return self._stored.references(flow).reference(kind, key) or ""

    def count(self, flow: Flow) -> int:
        """Return how many records a flow has linked."""
        return self._stored.count(flow.name, flow.linked)

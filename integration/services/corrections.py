"""Values that hold in the place of those of the source, as long as the source does not change them."""

from collections.abc import Callable, Collection, Mapping, Sequence

from integration.core.corrections import Correction
from integration.core.records import Field, Record, Value
from integration.store.corrections import Corrections as StoredCorrections


class Corrections:
    """What persons said values should have been. A correction never reaches the source."""

    def __init__(
        self, stored: StoredCorrections, records: Callable[[str, Collection[str]], Mapping[str, Record]]
    ) -> None:
        """`records` reads source records of a flow as they are now, by their keys."""
        self._stored = stored
        self._records = records

    def counts(self) -> dict[str, int]:
        """Return how many there are, by flow."""
        return self._stored.counts()

    def of(self, flow: str, offset: int = 0, limit: int = 100) -> list[Correction]:
        """Return those of a flow, the newest first."""
        return self._stored.all(flow, offset, limit)

    def correct(self, flow: str, field: Field, values: Mapping[str, Value], by: str, titles: Mapping[str, str]) -> None:
        """Let values hold in the place of those the source has in a field, by the key of its records.

        They hold as long as the source does not change them. What is gone from the source is left out.
        """
        records = self._records(flow, list(values))
        kept = [
            Correction(field.kind, key, field.name, records[key].values.get(field.name), value, titles.get(key, ""), by)
            for key, value in values.items()
            if key in records
        ]
        self._stored.keep(flow, kept, by)

    def remove(self, flow: str, gone: Sequence[Correction], by: str) -> None:
        """Let the source's own value count again."""
        self._stored.remove(flow, gone, by)

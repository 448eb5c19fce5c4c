"""A value that holds in the place of one of the source, for as long as the source says what it said then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from integration.core.records import Kind, Record, Value, same


@dataclass(frozen=True, slots=True)
class Correction:
    """One field of one record of the source: what it was when a person corrected it, and what it is taken for."""

    kind: Kind
    key: str
    field: str
    was: Value
    becomes: Value
    title: str = ""
    by: str = ""

    def holds_for(self, record: Record) -> bool:
        """Tell whether the record still has the value that was corrected; what the source changed since wins."""
        return (record.kind, record.key) == (self.kind, self.key) and same(record.values.get(self.field), self.was)


def corrected(records: Sequence[Record], corrections: Mapping[str, Sequence[Correction]]) -> list[Record]:
    """Return records with their corrections, which are given by the key of the record."""
    return [_corrected(record, corrections.get(record.key, ())) for record in records]


def _corrected(record: Record, corrections: Sequence[Correction]) -> Record:
    changed = {one.field: one.becomes for one in corrections if one.holds_for(record)}
    return replace(record, values={**record.values, **changed}) if changed else record

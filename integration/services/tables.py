"""Value tables: code of the source to code of the target, by the table's name."""

from collections import Counter
from collections.abc import Mapping

from integration.flows.registry import Specs
from integration.services.exceptions import MOST, UNMAPPED, missing_row
from integration.store.issues import Issues
from integration.store.rules import Rules


class ValueTables:
    """Every value table, and what still waits for a row of one."""

    def __init__(self, flows: Specs, rules: Rules, issues: Issues) -> None:
        self._flows = flows
        self._rules = rules
        self._issues = issues

    def all(self) -> dict[str, dict[str, str]]:
        """Return every value table by its name."""
        return self._rules.tables()

    def keep(self, name: str, rows: Mapping[str, str], by: str) -> None:
        """Keep a value table whole."""
        self._rules.set_table(name, rows, by)

    def add_row(self, table: str, code: str, other: str, by: str) -> None:
        """Give a code its counterpart in a value table; the other rows stay as they are."""
        self._rules.add_row(table, code.strip(), other.strip(), by)

    def unmapped(self, flow: str, table: str) -> dict[str, int]:
        """Return the values that parked records have and a value table lacks, with the number of those records."""
        spec = self._flows[flow]
        missing = (
            missing_row(spec, cause, one.issue.facts)
            for cause in (*filter(None, (one.cause for one in spec.tables)), UNMAPPED)
            for one in self._issues.list(flow, cause, limit=MOST)
        )
        return dict(Counter(one.codes[0] for one in missing if one is not None and one.table == table))

"""Value tables as people edit them: what a row can be chosen from, what is wrong with one, and where rows are kept."""

from collections.abc import Iterable, Mapping

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, IntegrationError, Reason
from integration.core.people import Actor, Right
from integration.flows.registry import Specs
from integration.flows.settings import Listed, ValueTable
from integration.flows.tables import differing, row_faults
from integration.services.mappings.code_lists import CodeLists
from integration.store.rules import Rules

Row = tuple[str, str]  # a key and its counterpart


class Tables:
    """The value tables of all flows. What cannot hold is refused here, whoever edits them."""

    def __init__(self, flows: Specs, rules: Rules, lists: CodeLists) -> None:
        self._flows = flows
        self._rules = rules
        self._lists = lists

    @requires(Right.SEE)
    def of(self, name: str, flow: str = "") -> ValueTable:
        """Return what is said about a table: by a flow, or by the first that says anything."""
        specs = [self._flows[flow]] if flow else [*self._flows.values()]
        known = (one for spec in specs for one in spec.tables if one.name == name)
        return next(known, None) or (self._flows[flow].table(name) if flow else ValueTable(name))

    @requires(Right.SEE)
    def rows(self, name: str) -> dict[str, str]:
        """Return the rows of a table as they are kept."""
        return self._rules.tables().get(name, {})

    @requires(Right.SEE)
    def faults(self, name: str, rows: Iterable[Row]) -> dict[str, Reason]:
        """Return the rows that are impossible, by their keys, each with the reason."""
        return row_faults(self.of(name), rows, self._codes)

    @requires(Right.SEE)
    def differing(self, name: str, rows: Mapping[str, str]) -> list[str]:
        """Return the keys of rows whose VAT codes have other percentages on either side, as far as both tell theirs."""
        try:
            return differing(self.of(name), rows, self._lists.vat_rates)
        except IntegrationError:
            return []

    @requires(Right.SEE)
    def expect_possible(self, name: str, rows: Iterable[Row]) -> None:
        """Raise ConfigurationError, naming row and reason, for a row that cannot hold; one that was kept before may."""
        before, listed = self.rows(name), [*rows]
        for key, why in self.faults(name, listed).items():
            is_kept = dict(listed)[key] == before.get(key) and why.code != "reason_row_twice"
            if not is_kept:
                raise ConfigurationError("row_impossible", table=name, message=why.code, **why.facts)

    @requires(Right.REPAIR)
    def save(self, name: str, rows: Mapping[str, str] | Iterable[Row], by: Actor) -> None:
        """Keep a table whole. Raises ConfigurationError for a row that cannot hold."""
        listed = [*(rows.items() if isinstance(rows, Mapping) else rows)]
        self.expect_possible(name, listed)
        self._rules.set_table(name, dict(listed), by.ref)

    @requires(Right.REPAIR)
    def add(self, name: str, key: str, other: str, by: Actor) -> None:
        """Add one row, or give its key another counterpart. Raises ConfigurationError for a row that cannot hold."""
        self.expect_possible(name, [(key, other)])
        self._rules.add_row(name, key, other, by.ref)

    def add_rows(self, tables: Mapping[str, Mapping[str, str]], by: Actor) -> None:
        """Add rows to several tables at once: rows by key, by the name of the table.

        Raises ConfigurationError for a row that cannot hold, and then no row is added.
        """
        for name, rows in tables.items():
            self.expect_possible(name, rows.items())
        self._rules.add_rows(tables, by.ref)

    def _codes(self, listed: Listed) -> dict[str, str] | None:
        return self._lists.readable(*listed)

"""Value tables as people edit them: choices, validation and storage of rows."""

from collections.abc import Iterable, Mapping

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, IntegrationError, Reason
from integration.core.people import Actor, Right
from integration.flows.registry import Specs
from integration.flows.settings import CodeList, ValueTable
from integration.flows.tables import row_faults, rows_with_different_rates
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.row_names import RowNames
from integration.store.rules import MappingStore

Row = tuple[str, str]  # a key and its counterpart


class Tables:
    """The value tables of all flows. Invalid rows are refused for every caller."""

    def __init__(self, flows: Specs, rules: MappingStore, lists: CodeLists, names: RowNames) -> None:
        self._flows = flows
        self._rules = rules
        self._lists = lists
        self._names = names

    @requires(Right.SEE)
    def table_definition(self, name: str, flow: str = "") -> ValueTable:
        """Return the definition of a table from a flow, or from the first flow that defines it."""
        specs = [self._flows[flow]] if flow else [*self._flows.values()]
        tables = (table for spec in specs for table in spec.tables if table.name == name)
        return next(tables, None) or (self._flows[flow].table(name) if flow else ValueTable(name))

    @requires(Right.SEE)
    def rows(self, name: str) -> dict[str, str]:
        """Return the stored rows of a table."""
        return self._rules.tables().get(name, {})

    @requires(Right.SEE)
    def faults(self, name: str, rows: Iterable[Row]) -> dict[str, Reason]:
        """Return the reasons why rows are invalid, by their keys."""
        return row_faults(self.table_definition(name), rows, self._codes)

    @requires(Right.SEE)
    def differing(self, name: str, rows: Mapping[str, str]) -> list[str]:
        """Return the keys of rows whose VAT codes have different percentages in both systems, if both are known."""
        try:
            return rows_with_different_rates(
                self.table_definition(name), rows, lambda codes: self._lists.vat_rates(codes.system)
            )
        except IntegrationError:
            return []

    @requires(Right.SEE)
    def require_valid_rows(self, name: str, rows: Iterable[Row]) -> None:
        """Raise ConfigurationError, with row and reason, for an invalid row. A row that is already stored may stay."""
        before, pairs = self.rows(name), [*rows]
        for key, why in self.faults(name, pairs).items():
            is_kept = dict(pairs)[key] == before.get(key) and why.code != "reason_row_twice"
            if not is_kept:
                raise ConfigurationError("row_impossible", table=name, message=why.code, **why.facts)

    @requires(Right.REPAIR)
    def save(self, name: str, rows: Mapping[str, str] | Iterable[Row], by: Actor) -> None:
        """Store a whole table. Raises ConfigurationError for an invalid row.

        An unchanged row of an identified table keeps the name of its record; `add` confirms it with the current name.
        """
        pairs = [*(rows.items() if isinstance(rows, Mapping) else rows)]
        self.require_valid_rows(name, pairs)
        before, now = self.rows(name), dict(pairs)
        self._rules.set_table(name, now, by.ref)
        differing = {code for code in {**before, **now} if before.get(code) != now.get(code)}
        self._names.remember(self.table_definition(name), differing)

    @requires(Right.REPAIR)
    def add(self, name: str, key: str, other: str, by: Actor) -> None:
        """Add or replace one row. Raises ConfigurationError for an invalid row."""
        self.require_valid_rows(name, [(key, other)])
        self._rules.add_row(name, key, other, by.ref)
        self._names.remember(self.table_definition(name), {key})

    def add_rows(self, tables: Mapping[str, Mapping[str, str]], by: Actor) -> None:
        """Add rows to several tables in one transaction: rows by key, by the name of the table.

        Raises ConfigurationError for an invalid row, and adds no row then.
        """
        for name, rows in tables.items():
            self.require_valid_rows(name, rows.items())
        self._rules.add_rows(tables, by.ref)
        for name, rows in tables.items():
            self._names.remember(self.table_definition(name), rows)

    def _codes(self, code_list: CodeList) -> dict[str, str] | None:
        return self._lists.readable(code_list.system, code_list.name)

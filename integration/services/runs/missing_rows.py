"""Missing rows of value tables for the parked records of a flow: listed together, and added in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from integration.core.authorization import requires
from integration.core.issues import CauseGroup, IssueState, OpenIssue
from integration.core.ledgers import matching_account
from integration.core.missing_codes import MissingCode
from integration.core.people import Actor, Right
from integration.flows.functions.values import is_country
from integration.flows.registry import Specs
from integration.flows.settings import COUNTRY, CodeList, ValueTable
from integration.flows.spec import FlowSpec
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics
from integration.services.mappings.tables import Tables
from integration.services.runs.exceptions import (
    Exceptions,
    MissingRow,
    codes_without_rows,
    missing_row,
    missing_rows_of_issue,
)

Key = tuple[str, str]  # the name of a table, and the key of its row
NOTHING_CHOSEN: Mapping[Key, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RowToAdd:
    """One missing row of a value table.

    `amount` is the absolute amount in euros of the parked records with this code. `proposal` is the counterpart that
    the till names or that both systems suggest, and empty otherwise.
    """

    table: ValueTable
    key: str
    name: str
    amount: Decimal
    records: int
    proposal: str = ""

    @property
    def row_key(self) -> Key:
        """The table and the key of the row."""
        return self.table.name, self.key


class MissingRows:
    """All missing rows of value tables for parked records, by flow."""

    def __init__(self, flows: Specs, exceptions: Exceptions, tables: Tables, lists: CodeLists, logics: Logics) -> None:
        self._flows = flows
        self._exceptions = exceptions
        self._tables = tables
        self._lists = lists
        self._logics = logics

    @requires(Right.SEE)
    def groups(self, flow: str) -> list[CauseGroup]:
        """Return the open causes of a flow that rows of value tables repair, largest amount first."""
        causes = self._exceptions.row_causes(flow)
        return [group for group in self._exceptions.groups(flow) if group.cause in causes]

    @requires(Right.SEE)
    def rows(self, flow: str, chosen: Mapping[Key, str] = NOTHING_CHOSEN) -> list[RowToAdd]:
        """Return every missing row over all parked records of a flow, largest amount first.

        `chosen` has the counterparts that a person has chosen so far; a row without one counts with its proposal. A row
        whose code is the counterpart of another row is included as soon as that counterpart is known.
        """
        spec, home = self._flows[flow], self._logics.home_country()
        by_key: dict[Key, _RowTotal] = {}
        dependent: list[tuple[OpenIssue, MissingCode]] = []
        for group in self.groups(flow):
            for open_issue in self._exceptions.list_issues(group.group_key, IssueState.OPEN):
                for candidate, code in missing_rows_of_issue(spec, open_issue.issue):
                    row = self._preferred_row(candidate, code)
                    by_key.setdefault((row.table.name, _key(row, home)), _RowTotal(row)).add(open_issue.issue.key, code)
                codes = codes_without_rows(open_issue.issue)
                dependent += [(open_issue, code) for code in codes if code.counterpart_of]
        counterparts = {key: chosen.get(key, self._proposal(missing)) for key, missing in by_key.items()}
        for open_issue, code in dependent:
            following = self._dependent_row(spec, code, counterparts, home)
            if following:
                key = following.table.name, _key(following, home)
                by_key.setdefault(key, _RowTotal(following)).add(open_issue.issue.key, code)
        rows = [
            RowToAdd(
                missing.row.table,
                key[1],
                missing.facts.get("kind", ""),
                missing.amount,
                len(missing.records),
                self._proposal(missing),
            )
            for key, missing in by_key.items()
        ]
        return sorted(rows, key=lambda row: (-row.amount, -row.records, row.row_key))

    def _dependent_row(
        self, spec: FlowSpec, code: MissingCode, counterparts: Mapping[Key, str], home: str
    ) -> MissingRow | None:
        """Return the missing row for the counterpart of another row; None if that is unknown or has its row."""
        leading = missing_row(spec, code.counterpart_of, code.facts)
        other = counterparts.get((leading.table.name, _key(leading, home)), "") if leading else ""
        row = missing_row(spec, code.cause, {**code.facts, "code": other}) if other else None
        if row is None or row.table.row(self._tables.rows(row.table.name), home=home, **row.key_values):
            return None
        return self._preferred_row(row, code)

    def _preferred_row(self, row: MissingRow, code: MissingCode) -> MissingRow:
        """Return the row of the table that has a proposal, if a row in it has the same effect."""
        instead = row.table.alternative_table
        if instead is None or instead.propose is None or not instead.propose(code.facts, self._codes):
            return row
        code_name = instead.code.name
        return MissingRow(instead, {code_name: code.facts[code_name]})

    @requires(Right.REPAIR)
    def add(self, flow: str, chosen: Mapping[Key, str], by: Actor) -> None:
        """Add rows to the value tables of a flow in one transaction.

        `chosen` has the counterpart of each row by table and key. Raises ConfigurationError for an invalid row, and
        KeyError for a table that the flow does not have.
        """
        tables: dict[str, dict[str, str]] = {}
        for (name, key), other in chosen.items():
            tables.setdefault(self._flows[flow].table(name).name, {})[key] = other.strip()
        self._tables.add_rows(tables, by)

    def _proposal(self, missing: "_RowTotal") -> str:
        """Return the counterpart that the till names or that both systems suggest; else an empty text."""
        table, number = missing.row.table, missing.facts.get("account", "")
        if number and table.theirs:
            return matching_account(number, self._codes(table.theirs))
        return table.propose(missing.facts, self._codes) if table.propose else ""

    def _codes(self, code_list: CodeList) -> Mapping[str, str]:
        return self._lists.readable(code_list.system, code_list.name) or {}


@dataclass(slots=True)
class _RowTotal:
    """A missing row with its amount, its records and the facts of its codes."""

    row: MissingRow
    facts: dict[str, str] = field(default_factory=dict)
    amount: Decimal = Decimal(0)
    records: set[str] = field(default_factory=set)

    def add(self, record: str, code: MissingCode) -> None:
        """Add a record with a code under this row."""
        self.facts = self.facts or dict(code.facts)
        self.amount += code.amount
        self.records.add(record)


def _key(row: MissingRow, home: str) -> str:
    """Return the key of the row to add, with as few parts as possible beside the code.

    Required parts and parts that rank before the code stay in the key, and so does a country other than the shop's own:
    without it the row would also apply to sales that nobody decided about.
    """
    country = row.key_values.get(COUNTRY, "")
    parts = {
        part.name: row.key_values.get(part.name, "")
        for part in row.table.parts
        if part.is_required or part.rank or (part.name == COUNTRY and country != home and is_country(country))
    }
    return row.table.key(parts)

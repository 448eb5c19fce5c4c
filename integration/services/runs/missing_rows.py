"""Missing rows of value tables for the parked records of a flow: listed together, and added in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from integration.core.authorization import requires
from integration.core.issues import CauseGroup, IssueState
from integration.core.ledgers import matching_account
from integration.core.missing_codes import MissingCode
from integration.core.people import Actor, Right
from integration.flows.functions.values import is_country
from integration.flows.registry import Specs
from integration.flows.settings import COUNTRY, ValueTable
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics
from integration.services.mappings.tables import Tables
from integration.services.runs.exceptions import Exceptions, MissingRow, lacked_rows

Key = tuple[str, str]  # the name of a table, and the key of its row


@dataclass(frozen=True, slots=True)
class RowToAdd:
    """One missing row of a value table.

    `amount` is the absolute amount in euros of the parked records with this code. `proposal` is the counterpart that
    the till names, if the other system has it, and empty otherwise.
    """

    table: ValueTable
    key: str
    name: str
    amount: Decimal
    records: int
    proposal: str = ""

    @property
    def of(self) -> Key:
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

    def _home(self) -> str:
        """Return the ISO code of the shop's country from the settings of the flows, or an empty text if none has it."""
        countries = (getattr(self._logics.settings(flow), "default_country", "") for flow in self._flows)
        return str(next(filter(None, countries), ""))

    @requires(Right.SEE)
    def groups(self, flow: str) -> list[CauseGroup]:
        """Return the open causes of a flow that rows of value tables repair, largest amount first."""
        causes = self._exceptions.row_causes(flow)
        return [group for group in self._exceptions.groups(flow) if group.cause in causes]

    @requires(Right.SEE)
    def rows(self, flow: str) -> list[RowToAdd]:
        """Return every missing row over all parked records of a flow, largest amount first."""
        spec, home = self._flows[flow], self._home()
        sums: dict[Key, Decimal] = {}
        records: dict[Key, set[str]] = {}
        found: dict[Key, tuple[MissingRow, MissingCode]] = {}
        for group in self.groups(flow):
            for one in self._exceptions.every(group.group_key, IssueState.OPEN):
                for row, code in lacked_rows(spec, one.issue):
                    key = row.table.name, _key(row, home)
                    sums[key] = sums.get(key, Decimal(0)) + code.amount
                    records.setdefault(key, set()).add(one.issue.key)
                    found.setdefault(key, (row, code))
        listed = [
            RowToAdd(
                row.table, key[1], code.facts.get("kind", ""), sums[key], len(records[key]), self._proposal(row, code)
            )
            for key, (row, code) in found.items()
        ]
        return sorted(listed, key=lambda one: (-one.amount, -one.records, one.of))

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

    def _proposal(self, row: MissingRow, code: MissingCode) -> str:
        theirs, number = row.table.theirs, code.facts.get("account", "")
        known = self._lists.readable(theirs.system, theirs.name) if theirs and number else None
        return matching_account(number, known) if known else ""


def _key(row: MissingRow, home: str) -> str:
    """Return the key of the row to add, with as few parts as possible beside the code.

    Required parts and parts that rank before the code stay in the key, and so does a country other than the shop's own:
    without it the row would also apply to sales that nobody decided about.
    """
    country = row.asked.get(COUNTRY, "")
    kept = {
        part.name: row.asked.get(part.name, "")
        for part in row.table.parts
        if part.needed or part.rank or (part.name == COUNTRY and country != home and is_country(country))
    }
    return row.table.key(kept)

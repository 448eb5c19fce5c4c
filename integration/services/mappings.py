"""Mappings as they are published, the one in force, those before it, and the next; and the tables their rules use."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integration.core.errors import ConfigurationError, PlanStaleError
from integration.core.mapping import readable_rules, rules_to
from integration.core.rules import Mapping as RuleMapping
from integration.flows.registry import Specs
from integration.services.exceptions import MOST, UNMAPPED, missing_row
from integration.services.logic import Logics
from integration.store.rules import Rules, Version
from integration.store.stores import Stores


@dataclass(frozen=True, slots=True)
class Published:
    """The mapping of a flow that is in force: number, rules, and who published it with which note."""

    version: int
    mapping: RuleMapping
    by: str
    note: str
    published_at: datetime


class Mappings:
    """The published mappings of every flow. A version never changes afterwards."""

    def __init__(self, rules: Rules, logics: Logics) -> None:
        self._rules = rules
        self._logics = logics

    def history(self, flow: str) -> list[Version]:
        """Return the versions of a flow, the newest first."""
        return self._rules.history(flow)

    def published(self, flow: str) -> Published:
        """Return the mapping of a flow that is in force, as far as it can be read; a run takes it whole or not at all.

        Raises ConfigurationError when there is none.
        """
        newest = next(iter(self._rules.history(flow)), None)
        if newest is None:
            raise ConfigurationError("mapping_missing", flow=flow)
        body = readable_rules(self._rules.body(flow, newest.version))
        return Published(newest.version, body, newest.by, newest.note, newest.published_at)

    def publish(self, flow: str, mapping: RuleMapping, base: int, by: str, note: str) -> int:
        """Publish a mapping that was made from version `base` and return its number.

        Plans made with the version before are refused from then on. Raises PlanStaleError when another version has
        been published meanwhile, and ConfigurationError when the mapping cannot be used.
        """
        current = self.published(flow).version
        if current != base:
            raise PlanStaleError("mapping_published_since", flow=flow, version=base, current=current)
        self._logics.trial(flow, mapping)
        return self._rules.publish(flow, rules_to(mapping), by, note)


class ValueTables:
    """Every value table, code of the source to code of the target, and what still waits for a row of one."""

    def __init__(self, flows: Specs, stores: Stores) -> None:
        self._flows = flows
        self._rules = stores.rules
        self._issues = stores.issues

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

"""Published mappings, their parts, and the logic of each flow that is built from them."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from integration import VERSION
from integration.connectors.protocol import Configurable, Connector, Invoicing
from integration.core.authorization import requires
from integration.core.basis import FIELDS, LISTS, NAMES, ON, RATES, SETTINGS, TABLES, Basis
from integration.core.booking_state import BookingStates
from integration.core.errors import (
    ConfigurationError,
    IntegrationError,
    MalformedAnswerError,
    PlanStaleError,
    UnavailableError,
)
from integration.core.flow import Flow
from integration.core.issues import Issue, IssueState
from integration.core.links import Link
from integration.core.people import Actor, Right
from integration.core.records import CurrentRecord, Field, Kind, Record, RecordType, Unreadable, with_corrections
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import readable_rules, rules_to
from integration.core.system_roles import assigned_systems
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, CodeList, FlowSettings
from integration.flows.spec import FlowLogic, FlowSpec, RenamedCode
from integration.flows.tables import VAT_CODES, usable_rows
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.movements import TillMovements
from integration.services.mappings.pictures import Pictures
from integration.services.mappings.row_names import RowNames
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.systems.object_names import ObjectNames
from integration.store.booking_states import BookingStateStore
from integration.store.corrections import Corrections
from integration.store.database import Clock
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.movements import MovementStore
from integration.store.rules import CurrentRules, MappingStore
from integration.store.settings import StoredSettings

# Settings about when a flow runs and what stops it. They do not affect its records.
_ABOUT_ROUNDS = frozenset({"on", "schedule_minutes", "calendar", "nightly_complete", "auto_approve"})
_ABOUT_RUNS = _ABOUT_ROUNDS | {"brakes"}


def _mark(shape: object) -> str:
    return hashlib.sha256(json.dumps(shape, sort_keys=True, default=str).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _CachedLogic:
    """A cached logic with its inputs. It is valid while all inputs are equal."""

    rules: CurrentRules
    code_lists: Sequence[Mapping[str, object]]
    corrections: str
    systems: tuple[str, ...]  # that have the roles
    logic: FlowLogic


class Logics:
    """The logic of every flow, for runs and for trials."""

    def __init__(
        self,
        flows: Specs,
        corrections: Corrections,
        issues: Issues,
        links: Links,
        movements: MovementStore,
        rules: MappingStore,
        stored_settings: StoredSettings,
        booking_states: BookingStateStore,
        *,
        access: ConnectorFactory,
        lists: CodeLists,
        names: ObjectNames,
        pictures: Pictures,
        row_names: RowNames,
        clock: Clock,
    ) -> None:
        self._flows = flows
        self.links = links
        self.issues = issues
        self.movements = movements
        self.booking_states = booking_states
        self.access = access
        self._lists = lists
        self._names = names
        self._pictures = pictures
        self._row_names = row_names
        self.clock = clock
        self.asks_lists = True
        self._rules = rules
        self._stored = stored_settings
        self._corrections = corrections
        self._cache: dict[str, _CachedLogic] = {}

    def connector(self, system: str) -> Connector:
        """Return the connection to a system. Raises ConfigurationError if it is not connected."""
        return self.access.connector(system)

    def rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by code."""
        return self._lists.vat_rates(system) if self.asks_lists else {}

    def renamed_codes(self, flow: str, table: str) -> Mapping[str, RenamedCode]:
        """Return the codes of an identified value table that now belong to another record."""
        return self._row_names.renamed(self._flows[flow].table(table)) if self.asks_lists else {}

    def codes(self, code_list: CodeList) -> Mapping[str, str]:
        """Return codes and captions of any list of a system."""
        return self._lists.choices(code_list.system, code_list.name) if self.asks_lists else {}

    def pictures(self, files: Sequence[str]) -> Sequence[Record | IntegrationError]:
        """Return the pictures that the books name, in order of `files`, or the error in place of a picture."""
        return self._pictures.read(files)

    def flow(self, flow: str) -> Flow:
        """Return a flow with the kinds of record that its settings choose."""
        return self._flows[flow].with_settings(self.settings(flow))

    def settings(self, flow: str) -> FlowSettings:
        """Return the settings of a flow. Unusable settings are left out, and the flow is then off."""
        return self._flows[flow].settings(**self.usable(flow))

    def home_country(self) -> str:
        """Return the ISO code of the shop's country from the settings of the flows, or an empty text if none has it."""
        countries = (getattr(self.settings(flow), "default_country", "") for flow in self._flows)
        return str(next(filter(None, countries), ""))

    def usable(self, flow: str) -> dict[str, Any]:
        """Return the stored settings of a flow, without those that cannot be used."""
        values = self._stored_values(flow)
        if self._fault(flow, values) is None:
            return values
        usable_values: dict[str, Any] = {}
        for name, value in values.items():
            with suppress(ConfigurationError):
                self._flows[flow].settings(**{**usable_values, name: value})
                usable_values[name] = value
        return {**usable_values, "on": False}

    def fault(self, flow: str) -> ConfigurationError | None:
        """Return why the stored settings of a flow cannot be used, or None.

        A run does not begin with unusable settings.
        """
        return self._fault(flow, self._stored_values(flow))

    def _fault(self, flow: str, values: Mapping[str, Any]) -> ConfigurationError | None:
        try:
            self._flows[flow].settings(**values)
        except ConfigurationError as error:
            return error
        return None

    def _stored_values(self, flow: str) -> dict[str, Any]:
        return self._stored.get(f"flow:{flow}") or {}

    def _validated_settings(self, flow: str) -> FlowSettings:
        return self._flows[flow].settings(**self._stored_values(flow))

    def corrected(self, flow: str, records: Sequence[Record]) -> list[Record]:
        """Return source records of a flow with corrections applied."""
        return with_corrections(records, self._corrections.corrections_of(flow, [record.key for record in records]))

    def current_logic(self, flow: str) -> FlowLogic:
        """Return the current logic of a flow, built from its settings, mapping and value tables."""
        spec, in_force, cache_entry = self._flows[flow], self._rules.current_rules(flow), self._cache.get(flow)
        is_known = cache_entry is not None and cache_entry.rules == in_force
        settings = cache_entry.logic.settings if cache_entry and is_known else spec.settings(**in_force.settings())
        lists: list[Mapping[str, object]] = [self.rates(role.system) for role in spec.vat_rate_systems]
        lists += [self.codes(code_list) for code_list in spec.code_lists(settings)]
        corrections = self._corrections.mark(flow) if any(stage.hashed for stage in spec.flow.stages) else ""
        if (
            cache_entry
            and is_known
            and (cache_entry.code_lists, cache_entry.corrections, cache_entry.systems)
            == (lists, corrections, assigned_systems())
        ):
            return cache_entry.logic
        mapping = in_force.mapping()
        if mapping is None:
            raise ConfigurationError("mapping_missing", flow=flow)
        version, body = mapping
        tables = self._usable_tables(spec, in_force.tables())
        logic = spec.make(settings, body, version, tables, self._context(flow))
        logic.basis = _mark((VERSION, body, version, tables, in_force.settings(), *lists, corrections))
        self._cache[flow] = _CachedLogic(in_force, lists, corrections, assigned_systems(), logic)
        return logic

    def input_fingerprints(self, flow: str) -> dict[str, str]:
        """Return hashes of the inputs of a flow: mapping, settings, tables, corrections, rates and object names.

        A hash changes when its input changes in a way that may affect the mapped records.
        """
        version, body = self._rules.published(flow) or (0, {})
        return {
            "mapping": str(version),
            "settings": self._settings_mark(flow, _ABOUT_RUNS),
            "tables": self._tables_mark(flow, body),
            "corrections": self._corrections.mark(flow),
            RATES: _mark([self.rates(role.system) for role in self._flows[flow].vat_rate_systems]),
            NAMES: self._names.mark(),
        }

    def basis(self, flow: str, version: int, *, asks: bool) -> Basis:
        """Return hashes of the inputs of a plan that is made with this mapping version.

        Inputs from the systems are included only if `asks`. The state of the flow is included while the flow is on.
        """
        spec, tables = self._flows[flow], self._tables_mark(flow, self._rules.body(flow, version))
        marks = {SETTINGS: self._settings_mark(flow, _ABOUT_ROUNDS), TABLES: tables, NAMES: self._names.mark()}
        if self._stored_values(flow).get("on"):
            marks[ON] = ON
        if asks:
            lists = [self.codes(code_list) for code_list in spec.code_lists(self._validated_settings(flow))]
            marks |= {RATES: _mark([self.rates(role.system) for role in spec.vat_rate_systems]), LISTS: _mark(lists)}
            marks[FIELDS] = self._fields(flow)
        return marks

    def read_fields(self, flow: str) -> None:
        """Read the fields of the books that a flow uses from their data dictionary again. Later writes use them."""
        self._field_descriptions(flow, fresh=True)

    def _fields(self, flow: str) -> str:
        """Return a hash of the fields of the books that a flow uses, or an empty text if the books do not answer.

        An empty text equals no hash, so a plan that begins meanwhile waits for the books and is compared once they
        answer.
        """
        try:
            return _mark(self._field_descriptions(flow))
        except UnavailableError:
            return ""

    def _field_descriptions(self, flow: str, *, fresh: bool = False) -> Mapping[str, Sequence[tuple[object, ...]]]:
        """Return the descriptions of the fields of the books that a flow may use, by table.

        Raises MalformedAnswerError if the books contradict themselves about a field in the mapping or settings.
        """
        spec, settings = self._flows[flow], self._validated_settings(flow)
        needs, active_flow, books = spec.needs(settings), spec.with_settings(settings), self.connector(BOOKS.system)
        if not isinstance(books, Configurable):
            return {}
        stages = [stage for stage in active_flow.stages if not stage.off]
        kinds = {stage.source if active_flow.source == BOOKS.system else stage.target for stage in stages}
        kinds |= {*needs.kinds, *needs.read_only_kinds}
        tables = books.described(sorted(kinds), as_invoices=needs.as_invoices, fresh=fresh)
        _, body = self._rules.published(flow) or (0, {})
        texts = json.dumps([body, self._stored_values(flow)], default=str).upper()
        for table, columns in tables.items():
            for name, contradiction, *_ in columns:
                if contradiction and re.search(rf"\b{re.escape(str(name))}\b", texts):
                    field = f"{table}.{name} ({contradiction})"
                    raise MalformedAnswerError("column_repeated", system=BOOKS.system, field=field)
        return tables

    def _settings_mark(self, flow: str, without: Collection[str]) -> str:
        """Return a hash of the settings of a flow, and of the settings of other flows that it depends on."""
        own = {name: value for name, value in self._stored_values(flow).items() if name not in without}
        return _mark(
            [own, [getattr(self.settings(other), name) for other, name in self._flows[flow].depends_on_settings]]
        )

    def _tables_mark(self, flow: str, body: Mapping[str, Any]) -> str:
        """Return a hash of the value tables of a flow, and of those that its mapping names."""
        return _mark(self.tables_of(flow, body))

    def tables_of(self, flow: str, body: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Return the stored value tables of a flow, and those that the body of its mapping names."""
        body_text, own = json.dumps(body, default=str), {table.name for table in self._flows[flow].tables}
        return {name: rows for name, rows in self._rules.tables().items() if name in own or f'"{name}"' in body_text}

    def earlier(self, flow: str, version: int) -> FlowLogic:
        """Return the logic of a flow with an earlier mapping version and all other inputs of today."""
        body = self._rules.body(flow, version)
        spec = self._flows[flow]
        return spec.make(self._validated_settings(flow), body, version, self._tables(spec), self._context(flow))

    def trial(
        self,
        flow: str,
        mapping: RuleMapping | None = None,
        afresh: Collection[str] = (),
        settings: FlowSettings | None = None,
    ) -> FlowLogic:
        """Return the logic of a flow with changed inputs. It stores nothing and allots no numbers.

        Documents with the keys in `afresh` count as not booked yet.
        """
        version, published = self._rules.published(flow) or (0, {})
        body: Mapping[str, Any] = published if mapping is None else rules_to(mapping)
        context = self._context(flow, allots=False, afresh=frozenset(afresh))
        spec = self._flows[flow]
        return spec.make(settings or self.settings(flow), body, version, self._tables(spec), context)

    def unasked(self) -> "Logics":
        """Return a copy that treats the code lists of all systems as empty, to test a mapping without them."""
        logics = copy(self)
        logics.asks_lists = False
        return logics

    def _tables(self, spec: FlowSpec) -> dict[str, dict[str, str]]:
        """Return the value tables of a flow; an invalid row stays, with an empty counterpart."""
        return self._usable_tables(spec, self._rules.tables())

    def _usable_tables(self, spec: FlowSpec, tables: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
        rates = {CodeList(role, VAT_CODES): self.rates(role.system) for role in spec.vat_rate_systems}
        return {name: usable_rows(spec.table(name), rows, rates.get) for name, rows in tables.items()}

    def _context(self, flow: str, *, allots: bool = True, afresh: frozenset[str] = frozenset()) -> "_FlowQueries":
        return _FlowQueries(flow, self, allots, afresh)


@dataclass(frozen=True, slots=True)
class _FlowQueries:
    """The queries of the logic of a flow. A trial allots no numbers, and treats documents `afresh` as not booked."""

    flow: str
    logics: Logics
    allots: bool
    afresh: frozenset[str]

    def rates(self, system: str) -> Mapping[str, Decimal]:
        return self.logics.rates(system)

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        return self.logics.links.allocate_number(flow, kind, key) if self.allots else "1"

    def allotted(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        return self.logics.links.allocated_numbers(flow, kind, keys)

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        return {record.key for record in self.logics.connector(system).fetch(kind, keys)}

    def renamed_codes(self, table: str) -> Mapping[str, RenamedCode]:
        return self.logics.renamed_codes(self.flow, table)

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        stored_keys = [key for key in keys if flow != self.flow or key not in self.afresh]
        return dict(self.logics.links.pairs(flow, kind, "key", stored_keys))

    def links(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, Link]:
        stored_keys = [key for key in keys if flow != self.flow or key not in self.afresh]
        return self.logics.links.get(flow, kind, stored_keys)

    def linked_references(self, flow: str, kind: Kind, references: Collection[str]) -> set[str]:
        return set(self.logics.links.by_reference(flow, kind, references))

    def booking_states(self, flow: str, kinds: Collection[Kind], keys: Collection[str]) -> BookingStates:
        stored_keys = [key for key in keys if flow != self.flow or key not in self.afresh]
        return self.logics.booking_states.states_of(flow, kinds, stored_keys)

    def documents_made_from(
        self, flow: str, kinds: Collection[Kind], keys: Collection[str]
    ) -> Mapping[str, Collection[str]]:
        return self.logics.booking_states.documents_made_from(flow, kinds, keys)

    def booked_ending(self, flow: str, kinds: Collection[Kind], ending: str) -> Collection[str]:
        return self.logics.booking_states.ending(flow, kinds, ending)

    def issues(self, flow: str, causes: Collection[str], state: IssueState) -> Sequence[Issue]:
        return self.logics.issues.of_causes(flow, causes, state)

    def links_after(self, flow: str, kind: Kind, after: str, limit: int) -> Sequence[Link]:
        return self.logics.links.page(flow, kind, after, limit)

    def records(self, system: str, kind: Kind, keys: Collection[str]) -> Sequence[Record]:
        return self.logics.connector(system).fetch(kind, keys)

    def current_records(self, flow: str, system: str, desired: Sequence[Record]) -> Mapping[str, CurrentRecord]:
        references = self.logics.links.references(flow)
        return self.logics.connector(system).lookup(desired, references)

    def uninvoiced(self, flow: str, system: str, orders: Sequence[Record]) -> dict[str, Unreadable | None]:
        connector = self.logics.connector(system)
        if not isinstance(connector, Invoicing):
            return {order.key: None for order in orders}
        return connector.uninvoiced(orders, self.logics.links.references(flow))

    def today(self) -> date:
        return self.logics.clock().date()

    def setting(self, flow: str, name: str) -> object:
        return getattr(self.logics.settings(flow), name)

    def pictures(self, files: Sequence[str]) -> Sequence[Record | IntegrationError]:
        return self.logics.pictures(files)

    def movements(self) -> TillMovements:
        return TillMovements(self.flow, self.logics.movements, self.logics.access, reads=self.allots)

    def codes(self, code_list: CodeList) -> Mapping[str, str]:
        return self.logics.codes(code_list)


# ---- published mappings ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """The published mapping of a flow: version, rules, publisher and note."""

    version: int
    mapping: RuleMapping
    by: str
    note: str
    published_at: datetime


class Mappings:
    """The published mappings of every flow. A published version never changes."""

    def __init__(self, rules: MappingStore, logics: Logics) -> None:
        self._rules = rules
        self._logics = logics

    @requires(Right.SEE)
    def published(self, flow: str) -> Published:
        """Return the published mapping of a flow, without rules that cannot be parsed.

        A run instead refuses such a mapping.

        Raises ConfigurationError if there is none.
        """
        newest = next(iter(self._rules.history(flow)), None)
        if newest is None:
            raise ConfigurationError("mapping_missing", flow=flow)
        body = readable_rules(self._rules.body(flow, newest.version))
        return Published(newest.version, body, newest.by, newest.note, newest.published_at)

    @requires(Right.ARRANGE)
    def publish(self, flow: str, mapping: RuleMapping, base: int, by: Actor, note: str) -> int:
        """Publish a mapping that was made from version `base`, and return its version.

        Plans made with the previous version are refused from then on. Raises PlanStaleError if another version has been
        published meanwhile, and ConfigurationError if the mapping cannot be used.
        """
        current = self.published(flow).version
        if current != base:
            raise PlanStaleError("mapping_published_since", flow=flow, version=base, current=current)
        self._logics.trial(flow, mapping)
        return self._rules.publish(flow, rules_to(mapping), by.ref, note)


# ---- the parts of a mapping -----------------------------------------------------------------------------------------


def kind_of(target: str) -> Kind:
    """Return the kind of record to which the target field of a rule belongs."""
    return Kind(target.partition(".")[0])


def readable_fields(spec: FlowSpec, kind: Kind, fields: Sequence[Field]) -> list[Field]:
    """Return the fields that rules can read of a kind: those of the source, and those that the flow computes."""
    names, of = {field.name for field in fields}, Kind.ORDER if kind.type is RecordType.SALE else kind
    return [*fields, *(field for field in spec.computed if field.kind is of and field.name not in names)]


def writable(spec: FlowSpec, part: Kind, fields: Sequence[Field]) -> dict[str, Field]:
    """Return the fields that a rule can fill, by target name. Fields that one setting fills share one name."""
    by_name = {f"{part}.{field.name}": field for field in fields if field.kind is part}
    writable_fields = {name: field for name, field in by_name.items() if spec.writable is None or name in spec.writable}
    for target, several in spec.target_fields.items():
        members = [writable_fields.pop(name) for name in several if name in writable_fields]
        if members:
            writable_fields[target] = replace(members[0], name=target.partition(".")[2], length=None, wire="")
    return writable_fields

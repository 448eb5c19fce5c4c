"""What this AccountView calls its objects and fields: our defaults, what a person or a file says, and what is there."""

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.codec import Column
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.fields import suggestions
from integration.connectors.accountview.settings import SYSTEM, UNVERIFIED, BusinessObject, Names
from integration.connectors.protocol import Configurable, Connector, Finding
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.flow import Flow
from integration.core.records import Kind
from integration.core.rules import Mapping as RuleMapping
from integration.flows.orders.logic import OrderSettings
from integration.flows.settings import FlowSettings
from integration.flows.uses import BOOKS, Use, uses
from integration.store.settings import StoredSettings
from integration.words.validation import reason_of

RECORD = "names"
FILE = "CONSOLE_ACCOUNTVIEW__NAMES"
GROUPS = frozenset(Names.model_fields)
REFERENCE = "order_reference_field"
HEADER = "history.header"
SEVERAL = "objects.posting_history"  # codes alone; their tables are those of postings
MANNER = ("conditions", "page_strategy", "overlap_seconds")
NEEDED = frozenset(
    {
        *(f"objects.{one}.code" for one in ("articles", "groups", "vat", "fields")), *MANNER, REFERENCE,
        *(
            f"{group}.{name}"
            for group, model in dict(Names()).items()
            if isinstance(model, BaseModel)
            for name, of in type(model).model_fields.items()
            if any(getattr(each, "min_length", None) for each in of.metadata)
        ),
    }
)  # fmt: skip
"""Names that must not be empty."""
KIND_OF = {"article": Kind.ARTICLE, "group": Kind.GROUP, "sales_order": Kind.SALES_ORDER}
"""The groups for which captions suggest columns."""
READ = {"customers": (Kind.DEBTOR,), "stock": (Kind.ARTICLE,)}
"""What flows read that the check of the connection does not look at, or not with all they need of it."""
_OF_WAREHOUSES = frozenset({"warehouses.object", "warehouses.table"})


class There(StrEnum):
    """Whether the installation has what a name says."""

    PRESENT = "present"
    ABSENT = "absent"
    UNUSED = "unused"  # no name: nothing is looked for
    UNREAD = "unread"  # nobody could look


_WORST = (There.UNUSED, There.PRESENT, There.UNREAD, There.ABSENT)


@dataclass(frozen=True, slots=True)
class Name:
    """One name: what we take without being told, what is in force, and what AccountView has under it.

    `options` are the names it may have with their captions, none where they cannot be read or any will do; `proposed`
    is a column whose caption fits a field that has none. `unverified` defaults are known from no program that uses
    them; `fixed` names are set in a file and cannot be changed here; `needed` ones must not be empty.
    """

    path: str
    default: str
    value: str
    there: There = There.UNREAD
    options: Mapping[str, str] = field(default_factory=dict)
    proposed: str = ""
    unverified: bool = False
    fixed: bool = False
    needed: bool = False

    @property
    def short(self) -> str:
        """Return what the name is for within its object: code, table, email, ..."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class NamedObject:
    """One object with its tables and fields, in our words, and the flows that need it."""

    name: str
    flows: tuple[str, ...]
    names: tuple[Name, ...]

    @property
    def own(self) -> tuple[Name, ...]:
        """Return the names of the object itself: its code and its tables."""
        return tuple(one for one in self.names if _is_of_object(one.path))

    @property
    def fields(self) -> tuple[Name, ...]:
        """Return the names of its fields."""
        return tuple(one for one in self.names if not _is_of_object(one.path))

    @property
    def there(self) -> There:
        """Return how the object itself stands: as its code does, and its tables."""
        states = [one.there for one in self.own]
        return next((state for state in (There.ABSENT, There.UNREAD, There.PRESENT) if state in states), There.UNUSED)


@dataclass(frozen=True, slots=True)
class Named:
    """Every object with its names; `cause` and `facts` say why nobody could look, where nobody could."""

    objects: tuple[NamedObject, ...]
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sort:
    """An object of ours: which flows use it, and the groups of names of its fields and of those of its lines."""

    name: str
    flows: tuple[str, ...]
    header: str = ""
    lines: str = ""


_SORTS = (
    _Sort("articles", ("products", "stock", "orders"), "article"),
    _Sort("groups", ("products",), "group"),
    _Sort("warehouses", ("stock",), "warehouses"),
    _Sort("debtors", ("customers", "orders"), "debtor"),
    _Sort("delivery_addresses", ("orders",), "address"),
    _Sort("orders", ("orders",), "sales_order", "sales_order_line"),
    _Sort("trade_invoices", ("orders",), "trade_invoice", "trade_invoice_line"),
    _Sort("history", ("orders",), "history"),
    _Sort("postings", ("orders",), "posting", "posting_line"),
    _Sort("vat", ("products", "orders")),
    _Sort("ledgers", ("orders",)),
    _Sort("daybooks", ("orders",)),
    _Sort("cost_centres", ("orders",)),
    _Sort("fields", ()),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """One flow that shall run, with its settings and the mapping in force."""

    flow: Flow
    settings: FlowSettings
    mapping: RuleMapping


class Naming:
    """The names in force and the way to change them. What a person keeps wins over what was proposed, a file over both.

    Names of the sandbox are kept apart, and no file speaks for it.
    """

    def __init__(
        self,
        stored: StoredSettings,
        *,
        access: Callable[[], Mapping[str, Any]],
        connector: Callable[[], Connector],
        name: Callable[[str], str],
        file: Path | None,
        changed: Callable[[], None],
    ) -> None:
        """Read the file of names, where there is one. Raises ConfigurationError, naming the setting, for a wrong one.

        `access` returns what is known of the connection with its names laid over it; `name` keeps the records of
        sandbox and real systems apart; `changed` is told of new names.
        """
        self._stored = stored
        self._changed = changed
        self._access = access
        self._connector = connector
        self._name = name
        self._file = _read(file) if file else {}

    def laid_over(self, access: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of a connection with the names that are in force for it."""
        kept = self._stored.get(self._name(RECORD))
        named = {group: value for group, value in access.items() if group in GROUPS} if kept is None else kept
        rest = {name: value for name, value in access.items() if name not in GROUPS}
        return rest | _merged(named, self._spoken())

    def _spoken(self) -> Mapping[str, Any]:
        """Return the names of the file, as far as it is about the AccountView that is connected."""
        return self._file if self._name(RECORD) == RECORD else {}

    def kept(self) -> bool:
        """Tell whether a person has set names, after which nothing is proposed any more."""
        return self._stored.get(self._name(RECORD)) is not None

    def in_force(self) -> Names:
        """Return the names in force. Raises ConfigurationError when they cannot be used."""
        return _checked({group: value for group, value in self._access().items() if group in GROUPS})

    def mark(self) -> str:
        """Return a mark of the names in force, which is another one as soon as one of them is changed."""
        return hashlib.sha256(json.dumps(flat(self.in_force()), sort_keys=True).encode()).hexdigest()

    def invoices(self) -> bool:
        """Tell whether an object for trade invoices is named."""
        return bool(self.in_force().objects.trade_invoices.code)

    def expect_invoices_named(self, settings: FlowSettings) -> None:
        """Raise ConfigurationError for documents that shall become trade invoices while no object is named for them."""
        if _becomes(settings) == "invoice" and not self.invoices():
            raise ConfigurationError(
                "flow_setting_invalid", flow="orders", setting="becomes", expected="expected_trade_invoices"
            )

    def put(self, values: Mapping[str, str | None], by: str) -> None:
        """Keep changed names by their paths, None for the default.

        Raises ConfigurationError, with the path, for what is no name, must not be empty, or is set in the file.
        """
        names, defaults, fixed = flat(self.in_force()), flat(Names()), set(_paths(self._spoken()))
        for path, value in values.items():
            if path not in defaults:
                raise ConfigurationError("setting_invalid", setting=path, expected="expected_name_path")
            if path in fixed:
                raise ConfigurationError("setting_invalid", setting=path, expected="expected_in_file", file=FILE)
            names[path] = defaults[path] if value is None else value.strip()
        kept = _nested(names, defaults)
        _checked(kept)
        self._stored.put(self._name(RECORD), kept, by)
        self._changed()

    def look(self, changed: Mapping[str, str] | None = None) -> Named:
        """Return every object with its names, held against the list of objects and the dictionary as they are now.

        With `changed` names, by their paths, it is looked for what would be in force with them; what is in force stays
        the `value`.
        """
        values, defaults = flat(self.in_force()), flat(Names())
        meant, fixed = values | dict(changed or {}), frozenset(_paths(self._spoken()))
        seen = _seen(self._connector, meant)
        objects = [
            NamedObject(sort.name, sort.flows, tuple(_names(sort, values, meant, defaults, fixed, seen)))
            for sort in _SORTS
        ]
        manner = tuple(
            Name(path, defaults[path], values[path], There.UNUSED, fixed=path in fixed, needed=True) for path in MANNER
        )
        return Named((*objects, NamedObject("manner", (), manner)), seen.cause, seen.facts)

    def needs(self, chosen: Collection[Chosen]) -> list[Finding]:
        """Return what each flow needs more than the check looks at: a line for all it lacks, else one in all."""
        connector = self._connector()
        if not isinstance(connector, Configurable):
            return []
        found = []
        for one in chosen:
            flow, settings = one.flow.name, one.settings
            manner = {"written": one.flow.target == BOOKS, "as_invoices": _becomes(settings) == "invoice"}
            looked = [each for kind in _kinds(flow, settings) for each in connector.needs(kind, **manner)]
            lacking = [*(one for one in looked if not one.ok), *_unknown(connector, one)]
            wrong = [replace(each, name=f"flow_{flow}", facts={**each.facts, "flow": flow}) for each in lacking]
            found += wrong
            if looked and not wrong:
                about = ", ".join(dict.fromkeys(one.about for one in looked if one.about))
                found.append(Finding(f"flow_{flow}", ok=True, about=about))
        return found


def with_flows(findings: Sequence[Finding], flows: Collection[Flow]) -> list[Finding]:
    """Return findings of a check, each with the first flow that has the kind of record it is about."""
    first = {
        str(kind): flow.name
        for flow in reversed(list(flows))
        for stage in flow.stages
        for kind in (stage.source, stage.target)
    }
    return [
        replace(one, facts={**one.facts, "flow": first[one.facts["kind"]]}) if one.facts.get("kind") in first else one
        for one in findings
    ]


def _unknown(connector: Configurable, chosen: Chosen) -> Iterator[Finding]:
    """Yield a finding for each field that a flow uses and records do not have, as far as it was found out."""
    by_kind: dict[Kind, list[Use]] = {}
    try:
        for use in uses(chosen.flow, chosen.settings, chosen.mapping):
            by_kind.setdefault(use.kind, []).append(use)
        if _becomes(chosen.settings) == "invoice":  # kept in a place whose fields the connector alone knows
            by_kind = {kind: found for kind, found in by_kind.items() if kind not in (Kind.SALES_ORDER, Kind.LINE)}
        for kind, found in by_kind.items():
            unknown = connector.unknown(kind, {use.field for use in found})
            for use in found:
                column = unknown.get(use.field)
                if column or (column is not None and use.chosen):
                    facts = {"system": SYSTEM, "field": column or use.field}
                    yield Finding("", ok=False, cause=use.cause, facts={**facts, **use.facts})
    except IntegrationError as error:
        yield Finding("", ok=False, cause=error.code, facts=dict(error.facts))


# ---- what is there --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an installation offers, as far as it could be read: objects with captions, and the columns of tables."""

    codes: Mapping[str, str] | None = None
    tables: Mapping[str, Sequence[Column]] = field(default_factory=dict)
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def columns(self, table: str) -> Sequence[Column] | None:
        """Return the columns of a table, none where there is no such table; None where nobody could look."""
        return self.tables.get(table.upper()) if table else ()


def _seen(connector: Callable[[], Connector], values: Mapping[str, str]) -> _Seen:
    """Read the list of objects and every table that is named; the first thing in the way ends it."""
    codes: dict[str, str] | None = None
    tables: dict[str, Sequence[Column]] = {}
    wanted = [value for path, value in values.items() if path.endswith((".table", ".detail"))] + [values[HEADER]]
    try:
        asked = connector()
        if not isinstance(asked, AccountView):
            return _Seen()
        codes = {one.code: one.name for one in asked.client.objects()}
        for table in dict.fromkeys(each.upper() for each in wanted if each):
            tables[table] = asked.client.dictionary(table)
    except IntegrationError as error:
        return _Seen(codes, tables, error.code, dict(error.facts))
    return _Seen(codes, tables)


def _names(
    sort: _Sort,
    values: Mapping[str, str],
    meant: Mapping[str, str],
    defaults: Mapping[str, str],
    fixed: Collection[str],
    seen: _Seen,
) -> Iterator[Name]:
    """Yield the names of one object: its code, its tables, its fields and those of its lines."""
    proposed = {group: _proposed(group, meant, seen) for group in (sort.header, sort.lines)}
    for path, state, options in (*_of_object(sort, meant, seen), *_of_fields(sort, meant, seen)):
        group, _, short = path.rpartition(".")
        yield Name(
            path, defaults[path], values[path], state, options,
            proposed=proposed.get(group, {}).get(short, ""),
            unverified=bool(defaults[path]) and short in UNVERIFIED.get(group, ()),
            fixed=path in fixed, needed=path in NEEDED,
        )  # fmt: skip


_Told = tuple[str, There, Mapping[str, str]]


def _of_object(sort: _Sort, values: Mapping[str, str], seen: _Seen) -> Iterator[_Told]:
    of_warehouses = sort.name == "warehouses"
    code = "warehouses.object" if of_warehouses else f"objects.{sort.name}.code"
    yield code, _offered(values[code], seen), seen.codes or {}
    tables = ["table", *(["detail"] if sort.lines else [])]
    for path in [f"warehouses.{one}" if of_warehouses else f"objects.{sort.name}.{one}" for one in tables]:
        columns = seen.columns(values[path])
        yield path, _state(values[path], columns, is_there=bool(columns)), {}
    if sort.name == "postings":
        states = [_offered(one.strip(), seen) for one in values[SEVERAL].split(",")]
        yield SEVERAL, max(states, key=_WORST.index), {}


def _of_fields(sort: _Sort, values: Mapping[str, str], seen: _Seen) -> Iterator[_Told]:
    for group in filter(None, (sort.header, sort.lines)):
        columns, is_named = _columns(group, values, seen), bool(_table(group, values))
        captions = {column.name: column.caption for column in columns or ()}
        for path in _paths_of(group):
            if path == HEADER:
                yield path, There.UNUSED, {}
                continue
            value = values[path] if is_named else ""
            yield path, _state(value, columns, is_there=value.upper() in captions), captions


def _paths_of(group: str) -> list[str]:
    """Return the paths of the fields of a group, that by which a document is found first."""
    paths = [path for path in flat(Names()) if path.startswith(f"{group}.") and not _is_of_object(path)]
    first = [REFERENCE] if group == "sales_order" else [path for path in paths if path.endswith(".reference")]
    return [*first, *(path for path in paths if path not in first)]


def _is_of_object(path: str) -> bool:
    return path.startswith("objects.") or path in _OF_WAREHOUSES


def _columns(group: str, values: Mapping[str, str], seen: _Seen) -> Sequence[Column] | None:
    """Return the columns a group of fields may be in; the history carries those of its header under its name."""
    own = seen.columns(_table(group, values))
    if group != "history" or own is None:
        return own
    header, prefix = seen.columns(values[HEADER]), f"{values[HEADER]}_".upper()
    carried = [replace(column, name=column.name.removeprefix(prefix)) for column in own]
    known = {column.name for column in carried}
    return None if header is None else [*carried, *(column for column in header if column.name not in known)]


def _table(group: str, values: Mapping[str, str]) -> str:
    if group == "warehouses":
        return values["warehouses.table"]
    sort = next(one for one in _SORTS if group in (one.header, one.lines))
    return values[f"objects.{sort.name}.{'detail' if group == sort.lines else 'table'}"]


def _proposed(group: str, values: Mapping[str, str], seen: _Seen) -> Mapping[str, str]:
    if group not in KIND_OF:
        return {}
    columns = _columns(group, values, seen) or ()
    there = {column.name for column in columns}
    named = {path.rpartition(".")[2]: values[path].upper() for path in _paths_of(group) if path != REFERENCE}
    return suggestions(KIND_OF[group], {name: column for name, column in named.items() if column in there}, columns)


def _offered(code: str, seen: _Seen) -> There:
    if not code:
        return There.UNUSED
    if seen.codes is None:
        return There.UNREAD
    return There.PRESENT if code.upper() in seen.codes else There.ABSENT


def _state(name: str, columns: Sequence[Column] | None, *, is_there: bool) -> There:
    if not name:
        return There.UNUSED
    if columns is None:
        return There.UNREAD
    return There.PRESENT if is_there else There.ABSENT


def _kinds(flow: str, settings: FlowSettings) -> tuple[Kind, ...]:
    """Return what a flow reads or writes in AccountView beyond what the check of the connection looks at."""
    if not isinstance(settings, OrderSettings):
        return READ.get(flow, ())
    where = () if settings.target is Kind.POSTING else (Kind.ADDRESS,)
    return (Kind.DEBTOR, *where, settings.target)


def _becomes(settings: FlowSettings) -> str:
    return settings.becomes if isinstance(settings, OrderSettings) else ""


# ---- names by their paths -------------------------------------------------------------------------------------------


def flat(names: Names) -> dict[str, str]:
    """Return every name by its path: `objects.debtors.code`, `debtor.email`, `order_reference_field`."""
    found = {}
    for group, value in dict(names).items():
        if not isinstance(value, BaseModel):
            found[group] = str(value)
            continue
        for name, inner in dict(value).items():
            if isinstance(inner, BusinessObject):
                found |= {f"{group}.{name}.{part}": text for part, text in dict(inner).items()}
            else:
                found[f"{group}.{name}"] = inner if isinstance(inner, str) else ",".join(one.code for one in inner)
    return found


def _nested(names: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return the names that are not as we take them without being told, as settings."""
    kept: dict[str, Any] = {}
    for path, value in names.items():
        if value == defaults[path]:
            continue
        *way, last = path.split(".")
        inner = kept
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = value
    for name, of in kept.get("objects", {}).items():
        if isinstance(of, dict):  # an object is one value: its code and tables belong together
            whole = {part: names[f"objects.{name}.{part}"] for part in BusinessObject.model_fields}
            kept["objects"][name] = whole
    if SEVERAL in names and names[SEVERAL] != defaults[SEVERAL]:
        tables = {part: names[f"objects.postings.{part}"] for part in ("table", "detail")}
        codes = [code.strip() for code in names[SEVERAL].split(",")]
        kept["objects"]["posting_history"] = [{"code": code, **tables} for code in codes if code]
    return kept


def _checked(named: Mapping[str, Any], within: str = "") -> Names:
    """Return names as settings. Raises ConfigurationError with the path of the first that cannot be used."""
    try:
        return Names(**named)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        why = reason_of(first)
        raise ConfigurationError("setting_invalid", setting=f"{within}{path}", expected=why.code, **why.facts) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        body = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a file that is no TOML, or no text at all
        raise ConfigurationError("setting_invalid", setting=FILE, expected="expected_toml") from None
    _checked(body, f"{FILE} ")
    return body


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return one value laid over another, group by group and name by name."""
    whole = dict(under)
    for name, value in over.items():
        below = whole.get(name)
        whole[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return whole


def _paths(named: Mapping[str, Any], way: str = "") -> Iterator[str]:
    for name, value in named.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{way}{name}.")
        else:
            yield f"{way}{name}"

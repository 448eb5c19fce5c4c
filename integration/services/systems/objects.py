"""Compares the object names in force with the objects, tables and columns of AccountView."""

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.columns import UNVERIFIED
from integration.connectors.accountview.settings import BusinessObject, Names
from integration.connectors.protocol import Configurable, Connector, DictionaryColumn
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.records import Kind
from integration.flows.registry import Specs
from integration.words.validation import reason_of

FILE = "CONSOLE_ACCOUNTVIEW__NAMES"
SEVERAL = "objects.posting_history"  # only codes; their tables are those of postings
REFERENCE = "order_reference_field"
HEADER = "history.header"
MANNER = ("conditions", "page_strategy", "overlap_seconds")
# Names that must not be empty.
REQUIRED_NAMES = frozenset(
    {
        *(f"objects.{object_name}.code" for object_name in ("articles", "groups", "vat", "fields")), *MANNER, REFERENCE,
        *(
            f"{group}.{name}"
            for group, model in dict(Names()).items()
            if isinstance(model, BaseModel)
            for name, of in type(model).model_fields.items()
            if any(getattr(constraint, "min_length", None) for constraint in of.metadata)
        ),
    }
)  # fmt: skip
# The groups for which captions suggest columns.
KIND_OF = {"article": Kind.ARTICLE, "group": Kind.GROUP, "sales_order": Kind.SALES_ORDER}
# Objects whose code and table are stored among their fields.
SELF_DESCRIBED_OBJECTS = ("warehouses", "prices")
_OF_OWN = frozenset(f"{name}.{part}" for name in SELF_DESCRIBED_OBJECTS for part in ("object", "table"))


class Availability(StrEnum):
    """True if the installation has the object, table or column with a name."""

    PRESENT = "present"
    ABSENT = "absent"
    UNUSED = "unused"  # no name, so nothing to look up
    UNREAD = "unread"  # could not be read


_WORST = (Availability.UNUSED, Availability.PRESENT, Availability.UNREAD, Availability.ABSENT)


@dataclass(frozen=True, slots=True)
class Name:
    """One name: its default, the name in force, and the objects that AccountView has under the name.

    `options` are the possible names with their captions, empty if they cannot be read or are unrestricted. `proposed`
    is a column whose caption fits a field without a column. `unverified` defaults are not confirmed by any known
    program. `fixed` names are set in a file and cannot be changed here. A name with `is_required` must not be empty.
    """

    path: str
    default: str
    value: str
    availability: Availability = Availability.UNREAD
    options: Mapping[str, str] = field(default_factory=dict)
    proposed: str = ""
    unverified: bool = False
    fixed: bool = False
    is_required: bool = False

    @property
    def short(self) -> str:
        """The last part of the path: code, table, email, ..."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class NamedObject:
    """One object with its tables and fields, and the flows that need it."""

    name: str
    flows: tuple[str, ...]
    names: tuple[Name, ...]

    @property
    def object_names(self) -> tuple[Name, ...]:
        """The names of the object itself: its code and its tables."""
        return tuple(name for name in self.names if _is_of_object(name.path))

    @property
    def fields(self) -> tuple[Name, ...]:
        return tuple(name for name in self.names if not _is_of_object(name.path))

    @property
    def availability(self) -> Availability:
        """The availability of the object itself: the worst of its code and its tables."""
        states = [name.availability for name in self.object_names]
        return next(
            (state for state in (Availability.ABSENT, Availability.UNREAD, Availability.PRESENT) if state in states),
            Availability.UNUSED,
        )


@dataclass(frozen=True, slots=True)
class NamedObjects:
    """All objects with their names. `cause` and `facts` give the error if AccountView could not be read."""

    objects: tuple[NamedObject, ...]
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _ObjectType:
    """An object with the name groups of its header fields and of its line fields, one per use."""

    name: str
    headers: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """All name groups of its fields."""
        return (*self.headers, *self.lines)


_OBJECT_TYPES = (
    _ObjectType("articles", ("article",)),
    _ObjectType("groups", ("group",)),
    _ObjectType("warehouses", ("warehouses",)),
    _ObjectType("prices", ("prices",)),
    _ObjectType("debtors", ("debtor",)),
    _ObjectType("delivery_addresses", ("address",)),
    _ObjectType("orders", ("sales_order",), ("sales_order_line",)),
    _ObjectType("trade_invoices", ("trade_invoice",), ("trade_invoice_line",)),
    _ObjectType("quotations", ("quotation",), ("quotation_line",)),
    _ObjectType("history", ("history",)),
    _ObjectType("postings", ("posting", "day_page"), ("posting_line", "day_page_line")),
    _ObjectType("transactions", ("transaction",)),
    _ObjectType("vat"),
    _ObjectType("ledgers"),
    _ObjectType("daybooks"),
    _ObjectType("cost_centres"),
    _ObjectType("periods", ("period",)),
    _ObjectType("fields"),
)


def named_objects(
    flows: Specs,
    connector: Callable[[], Connector],
    values: Mapping[str, str],
    lookups: Mapping[str, str],
    fixed: Collection[str],
) -> NamedObjects:
    """Return every object with its names, compared with the current object list and data dictionary.

    `values` are the names in force by path, `lookups` the names to look up, and `fixed` the paths set in a file.
    """
    defaults, catalog = flat(Names()), _read_catalog(connector, lookups)
    objects = [
        NamedObject(
            object_type.name,
            tuple(flow for flow, spec in flows.items() if object_type.name in spec.objects),
            tuple(_names(object_type, values, lookups, defaults, fixed, catalog)),
        )
        for object_type in _OBJECT_TYPES
    ]
    manner = tuple(
        Name(path, defaults[path], values[path], Availability.UNUSED, fixed=path in fixed, is_required=True)
        for path in MANNER
    )
    return NamedObjects((*objects, NamedObject("manner", (), manner)), catalog.cause, catalog.facts)


@dataclass(frozen=True, slots=True)
class _Catalog:
    """The readable part of an installation's catalog: objects with captions, and columns by table."""

    codes: Mapping[str, str] | None = None
    tables: Mapping[str, Sequence[DictionaryColumn]] = field(default_factory=dict)
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def columns(self, table: str) -> Sequence[DictionaryColumn] | None:
        """Return the columns of a table, empty if the table does not exist, or None if it could not be read."""
        return self.tables.get(table.upper()) if table else ()


def _read_catalog(connector: Callable[[], Connector], values: Mapping[str, str]) -> _Catalog:
    """Read the object list and every named table, up to the first error."""
    codes: dict[str, str] | None = None
    tables: dict[str, Sequence[DictionaryColumn]] = {}
    table_names = [value for path, value in values.items() if path.endswith((".table", ".detail"))] + [values[HEADER]]
    try:
        configurable = connector()
        if not isinstance(configurable, Configurable):
            return _Catalog()
        codes = configurable.objects()
        for table in dict.fromkeys(table_name.upper() for table_name in table_names if table_name):
            tables[table] = configurable.dictionary(table)
    except IntegrationError as error:
        return _Catalog(codes, tables, error.code, dict(error.facts))
    return _Catalog(codes, tables)


def _names(
    object_type: _ObjectType,
    values: Mapping[str, str],
    lookups: Mapping[str, str],
    defaults: Mapping[str, str],
    fixed: Collection[str],
    catalog: _Catalog,
) -> Iterator[Name]:
    """Yield the names of one object: its code, its tables, its fields and those of its lines."""
    proposed = {group: _proposed(group, lookups, catalog) for group in object_type.groups}
    for path, state, options in (
        *_object_states(object_type, lookups, catalog),
        *_field_states(object_type, lookups, catalog),
    ):
        group, _, short = path.rpartition(".")
        yield Name(
            path, defaults[path], values[path], state, options,
            proposed=proposed.get(group, {}).get(short, ""),
            unverified=bool(defaults[path]) and short in UNVERIFIED.get(group, ()),
            fixed=path in fixed, is_required=path in REQUIRED_NAMES,
        )  # fmt: skip


_NameState = tuple[str, Availability, Mapping[str, str]]


def _object_states(object_type: _ObjectType, values: Mapping[str, str], catalog: _Catalog) -> Iterator[_NameState]:
    is_own = object_type.name in SELF_DESCRIBED_OBJECTS
    code = f"{object_type.name}.object" if is_own else f"objects.{object_type.name}.code"
    yield code, _code_state(values[code], catalog), catalog.codes or {}
    tables = ["table", *(["detail"] if object_type.lines else [])]
    for path in [f"{object_type.name}.{part}" if is_own else f"objects.{object_type.name}.{part}" for part in tables]:
        columns = catalog.columns(values[path])
        yield path, _state(values[path], columns, is_there=bool(columns)), {}
    if object_type.name == "postings":
        states = [_code_state(part.strip(), catalog) for part in values[SEVERAL].split(",")]
        yield SEVERAL, max(states, key=_WORST.index), {}


def _field_states(object_type: _ObjectType, values: Mapping[str, str], catalog: _Catalog) -> Iterator[_NameState]:
    for group in object_type.groups:
        columns, is_named = _columns(group, values, catalog), bool(_table(group, values))
        captions = {column.name: column.caption for column in columns or ()}
        for path in _paths_of(group):
            if path == HEADER:
                yield path, Availability.UNUSED, {}
                continue
            value = values[path] if is_named else ""
            yield path, _state(value, columns, is_there=value.upper() in captions), captions


def _paths_of(group: str) -> list[str]:
    """Return the paths of the fields of a group, beginning with the reference by which a document is found."""
    paths = [path for path in flat(Names()) if path.startswith(f"{group}.") and not _is_of_object(path)]
    first = [REFERENCE] if group == "sales_order" else [path for path in paths if path.endswith(".reference")]
    return [*first, *(path for path in paths if path not in first)]


def _is_of_object(path: str) -> bool:
    return path.startswith("objects.") or path in _OF_OWN


def _columns(group: str, values: Mapping[str, str], catalog: _Catalog) -> Sequence[DictionaryColumn] | None:
    """Return the columns for a group of fields. The history also has the columns of its header, under a prefix."""
    own = catalog.columns(_table(group, values))
    if group != "history" or own is None:
        return own
    header, prefix = catalog.columns(values[HEADER]), f"{values[HEADER]}_".upper()
    carried = [replace(column, name=column.name.removeprefix(prefix)) for column in own]
    carried_names = {column.name for column in carried}
    return None if header is None else [*carried, *(column for column in header if column.name not in carried_names)]


def _table(group: str, values: Mapping[str, str]) -> str:
    if group in SELF_DESCRIBED_OBJECTS:
        return values[f"{group}.table"]
    object_type = next(candidate for candidate in _OBJECT_TYPES if group in candidate.groups)
    return values[f"objects.{object_type.name}.{'detail' if group in object_type.lines else 'table'}"]


def _proposed(group: str, values: Mapping[str, str], catalog: _Catalog) -> Mapping[str, str]:
    from integration.connectors.accountview.fields import suggestions  # noqa: PLC0415 - it imports httpx

    if group not in KIND_OF:
        return {}
    columns = _columns(group, values, catalog) or ()
    column_names = {column.name for column in columns}
    current_columns = {path.rpartition(".")[2]: values[path].upper() for path in _paths_of(group) if path != REFERENCE}
    return suggestions(
        KIND_OF[group], {name: column for name, column in current_columns.items() if column in column_names}, columns
    )


def _code_state(code: str, catalog: _Catalog) -> Availability:
    return _state(code, catalog.codes, is_there=code.upper() in (catalog.codes or ()))


def _state(name: str, available: Collection[object] | None, *, is_there: bool) -> Availability:
    if not name:
        return Availability.UNUSED
    if available is None:
        return Availability.UNREAD
    return Availability.PRESENT if is_there else Availability.ABSENT


# ---- names by path: `objects.debtors.code`, `debtor.email`


def flat(names: Names) -> dict[str, str]:
    """Return every name by its path: `objects.debtors.code`, `debtor.email`, `order_reference_field`."""
    by_path = {}
    for group, value in dict(names).items():
        if not isinstance(value, BaseModel):
            by_path[group] = str(value)
            continue
        for name, inner in dict(value).items():
            if isinstance(inner, BusinessObject):
                by_path |= {f"{group}.{name}.{part}": text for part, text in dict(inner).items()}
            else:
                by_path[f"{group}.{name}"] = inner if isinstance(inner, str) else ",".join(item.code for item in inner)
    return by_path


def nested(names: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return the names that differ from their defaults, as nested settings."""
    tree: dict[str, Any] = {}
    for path, value in names.items():
        if value == defaults[path]:
            continue
        *way, last = path.split(".")
        inner = tree
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = value
    for name, of in tree.get("objects", {}).items():
        if isinstance(of, dict):  # the code and tables of an object are stored as one value
            whole = {part: names[f"objects.{name}.{part}"] for part in BusinessObject.model_fields}
            tree["objects"][name] = whole
    if SEVERAL in names and names[SEVERAL] != defaults[SEVERAL]:
        tables = {part: names[f"objects.postings.{part}"] for part in ("table", "detail")}
        codes = [code.strip() for code in names[SEVERAL].split(",")]
        tree["objects"]["posting_history"] = [{"code": code, **tables} for code in codes if code]
    return tree


def parse_names(values: Mapping[str, Any], within: str = "") -> Names:
    """Return names as settings. Raises ConfigurationError with the path of the first invalid name."""
    try:
        return Names(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        why = reason_of(first)
        raise ConfigurationError("setting_invalid", setting=f"{within}{path}", expected=why.code, **why.facts) from None


def usable_names(values: Mapping[str, Any]) -> Names:
    """Return names as settings, without invalid groups."""
    usable_groups: dict[str, Any] = {}
    for group, value in values.items():
        with suppress(ConfigurationError):
            parse_names({group: value})
            usable_groups[group] = value
    return parse_names(usable_groups)


def read_names(file: Path) -> dict[str, Any]:
    """Return the names of a file. Raises ConfigurationError, with the name of the setting, for an invalid file."""
    try:
        body = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not TOML, or not text
        raise ConfigurationError("setting_invalid", setting=FILE, expected="expected_toml") from None
    parse_names(body, f"{FILE} ")
    return body


def merge_names(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `under` overridden by `over`, group by group and name by name."""
    whole = dict(under)
    for name, value in over.items():
        below = whole.get(name)
        whole[name] = merge_names(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return whole


def paths_in(values: Mapping[str, Any], way: str = "") -> Iterator[str]:
    """Yield the path of every name that has a value."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from paths_in(value, f"{way}{name}.")
        else:
            yield f"{way}{name}"

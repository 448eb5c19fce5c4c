"""How the settings of a flow are asked for, as values: what each is and may be, and what the set-up asks of them.

What a setting is called, its help and its options are texts under its name: `setting_formula`, `about_formula`,
`formula_available`. A flow's own word for it comes first: `setting_stock_branches`, else `setting_branches`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from integration.core.errors import Reason
from integration.core.records import FieldType, Kind
from integration.flows.settings import Listed, ValueTable
from integration.flows.tables import VAT_RATES, differing, row_faults, rowless_codes, usable_rows

LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class VisibleWhen:
    """A setting that is asked only while another one, or one of several, has one of these values."""

    name: str | tuple[str, ...]
    among: tuple[object, ...]

    def holds(self, value: Callable[[str], object]) -> bool:
        """Tell whether it is asked, by the values that settings have."""
        names = (self.name,) if isinstance(self.name, str) else self.name
        return any(value(name) in self.among for name in names)


@dataclass(frozen=True, slots=True)
class Shape:
    """How one setting is asked for, or several that belong together: these have no name."""

    name: str
    only: VisibleWhen | None = field(default=None, kw_only=True)  # when it is asked; None for always


@dataclass(frozen=True, slots=True)
class Section:
    """A card of settings: what heads it, what it asks, and what is good to know."""

    title: str
    shapes: tuple[Shape, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldGroup(Shape):
    """Several settings in one line, under a word of their own where there is one."""

    name: str = field(default="", init=False)
    shapes: tuple[Shape, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Checkbox(Shape):
    """On or off."""


@dataclass(frozen=True, slots=True)
class Select(Shape):
    """One of a few options; `needs` says of an option which object of the books it needs to have a name.

    What lacks its object leads to where that is named, where the setting `leads` there: one of several that lack it.
    `kinds` are what the options make of a record; what was made so stays so.
    """

    options: tuple[str, ...]
    words: str = ""  # under which the options are called, where it is not the setting's name
    needs: Mapping[str, str] = field(default_factory=dict)
    leads: bool = True
    kinds: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RadioChoice(Shape):
    """One of a few options that each need a sentence."""

    options: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class MultiSelect(Shape):
    """Any of a few options; none of them stands for all."""

    options: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Code(Shape):
    """One code: from a list of a system where it has one, else as it is typed."""

    of: Listed | None = None
    none: str = "choose_nothing"  # what no code is called


@dataclass(frozen=True, slots=True)
class Codes(Shape):
    """Any number of codes, from a list of a system or as they are typed."""

    of: Listed | None = None
    none: str = "choose_none_is_all"


@dataclass(frozen=True, slots=True)
class TextField(Shape):
    """A short text."""

    longest: int = LONGEST_CODE
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class IntegerField(Shape):
    """A whole number."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Money(Shape):
    """An amount in euros."""


@dataclass(frozen=True, slots=True)
class Day(Shape):
    """A day, or none."""


@dataclass(frozen=True, slots=True)
class SourceField(Shape):
    """A field of the source; `missing` is said while one has to be chosen."""

    kind: Kind
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Compared(SourceField):
    """A field of the source, with what the records that have most of it come to in several ways.

    `ways` returns, for a field, settings by the word for what they make of a record.
    """

    ways: Callable[[str], Mapping[str, Mapping[str, Any]]] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """The fields of the source of one type to choose from, after what is none of them: codes with their words."""

    kind: Kind
    type: FieldType
    first: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PerKey(Shape):
    """An answer for each code of a list, in a row each: a field of the source, a code of another list, or any text."""

    keys: Listed
    options: FieldsOf | Listed | None = None
    none: str = "choose_nothing"


@dataclass(frozen=True, slots=True)
class Rows(Shape):
    """Rows of a code with its answers; the codes are typed or chosen too.

    With one column of answers a row comes to a text, with several to texts by their names.
    """

    key: str  # what heads the column of codes
    columns: Mapping[str, Listed | Sequence[str] | None]  # answers: a list of a system, options, or any text
    keys: Listed | None = None
    capitals: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Rates(Shape):
    """What one unit of each currency is in the currency of the till."""


@dataclass(frozen=True, slots=True)
class Example(Shape):
    """What the settings come to for one record that the operator names, step by step."""

    name: str = ""


def each_of(shapes: Iterable[Shape]) -> Iterator[Shape]:
    """Yield every setting that these ask for, each by itself."""
    for shape in shapes:
        yield from each_of(shape.shapes) if isinstance(shape, FieldGroup) else [shape]


def names(shapes: Iterable[Shape]) -> list[str]:
    """Return the names of the settings that these ask for."""
    return [shape.name for shape in each_of(shapes)]


def codes_named(shapes: Iterable[Shape], values: Mapping[str, Any]) -> Iterator[tuple[str, Listed, str]]:
    """Yield each code of a list that these settings name, with the setting; of what is asked as they are set."""
    for shape in shapes:
        if shape.only is not None and not shape.only.holds(values.__getitem__):
            continue
        if isinstance(shape, FieldGroup):
            yield from codes_named(shape.shapes, values)
        else:
            yield from ((shape.name, of, str(code)) for of, code in _codes_of(shape, values) if of and code)


def _codes_of(shape: Shape, values: Mapping[str, Any]) -> Iterator[tuple[Listed | None, Any]]:
    match shape:
        case Code(name=name, of=of):
            yield of, values[name]
        case Codes(name=name, of=of):
            yield from ((of, code) for code in values[name])
        case PerKey(name=name, keys=keys, options=options):
            yield from ((keys, key) for key in values[name])
            if isinstance(options, Listed):
                yield from ((options, code) for code in values[name].values())
        case Rows(name=name, keys=keys, columns=columns):
            yield from ((keys, key) for key in values[name])
            for column, answers in columns.items():
                if isinstance(answers, Listed):
                    cells = (row[column] if isinstance(row, Mapping) else row for row in values[name].values())
                    yield from ((answers, cell) for cell in cells)


# ---- what a flow is asked in the set-up: questions as values, and the answers that several of them propose alike


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer and why: settings by name, or the rows of a value table."""

    values: Mapping[str, Any]
    why: Reason


@dataclass(frozen=True, slots=True)
class MissingSetting:
    """What a flow misses as it is set now, and whether that stops it or parks some of its records."""

    why: Reason
    stops: bool


@dataclass(frozen=True, slots=True)
class SetupContext:
    """What is known of a flow when its questions are weighed. A list that could not be read is empty."""

    settings: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lists: Callable[[Listed], Mapping[str, str]] = lambda _: {}
    answered: Collection[str] = ()
    flows: Collection[str] = ()  # that shall run
    in_use: Mapping[str, str] = field(default_factory=dict)  # what the check told of strangers in the books
    booked: bool = False  # whether it has written anything yet

    def of(self, listed: Listed) -> Mapping[str, str]:
        """Return codes and captions of a list."""
        return self.lists(listed)

    def rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by code, as far as they are known."""
        return {code: Decimal(rate) for code, rate in self.of(Listed(system, VAT_RATES)).items()}


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the set-up: the settings or the value table it answers, and the lists it is answered from.

    What is `to_look_at` a person answers alone: accepting all answers leaves it open.
    `plain` returns what both systems answer without a doubt as soon as they are connected, by setting or by row; it is
    filled in before anybody is asked, where nobody has answered yet.
    """

    name: str
    propose: Callable[[SetupContext], Proposal | None]
    settings: tuple[str, ...] = ()
    table: str = ""
    lists: tuple[Listed, ...] = ()
    lacks: Callable[[SetupContext], MissingSetting | None] = lambda _: None
    arises: Callable[[Mapping[str, Any]], bool] = lambda _: True
    safe_defaults: Callable[[SetupContext], Mapping[str, Any]] = lambda _: {}
    to_look_at: bool = False
    wanted: Callable[[SetupContext], bool] = lambda _: True  # beside the settings: whether there is anything to ask
    unused: Callable[[SetupContext], Sequence[str]] = (
        lambda _: ()
    )  # codes of its table that can do without a row for now

    def now(self, known: SetupContext) -> Mapping[str, Any]:
        """Return the answer that is in force."""
        if self.table:
            return known.tables.get(self.table, {})
        return {name: known.settings[name] for name in self.settings}


def only(codes: Iterable[str]) -> str:
    """Return the only one of these codes; nothing where there are more or fewer."""
    found = list(codes)
    return found[0] if len(found) == 1 else ""


def default_proposal(why: str, *settings: str) -> Callable[[SetupContext], Proposal]:
    """Return the proposal of what is set in a new installation."""
    return lambda known: Proposal({name: known.defaults[name] for name in settings}, Reason(why))


# ---- value tables ---------------------------------------------------------------------------------------------------


def codes_missing_rows(known: SetupContext, table: ValueTable, codes: Listed) -> list[str]:
    """Return the codes of a list for which a run would find no row."""
    used = usable_rows(table, known.tables.get(table.name, {}), known.of)
    return rowless_codes(table, used, known.of(codes), known.settings.get("default_country", ""), known.of)


def invalid_rows(known: SetupContext, table: ValueTable) -> list[str]:
    """Return the rows of a table that are impossible, and that no run uses."""
    return list(row_faults(table, known.tables.get(table.name, {}).items(), known.of))


def codes_without_row(
    table: ValueTable, codes: Listed, *, needed: bool
) -> Callable[[SetupContext], MissingSetting | None]:
    """Return what a table lacks: each code wants a row, and a flow that `needed` the table stops without any.

    A row that is impossible is told before what has none, and last that the percentages of one differ.
    """
    name = table.name

    def lacks(known: SetupContext) -> MissingSetting | None:
        rows = known.tables.get(name, {})
        if not rows:
            return MissingSetting(Reason(f"lack_{name}_all"), stops=True) if needed else None
        if wrong := invalid_rows(known, table):
            return MissingSetting(Reason("lack_rows_impossible", {"rows": ", ".join(wrong)}), stops=False)
        if missing := codes_missing_rows(known, table, codes):
            return MissingSetting(Reason(f"lack_{name}", {"codes": ", ".join(missing)}), stops=False)
        if apart := differing(table, rows, known.rates):
            return MissingSetting(Reason("lack_rates_differ", {"rows": ", ".join(apart)}), stops=False)
        return None

    return lacks


def same_rates(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """Return which VAT code is which: only where exactly one code on each side has the rate."""
    table = {}
    for code, rate in ours.items():
        same_here = [other for other, value in ours.items() if value == rate]
        there = [other for other, value in theirs.items() if value == rate]
        if len(same_here) == 1 and len(there) == 1:
            table[code] = there[0]
    return table


def vat_question(table: ValueTable) -> Question:
    """Return the question which VAT code of one system is which of the other.

    It is proposed only when that leaves no code without a counterpart.
    """
    codes, theirs = table.ours, table.theirs
    if codes is None or theirs is None:
        raise ValueError(f"{table.name} is no table of two lists")
    rates, others = Listed(codes.system, VAT_RATES), Listed(theirs.system, VAT_RATES)

    def plain(known: SetupContext) -> Mapping[str, str]:
        return same_rates(known.of(rates), known.of(others))

    def propose(known: SetupContext) -> Proposal | None:
        rows = {**plain(known), **known.tables.get(table.name, {})}
        whole = not codes_missing_rows(replace(known, tables={table.name: rows}), table, codes)
        return Proposal(rows, Reason("proposed_same_rate")) if rows and whole else None

    return Question(
        "vat",
        propose,
        table=table.name,
        lists=(codes, rates, theirs, others),
        lacks=codes_without_row(table, codes, needed=True),
        safe_defaults=plain,
    )

"""Form descriptions of flow settings, and the questions of the set-up, as values.

The caption, help and options of a setting are texts under its name: `setting_formula`, `about_formula`,
`formula_available`. A text of the flow itself takes precedence: `setting_orders_price_basis` before
`setting_price_basis`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from integration.core.errors import Reason
from integration.core.records import FieldType, Kind
from integration.flows.settings import CodeList, ListReader, ValueTable
from integration.flows.tables import VAT_RATES, row_faults, rowless_codes, rows_with_different_rates, usable_rows

LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class VisibleWhen:
    """Condition that shows a field only while a named setting, or one of several, has one of these values."""

    name: str | tuple[str, ...]
    among: tuple[object, ...]

    def holds(self, value: Callable[[str], object]) -> bool:
        """Return True if the field is shown; `value` returns the current value of a setting."""
        names = (self.name,) if isinstance(self.name, str) else self.name
        return any(value(name) in self.among for name in names)


@dataclass(frozen=True, slots=True)
class FormField:
    """The form field of one setting, or a group of form fields, which has no name."""

    name: str
    only: VisibleWhen | None = field(default=None, kw_only=True)  # condition of visibility; None means always


@dataclass(frozen=True, slots=True)
class Section:
    """A card of settings with its title, fields and notes."""

    title: str
    shapes: tuple[FormField, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldGroup(FormField):
    """Several fields in one line, optionally under their own title."""

    name: str = field(default="", init=False)
    shapes: tuple[FormField, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Checkbox(FormField):
    """A setting that is on or off."""


@dataclass(frozen=True, slots=True)
class Select(FormField):
    """A choice of one option from a few.

    `needs` names, by option, the object of the books that it needs. With `shows_first`, an option without its
    object links to the page where the object is configured; only one of several such fields does so. `kinds` gives, by
    option, the kind of record that is created; existing records keep their kind.
    """

    options: tuple[str, ...]
    words: str = ""  # text prefix of the options, if it is not the name of the setting
    needs: Mapping[str, str] = field(default_factory=dict)
    shows_first: bool = True
    kinds: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RadioChoice(FormField):
    """A choice of one option from a few that each need an explanatory sentence."""

    options: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class MultiSelect(FormField):
    """A choice of any number of options; no selection means all."""

    options: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Code(FormField):
    """One code, chosen from a list of a system if there is one, else typed.

    `propose` returns the only code that both systems suggest, from their lists, or an empty text.
    """

    of: CodeList | None = None
    none: str = "choose_nothing"  # text key for the empty choice
    propose: Callable[[ListReader], str] = field(default=lambda _: "", kw_only=True)


@dataclass(frozen=True, slots=True)
class Codes(FormField):
    """Any number of codes, chosen from a list of a system or typed."""

    of: CodeList | None = None
    none: str = "choose_none_is_all"


@dataclass(frozen=True, slots=True)
class TextField(FormField):
    """A short text."""

    longest: int = LONGEST_CODE
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class IntegerField(FormField):
    """A whole number."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Money(FormField):
    """An amount in euros."""


@dataclass(frozen=True, slots=True)
class Day(FormField):
    """A date, or none."""


@dataclass(frozen=True, slots=True)
class SourceField(FormField):
    """A field of the source; `missing` is the message while none is chosen."""

    kind: Kind
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Compared(SourceField):
    """A field of the source, shown with the results of sample records under alternative settings.

    `alternatives` returns, for a field, alternative settings by the key of their caption.
    """

    alternatives: Callable[[str], Mapping[str, Mapping[str, Any]]] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """The source fields of one type to choose from, preceded by the options of `first` (codes with text keys)."""

    kind: Kind
    type: FieldType
    first: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PerKey(FormField):
    """One answer per code of a list, each in its own row: a source field, a code of another list, or free text."""

    keys: CodeList
    options: FieldsOf | CodeList | None = None
    none: str = "choose_nothing"
    consequence: str = field(default="", kw_only=True)  # text key of a warning that is shown once there is an answer


@dataclass(frozen=True, slots=True)
class Rows(FormField):
    """Editable rows of a code and its answers; the codes are typed or chosen as well.

    The value of a row is a text if there is one answer column, else a mapping of column names to texts.
    """

    key: str  # text key of the heading of the code column
    columns: Mapping[str, CodeList | Sequence[str] | None]  # answers: a list of a system, options, or free text
    keys: CodeList | None = None
    capitals: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Quantities(FormField):
    """Editable rows of a quantity with the codes that it applies to; no code stands for all codes of its list.

    The value is a sequence of rows. A row has its codes by column, and `quantity`.
    """

    columns: Mapping[str, CodeList]


@dataclass(frozen=True, slots=True)
class Rates(FormField):
    """The exchange rate of each currency: the value of one unit in the currency of the till."""


@dataclass(frozen=True, slots=True)
class Example(FormField):
    """A step-by-step computation with the current settings for one record that the operator names."""

    name: str = ""


def single_fields(shapes: Iterable[FormField]) -> Iterator[FormField]:
    """Yield the single fields of these shapes; groups are expanded."""
    for shape in shapes:
        yield from single_fields(shape.shapes) if isinstance(shape, FieldGroup) else [shape]


def names(shapes: Iterable[FormField]) -> list[str]:
    """Return the names of the settings of these shapes."""
    return [shape.name for shape in single_fields(shapes)]


def codes_named(shapes: Iterable[FormField], values: Mapping[str, Any]) -> Iterator[tuple[str, CodeList, str]]:
    """Yield setting, list and code for each list code that the visible settings contain."""
    for shape in shapes:
        if shape.only is not None and not shape.only.holds(values.__getitem__):
            continue
        if isinstance(shape, FieldGroup):
            yield from codes_named(shape.shapes, values)
        else:
            yield from ((shape.name, of, str(code)) for of, code in _codes_of(shape, values) if of and code)


def _codes_of(shape: FormField, values: Mapping[str, Any]) -> Iterator[tuple[CodeList | None, Any]]:
    match shape:
        case Code(name=name, of=of):
            yield of, values[name]
        case Codes(name=name, of=of):
            yield from ((of, code) for code in values[name])
        case PerKey(name=name, keys=keys, options=options):
            yield from ((keys, key) for key in values[name])
            if isinstance(options, CodeList):
                yield from ((options, code) for code in values[name].values())
        case Quantities(name=name, columns=columns):
            yield from ((of, row[column]) for row in values[name] for column, of in columns.items())
        case Rows(name=name, keys=keys, columns=columns):
            yield from ((keys, key) for key in values[name])
            for column, answers in columns.items():
                if isinstance(answers, CodeList):
                    cells = (row[column] if isinstance(row, Mapping) else row for row in values[name].values())
                    yield from ((answers, cell) for cell in cells)


# ---- questions of the set-up, and the proposals that several of them share


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed answer with its reason: settings by name, or the rows of a value table."""

    values: Mapping[str, Any]
    reason: Reason


@dataclass(frozen=True, slots=True)
class MissingSetting:
    """A setting that a flow lacks, and whether this stops the flow or parks some of its records."""

    reason: Reason
    stops: bool


@dataclass(frozen=True, slots=True)
class SetupContext:
    """Known facts for evaluating the questions of a flow. A list that could not be read is empty."""

    settings: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lists: Callable[[CodeList], Mapping[str, str]] = lambda _: {}
    answered: Collection[str] = ()
    flows: Collection[str] = ()  # flows that are chosen to run
    in_use: Mapping[str, str] = field(default_factory=dict)  # result of the check for foreign documents in the books
    booked: bool = False  # whether the flow has written anything yet

    def codes_of_list(self, code_list: CodeList) -> Mapping[str, str]:
        """Return codes and captions of a list."""
        return self.lists(code_list)

    def rates(self, codes: CodeList) -> Mapping[str, Decimal]:
        """Return the known VAT percentages by VAT code, for a list of VAT codes."""
        return {code: Decimal(rate) for code, rate in self.codes_of_list(CodeList(codes.role, VAT_RATES)).items()}


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the set-up: the settings or the value table that it answers, and the code lists it needs.

    With `to_look_at`, a person must answer the question individually: accepting all proposals leaves it open.
    `safe_defaults` returns values that follow unambiguously from both systems once they are connected, by setting or by
    row. They are filled in automatically where nobody has answered yet.
    """

    name: str
    propose: Callable[[SetupContext], Proposal | None]
    settings: tuple[str, ...] = ()
    table: str = ""
    lists: tuple[CodeList, ...] = ()
    find_missing: Callable[[SetupContext], MissingSetting | None] = lambda _: None
    arises: Callable[[Mapping[str, Any]], bool] = lambda _: True
    safe_defaults: Callable[[SetupContext], Mapping[str, Any]] = lambda _: {}
    to_look_at: bool = False
    applies: Callable[[SetupContext], bool] = lambda _: (
        True
    )  # whether there is anything to ask, apart from the settings
    unused: Callable[[SetupContext], Sequence[str]] = (
        lambda _: ()
    )  # codes of its table that do not need a row at the moment

    def current_answer(self, context: SetupContext) -> Mapping[str, Any]:
        if self.table:
            return context.tables.get(self.table, {})
        return {name: context.settings[name] for name in self.settings}


def single_code(codes: Iterable[str]) -> str:
    """Return the only one of these codes; an empty string if there are none or several."""
    candidates = list(codes)
    return candidates[0] if len(candidates) == 1 else ""


def default_proposal(why: str, *settings: str) -> Callable[[SetupContext], Proposal]:
    """Return a function that proposes the defaults of a new installation for these settings."""
    return lambda context: Proposal({name: context.defaults[name] for name in settings}, Reason(why))


# ---- value tables ---------------------------------------------------------------------------------------------------


def codes_missing_rows(context: SetupContext, table: ValueTable, codes: CodeList) -> list[str]:
    """Return the codes of a list for which a run would find no row."""
    rows = usable_rows(table, context.tables.get(table.name, {}), context.codes_of_list)
    return rowless_codes(
        table, rows, context.codes_of_list(codes), context.settings.get("default_country", ""), context.codes_of_list
    )


def invalid_rows(context: SetupContext, table: ValueTable) -> list[str]:
    """Return the keys of the invalid rows of a table, which no run uses."""
    return list(row_faults(table, context.tables.get(table.name, {}).items(), context.codes_of_list))


def codes_without_row(
    table: ValueTable, codes: CodeList, *, is_required: bool
) -> Callable[[SetupContext], MissingSetting | None]:
    """Return a check of a table that needs a row for each code; if `is_required`, a table without rows stops the flow.

    The check reports, in this order: invalid rows, codes without a row, rows with different VAT percentages.
    """
    name = table.name

    def lacks(context: SetupContext) -> MissingSetting | None:
        rows = context.tables.get(name, {})
        if not rows:
            return MissingSetting(Reason(f"lack_{name}_all"), stops=True) if is_required else None
        if wrong := invalid_rows(context, table):
            return MissingSetting(Reason("lack_rows_impossible", {"rows": ", ".join(wrong)}), stops=False)
        if missing := codes_missing_rows(context, table, codes):
            return MissingSetting(Reason(f"lack_{name}", {"codes": ", ".join(missing)}), stops=False)
        if apart := rows_with_different_rates(table, rows, context.rates):
            return MissingSetting(Reason("lack_rates_differ", {"rows": ", ".join(apart)}), stops=False)
        return None

    return lacks


def same_rates(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """Return the VAT codes with their counterparts, for rates that exactly one code has on each side."""
    table = {}
    for code, rate in ours.items():
        same_here = [other for other, value in ours.items() if value == rate]
        matches = [other for other, value in theirs.items() if value == rate]
        if len(same_here) == 1 and len(matches) == 1:
            table[code] = matches[0]
    return table


def vat_question(table: ValueTable) -> Question:
    """Return the question which VAT code of one system corresponds to which of the other.

    The question has a proposal only if every code then has a counterpart. Raises ValueError for a table without two
    lists.
    """
    codes, theirs = table.ours, table.theirs
    if codes is None or theirs is None:
        raise ValueError(f"{table.name} is no table of two lists")
    rates, others = CodeList(codes.role, VAT_RATES), CodeList(theirs.role, VAT_RATES)

    def plain(context: SetupContext) -> Mapping[str, str]:
        return same_rates(context.codes_of_list(rates), context.codes_of_list(others))

    def propose(context: SetupContext) -> Proposal | None:
        rows = {**plain(context), **context.tables.get(table.name, {})}
        whole = not codes_missing_rows(replace(context, tables={table.name: rows}), table, codes)
        return Proposal(rows, Reason("proposed_same_rate")) if rows and whole else None

    return Question(
        "vat",
        propose,
        table=table.name,
        lists=(codes, rates, theirs, others),
        find_missing=codes_without_row(table, codes, is_required=True),
        safe_defaults=plain,
    )

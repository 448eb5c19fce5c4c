"""Settings, value tables and filters that all flows share, and the exception that rejects one record."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from itertools import product
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo

from integration.core.errors import ConfigurationError
from integration.core.guards import SIZE, Guard, Limit
from integration.core.issues import Issue, Skip
from integration.core.records import Kind, Record, Value
from integration.core.rows import EVERY, row_key
from integration.core.rules import Operator, as_text, matches
from integration.core.system_roles import SystemRole
from integration.core.timetable import HolidayCountry, Timetable
from integration.core.vat import vat_fact
from integration.words.validation import reason_of

# ---- the two systems by their role, their code lists, and the value tables between them


BOOKS, TILL = SystemRole.BOOKS, SystemRole.TILL


class CodeList(NamedTuple):
    """A code list of the system in a role, such as its VAT codes, ledgers or branches.

    Without a role it is a list that is the same everywhere.
    """

    role: SystemRole | None
    name: str

    @property
    def system(self) -> str:
        """The name of the system that has the list in this installation."""
        return ISO if self.role is None else self.role.system


def books_list(name: str) -> CodeList:
    return CodeList(BOOKS, name)


def till_list(name: str) -> CodeList:
    return CodeList(TILL, name)


ISO = "iso"  # pseudo system of lists that are the same everywhere
COUNTRY = "country"  # name of the key part that is a country
UNSURE = "?"  # stands for a country name that cannot be read
COUNTRY_CODES = CodeList(None, "countries")  # two-letter codes; their names depend on the language
COUNTRY_NAMES = CodeList(None, "country_names")  # two-letter codes, or any other name of a country in a system


class Choice(NamedTuple):
    """A list whose codes can fill a part of a key, and the prefix of these codes in the key."""

    code_list: CodeList
    mark: str = ""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of the key of a value table: codes of lists, a few fixed words, or any text.

    A part without `is_required` may be left out of the key; the row then holds for all its values. When several rows
    match, parts with a higher `rank` decide first which row is more specific.
    """

    name: str
    choices: tuple[Choice, ...] = ()
    options: tuple[str, ...] = ()
    is_required: bool = False
    rank: int = 0


ListReader = Callable[[CodeList], Mapping[str, str]]  # codes and captions of a list; empty if it cannot be read


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A value table that translates codes between two systems; each side is a code list or any text.

    `dimensions` are the parts of its keys in order, joined by `separator`; without dimensions a key is a code of
    `ours`. With `looks_up` the logic of the flow reads the table itself, so it is in use even if no rule names it.
    `causes` are the causes of records parked for a missing row, if they are specific to this table; the code is then
    the first of `code_facts` that the cause has. `for_all` says that one row for all codes is usual in this table; such
    a row is valid in every table. `propose` returns the counterpart that both systems suggest for a missing row, from
    the facts of its cause and the lists of both systems, or an empty text if they suggest none or several.
    `alternative_table` is a table whose row has the same effect for these facts; a missing row is added there if it has
    a proposal. The codes of an `identified` table are numbers of records: the name of the record is stored with each
    row, so that a number that now belongs to another record is detected.
    """

    name: str
    ours: CodeList | None = None
    theirs: CodeList | None = None
    looks_up: bool = False
    causes: tuple[str, ...] = ()
    code_facts: tuple[str, ...] = ("code",)
    for_all: bool = False
    dimensions: tuple[KeyPart, ...] = ()
    separator: str = ":"
    propose: Callable[[Mapping[str, str], ListReader], str] | None = None
    alternative_table: "ValueTable | None" = None
    identified: bool = False

    @property
    def parts(self) -> tuple[KeyPart, ...]:
        """The parts of its keys; without dimensions, the code alone."""
        return self.dimensions or (KeyPart("code", (Choice(self.ours),) if self.ours else (), is_required=True),)

    @property
    def code(self) -> KeyPart:
        """The key part that is mandatory."""
        return next(part for part in self.parts if part.is_required)

    def key_of_missing_row(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Return the value of each key part for which a row is missing, from the facts of the cause."""
        code = next((facts[name] for name in self.code_facts if facts.get(name)), "")
        others = {part.name: facts.get(part.name, "") for part in self.parts}
        return {name: value for name, value in {**others, self.code.name: code}.items() if value}

    def key(self, values: Mapping[str, str]) -> str:
        """Return the row key for these values, given by part name; a part that is left out holds for all values."""
        pieces = (values.get(part.name, "") or (EVERY if part.is_required else "") for part in self.parts)
        return self.separator.join(filter(None, pieces))

    def read(self, key: str) -> dict[str, str] | None:
        """Return the parts of a key by name; None if the text is not a valid key of this table."""
        if len(self.parts) == 1:
            return {self.code.name: key} if key else None
        at, pieces, optional_parts = self.parts.index(self.code), key.split(self.separator), {}
        for part in reversed(self.parts[at + 1 :]):
            if len(pieces) > 1 and (pieces[-1] in part.options or not (part.options or at)):
                optional_parts[part.name] = pieces.pop()
        names = [part.name for part in self.parts[: at + 1]]
        if not all(pieces) or len(pieces) > len(names):
            return None
        return {**dict(zip(names[len(names) - len(pieces) :], pieces, strict=True)), **optional_parts}

    def row(self, rows: Mapping[str, str], *, home: str = "", **part_values: str) -> str:
        """Return the key of the most specific row for these parts; empty if there is none.

        `home` is the country of the shop: a row for an unreadable country never applies to it.
        """
        if not rows:  # usual for a table of exceptions, which is asked for every record
            return ""
        order = sorted(self.parts, key=lambda part: (not part.is_required, -part.rank, self.parts.index(part)))
        unsure = (UNSURE,) if part_values.get(COUNTRY, home) != home else ()
        options = [
            (part_values.get(part.name, ""), EVERY)
            if part.is_required
            else (part_values.get(part.name, ""), *(unsure if part.name == COUNTRY else ()), "")
            for part in order
        ]
        candidates = (dict(zip((part.name for part in order), values, strict=True)) for values in product(*options))
        return row_key(rows, *(self.key(values) for values in candidates))


@dataclass(frozen=True, slots=True)
class OwnDocumentMarks:
    """Marks that distinguish the documents of this console from those of another console in the same books.

    `setting` is the setting with the prefix of references. `has_prefix` returns whether a reference of a document kind
    has that prefix. `find_free_prefix` returns a prefix that none of the given references has. `flow` is the flow that
    has the setting, if it is another one. `daybook` is the setting with the daybook of pages.
    """

    setting: str
    has_prefix: Callable[[str, Kind, str], bool]
    find_free_prefix: Callable[[Collection[str]], str]
    flow: str = ""
    daybook: str = "daybook"


class Strict(BaseModel):
    """A group of settings that rejects unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Filter(Strict):
    """One condition on a source field; records that meet it are included or excluded."""

    field: str = Field(min_length=1)
    operator: Operator
    value: str | tuple[str, ...] = ""
    take: Literal["in", "out"] = "in"


LONGEST_ROUND = 24 * 60  # maximum minutes between two runs
MAX_CHANGES = 1_000_000_000  # more changes than any plan has


class ScheduleWindow(Strict):
    """The times of day and weekdays (0 is Monday) on which a flow runs automatically, except holidays of a country."""

    begins: time = time()
    ends: time = time(23, 59)
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(tuple(range(7)), min_length=1, max_length=7)
    skipped_holidays: HolidayCountry = ""


class FlowSettings(Strict):
    """Settings that every flow has. Raises ConfigurationError, with the name of the setting, for an invalid value."""

    flow: ClassVar[str] = ""
    guards: ClassVar[tuple[Guard, ...]] = SIZE  # each guard has its limit in `brakes`

    on: bool = False
    schedule_minutes: int = Field(5, ge=1, le=LONGEST_ROUND)
    calendar: ScheduleWindow = ScheduleWindow()
    nightly_complete: bool = True
    auto_approve: bool = False
    filters: tuple[Filter, ...] = ()
    brakes: Strict = Strict()  # replaced per flow by a model with the limits of its guards; None switches a guard off

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        limits: dict[str, Any] = {
            guard.name: (type(guard.limit) | None, Field(guard.limit if guard.is_on else None, ge=0, le=MAX_CHANGES))
            for guard in cls.guards
        }
        brakes = create_model("Brakes", __base__=Strict, **limits)
        cls.__pydantic_fields__["brakes"] = FieldInfo.from_annotated_attribute(brakes, brakes())
        cls.model_rebuild(force=True)

    @model_validator(mode="wrap")
    @classmethod
    def _with_named_error(cls, values: Any, handler: ModelWrapValidatorHandler["FlowSettings"]) -> "FlowSettings":
        try:
            settings = handler(values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name, why = ".".join(str(step) for step in first["loc"]), reason_of(first)
            raise ConfigurationError(
                "flow_setting_invalid", flow=cls.flow, setting=name, expected=why.code, **why.facts
            ) from None
        settings.check()
        return settings

    @property
    def limits(self) -> dict[str, Limit | None]:
        """The limits of the guards by name; None is a guard that is off."""
        return dict(self.brakes)

    @property
    def timetable(self) -> Timetable:
        """The timetable of automatic runs."""
        of = self.calendar
        return Timetable(self.schedule_minutes, of.begins, of.ends, frozenset(of.weekdays), of.skipped_holidays)

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield setting, source field and whether a person chose it, for each source field that a setting names."""
        yield from ()

    def fields_read(self) -> frozenset[str]:
        """Return the source fields that these settings and their filters read."""
        return frozenset(name for _, name, _ in self.reads()) | {condition.field for condition in self.filters}

    def check(self) -> None:
        """Raise ConfigurationError for settings that contradict each other."""


class NonIdempotentSettings(FlowSettings):
    """Settings of a flow whose writes are not idempotent: a repeated write creates another record."""

    resends: bool = False  # repeat an unanswered write automatically when a lookup does not find its record


class RecordRejected(Exception):  # noqa: N818 - not an error; it carries an issue to the caller
    """Raised when one record cannot be processed; it becomes an issue of that record."""

    def __init__(self, cause: str, field: str = "", /, **facts: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.facts = facts

    def issue(self, key: str) -> Issue:
        """Return the issue for the record under this key."""
        return Issue(self.cause, key, self.field, {"key": key, **self.facts})


def missing_vat_rate_issue(field: str, code: str, system: str) -> RecordRejected:
    """Return the rejection of a record whose amounts need a VAT code for which a system gives no percentage."""
    return RecordRejected("vat_rate_unknown", field, code=code, vat=vat_fact(code, None, system), system=system)


def excluded_by_filter(record: Record, filters: Iterable[Filter]) -> Skip | None:
    """Return why a record is skipped, from the first filter that excludes it; None if it takes part."""
    for condition in filters:
        if matches(record.values.get(condition.field), condition.operator, condition.value) != (condition.take == "in"):
            facts = {
                "key": record.key,
                "field": condition.field,
                "operator": str(condition.operator),
                "take": condition.take,
                "operand": as_text(condition.value),
                "value": as_text(record.values.get(condition.field)),
            }
            return Skip("filtered_out", record.key, facts)
    return None


def require_filled(values: Mapping[str, Value], name: str, field: str, system: str) -> None:
    """Raise RecordRejected if a field that the target requires is present and empty."""
    if name in values and not as_text(values[name]).strip():
        raise RecordRejected("required_field_empty", field, field=field, system=system)

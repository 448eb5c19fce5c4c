"""What all flows share: the two systems, the settings every one of them has, and how one record leaves the way."""

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
from integration.core.timetable import Timetable
from integration.core.vat import vat_fact
from integration.words.validation import reason_of

# ---- the two systems by the part they play, the lists of codes they keep, and the value tables between two of them


# Which system keeps the books, and which is the till. Flows speak of the part alone.
BOOKS, TILL = "accountview", "mplus"


class Listed(NamedTuple):
    """A list of codes that a system keeps: its VAT codes, ledgers, branches, ..."""

    system: str
    name: str


def books_list(name: str) -> Listed:
    """Return a list of the books."""
    return Listed(BOOKS, name)


def till_list(name: str) -> Listed:
    """Return a list of the till."""
    return Listed(TILL, name)


ISO = "iso"  # no system: what is the same for everybody
COUNTRY = "country"  # what the part of a key is called that is one
UNSURE = "?"  # stands for a country that nobody can read
COUNTRY_CODES = Listed(ISO, "countries")  # by two letters; what each is called is a matter of language
COUNTRY_NAMES = Listed(ISO, "country_names")  # the same, or whatever else a system calls a country


class Choice(NamedTuple):
    """A list whose codes a part of a key can be, with the sign that stands before them there."""

    of: Listed
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One part of the key of a value table: codes of lists, a few words of ours, or any text.

    A key may leave it out where it is not `needed`: the row then holds for all of it. What has a `rank` decides before
    the others which of several rows is the more particular one.
    """

    name: str
    of: tuple[Choice, ...] = ()
    options: tuple[str, ...] = ()
    needed: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A value table: a list of a system on each side, or any text.

    `dimensions` are the parts of its keys in their order, which `separator` stands between; without any a key is a code
    of `ours`. What the logic `looks_up` itself is used whether rules name it or not. `causes` park records that lack a
    row, where they are its own: the code is then the first of the facts `named` that is told. One row
    `for_all` codes is usual where it is so; it counts in every table.
    """

    name: str
    ours: Listed | None = None
    theirs: Listed | None = None
    looks_up: bool = False
    causes: tuple[str, ...] = ()
    named: tuple[str, ...] = ("code",)
    for_all: bool = False
    dimensions: tuple[Dimension, ...] = ()
    separator: str = ":"

    @property
    def parts(self) -> tuple[Dimension, ...]:
        """The parts of its keys: where nothing else is said, a code alone."""
        return self.dimensions or (Dimension("code", (Choice(self.ours),) if self.ours else (), needed=True),)

    @property
    def code(self) -> Dimension:
        """The part that no key leaves out."""
        return next(one for one in self.parts if one.needed)

    def asked(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Return what a missing row is for, by the facts of its cause: what each part of its key was."""
        code = next((facts[name] for name in self.named if facts.get(name)), "")
        others = {one.name: facts.get(one.name, "") for one in self.parts}
        return {name: value for name, value in {**others, self.code.name: code}.items() if value}

    def key(self, values: Mapping[str, str]) -> str:
        """Return the key of the row for these values, by the names of its parts; what is left out holds for all."""
        given = (values.get(one.name, "") or (EVERY if one.needed else "") for one in self.parts)
        return self.separator.join(filter(None, given))

    def read(self, key: str) -> dict[str, str] | None:
        """Return the parts that a key names; None for one that is no key of this table."""
        if len(self.parts) == 1:
            return {self.code.name: key} if key else None
        at, pieces, found = self.parts.index(self.code), key.split(self.separator), {}
        for one in reversed(self.parts[at + 1 :]):
            if len(pieces) > 1 and (pieces[-1] in one.options or not (one.options or at)):
                found[one.name] = pieces.pop()
        names = [one.name for one in self.parts[: at + 1]]
        if not all(pieces) or len(pieces) > len(names):
            return None
        return {**dict(zip(names[len(names) - len(pieces) :], pieces, strict=True)), **found}

    def row(self, rows: Mapping[str, str], *, home: str = "", **asked: str) -> str:
        """Return the key of the most particular row for these parts; empty when there is none.

        `home` is the country of the shop: a row for some country that nobody can read was not meant for that one.
        """
        order = sorted(self.parts, key=lambda one: (not one.needed, -one.rank, self.parts.index(one)))
        unsure = (UNSURE,) if asked.get(COUNTRY, home) != home else ()
        options = [
            (asked.get(one.name, ""), EVERY)
            if one.needed
            else (asked.get(one.name, ""), *(unsure if one.name == COUNTRY else ()), "")
            for one in order
        ]
        tried = (dict(zip((one.name for one in order), values, strict=True)) for values in product(*options))
        return row_key(rows, *(self.key(values) for values in tried))


@dataclass(frozen=True, slots=True)
class OwnDocumentMarks:
    """By what documents of one console are told from those of another one that writes to the same books.

    `setting` holds what its references begin with, `bears` tells whether one of a kind of document begins so, and
    `free` returns a beginning that none of some references has. `flow` is the flow that has the setting, if that is
    another one.
    """

    setting: str
    bears: Callable[[str, Kind, str], bool]
    free: Callable[[Collection[str]], str]
    flow: str = ""


class Strict(BaseModel):
    """A group of settings that knows all its names."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Filter(Strict):
    """One condition on a source field: what meets it is taken in, or left out."""

    field: str = Field(min_length=1)
    operator: Operator
    value: str | tuple[str, ...] = ""
    take: Literal["in", "out"] = "in"


LONGEST_ROUND = 24 * 60  # minutes between two runs
MOST = 1_000_000_000  # what no plan comes to


class ScheduleWindow(Strict):
    """Between which times of day a flow runs by itself, on which weekdays, Monday being 0, and whether on holidays."""

    begins: time = time()
    ends: time = time(23, 59)
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(tuple(range(7)), min_length=1, max_length=7)
    holidays: bool = True


class FlowSettings(Strict):
    """What every flow can be told. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = ""
    guards: ClassVar[tuple[Guard, ...]] = SIZE  # each has its limit among the brakes

    on: bool = False
    schedule_minutes: int = Field(5, ge=1, le=LONGEST_ROUND)
    calendar: ScheduleWindow = ScheduleWindow()
    nightly_complete: bool = True
    auto_approve: bool = False
    filters: tuple[Filter, ...] = ()
    brakes: Strict = Strict()  # of each flow those of its guards; None switches one off

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        limits: dict[str, Any] = {
            one.name: (type(one.limit) | None, Field(one.limit if one.is_on else None, ge=0, le=MOST))
            for one in cls.guards
        }
        brakes = create_model("Brakes", __base__=Strict, **limits)
        cls.__pydantic_fields__["brakes"] = FieldInfo.from_annotated_attribute(brakes, brakes())
        cls.model_rebuild(force=True)

    @model_validator(mode="wrap")
    @classmethod
    def _named(cls, values: Any, handler: ModelWrapValidatorHandler["FlowSettings"]) -> "FlowSettings":
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
        """The limits of its guards by their names; None is a guard that is off."""
        return dict(self.brakes)

    @property
    def timetable(self) -> Timetable:
        """When the flow runs by itself."""
        of = self.calendar
        return Timetable(self.schedule_minutes, of.begins, of.ends, frozenset(of.weekdays), of.holidays)

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield each setting that names fields of the source, with each field, and whether somebody chose it."""
        yield from ()

    def decided_by(self) -> frozenset[str]:
        """Return the fields of the source that these settings and their filters read."""
        return frozenset(name for _, name, _ in self.reads()) | {each.field for each in self.filters}

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""


class Resending(FlowSettings):
    """What a flow can be told of which a write that is sent again makes another record."""

    resends: bool = False  # by itself, after a look that does not show what was never answered


class RecordRejected(Exception):  # noqa: N818 - no error: an issue on its way out
    """One record cannot go on by itself."""

    def __init__(self, cause: str, field: str = "", /, **facts: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.facts = facts

    def issue(self, key: str) -> Issue:
        """Return why the record under this key waits for a person."""
        return Issue(self.cause, key, self.field, {"key": key, **self.facts})


def missing_vat_rate_issue(field: str, code: str, system: str) -> RecordRejected:
    """Return why a record waits whose amounts depend on a VAT code of which a system tells no percentage."""
    return RecordRejected("vat_rate_unknown", field, code=code, vat=vat_fact(code, None, system), system=system)


def excluded_by_filter(record: Record, filters: Iterable[Filter]) -> Skip | None:
    """Return why a record takes no part, by the first filter that it does not pass."""
    for each in filters:
        if matches(record.values.get(each.field), each.operator, each.value) != (each.take == "in"):
            facts = {
                "key": record.key, "field": each.field, "operator": str(each.operator), "take": each.take,
                "operand": as_text(each.value), "value": as_text(record.values.get(each.field)),
            }  # fmt: skip
            return Skip("filtered_out", record.key, facts)
    return None


def required(values: Mapping[str, Value], name: str, field: str, system: str) -> None:
    """Raise RecordRejected when a field that the target needs is there and empty."""
    if name in values and not as_text(values[name]).strip():
        raise RecordRejected("required_field_empty", field, field=field, system=system)

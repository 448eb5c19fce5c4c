"""What all flows share: the two systems, the settings every one of them has, and how one record leaves the way."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from integration.core.errors import ConfigurationError
from integration.core.issues import Issue, Skip
from integration.core.records import Record, Value
from integration.core.rules import Operator, as_text, matches
from integration.words.validation import reason_of

# ---- the two systems by the part they play, the lists of codes they keep, and the value tables between two of them


# Which system keeps the books, and which is the till. Flows speak of the part alone.
BOOKS, TILL = "accountview", "mplus"


class Listed(NamedTuple):
    """A list of codes that a system keeps: its VAT codes, ledgers, branches, ..."""

    system: str
    name: str


def books(name: str) -> Listed:
    """Return a list of the books."""
    return Listed(BOOKS, name)


def till(name: str) -> Listed:
    """Return a list of the till."""
    return Listed(TILL, name)


EVERY = "*"  # the row for every code that has none of its own


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A value table: a list of a system on each side, or any text.

    What the logic `looks_up` itself is used whether rules name it or not. `causes` park records that lack a row, where
    they are its own: the code is then the first of the facts `named` that is told, also with the country in front
    where a table is `by_country`, or that of every code where it is `for_all`.
    """

    name: str
    ours: Listed | None = None
    theirs: Listed | None = None
    looks_up: bool = False
    causes: tuple[str, ...] = ()
    named: tuple[str, ...] = ("code",)
    by_country: bool = False
    for_all: bool = False

    def codes(self, facts: Mapping[str, str]) -> tuple[str, ...]:
        """Return the codes that the missing row can have, the usual one first."""
        code, country = next((facts[name] for name in self.named if facts.get(name)), ""), facts.get("country", "")
        within = (f"{country}:{code}",) if self.by_country and country and code else ()
        return (code, *within, *((EVERY,) if self.for_all else ()))


class Strict(BaseModel):
    """A group of settings that knows all its names."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Filter(Strict):
    """One condition on a source field: what meets it is taken in, or left out."""

    field: str = Field(min_length=1)
    operator: Operator
    value: str | tuple[str, ...] = ""
    take: Literal["in", "out"] = "in"


MOST = 1_000_000_000  # what no plan comes to


class Brakes(Strict):
    """When a plan stops for a typed confirmation; None switches a brake off."""

    changes: int | None = Field(500, ge=0, le=MOST)
    changes_percent: Decimal | None = Field(None, ge=0, le=MOST)
    price_percent: Decimal | None = Field(Decimal(25), ge=0, le=MOST)
    retirements: int | None = Field(0, ge=0, le=MOST)
    zero_percent: Decimal | None = Field(Decimal(25), ge=0, le=MOST)
    new_debtors: int | None = Field(50, ge=0, le=MOST)


class FlowSettings(Strict):
    """What every flow can be told. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = ""

    on: bool = False
    schedule_minutes: int = Field(5, ge=1, le=59)
    nightly_complete: bool = True
    auto_approve: bool = False
    filters: tuple[Filter, ...] = ()
    brakes: Brakes = Brakes()

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

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield each setting that names fields of the source, with each field, and whether somebody chose it."""
        yield from ()

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""


class Parked(Exception):  # noqa: N818 - no error: an issue on its way out
    """One record cannot go on by itself."""

    def __init__(self, cause: str, field: str = "", /, **facts: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.facts = facts

    def issue(self, key: str) -> Issue:
        """Return why the record under this key waits for a person."""
        return Issue(self.cause, key, self.field, {"key": key, **self.facts})


def left_out(record: Record, filters: Iterable[Filter]) -> Skip | None:
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
    """Raise Parked when a field that the target needs is there and empty."""
    if name in values and not as_text(values[name]).strip():
        raise Parked("required_field_empty", field, field=field, system=system)

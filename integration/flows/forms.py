"""How the settings of a flow are asked for, as values: what each is, and what it may be. Pages draw them.

What a setting is called, its help and its options are texts under its name: `setting_formula`, `about_formula`,
`formula_available`. A flow's own word for it comes first: `setting_stock_branches`, else `setting_branches`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from integration.core.records import FieldType, Kind
from integration.flows.systems import Listed

LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class Only:
    """A setting that is asked only while another one has one of these values."""

    name: str
    among: tuple[object, ...]


class Shape(Protocol):
    """How one setting is asked for, or several that belong together."""

    @property
    def name(self) -> str:
        """Return the name of the setting; empty for several."""

    @property
    def only(self) -> Only | None:
        """Return when it is asked; None for always."""


@dataclass(frozen=True, slots=True)
class Section:
    """A card of settings: what heads it, what it asks, and what is good to know."""

    title: str
    shapes: tuple[Shape, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """Several settings in one line, under a word of their own where there is one."""

    shapes: tuple[Shape, ...]
    title: str = ""
    name: str = ""
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    name: str
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """One of a few options; `needs` says of an option which object of the books it needs to have a name."""

    name: str
    options: tuple[str, ...]
    words: str = ""  # under which the options are called, where it is not the setting's name
    needs: Mapping[str, str] = field(default_factory=dict)
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """One of a few options that each need a sentence."""

    name: str
    options: tuple[str, ...]
    words: str
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """Any of a few options; none of them stands for all."""

    name: str
    options: tuple[str, ...]
    words: str = ""
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One code: from a list of a system where it has one, else as it is typed."""

    name: str
    of: Listed | None = None
    none: str = "choose_nothing"  # what no code is called
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Codes:
    """Any number of codes, from a list of a system or as they are typed."""

    name: str
    of: Listed | None = None
    none: str = "choose_none_is_all"
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A short text."""

    name: str
    longest: int = LONGEST_CODE
    capitals: bool = False
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    name: str
    least: int
    most: int
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in euros."""

    name: str
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day, or none."""

    name: str
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class SourceField:
    """A field of the source; `missing` is said while one has to be chosen."""

    name: str
    kind: Kind
    missing: str = ""
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """The fields of the source of one type to choose from, after what is none of them: codes with their words."""

    kind: Kind
    type: FieldType
    first: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PerKey:
    """An answer for each code of a list that a system keeps, in a row each: one of the fields, or any text."""

    name: str
    keys: Listed
    options: FieldsOf | None = None
    none: str = "choose_nothing"
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a code with its answers; the codes are typed or chosen too.

    With one column of answers a row comes to a text, with several to texts by their names.
    """

    name: str
    key: str  # what heads the column of codes
    columns: Mapping[str, Listed | Sequence[str] | None]  # answers: a list of a system, options, or any text
    keys: Listed | None = None
    capitals: bool = False
    words: str = ""
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """What one unit of each currency is in the currency of the till."""

    name: str
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """What the settings come to for one record that the operator names, step by step."""

    name: str = ""
    only: Only | None = None


def each_of(shapes: Iterable[Shape]) -> Iterator[Shape]:
    """Yield every setting that these ask for, each by itself."""
    for shape in shapes:
        yield from each_of(shape.shapes) if isinstance(shape, Together) else [shape]


def names(shapes: Iterable[Shape]) -> list[str]:
    """Return the names of the settings that these ask for."""
    return [shape.name for shape in each_of(shapes)]

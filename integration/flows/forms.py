"""How the settings of a flow are asked for, as values: what each is, and what it may be. Pages draw them.

What a setting is called, its help and its options are texts under its name: `setting_formula`, `about_formula`,
`formula_available`. A flow's own word for it comes first: `setting_stock_branches`, else `setting_branches`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from integration.core.records import FieldType, Kind
from integration.flows.systems import Listed

LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class Only:
    """A setting that is asked only while another one has one of these values."""

    name: str
    among: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """How one setting is asked for, or several that belong together: these have no name."""

    name: str
    only: Only | None = field(default=None, kw_only=True)  # when it is asked; None for always


@dataclass(frozen=True, slots=True)
class Section:
    """A card of settings: what heads it, what it asks, and what is good to know."""

    title: str
    shapes: tuple[Shape, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Together(Shape):
    """Several settings in one line, under a word of their own where there is one."""

    name: str = field(default="", init=False)
    shapes: tuple[Shape, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Switch(Shape):
    """On or off."""


@dataclass(frozen=True, slots=True)
class Pick(Shape):
    """One of a few options; `needs` says of an option which object of the books it needs to have a name."""

    options: tuple[str, ...]
    words: str = ""  # under which the options are called, where it is not the setting's name
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choose(Shape):
    """One of a few options that each need a sentence."""

    options: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Several(Shape):
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
class Words(Shape):
    """A short text."""

    longest: int = LONGEST_CODE
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class Whole(Shape):
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
class FieldsOf:
    """The fields of the source of one type to choose from, after what is none of them: codes with their words."""

    kind: Kind
    type: FieldType
    first: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PerKey(Shape):
    """An answer for each code of a list that a system keeps, in a row each: one of the fields, or any text."""

    keys: Listed
    options: FieldsOf | None = None
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
        yield from each_of(shape.shapes) if isinstance(shape, Together) else [shape]


def names(shapes: Iterable[Shape]) -> list[str]:
    """Return the names of the settings that these ask for."""
    return [shape.name for shape in each_of(shapes)]

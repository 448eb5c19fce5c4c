"""Every function with its arguments, as a screen offers them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.core.rules import Operator


class Takes(StrEnum):
    """What an argument of a function is."""

    TEXT = "text"
    NUMBER = "number"
    VALUE = "value"  # what the field at hand can hold
    CHOICE = "choice"  # one of a few words
    FIELD = "field"  # a field of the record
    TABLE = "table"  # a value table


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function beside the value; one that `repeats` is the last and may be given many times."""

    name: str
    takes: Takes
    needed: bool = True
    options: tuple[str, ...] = ()
    repeats: bool = False


_PERCENT = (Argument("percent", Takes.NUMBER),)
# Every function of a chain with its arguments, in the order in which people look for them.
FUNCTIONS: Mapping[str, tuple[Argument, ...]] = {
    "trim": (),
    "upper": (),
    "lower": (),
    "replace": (Argument("old", Takes.TEXT), Argument("new", Takes.TEXT)),
    "regex_replace": (Argument("pattern", Takes.TEXT), Argument("new", Takes.TEXT)),
    "split": (Argument("separator", Takes.TEXT), Argument("place", Takes.NUMBER, needed=False)),
    "join": (Argument("separator", Takes.TEXT), Argument("fields", Takes.FIELD, needed=False, repeats=True)),
    "substring": (Argument("start", Takes.NUMBER), Argument("length", Takes.NUMBER, needed=False)),
    "pad": (
        Argument("width", Takes.NUMBER),
        Argument("sign", Takes.TEXT, needed=False),
        Argument("side", Takes.CHOICE, needed=False, options=("left", "right")),
    ),
    "number": (Argument("style", Takes.CHOICE, needed=False, options=("auto", "nl", "en")),),
    "round": (Argument("places", Takes.NUMBER, needed=False),),
    "percentage": _PERCENT,
    "add_vat": _PERCENT,
    "remove_vat": _PERCENT,
    "date": (Argument("form", Takes.TEXT, needed=False),),
    "country": (),
    "first": (Argument("fields", Takes.FIELD, needed=False, repeats=True),),
    "lookup": (Argument("table", Takes.TABLE), Argument("otherwise", Takes.TEXT, needed=False)),
    "if": (
        Argument("operator", Takes.CHOICE, options=tuple(Operator)),
        Argument("operand", Takes.TEXT),
        Argument("then", Takes.VALUE),
        Argument("otherwise", Takes.VALUE, needed=False),
    ),
}

# The functions that an expression can call, the value as the first argument.
IN_EXPRESSIONS = (*(name for name in FUNCTIONS if name != "if"), "text", "abs", "min", "max", "field")

"""What the data dictionary says about one field, and how its values are kept and written out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

Value = str | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field: C text, M memo, N B number, Y currency, I integer, L logical, D date, T date and time."""

    name: str
    type: str
    length: int
    caption: str
    required: bool = False
    blocked: bool = False
    upper: bool = False
    custom: bool = False
    mask: str = ""
    points_to: str = ""

    @property
    def is_number(self) -> bool:
        """Whether values are numbers."""
        return self.type in "NYBI"

    @property
    def is_moment(self) -> bool:
        """Whether values are dates or moments; they are kept as ISO text without a zone."""
        return self.type in "DT"


def tidy(number: Decimal) -> Decimal:
    """The same number, written without an exponent and without trailing zeros."""
    plain = number.normalize()
    return plain.quantize(Decimal(1)) if plain.as_tuple().exponent > 0 else plain  # type: ignore[operator]


def encoder(type_: str) -> Callable[[Any], str]:
    """A function from a value to its JSON, for one type of field."""
    return _ENCODERS.get(type_, _text)


def _text(value: str | None) -> str:
    return encode_basestring(value) if value else '""'


_ENCODERS: Final[Mapping[str, Callable[[Any], str]]] = {
    **dict.fromkeys("NYBI", lambda value: "0" if value is None else str(value)),
    "L": lambda value: "true" if value else "false",
}

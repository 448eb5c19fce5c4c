"""What the lines of a document add up to, to the cent, with VAT per code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

INCLUSIVE = "VAT-METHOD-INCLUSIVE"
EXCLUSIVE = "VAT-METHOD-EXCLUSIVE"
TAXED = frozenset({INCLUSIVE, EXCLUSIVE})


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one VAT code together, in cents."""

    vat_code: int
    rate: Decimal
    excl: int
    vat: int


@dataclass(frozen=True, slots=True)
class Sums:
    """A document added up; each line as (including, excluding)."""

    lines: tuple[tuple[int, int], ...]
    groups: tuple[Group, ...]

    @property
    def incl(self) -> int:
        """The total including VAT."""
        return sum(group.excl + group.vat for group in self.groups)

    @property
    def excl(self) -> int:
        """The total excluding VAT."""
        return sum(group.excl for group in self.groups)


def summed(lines: Sequence[tuple[int, int]], rates: Mapping[int, Decimal], method: str) -> Sums:
    """The sums of lines given as (VAT code, cents); the cents include VAT or not as the method says.

    VAT is rounded once per code; the lines take up the difference, so that they add up to the same totals.
    """
    both: list[tuple[int, int]] = [(0, 0)] * len(lines)
    groups = []
    for code in sorted({code for code, _ in lines}):
        places = [place for place, (held, _) in enumerate(lines) if held == code]
        rate = rates.get(code, Decimal(0)) if method in TAXED else Decimal(0)
        given = [lines[place][1] for place in places]
        other = _spread([_other(cents, rate, method) for cents in given], _other(sum(given), rate, method), given)
        for place, cents, counterpart in zip(places, given, other, strict=True):
            both[place] = (counterpart, cents) if method == EXCLUSIVE else (cents, counterpart)
        excl = sum(both[place][1] for place in places)
        groups.append(Group(code, rate, excl, sum(both[place][0] for place in places) - excl))
    return Sums(tuple(both), tuple(groups))


def rounded(amount: Decimal) -> int:
    """Whole cents."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _other(cents: int, rate: Decimal, method: str) -> int:
    factor = 1 + rate / 100
    return rounded(cents * factor if method == EXCLUSIVE else cents / factor)


def _spread(parts: list[int], total: int, weights: list[int]) -> list[int]:
    """The parts, with what they miss of the total on the heaviest one."""
    heaviest = max(range(len(weights)), key=lambda place: abs(weights[place]))
    parts[heaviest] += total - sum(parts)
    return parts

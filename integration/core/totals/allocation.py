"""Allocation of a document's amounts of one VAT code to its parts, such as turnover groups or accounts.

A till rounds VAT once per VAT code of a document, while lines are rounded one by one, so the VAT of the lines may
differ from the till's split by some cents. The till does not say which group has these cents. Each booking of a
document and each check must give them to the same group, so all use this module.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from integration.core.money import from_cents, share_out, to_cents
from integration.core.totals.sold import VatSum

Key = TypeVar("Key")


def allocate_vat(target: VatSum, parts: Mapping[Key, VatSum], balance: Collection[Key]) -> dict[Key, VatSum]:
    """Return the parts with VAT that adds up to the VAT of `target`. Amounts including VAT stay.

    The difference is divided in proportion to the VAT of the parts, by the largest remainder method; of equal
    remainders the first part gets a cent. A part without VAT counts by its amount. Parts in `balance` are no revenue
    and stay as they are if there is revenue: the shop owes these amounts and pays back exactly what it received.
    """
    vat = [to_cents(part.vat) for part in parts.values()]
    weights = [cents or to_cents(part.incl) for cents, part in zip(vat, parts.values(), strict=True)]
    moved = _shares(to_cents(target.vat) - sum(vat), parts, weights, balance)
    return {key: part + VatSum(-from_cents(moved[key]), from_cents(moved[key])) for key, part in parts.items()}


def allocate(target: VatSum, parts: Mapping[Key, VatSum], balance: Collection[Key]) -> dict[Key, VatSum]:
    """Return the parts with amounts and VAT that add up to `target`.

    A difference of the amounts including VAT, such as a discount on the whole document, is divided first, in
    proportion to these amounts. Then `allocate_vat` divides the difference of the VAT.
    """
    incl = [to_cents(part.incl) for part in parts.values()]
    moved = _shares(to_cents(target.incl) - sum(incl), parts, incl, balance)
    whole = {key: part + VatSum(from_cents(moved[key])) for key, part in parts.items()}
    return allocate_vat(target, whole, balance)


def _shares(
    cents: int, parts: Mapping[Key, VatSum], weights: Sequence[int], balance: Collection[Key]
) -> dict[Key, int]:
    """Return the cents of each part, by weight: of revenue only, if there is any."""
    takes = [key not in balance for key in parts]
    takes = takes if any(takes) else [True] * len(takes)
    eligible = [weight if may else 0 for weight, may in zip(weights, takes, strict=True)]
    shares = share_out(cents, eligible if any(eligible) else list(map(int, takes))) if parts else []
    return dict(zip(parts, shares, strict=True))

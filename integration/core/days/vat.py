"""Decides the books' VAT code of each document of a day, and checks its VAT against the rate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from integration.core.days.books import DayBooks, DecidedVat
from integration.core.days.documents import DayDocument
from integration.core.days.till import DayRefusedError, TillDay, TillTurnover
from integration.core.money import CENT, HUNDRED, amount
from integration.core.rows import row_value
from integration.core.totals.sold import NOTHING, VatSum
from integration.core.vat import vat_fact


def percents_of(day: TillDay) -> dict[str, Decimal]:
    """Return the percentages that the till reports for its VAT codes."""
    percents = [
        *((entry.vat_code, entry.percent) for entry in day.financial),
        *((entry.code, entry.percent) for entry in day.vat),
    ]
    return {code: percent for code, percent in percents if percent is not None}


@dataclass(frozen=True, slots=True)
class DayVat:
    """Decides the VAT codes of a day, document by document. `percents` are those of the till's VAT codes."""

    books: DayBooks
    percents: Mapping[str, Decimal]

    def decided_code(self, code: str, document: DayDocument | None = None) -> DecidedVat:
        """Return the books' VAT code of a document's sale under a till code; without a document, of a domestic sale."""
        if self.books.decide_vat is not None:
            return self.books.decide_vat(document, code)
        return DecidedVat(row_value(self.books.vat_codes, code))

    def code(self, code: str, about: TillTurnover, document: DayDocument | None = None) -> str:
        """Return the code from `decided_code`. Raises DayRefusedError if it is empty or domestic rates differ."""
        decision = self.decided_code(code, document)
        if not decision.code:
            document_facts = {"document": document.number} if document else {}
            if decision.impossible_row:
                facts = {
                    **decision.about,
                    **document_facts,
                    "row": decision.impossible_row,
                    "system": self.books.systems[1],
                }
                raise self._missing_code_error("vat_row_impossible", code, about, facts)
            raise self._missing_code_error("vat_code_unmapped", code, about, {**decision.about, **document_facts})
        if decision.code == self.decided_code(code).code:
            self._require_same_rate(code, about, decision.code)
        return decision.code

    def purchase_code(self, code: str, about: TillTurnover) -> str:
        """Return the books' VAT code of a purchase under a till code. Raises DayRefusedError as `code` does."""
        vat_code = row_value(self.books.purchase_vat_codes, code)
        if not vat_code:
            raise self._missing_code_error("purchase_vat_code_unmapped", code, about, {})
        self._require_same_rate(code, about, vat_code)
        return vat_code

    def _missing_code_error(
        self, cause: str, code: str, about: TillTurnover, facts: Mapping[str, str]
    ) -> DayRefusedError:
        rate = "" if about.percent is None else f"{about.percent.normalize():f}%"
        vat_label = vat_fact(code, about.percent, self.books.systems[0])
        return DayRefusedError(
            cause, "vat_code", **{"code": code, "rate": rate, "kind": about.name, "vat": vat_label, **facts}
        )

    def _require_same_rate(self, code: str, about: TillTurnover, theirs: str) -> None:
        ours = self.books.rates.get(theirs)
        if about.percent is not None and ours is not None and ours != about.percent:
            rates = {"till": f"{about.percent.normalize():f}", "books": f"{ours.normalize():f}"}
            raise DayRefusedError("day_vat_rate_differs", "vat_code", code=code, theirs=theirs, **rates)

    def rate(self, code: str, theirs: str) -> Decimal | None:
        """Return the percentage of a sale under a code of the books, or None if neither system reports it.

        A domestic sale has the till's own rate, which the books share.
        """
        own, ours = self.percents.get(code), self.books.rates.get(theirs)
        if theirs and theirs != self.decided_code(code).code:
            return ours
        return ours if own is None else own

    def require_plausible(self, sum_: VatSum, code: str, theirs: str, roundings: int, documents: Iterable[str]) -> None:
        """Raise DayRefusedError if VAT differs from base times rate by more than `roundings` cents, or without a rate.

        Without VAT nothing is rounded, so no difference is allowed. `theirs` is the code in the books.
        """
        rate = self.rate(code, theirs)
        if rate is None:
            system = self.books.systems[1]
            raise DayRefusedError(
                "vat_rate_unknown", "vat_code", code=theirs, vat=vat_fact(theirs, None, system), system=system
            )
        computed, inside = sum_.excl * rate / HUNDRED, sum_.incl * rate / (HUNDRED + rate)
        off = min(abs(sum_.vat - computed), abs(sum_.vat - inside))  # the till may round from net or from gross
        if off > (CENT * roundings if rate else NOTHING):
            facts = {"document": ", ".join(documents), "code": code, "expected": str(amount(computed))}
            facts |= {"found": str(sum_.vat), "base": str(sum_.excl), "vat": self._vat_label(code, theirs, rate)}
            raise DayRefusedError("day_vat_implausible", "vat_code", **facts)

    def _vat_label(self, code: str, theirs: str, rate: Decimal) -> str:
        is_abroad = bool(theirs) and theirs != self.decided_code(code).code
        return (
            vat_fact(theirs, rate, self.books.systems[1]) if is_abroad else vat_fact(code, rate, self.books.systems[0])
        )

    def is_untaxed(self, sum_: VatSum, code: str) -> bool:
        """Return True for a sale without VAT whose VAT would be a cent or more, or whose rate is zero."""
        rate = self.percents.get(code, NOTHING)
        return bool(sum_.incl) and not sum_.vat and (not rate or abs(sum_.excl) * rate / HUNDRED >= CENT)

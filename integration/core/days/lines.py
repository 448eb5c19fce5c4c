"""Lines of a day page, account by account: sales, payments, open items and differences of drawers.

Sales come from the till's financial journal by turnover group and VAT code, payments from its journals by method. The
VAT of a code is the till's too; nothing is computed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from integration.core.days.books import NO_VOUCHER, NOT_BOOKED, DayBooks, DayLine
from integration.core.days.costs import GroupCost, costs_of, groups_without_cost
from integration.core.days.documents import DayDocument, DaySums, allocate_to_total, sums_of_documents
from integration.core.days.till import (
    NO_GROUP,
    ROW_CAUSES,
    DayRefusedError,
    DrawerCount,
    MissingCodesError,
    Payment,
    TillDay,
    TillTurnover,
    till_text,
    total,
)
from integration.core.days.turnover import AccountTurnover
from integration.core.days.vat import DayVat, by_code, percents_of
from integration.core.ledgers import NO_RULES
from integration.core.missing_codes import MissingCode
from integration.core.money import amount
from integration.core.rows import row_value
from integration.core.totals.categories import EXCHANGES, LineCategory, Purpose, Tender
from integration.core.totals.sold import NOTHING, VatSum
from integration.core.vat import vat_fact

# Texts in the books are Dutch: the document, and the source of a line.
_NAMES = {"receipt": "Bon", "invoice": "Factuur", "order": "Order"}
MOST_NAMED = 5  # documents named in one sentence
_OF_SOURCE = {"receipt": "bonnen", "invoice": "facturen", "order": "orders"}


class DayLines:
    """Lines of a day. Raises DayRefusedError if an account, code or debtor is missing.

    Codes without a row of a value table are collected, and their lines have no account; `all_lines` raises for them.
    """

    def __init__(self, day: TillDay, documents: Sequence[DayDocument], books: DayBooks) -> None:
        self.day = day
        self.books = books
        self.own_use = [] if books.own_use_account else [one for one in documents if one.is_own_use]
        self.costless: tuple[str, ...] = ()
        self.turnover: list[AccountTurnover] = []
        self.own_use_sum = total(one.total for one in self.own_use)
        self.counting = [one for one in documents if one not in self.own_use]
        self._alone = books.alone
        self._types = {one.group: one for one in day.journal}
        self._vat = DayVat(books, percents_of(day))
        self.apart = [one for one in self.counting if self._is_apart(one)]
        self._methods = {(one.source, one.method): one for one in day.payments}
        self._missing: dict[tuple[str, frozenset[tuple[str, str]]], MissingCode] = {}
        self._debtorless: DayRefusedError | None = None

    def all_lines(self, sums: DaySums) -> list[DayLine]:
        """Return the lines of the day. Raises MissingCodesError with all codes that have no row.

        Any other refusal is raised only if no code is missing, because a missing row may affect many days.
        """
        try:
            found = [] if self.books.contents == "counts" else list(self.documents(sums))
            found += self.counts()
        except DayRefusedError:
            if not self._missing:
                raise
            found = []
        if self._missing:
            raise MissingCodesError(self._missing.values())
        if self._debtorless:
            raise self._debtorless
        return found

    def _collected(self, moved: Decimal, ask: Callable[[], str]) -> str:
        """Return the account or code from `ask`. If its row is missing, collect the code and return an empty text."""
        try:
            return ask()
        except DayRefusedError as refused:
            if refused.cause not in ROW_CAUSES:
                raise
            told = {name: fact for name, fact in refused.facts.items() if name != "document"}
            key = refused.cause, frozenset(told.items())
            before = self._missing[key].amount if key in self._missing else NOTHING
            first = self._missing[key].facts if key in self._missing else refused.facts
            self._missing[key] = MissingCode(refused.cause, first, before + abs(moved))
            return ""

    def _is_apart(self, one: DayDocument) -> bool:
        """Return True if a document is booked by itself. Raises DayRefusedError if the page would hide its VAT."""
        if one.record.key in self._alone:
            return one.is_sold
        hidden = one.is_untaxed or one.has_foreign_vat_number
        if one.source == "receipt" and one.is_untaxed and one.is_sold:
            raise DayRefusedError("day_reverse_charge", "vat_method", document=one.number)
        if one.source == "receipt" and self._is_abroad_untaxed(one):
            raise DayRefusedError(
                "day_sale_abroad_untaxed", "relation.vat_number", document=one.number, number=one.vat_number
            )
        _expect_no_exchange(one)
        return one.source == "invoice" and one.is_sold and (hidden or self.books.contents == "receipts")

    def _is_abroad_untaxed(self, one: DayDocument) -> bool:
        """Return True for a sale without VAT to another EU country, which the EU sales list would lack."""
        if self.books.contents == "counts" or not one.is_sold or not one.is_for_the_sales_list:
            return False
        return any(
            self._is_revenue(group) and self._vat.is_untaxed(each, code) for (group, code), each in one.groups.items()
        )

    # ---- sales and payments

    def documents(self, sums: DaySums) -> Iterator[DayLine]:
        """Yield the lines of each source: turnover, other groups, payments, open items."""
        for one in self._sold_here():
            self._expect_plausible(one)
        booked_apart = replace(sums_of_documents(self.apart), payments=self._paid_apart())
        left = self._without_prepaid(sums.minus(sums_of_documents(self.own_use)).minus(booked_apart))
        for source in self.day.sources:
            sold = [*self._groups(left, source)]
            yield from _gathered((one for one in sold if one.about == "turnover"), by_group=self.books.by_group)
            yield from _gathered((one for one in sold if one.about == "balance"), by_group=True)
            yield from sorted(self._payments(left, source), key=lambda one: one.account)
            yield from self._open(source)
        if self.books.costs:
            self.costless = groups_without_cost(self.day, left.groups, self._sold_in)
            yield from _gathered(self._costs(), by_group=self.books.by_group)

    def _paid_apart(self) -> dict[tuple[str, str], Decimal]:
        """Return the payments on the day that belong to separate bookings of documents."""
        found: dict[tuple[str, str], Decimal] = {}
        for one in self.counting:
            here = self._paid_here(one)
            for method, each in one.paid.items():
                if method not in here:
                    found[one.source, method] = found.get((one.source, method), NOTHING) + each
        return found

    def _paid_here(self, one: DayDocument) -> dict[str, Decimal]:
        """Return the payments of a document that the day page books, by method."""
        alone = self._alone.get(one.record.key)
        if alone is None or not alone.is_posted:
            return one.paid
        if alone.by_order:  # the order's booking includes its prepayments
            return {method: each for method, each in one.paid.items() if not self._is_deposit(one.source, method)}
        vouchers = self.books.vouchers
        single = {method for method in one.paid if vouchers.get(method, NO_VOUCHER).purpose is Purpose.SINGLE}
        return {} if alone.with_payments else {m: each for m, each in one.paid.items() if m not in single}

    def _is_deposit(self, source: str, method: str) -> bool:
        about = self._methods.get((source, method))
        return about is not None and about.tender is Tender.DOWN_PAYMENT

    def _is_prepaid(self, one: DayDocument) -> bool:
        """Return True if payments for the order are down payments, because it is not posted by itself."""
        alone = self._alone.get(one.record.key)
        return one.source == "order" and (alone is None or not alone.is_posted)

    def _without_prepaid(self, sums: DaySums) -> DaySums:
        """Return sums without down payments on separately booked orders, if a turnover group contains them."""
        posted = [one for one in self.counting if one.source == "order" and not self._is_prepaid(one)]
        less = total(each for one in posted for each in one.paid.values())
        groups = {one.group for one in self.day.journal if one.is_down_payment}
        keys = [key for key in sums.groups if key[0] == "order" and key[1] in groups]
        if not less or not keys:
            return sums
        if len(keys) > 1:
            facts = {"document": posted[0].number, "amount": str(less)}
            raise DayRefusedError("day_down_payments_off", "account", **facts)
        return sums.minus(DaySums({keys[0]: VatSum(less)}))

    def _groups(self, sums: DaySums, source: str) -> Iterator[DayLine]:
        codes: dict[str, dict[str, VatSum]] = {}
        for (own, group, code), each in sums.groups.items():
            if own == source:
                codes.setdefault(code, {})[group] = each
        for code, groups in codes.items():
            exact = {**groups, **self._exact(groups, sums.vat.get((source, code)))}
            for group, each, documents in self._by_decision(source, code, exact):
                if not each:
                    continue
                line = self._sold(source, group, code, each, documents)
                if line.about == "turnover":
                    name = self._types[group].name if group in self._types else ""
                    self.turnover.append(AccountTurnover(group, name, line.account, -line.amount))
                yield line

    def _sold_here(self, source: str = "") -> list[DayDocument]:
        """Return the documents whose sale is on the page, of one source or of all."""
        mine = (one for one in self.counting if one.source == source or not source)
        return [one for one in mine if one.is_sold and one not in self.apart]

    def _by_decision(
        self, source: str, code: str, groups: Mapping[str, VatSum]
    ) -> Iterator[tuple[str, VatSum, Sequence[DayDocument]]]:
        """Yield the sales of a VAT code of the till by turnover group, with their documents.

        If the documents have several VAT codes of the books, each group is divided by code. Raises DayRefusedError if
        the till's sums differ from the documents' sums, because the difference cannot be assigned to a code.
        """
        mine = [one for one in self._sold_here(source) if one.groups_under(code)]
        decided = {one.record.key: self._decided(one, code) for one in mine}
        if len({each for each in decided.values() if each is not None}) <= 1:
            for group, each in groups.items():
                yield group, each, [one for one in mine if (group, code) in one.groups]
            return
        parts: dict[tuple[str, str | None], VatSum] = {}
        behind: dict[tuple[str, str | None], list[DayDocument]] = {}
        for one in mine:
            for group, each in one.groups_under(code).items():
                key = group, decided[one.record.key] if self._has_vat_code(group, each) else None
                parts[key] = parts.get(key, VatSum()) + each
                behind.setdefault(key, []).append(one)
        self._expect_divided(code, groups, parts, [one for one in mine if decided[one.record.key]])
        for key, each in parts.items():
            yield key[0], each, behind[key]

    def _decided(self, one: DayDocument, code: str) -> str | None:
        """Return the document's VAT code in the books, or None if nothing in the document has one."""
        has = any(self._has_vat_code(group, each) for group, each in one.groups_under(code).items())
        return self._vat.decided_code(code, one).code if has else None

    def _has_vat_code(self, group: str, each: VatSum) -> bool:
        """Return True if a document's amount in a group has a sales VAT code."""
        if self._is_revenue(group):
            return bool(each)
        is_bought = group in self._types and self._types[group].category is LineCategory.CASH_OUT
        return bool(each.vat) and not is_bought

    def _expect_divided(
        self,
        code: str,
        groups: Mapping[str, VatSum],
        parts: Mapping[tuple[str, str | None], VatSum],
        documents: Sequence[DayDocument],
    ) -> None:
        own: dict[str, VatSum] = {}
        for (group, _), each in parts.items():
            own[group] = own.get(group, VatSum()) + each
        is_same = all(own.get(group, VatSum()).incl == each.incl for group, each in groups.items())
        vat, listed = (total(each.vat for each in some.values()) for some in (own, groups))
        if is_same and vat == listed:
            return
        home = self._vat.decided_code(code).code
        others = [one.number for one in documents if self._decided(one, code) != home]
        facts = {"behind": ", ".join(others[:MOST_NAMED]), "expected": str(vat), "found": str(listed), "code": code}
        facts["vat"] = vat_fact(code, self._vat.percents.get(code), self.books.systems[0])
        raise DayRefusedError("day_vat_undivided", "vat_code", **facts)

    def _expect_plausible(self, one: DayDocument) -> None:
        """Raise DayRefusedError for a document whose VAT does not match its rates."""
        taxed = {key: each for key, each in one.groups.items() if self._has_vat_code(key[0], each)}
        for code, each in by_code(taxed):
            theirs, groups = self._vat.decided_code(code, one).code, {group for group, own in taxed if own == code}
            self._vat.require_plausible(each, code, theirs, one.count_lines(code, groups), [one.number])

    def _exact(self, groups: Mapping[str, VatSum], target: VatSum | None) -> dict[str, VatSum]:
        """Return the taxed groups of a code with the VAT of the till's list, which covers all or revenue only."""
        if target is None:
            return {}
        revenue = {group: each for group, each in groups.items() if self._is_revenue(group)}
        every, sold = (total(each.incl for each in some.values()) for some in (groups, revenue))
        listed = revenue if abs(target.incl - sold) < abs(target.incl - every) else groups
        return allocate_to_total(target.vat, {group: each for group, each in listed.items() if each.vat})

    def _is_revenue(self, group: str) -> bool:
        return group in self._types and self._types[group].category is LineCategory.REVENUE

    def _sold(self, source: str, group: str, code: str, each: VatSum, documents: Sequence[DayDocument]) -> DayLine:
        about = self._about(source, group, code)
        category = about.category
        is_revenue = category is LineCategory.REVENUE
        account = self._collected(each.incl, lambda: self._account(about, group, code))
        text = f"{about.name} {_OF_SOURCE[source]}" if is_revenue else about.name
        named = tuple(one.number for one in documents)
        line = DayLine(account, text, -each.incl, about="turnover" if is_revenue else "balance", documents=named)
        if not is_revenue and not each.vat:
            return replace(line, cost_centre=self._cost_centre(group))
        if category is LineCategory.CASH_OUT:
            theirs = self._collected(each.incl, lambda: self._vat.purchase_code(code, about))
        else:
            first = documents[0] if documents else None
            theirs = self._collected(each.incl, lambda: self._vat.code(code, about, first))
            every = self._sold_here(source)  # a till that computes VAT over the day may differ by a cent per document
            most = sum(one.count_lines(code, (group,)) for one in documents) + sum(code in one.vat for one in every)
            if theirs:
                self._vat.require_plausible(each, code, theirs, most, named[:MOST_NAMED])
        return replace(
            line,
            amount=-each.excl,
            vat_code=theirs,
            vat=-each.vat,
            vat_base=-each.excl,
            cost_centre=self._cost_centre(group),
        )

    def _about(self, source: str, group: str, code: str) -> TillTurnover:
        exact = (one for one in self.day.financial if (one.source, one.group, one.vat_code) == (source, group, code))
        found = next(exact, None)
        known = self._types.get(group)
        if found is None and known is None:
            return TillTurnover(source, group, group or NO_GROUP, "", NOTHING)
        if found is None or known is None:
            return found or known  # type: ignore[return-value]  # one of them is there
        return replace(found, type=known.type, account=found.account or known.account, name=known.name or found.name)

    def _row(self, group: str, code: str) -> str:
        return self.books.accounts.get(f"{group}/{code}") or self.books.accounts.get(group, "")

    def _account(self, about: TillTurnover, group: str, code: str) -> str:
        row = group or NO_GROUP
        if about.category is LineCategory.UNKNOWN and not self._row(group, code):  # a row never makes it turnover
            facts = {"group": row, "kind": about.name, "sort": about.type}
            raise DayRefusedError("turnover_group_unknown", "account", **facts)
        found = row_value(self.books.accounts, f"{row}/{code}", row) or self.books.account_meant(about.account)
        if not found:
            facts = {"group": row, "code": code, "kind": about.name or row, "account": about.account}
            raise DayRefusedError("day_account_missing", "account", **facts)
        return found

    def _cost_centre(self, group: str) -> str:
        told = self._types[group].cost_centre if group in self._types else ""
        rows = self.books.cost_centres
        return rows.get(group) or told or row_value(rows, f"@{self.day.branch}")

    def _payments(self, sums: DaySums, source: str) -> Iterator[DayLine]:
        for (own, method), paid in sums.payments.items():
            if own != source or not paid:
                continue
            about = self._methods[own, method]
            if about.tender is Tender.OWN_USE:
                yield DayLine(self.books.own_use_account, about.name, paid, about="payment", method=method)
            elif self._is_on_account(about):
                yield from self._on_account(about, paid)
            else:
                yield from self._paid(about, paid)

    def _paid(self, about: Payment, paid: Decimal) -> Iterator[DayLine]:
        account = self._collected(paid, lambda: self._method_account(about))
        mine = [one for one in self.counting if one.source == about.source]
        paying = [one for one in mine if self._paid_here(one).get(about.method)]
        named = tuple(one.number for one in paying)
        voucher = self.books.vouchers.get(about.method, NO_VOUCHER)
        is_card = voucher.purpose is not Purpose.NONE
        words = {"receipt": "ingewisseld" if is_card else "", "invoice": "facturen", "order": "orders"}
        text = f"{about.name} {words[about.source]}".strip()
        line = DayLine(account, text, paid, about="payment", method=about.method, documents=named)
        if voucher.purpose is not Purpose.SINGLE:
            yield line
            return
        used, code = TillTurnover("", "", about.name, "", paid), voucher.vat_code
        by_decision: dict[str, list[DayDocument]] = {}
        for one in paying:
            theirs = self._collected(one.paid[about.method], partial(self._vat.code, code, used, one))
            by_decision.setdefault(theirs, []).append(one)
        for theirs, some in by_decision.items():
            here = total(one.paid[about.method] for one in some)
            taxed = total(_taxed_at_sale(one, one.paid[about.method], code, self.books) for one in some)
            numbers = tuple(one.number for one in some)
            yield replace(
                line, amount=here - taxed, vat=taxed, vat_code=theirs, vat_base=here - taxed, documents=numbers
            )

    def _method_account(self, about: Payment) -> str:
        found = row_value(self.books.method_accounts, about.method) or self.books.account_meant(about.account)
        if not found:
            raise DayRefusedError(
                "day_method_account_missing",
                "account",
                method=about.method,
                kind=about.name,
                account=about.account,
            )
        return found

    # ---- cost of sales

    @property
    def _sold_in(self) -> dict[str, str]:
        """Names of the turnover groups with sales, by code."""
        return {group: one.name for group, one in self._types.items() if self._is_revenue(group)}

    def _costs(self) -> Iterator[DayLine]:
        """Yield cost and stock lines of each group. Documents that the books have as sales of goods are excluded."""
        by_books = [one for one in self.apart if not self._alone.get(one.record.key, NOT_BOOKED).is_posted]
        for one in costs_of(self.day, [*self.counting, *self.own_use], [*by_books, *self.own_use]):
            if not one.amount:
                continue
            name = self._types[one.group].name if one.group in self._types else one.name
            cost = self._collected(one.amount, partial(self._cost_account, one, name))
            stock = self._collected(one.amount, partial(self._stock_account, one, name))
            centre = self._cost_centre(one.group)
            yield DayLine(cost, f"Kostprijs {name}", one.amount, cost_centre=centre, about="cost")
            yield DayLine(stock, f"Voorraad {name}", -one.amount, cost_centre=centre, about="stock")

    def _cost_account(self, one: GroupCost, name: str) -> str:
        row = one.group or NO_GROUP
        found = row_value(self.books.cost_accounts, row) or self.books.account_meant(one.cost_account)
        if not found:
            facts = {"group": row, "kind": name or row, "account": one.cost_account}
            raise DayRefusedError("day_cost_account_missing", "account", **facts)
        return found

    def _stock_account(self, one: GroupCost, name: str) -> str:
        row = one.group or NO_GROUP
        found = row_value(self.books.stock_accounts, row) or self.books.account_meant(one.stock_account)
        if not found:
            facts = {"group": row, "kind": name or row, "account": one.stock_account}
            raise DayRefusedError("day_stock_account_missing", "account", **facts)
        return found

    # ---- debtors

    def _is_on_account(self, about: Payment) -> bool:
        if about.tender is not Tender.SUSPENSE or about.method in self.books.rounding:
            return False
        account = row_value(self.books.method_accounts, about.method) or self.books.account_meant(about.account)
        return bool(account) and self.books.ledger_rules.get(account, NO_RULES).is_collective

    def _on_account(self, about: Payment, paid: Decimal) -> Iterator[DayLine]:
        mine = [one for one in self.counting if one.source == about.source]
        owing = [(one, each) for one in mine if (each := self._paid_here(one).get(about.method))]
        known = total(each for _, each in owing)
        if known != paid:
            raise DayRefusedError("day_open_item_unknown", "debtor", method=about.method, amount=str(paid - known))
        for one, each in owing:
            yield self._item(one, each, f"{about.name} {one.number}", self._method_account(about), about.method)

    def _open(self, source: str) -> Iterator[DayLine]:
        """Yield open amounts of invoices, payments of earlier open amounts, and prepayments of orders.

        A document of any type that is booked by itself without its payments is an open item.
        """
        for one in self.counting:
            if one.source != source:
                continue
            paid = total(self._paid_here(one).values())
            if self._is_prepaid(one):
                if paid and not self.day.tells_down_payments:
                    yield self._down_payment(one, -paid)
                continue
            rest = (NOTHING if one in self.apart else one.total) - paid
            if rest and (source == "invoice" or one.record.key in self._alone):
                yield self._item(one, rest, f"{_NAMES[source]} {one.number}", self.books.collective_account)

    def _down_payment(self, one: DayDocument, each: Decimal) -> DayLine:
        if not self.books.down_payments_account:
            raise DayRefusedError("day_down_payments_off", "account", document=one.number, amount=str(-each))
        text = f"Aanbetaling {one.number}"
        return DayLine(self.books.down_payments_account, text, each, about="open", documents=(one.number,))

    def _item(self, one: DayDocument, each: Decimal, text: str, account: str, method: str = "") -> DayLine:
        relation, alone = str(one.record.values.get("relation") or ""), self._alone.get(one.record.key, NOT_BOOKED)
        known = alone.debtor or (self.books.debtor(relation) if relation else "")
        debtor = known or self.books.collective_debtor
        if not debtor or not account:
            name = str(one.customer.values.get("name") or relation) if one.customer else relation
            refused = DayRefusedError("day_debtor_missing", "debtor", document=one.number, customer=name or one.number)
            self._debtorless = self._debtorless or refused  # raised after all codes without a row are known
        about = "payment" if method else "open"
        return DayLine(
            account, text, each, debtor=debtor, item=alone.item or self.books.item(one.record), about=about,
            method=method, documents=(one.number,),
        )  # fmt: skip

    # ---- drawers

    def counts(self) -> Iterator[DayLine]:
        """Yield differences of counts and deposits to the bank, per drawer and never netted."""
        for one in sorted(self.day.counts, key=lambda each: (each.workplace, each.number)):
            difference = self.books.difference_account or self.books.account_meant(one.difference_account)
            banked = self.books.banked_account or self.books.account_meant(one.deposit_account)
            if one.difference:
                yield from self._moved(
                    one, one.difference, difference, f"Kasverschil kassa {one.workplace}", "difference"
                )
            if one.deposited and self.books.banked_by == "count" and one.method in self.books.drawers:
                yield from self._moved(one, -one.deposited, banked, f"Afstorting kassa {one.workplace}", "banked")

    def _moved(self, one: DrawerCount, each: Decimal, account: str, text: str, about: str) -> Iterator[DayLine]:
        if not account:
            raise DayRefusedError(
                "day_drawer_account_missing", about, number=one.number, workplace=one.workplace,
                setting=f"{about}_account",
            )  # fmt: skip
        method = Payment("receipt", one.method, one.method, "", NOTHING, one.account)
        paid_by = self._methods.get(("receipt", one.method), method)
        drawer = self._collected(each, lambda: self._method_account(paid_by))
        yield DayLine(account, text, -each, about=about, documents=(one.number,))
        yield DayLine(drawer, text, each, about="drawer", documents=(one.number,))


def _taxed_at_sale(one: DayDocument, paid: Decimal, code: str, books: DayBooks) -> Decimal:
    """Return the VAT share of a voucher payment, in proportion to the document's VAT by the till's figures."""
    whole = one.vat.get(code, VatSum())
    if paid * whole.incl <= NOTHING or abs(paid) > abs(whole.incl):
        facts = {"amount": str(paid), "there": str(whole.incl), "code": code}
        facts["vat"] = vat_fact(code, None, books.systems[0])
        raise DayRefusedError("voucher_too_large", "account", document=one.number, **facts)
    return whole.vat if paid == whole.incl else amount(paid * whole.vat / whole.incl)


def _expect_no_exchange(one: DayDocument) -> None:
    for part in one.record.parts:
        if till_text(part.values, "price_type") in EXCHANGES:
            raise DayRefusedError("day_foreign_currency", "price_type", document=one.number)


def _gathered(lines: Iterable[DayLine], *, by_group: bool) -> list[DayLine]:
    """Return one line for each account and VAT code, in this order, with the text of the first line."""
    found: dict[tuple[object, ...], DayLine] = {}
    for line in lines:
        key = (*line.key, line.text) if by_group else line.key
        if (first := found.get(key)) is None:
            found[key] = line
        else:
            base = None if first.vat_base is None or line.vat_base is None else first.vat_base + line.vat_base
            found[key] = replace(
                first, amount=first.amount + line.amount, vat=first.vat + line.vat, vat_base=base,
                documents=tuple(dict.fromkeys([*first.documents, *line.documents])),
            )  # fmt: skip
    return sorted(found.values(), key=lambda one: (one.account, one.vat_code))

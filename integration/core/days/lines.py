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
from integration.core.days.documents import DayDocument, DaySums, covered_groups, sums_of_documents
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
from integration.core.days.vat import DayVat, percents_of
from integration.core.grouping import sum_by_key
from integration.core.ledgers import NO_RULES
from integration.core.missing_codes import MissingCode
from integration.core.money import amount
from integration.core.rows import row_value
from integration.core.totals.allocation import allocate_vat
from integration.core.totals.categories import EXCHANGES, LineCategory, Purpose, Tender
from integration.core.totals.sold import NOTHING, VatSum, sum_by
from integration.core.vat import vat_fact

# Texts in the books are Dutch: the document, and the source of a line.
_NAMES = {"receipt": "Bon", "invoice": "Factuur", "order": "Order"}
MAX_NAMED = 5  # documents named in one sentence
_OF_SOURCE = {"receipt": "bonnen", "invoice": "facturen", "order": "orders"}


class DayLines:
    """Lines of a day. Raises DayRefusedError if an account, code or debtor is missing.

    Codes without a row of a value table are collected, and their lines have no account; `all_lines` raises for them.
    """

    def __init__(self, day: TillDay, documents: Sequence[DayDocument], books: DayBooks) -> None:
        self.day = day
        self.books = books
        self.own_use = [] if books.own_use_account else [document for document in documents if document.is_own_use]
        self.groups_without_cost: tuple[str, ...] = ()
        self.turnover: list[AccountTurnover] = []
        self.own_use_sum = total(document.total for document in self.own_use)
        self.counting = [document for document in documents if document not in self.own_use]
        self._separate_bookings = books.separate_bookings
        self._types = {turnover.group: turnover for turnover in day.journal}
        self._revenue_groups = day.revenue_groups
        self._vat = DayVat(books, percents_of(day))
        self.apart = [document for document in self.counting if self._is_separate(document)]
        self._methods = {(payment.source, payment.method): payment for payment in day.payments}
        self._missing: dict[tuple[str, frozenset[tuple[str, str]]], MissingCode] = {}
        self._missing_debtor_error: DayRefusedError | None = None

    def all_lines(self, sums: DaySums) -> list[DayLine]:
        """Return the lines of the day. Raises MissingCodesError with all codes that have no row.

        Any other refusal is raised only if no code is missing, because a missing row may affect many days.
        """
        try:
            lines = [] if self.books.contents == "counts" else list(self.documents(sums))
            lines += self.counts()
        except DayRefusedError:
            if not self._missing:
                raise
            lines = []
        if self._missing:
            raise MissingCodesError(self._missing.values())
        if self._missing_debtor_error:
            raise self._missing_debtor_error
        return lines

    def _collect_missing(self, moved: Decimal, ask: Callable[[], str]) -> str:
        """Return the account or code from `ask`. If its row is missing, collect the code and return an empty text."""
        try:
            return ask()
        except DayRefusedError as refused:
            if refused.cause not in ROW_CAUSES:
                raise
            facts = {name: fact for name, fact in refused.facts.items() if name != "document"}
            key = refused.cause, frozenset(facts.items())
            before = self._missing[key].amount if key in self._missing else NOTHING
            first = self._missing[key].facts if key in self._missing else refused.facts
            self._missing[key] = MissingCode(refused.cause, first, before + abs(moved))
            return ""

    def _is_separate(self, document: DayDocument) -> bool:
        """Return True if a document is booked separately. Raises DayRefusedError if the page would hide its VAT."""
        if document.record.key in self._separate_bookings:
            return document.is_sold
        hidden = document.is_untaxed or document.has_foreign_vat_number(self.books.home)
        if document.source == "receipt" and document.is_untaxed and document.is_sold:
            raise DayRefusedError("day_reverse_charge", "vat_method", document=document.number)
        if document.source == "receipt" and self._is_abroad_untaxed(document):
            raise DayRefusedError(
                "day_sale_abroad_untaxed", "relation.vat_number", document=document.number, number=document.vat_number
            )
        _require_no_exchange(document)
        return document.source == "invoice" and document.is_sold and (hidden or self.books.contents == "receipts")

    def _is_abroad_untaxed(self, document: DayDocument) -> bool:
        """Return True for a sale without VAT to another EU country, which the EU sales list would lack."""
        is_listed = document.is_sold and document.is_for_the_sales_list(self.books.home)
        if self.books.contents == "counts" or not is_listed:
            return False
        return any(
            self._is_revenue(group) and self._vat.is_untaxed(vat_sum, code)
            for (group, code), vat_sum in document.groups.items()
        )

    # ---- sales and payments

    def documents(self, sums: DaySums) -> Iterator[DayLine]:
        """Yield the lines of each source: turnover, other groups, payments, open items."""
        for document in self._sales_on_page():
            self._require_plausible(document)
        booked_apart = replace(sums_of_documents(self.apart), payments=self._separate_payments())
        remaining_sums = self._without_prepaid(sums.minus(sums_of_documents(self.own_use)).minus(booked_apart))
        for source in self.day.sources:
            sold = [*self._groups(remaining_sums, source)]
            yield from _merge_lines((line for line in sold if line.about == "turnover"), by_group=self.books.by_group)
            yield from _merge_lines((line for line in sold if line.about == "balance"), by_group=True)
            yield from sorted(self._payments(remaining_sums, source), key=lambda line: line.account)
            yield from self._open_lines(source)
        if self.books.costs:
            self.groups_without_cost = groups_without_cost(self.day, remaining_sums.groups, self._sold_in)
            yield from _merge_lines(self._cost_lines(), by_group=self.books.by_group)

    def _separate_payments(self) -> dict[tuple[str, str], Decimal]:
        """Return the payments on the day that belong to separate bookings of documents."""
        return sum_by_key(
            ((document.source, method), paid)
            for document in self.counting
            for method, paid in document.payments_by_method.items()
            if method not in self._payments_on_page(document)
        )

    def _payments_on_page(self, document: DayDocument) -> dict[str, Decimal]:
        """Return the payments of a document that the day page books, by method."""
        alone = self._separate_bookings.get(document.record.key)
        if alone is None or not alone.is_posted:
            return document.payments_by_method
        if alone.by_order:  # the order's booking includes its prepayments
            return {
                method: paid
                for method, paid in document.payments_by_method.items()
                if not self._is_deposit(document.source, method)
            }
        vouchers = self.books.vouchers
        single = {
            method
            for method in document.payments_by_method
            if vouchers.get(method, NO_VOUCHER).purpose is Purpose.SINGLE
        }
        return (
            {}
            if alone.with_payments
            else {m: paid for m, paid in document.payments_by_method.items() if m not in single}
        )

    def _is_deposit(self, source: str, method: str) -> bool:
        about = self._methods.get((source, method))
        return about is not None and about.tender is Tender.DOWN_PAYMENT

    def _is_prepaid(self, document: DayDocument) -> bool:
        """Return True if payments for the order are down payments, because the order is not posted separately."""
        alone = self._separate_bookings.get(document.record.key)
        return document.source == "order" and (alone is None or not alone.is_posted)

    def _without_prepaid(self, sums: DaySums) -> DaySums:
        """Return sums without down payments on separately booked orders, if a turnover group contains them."""
        posted = [
            document for document in self.counting if document.source == "order" and not self._is_prepaid(document)
        ]
        less = total(paid for document in posted for paid in document.payments_by_method.values())
        groups = {turnover.group for turnover in self.day.journal if turnover.is_down_payment}
        keys = [key for key in sums.groups if key[0] == "order" and key[1] in groups]
        if not less or not keys:
            return sums
        if len(keys) > 1:
            facts = {"document": posted[0].number, "amount": str(less)}
            raise DayRefusedError("day_down_payments_off", "account", **facts)
        return sums.minus(DaySums({keys[0]: VatSum(less)}))

    def _groups(self, sums: DaySums, source: str) -> Iterator[DayLine]:
        codes: dict[str, dict[str, VatSum]] = {}
        for (own, group, code), vat_sum in sums.groups.items():
            if own == source:
                codes.setdefault(code, {})[group] = vat_sum
        for code, groups in codes.items():
            exact = {**groups, **self._exact_groups(groups, sums.vat.get((source, code)))}
            for group, vat_sum, documents, deciding in self._sales_by_decision(source, code, exact):
                if not vat_sum:
                    continue
                line = self._turnover_line(source, group, code, vat_sum, documents, deciding)
                if line.about == "turnover":
                    name = self._types[group].name if group in self._types else ""
                    self.turnover.append(AccountTurnover(group, name, line.account, -line.amount))
                yield line

    def _sales_on_page(self, source: str = "") -> list[DayDocument]:
        """Return the documents whose sale is on the page, of one source or of all."""
        source_documents = (document for document in self.counting if document.source == source or not source)
        return [document for document in source_documents if document.is_sold and document not in self.apart]

    def _sales_by_decision(
        self, source: str, code: str, groups: Mapping[str, VatSum]
    ) -> Iterator[tuple[str, VatSum, Sequence[DayDocument], DayDocument | None]]:
        """Yield the sales of a VAT code of the till by turnover group, with their documents and one that decides.

        If the documents have several VAT codes of the books, each group is divided by code. Raises DayRefusedError if
        the till's sums differ from the documents' sums, because the difference cannot be assigned to a code.
        """
        coded_documents = [document for document in self._sales_on_page(source) if document.groups_under(code)]
        decided = {document.record.key: self._decided_code(document, code) for document in coded_documents}
        taxed = [document for document in coded_documents if decided[document.record.key] is not None]
        if len({decided[document.record.key] for document in taxed}) <= 1:
            for group, vat_sum in groups.items():
                documents = [document for document in coded_documents if group in document.groups_under(code)]
                yield group, vat_sum, documents, next(iter(taxed), None)
            return
        parts: dict[tuple[str, str | None], VatSum] = {}
        behind: dict[tuple[str, str | None], list[DayDocument]] = {}
        for document in coded_documents:
            for group, vat_sum in document.groups_under(code).items():
                key = group, decided[document.record.key] if self._has_vat_code(group, vat_sum) else None
                parts[key] = parts.get(key, VatSum()) + vat_sum
                behind.setdefault(key, []).append(document)
        self._require_divided(
            code, groups, parts, [document for document in coded_documents if decided[document.record.key]]
        )
        for key, vat_sum in parts.items():
            yield key[0], vat_sum, behind[key], behind[key][0]

    def _decided_code(self, document: DayDocument, code: str) -> str | None:
        """Return the document's VAT code in the books, or None if nothing in the document has one."""
        has = any(self._has_vat_code(group, vat_sum) for group, vat_sum in document.groups_under(code).items())
        return self._vat.decided_code(code, document).code if has else None

    def _has_vat_code(self, group: str, vat_sum: VatSum) -> bool:
        """Return True if a document's amount in a group has a sales VAT code."""
        if self._is_revenue(group):
            return bool(vat_sum)
        is_bought = group in self._types and self._types[group].category is LineCategory.CASH_OUT
        return bool(vat_sum.vat) and not is_bought

    def _require_divided(
        self,
        code: str,
        groups: Mapping[str, VatSum],
        parts: Mapping[tuple[str, str | None], VatSum],
        documents: Sequence[DayDocument],
    ) -> None:
        own = sum_by((group, vat_sum) for (group, _), vat_sum in parts.items())
        is_same = all(own.get(group, VatSum()).incl == vat_sum.incl for group, vat_sum in groups.items())
        vat, listed_vat = (total(vat_sum.vat for vat_sum in sums.values()) for sums in (own, groups))
        if is_same and vat == listed_vat:
            return
        home = self._vat.decided_code(code).code
        others = [document.number for document in documents if self._decided_code(document, code) != home]
        facts = {"behind": ", ".join(others[:MAX_NAMED]), "expected": str(vat), "found": str(listed_vat), "code": code}
        facts["vat"] = vat_fact(code, self._vat.percents.get(code), self.books.systems[0])
        raise DayRefusedError("day_vat_undivided", "vat_code", **facts)

    def _require_plausible(self, document: DayDocument) -> None:
        """Raise DayRefusedError for a document whose VAT does not match its rates."""
        of_lines = {code for _, code in document.groups}
        for code in filter(None, dict.fromkeys([*document.vat, *of_lines])):
            every = document.groups_under(code)
            taxed = {group: vat_sum for group, vat_sum in every.items() if self._has_vat_code(group, vat_sum)}
            theirs = self._vat.decided_code(code, document).code if taxed else ""
            if theirs:
                vat_sum = sum(taxed.values(), VatSum()) if code in of_lines else document.vat[code]
                roundings = document.count_lines(code if code in of_lines else "", taxed)
                self._vat.require_plausible(vat_sum, code, theirs, roundings, [document.number])

    def _exact_groups(self, groups: Mapping[str, VatSum], target: VatSum | None) -> dict[str, VatSum]:
        """Return the taxed groups of a code with the VAT of the till's list.

        A till that computes VAT over the whole day differs from its groups by up to a cent per document. No single
        document has these cents, so all taxed groups take part.
        """
        if target is None:
            return {}
        covered = covered_groups(target, groups, groups.keys() - self._revenue_groups)
        return allocate_vat(target, {group: vat_sum for group, vat_sum in covered.items() if vat_sum.vat}, ())

    def _is_revenue(self, group: str) -> bool:
        return group in self._revenue_groups

    def _turnover_line(
        self,
        source: str,
        group: str,
        code: str,
        vat_sum: VatSum,
        documents: Sequence[DayDocument],
        deciding: DayDocument | None,
    ) -> DayLine:
        about = self._turnover_of(source, group, code)
        category = about.category
        is_revenue = category is LineCategory.REVENUE
        account = self._collect_missing(vat_sum.incl, lambda: self._account(about, group, code))
        text = f"{about.name} {_OF_SOURCE[source]}" if is_revenue else about.name
        numbers = tuple(document.number for document in documents)
        line = DayLine(account, text, -vat_sum.incl, about="turnover" if is_revenue else "balance", documents=numbers)
        if not is_revenue and not vat_sum.vat:
            return replace(line, cost_centre=self._cost_centre(group))
        if category is LineCategory.CASH_OUT:
            theirs = self._collect_missing(vat_sum.incl, lambda: self._vat.purchase_code(code, about))
        else:
            theirs = self._collect_missing(vat_sum.incl, lambda: self._vat.code(code, about, deciding))
            # The rounding of a document is shared out over its groups; that of a day may be a cent per document.
            roundings = sum(document.count_lines(code, document.groups_under(code)) for document in documents)
            roundings += sum(code in document.vat for document in self._sales_on_page(source))
            if theirs:
                self._vat.require_plausible(vat_sum, code, theirs, roundings, numbers[:MAX_NAMED])
        return replace(
            line,
            amount=-vat_sum.excl,
            vat_code=theirs,
            vat=-vat_sum.vat,
            vat_base=-vat_sum.excl,
            cost_centre=self._cost_centre(group),
        )

    def _turnover_of(self, source: str, group: str, code: str) -> TillTurnover:
        exact = (
            turnover
            for turnover in self.day.financial
            if (turnover.source, turnover.group, turnover.vat_code) == (source, group, code)
        )
        financial_turnover = next(exact, None)
        journal_turnover = self._types.get(group)
        if financial_turnover is None and journal_turnover is None:
            return TillTurnover(source, group, group or NO_GROUP, "", NOTHING)
        if financial_turnover is None or journal_turnover is None:
            return financial_turnover or journal_turnover  # type: ignore[return-value]  # one of them is there
        return replace(
            financial_turnover,
            type=journal_turnover.type,
            account=financial_turnover.account or journal_turnover.account,
            name=journal_turnover.name or financial_turnover.name,
        )

    def _row(self, group: str, code: str) -> str:
        return self.books.accounts.get(f"{group}/{code}") or self.books.accounts.get(group, "")

    def _account(self, about: TillTurnover, group: str, code: str) -> str:
        row = group or NO_GROUP
        if about.category is LineCategory.UNKNOWN and not self._row(group, code):  # a row never makes it turnover
            facts = {"group": row, "kind": about.name, "type": about.type}
            raise DayRefusedError("turnover_group_unknown", "account", **facts)
        account = row_value(self.books.accounts, f"{row}/{code}", row) or self.books.account_of_till_number(
            about.account
        )
        if not account:
            facts = {"group": row, "code": code, "kind": about.name or row, "account": about.account}
            raise DayRefusedError("day_account_missing", "account", **facts)
        return account

    def _cost_centre(self, group: str) -> str:
        cost_centre = self._types[group].cost_centre if group in self._types else ""
        rows = self.books.cost_centres
        return rows.get(group) or cost_centre or row_value(rows, f"@{self.day.branch}")

    def _payments(self, sums: DaySums, source: str) -> Iterator[DayLine]:
        for (own, method), paid in sums.payments.items():
            if own != source or not paid:
                continue
            about = self._methods[own, method]
            if about.tender is Tender.OWN_USE:
                yield DayLine(self.books.own_use_account, about.name, paid, about="payment", method=method)
            elif self._is_on_account(about):
                yield from self._on_account_lines(about, paid)
            else:
                yield from self._payment_lines(about, paid)

    def _payment_lines(self, about: Payment, paid: Decimal) -> Iterator[DayLine]:
        account = self._collect_missing(paid, lambda: self._method_account(about))
        source_documents = [document for document in self.counting if document.source == about.source]
        paying = [document for document in source_documents if self._payments_on_page(document).get(about.method)]
        document_numbers = tuple(document.number for document in paying)
        voucher = self.books.vouchers.get(about.method, NO_VOUCHER)
        is_card = voucher.purpose is not Purpose.NONE
        words = {"receipt": "ingewisseld" if is_card else "", "invoice": "facturen", "order": "orders"}
        text = f"{about.name} {words[about.source]}".strip()
        line = DayLine(account, text, paid, about="payment", method=about.method, documents=document_numbers)
        if voucher.purpose is not Purpose.SINGLE:
            yield line
            return
        turnover, code = TillTurnover("", "", about.name, "", paid), voucher.vat_code
        by_decision: dict[str, list[DayDocument]] = {}
        for document in paying:
            theirs = self._collect_missing(
                document.payments_by_method[about.method], partial(self._vat.code, code, turnover, document)
            )
            by_decision.setdefault(theirs, []).append(document)
        for theirs, documents in by_decision.items():
            gross = total(document.payments_by_method[about.method] for document in documents)
            taxed = total(
                _taxed_at_sale(document, document.payments_by_method[about.method], code, self.books)
                for document in documents
            )
            numbers = tuple(document.number for document in documents)
            yield replace(
                line, amount=gross - taxed, vat=taxed, vat_code=theirs, vat_base=gross - taxed, documents=numbers
            )

    def _method_account(self, about: Payment) -> str:
        account = row_value(self.books.method_accounts, about.method) or self.books.account_of_till_number(
            about.account
        )
        if not account:
            raise DayRefusedError(
                "day_method_account_missing",
                "account",
                method=about.method,
                kind=about.name,
                account=about.account,
            )
        return account

    # ---- cost of sales

    @property
    def _sold_in(self) -> dict[str, str]:
        """Names of the turnover groups with sales, by code."""
        return {group: turnover.name for group, turnover in self._types.items() if self._is_revenue(group)}

    def _cost_lines(self) -> Iterator[DayLine]:
        """Yield cost and stock lines of each group. Documents that the books have as sales of goods are excluded."""
        by_books = [
            document
            for document in self.apart
            if not self._separate_bookings.get(document.record.key, NOT_BOOKED).is_posted
        ]
        for group_cost in costs_of(self.day, [*self.counting, *self.own_use], [*by_books, *self.own_use]):
            if not group_cost.amount:
                continue
            name = self._types[group_cost.group].name if group_cost.group in self._types else group_cost.name
            cost = self._collect_missing(group_cost.amount, partial(self._cost_account, group_cost, name))
            stock = self._collect_missing(group_cost.amount, partial(self._stock_account, group_cost, name))
            centre = self._cost_centre(group_cost.group)
            yield DayLine(cost, f"Kostprijs {name}", group_cost.amount, cost_centre=centre, about="cost")
            yield DayLine(stock, f"Voorraad {name}", -group_cost.amount, cost_centre=centre, about="stock")

    def _cost_account(self, group_cost: GroupCost, name: str) -> str:
        row = group_cost.group or NO_GROUP
        account = row_value(self.books.cost_accounts, row) or self.books.account_of_till_number(group_cost.cost_account)
        if not account:
            facts = {"group": row, "kind": name or row, "account": group_cost.cost_account}
            raise DayRefusedError("day_cost_account_missing", "account", **facts)
        return account

    def _stock_account(self, group_cost: GroupCost, name: str) -> str:
        row = group_cost.group or NO_GROUP
        account = row_value(self.books.stock_accounts, row) or self.books.account_of_till_number(
            group_cost.stock_account
        )
        if not account:
            facts = {"group": row, "kind": name or row, "account": group_cost.stock_account}
            raise DayRefusedError("day_stock_account_missing", "account", **facts)
        return account

    # ---- debtors

    def _is_on_account(self, about: Payment) -> bool:
        if about.tender is not Tender.SUSPENSE or about.method in self.books.rounding:
            return False
        account = row_value(self.books.method_accounts, about.method) or self.books.account_of_till_number(
            about.account
        )
        return bool(account) and self.books.ledger_rules.get(account, NO_RULES).is_collective

    def _on_account_lines(self, about: Payment, paid: Decimal) -> Iterator[DayLine]:
        source_documents = [document for document in self.counting if document.source == about.source]
        owing = [
            (document, open_amount)
            for document in source_documents
            if (open_amount := self._payments_on_page(document).get(about.method))
        ]
        owing_total = total(open_amount for _, open_amount in owing)
        if owing_total != paid:
            raise DayRefusedError(
                "day_open_item_unknown", "debtor", method=about.method, amount=str(paid - owing_total)
            )
        for document, open_amount in owing:
            yield self._open_item_line(
                document, open_amount, f"{about.name} {document.number}", self._method_account(about), about.method
            )

    def _open_lines(self, source: str) -> Iterator[DayLine]:
        """Yield open amounts of invoices, payments of earlier open amounts, and prepayments of orders.

        A document of any type that is booked by itself without its payments is an open item.
        """
        for document in self.counting:
            if document.source != source:
                continue
            paid = total(self._payments_on_page(document).values())
            if self._is_prepaid(document):
                if paid and not self.day.reports_down_payments:
                    yield self._down_payment_line(document, -paid)
                continue
            rest = (NOTHING if document in self.apart else document.total) - paid
            if rest and (source == "invoice" or document.record.key in self._separate_bookings):
                yield self._open_item_line(
                    document, rest, f"{_NAMES[source]} {document.number}", self.books.collective_account
                )

    def _down_payment_line(self, document: DayDocument, prepaid: Decimal) -> DayLine:
        if not self.books.down_payments_account:
            raise DayRefusedError("day_down_payments_off", "account", document=document.number, amount=str(-prepaid))
        text = f"Aanbetaling {document.number}"
        return DayLine(self.books.down_payments_account, text, prepaid, about="open", documents=(document.number,))

    def _open_item_line(
        self, document: DayDocument, open_amount: Decimal, text: str, account: str, method: str = ""
    ) -> DayLine:
        relation, alone = (
            str(document.record.values.get("relation") or ""),
            self._separate_bookings.get(document.record.key, NOT_BOOKED),
        )
        known_debtor = alone.debtor or (self.books.debtor(relation) if relation else "")
        debtor = known_debtor or self.books.collective_debtor
        if not debtor or not account:
            name = str(document.customer.values.get("name") or relation) if document.customer else relation
            refused = DayRefusedError(
                "day_debtor_missing", "debtor", document=document.number, customer=name or document.number
            )
            self._missing_debtor_error = (
                self._missing_debtor_error or refused
            )  # raised after all codes without a row are known
        about = "payment" if method else "open"
        return DayLine(
            account, text, open_amount, debtor=debtor, item=alone.item or self.books.item(document.record), about=about,
            method=method, documents=(document.number,),
        )  # fmt: skip

    # ---- drawers

    def counts(self) -> Iterator[DayLine]:
        """Yield differences of counts and deposits to the bank, per drawer and never netted."""
        for count in sorted(self.day.counts, key=lambda drawer_count: (drawer_count.workplace, drawer_count.number)):
            difference = self.books.difference_account or self.books.account_of_till_number(count.difference_account)
            banked = self.books.banked_account or self.books.account_of_till_number(count.deposit_account)
            if count.difference:
                yield from self._drawer_lines(
                    count, count.difference, difference, f"Kasverschil kassa {count.workplace}", "difference"
                )
            if count.deposited and self.books.banked_by == "count" and count.method in self.books.drawers:
                yield from self._drawer_lines(
                    count, -count.deposited, banked, f"Afstorting kassa {count.workplace}", "banked"
                )

    def _drawer_lines(
        self, count: DrawerCount, difference: Decimal, account: str, text: str, about: str
    ) -> Iterator[DayLine]:
        if not account:
            raise DayRefusedError(
                "day_drawer_account_missing", about, number=count.number, workplace=count.workplace,
                setting=f"{about}_account",
            )  # fmt: skip
        method = Payment("receipt", count.method, count.method, "", NOTHING, count.account)
        paid_by = self._methods.get(("receipt", count.method), method)
        drawer = self._collect_missing(difference, lambda: self._method_account(paid_by))
        yield DayLine(account, text, -difference, about=about, documents=(count.number,))
        yield DayLine(drawer, text, difference, about="drawer", documents=(count.number,))


def _taxed_at_sale(document: DayDocument, paid: Decimal, code: str, books: DayBooks) -> Decimal:
    """Return the VAT share of a voucher payment, in proportion to the document's VAT by the till's figures."""
    whole = document.vat.get(code, VatSum())
    if paid * whole.incl <= NOTHING or abs(paid) > abs(whole.incl):
        facts = {"amount": str(paid), "there": str(whole.incl), "code": code}
        facts["vat"] = vat_fact(code, None, books.systems[0])
        raise DayRefusedError("voucher_too_large", "account", document=document.number, **facts)
    return whole.vat if paid == whole.incl else amount(paid * whole.vat / whole.incl)


def _require_no_exchange(document: DayDocument) -> None:
    for part in document.record.parts:
        if till_text(part.values, "price_type") in EXCHANGES:
            raise DayRefusedError("day_foreign_currency", "price_type", document=document.number)


def _merge_lines(lines: Iterable[DayLine], *, by_group: bool) -> list[DayLine]:
    """Return one line for each account and VAT code, in this order, with the text of the first line."""
    merged_lines: dict[tuple[object, ...], DayLine] = {}
    for line in lines:
        key = (*line.key, line.text) if by_group else line.key
        if (first := merged_lines.get(key)) is None:
            merged_lines[key] = line
        else:
            base = None if first.vat_base is None or line.vat_base is None else first.vat_base + line.vat_base
            merged_lines[key] = replace(
                first, amount=first.amount + line.amount, vat=first.vat + line.vat, vat_base=base,
                documents=tuple(dict.fromkeys([*first.documents, *line.documents])),
            )  # fmt: skip
    return sorted(merged_lines.values(), key=lambda line: (line.account, line.vat_code))

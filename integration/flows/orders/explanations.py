"""Explanations of values of a document that are not from a mapping rule, or that rules take from the flow."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from integration.core.errors import Reason
from integration.core.records import Kind, Record, Value
from integration.core.rows import EVERY
from integration.core.rules import as_text
from integration.core.traces import Trace, by_row, by_setting, copied_field, explained_trace, with_reason
from integration.flows.orders.articles import ARTICLES
from integration.flows.orders.balances import BALANCE_ACCOUNTS, turnover_group_of
from integration.flows.orders.buyers import customer_name
from integration.flows.orders.codes import GROUP_ACCOUNTS, REVENUE_ACCOUNTS, REVENUE_TABLE, VAT_CODES, Codes
from integration.flows.orders.parties import CompletedDocument, Owner
from integration.flows.orders.payments import METHOD_ACCOUNTS, payments_of
from integration.flows.orders.references import DocumentNumber
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.sold import line_vat_code, sale_lines, sold_vat_codes, vat_method


def debtor_reason(settings: OrderSettings, document: CompletedDocument, owner: Owner) -> Reason:
    """Return why a document has its debtor: its customer, or the default of its branch, its country or all."""
    if owner.debtor:
        return Reason("because_customer", {"customer": customer_name(document.customer), "number": owner.debtor})
    branch, branch_debtors = document.text("branch"), settings.default_debtors_by_branch
    code = "because_debtor_forced" if settings.default_debtor == "forced" else "because_debtor"
    if branch_debtors.get(branch):
        return Reason(f"{code}_branch", {"branch": branch})
    if settings.default_debtors_by_country.get(document.country):
        return Reason(f"{code}_country", {"country": document.country})
    return Reason(f"{code}_all")


def owner_traces(settings: OrderSettings, document: CompletedDocument, owner: Owner, kind: Kind) -> list[Trace]:
    """Return the traces of the debtor fields of a document or an address."""
    why = debtor_reason(settings, document, owner)
    return [Trace(f"{kind}.{name}", (), value, reason=why) for name, value in owner.values.items()]


def party_traces(document: CompletedDocument, part: Record | None, traces: Iterable[Trace]) -> list[Trace]:
    """Return the traces of a debtor or an address, with reasons for values that the till does not give for it."""
    bare = not as_text(part.values.get("country")).strip() if part else False
    reasons = {
        "collective_account": by_setting("collective_account"),
        "number": Reason("because_own_number"),
        **({"country": Reason("because_country_of_document", {"document": document.title})} if bare else {}),
    }
    return [
        replace(trace, reason=reasons[name]) if (name := copied_field(trace)) in reasons and trace.value else trace
        for trace in traces
    ]


@dataclass(frozen=True, slots=True)
class OrderReasons:
    """Reasons of values that the flow computes for documents of one target kind."""

    kind: Kind
    tables: Codes

    # ---- the document itself

    def pointers(
        self, document: CompletedDocument, owner: Owner, address: tuple[str, str], reference: str
    ) -> Iterator[Trace]:
        """Yield the traces of reference, date, debtor and delivery address; `address` is a key and a place."""
        settings, kind = self.tables.settings, self.kind
        yield Trace(f"{kind}.reference", (), reference, reason=self._reference(document, reference))
        yield Trace(f"{kind}.date", (), document.values.get("date"), reason=self._date(document))
        yield from owner_traces(settings, document, owner, kind)
        key, place = address
        if key:
            code = "address_always" if settings.addresses == "always" else "address"
            yield explained_trace(f"{kind}.address", key, code, address=place)
        if settings.becomes(document.record.kind) == "invoice":
            yield Trace(f"{kind}.trade_invoice", (), value=True, reason=by_setting(f"{document.record.kind}s"))

    def head(self, document: CompletedDocument, trace: Trace) -> Trace:
        """Return the trace of a document field with the reason of the value that the flow computed for its rule."""
        reasons: Mapping[str, Callable[[], Reason]] = {
            "our_reference": lambda: self._reference(document, as_text(trace.value)),
            "date": lambda: self._date(document),
            "daybook": lambda: by_setting("daybook"),
            "period": lambda: Reason("because_period", {"date": as_text(document.values.get("date"))}),
            "gross": lambda: self._gross(document),
            "description": lambda: Reason("because_description"),
            "books_shipping": lambda: Reason("because_shipping"),
        }
        return with_reason(trace, reasons)

    def _reference(self, document: CompletedDocument, reference: str) -> Reason:
        number = DocumentNumber.read(document.record.kind, document.title) if self.kind is Kind.POSTING else None
        if number is not None and document.title not in reference:
            return Reason("because_reference_packed", {"document": document.title})
        return Reason(
            "because_reference", {"document": document.title, "prefix": self.tables.settings.reference_prefix}
        )

    def _date(self, document: CompletedDocument) -> Reason:
        return (
            Reason("because_entered") if "date" in document.completed else Reason("because_source", {"field": "date"})
        )

    def _gross(self, document: CompletedDocument) -> Reason:
        if self.tables.settings.price_basis != "till":
            return by_setting("price_basis")
        return Reason("because_gross_net" if vat_method(document.record) == "exclusive" else "because_gross")

    # ---- its lines

    def line(self, document: CompletedDocument, trace: Trace, source: Record) -> Trace:
        """Return the trace of a line field with the reason of the value that the flow computed for its rule."""
        if trace.target == "line.article":
            return self._article(trace, source)
        reasons: Mapping[str, Callable[[], Reason]] = {
            "books_quantity": lambda: self._field_reason(trace, source, ("quantity",), "because_one_piece"),
            "books_price": lambda: self._field_reason(trace, source, ("price_incl", "price_excl"), "because_price"),
            "books_discount": lambda: self._field_reason(trace, source, ("discount_percent",), "because_discount"),
            "books_vat_code": lambda: self._vat_code(document, source),
            "books_account": lambda: self._account(document, source),
            "books_amount": lambda: self._amount(document, source),
            "books_vat": lambda: self._vat(document, source),
            "books_vat_base": lambda: self._vat(document, source),
            "posting_text": lambda: Reason("because_description"),
        }
        return with_reason(trace, reasons)

    def _article(self, trace: Trace, source: Record) -> Trace:
        article, code = (
            source.values.get("books_article"),
            as_text(trace.value) or as_text(source.values.get("article")),
        )
        if article == trace.value or article is None:
            return trace
        settings = self.tables.settings
        if not any(source.values.get(name) for name in ("code", "article", "text")):
            return replace(trace, value=article, reason=by_setting("rounding_article"))
        collective = article == settings.collective_article
        why = Reason("because_collective", {"article": code}) if collective else by_row(ARTICLES, code)
        return replace(trace, value=article, reason=why)

    @staticmethod
    def _field_reason(trace: Trace, line: Record, names: tuple[str, ...], otherwise: str) -> Reason:
        """Return the till field with the same value, or the reason why the flow computed another one."""
        same = next((name for name in names if line.values.get(name) == trace.value), None)
        return Reason("because_source", {"field": same}) if same else Reason(otherwise)

    def _vat_code(self, document: CompletedDocument, source: Record) -> Reason:
        books = source.values.get("books_vat_code")
        own = line_vat_code(source)
        codes = [own] if own else [*sold_vat_codes(document.record, sale_lines(document.record))]
        rows = [row for code in codes if (row := self.tables.vat_row(document, code))]
        vat_row = next((row for row in rows if self.tables.vat_codes[row].strip() == books), "")
        return by_row(VAT_CODES, vat_row) if vat_row else Reason("because_rounding")

    def _account(self, document: CompletedDocument, source: Record) -> Reason:
        number, code = source.values.get("books_account"), as_text(source.values.get("books_vat_code"))
        if method := self._payment_method(document, source):
            if method in self.tables.settings.rounding_methods and number == self.tables.settings.rounding_account:
                return by_setting("rounding_account")
            has_row = self.tables.payments.accounts.get(method, "").strip() == number
            return by_row(METHOD_ACCOUNTS, method) if has_row else by_row(BALANCE_ACCOUNTS, self._balance(number))
        for line in sale_lines(document.record):
            account = self.tables.account(document, line)
            if (account.number, account.vat_code) == (number, code):
                return self._line_account_reason(document, line, number, code, is_balance=account.is_balance)
        return self._revenue_reason(document, code) or by_row(BALANCE_ACCOUNTS, self._balance(number))

    def _line_account_reason(
        self, document: CompletedDocument, line: Record, number: Value, code: str, *, is_balance: bool
    ) -> Reason:
        group = turnover_group_of(line)
        if is_balance:
            rows = self.tables.balances.accounts
            category = str(self.tables.balances.category(line))
            return by_row(
                BALANCE_ACCOUNTS, next((row_key for row_key in (group, category) if rows.get(row_key) == number), EVERY)
            )
        for key in (f"{group}/{line_vat_code(line)}", group) if group else ():
            if self.tables.group_accounts.get(key, "").strip() == number:
                return by_row(GROUP_ACCOUNTS, key)
        return self._revenue_reason(document, code) or Reason("because_nothing", {"field": "turnover_group"})

    def _revenue_reason(self, document: CompletedDocument, code: str) -> Reason | None:
        rows, home = self.tables.revenue_accounts, self.tables.settings.default_country
        row = REVENUE_TABLE.row(rows, home=home, country=document.country, code=code)
        return by_row(REVENUE_ACCOUNTS, row) if row else None

    def _balance(self, number: Value) -> str:
        rows = self.tables.balances.accounts.items()
        return next((row for row, account in rows if account.strip() == number), EVERY)

    def _payment_method(self, document: CompletedDocument, source: Record) -> str:
        """Return the payment method of a payment line; empty for a line of the sale."""
        if "books_vat_base" in source.values:
            return ""
        for payment, _ in payments_of(document.record):
            method, name = (as_text(payment.values.get(field)).strip() for field in ("method", "description"))
            if source.values.get("posting_text") == f"{document.title} {name or method}":
                return method
        return ""

    def _amount(self, document: CompletedDocument, source: Record) -> Reason:
        if method := self._payment_method(document, source):
            return Reason("because_paid", {"method": method})
        return Reason("because_sold")

    def _vat(self, document: CompletedDocument, source: Record) -> Reason:
        return Reason("because_paid_untaxed" if self._payment_method(document, source) else "because_split")

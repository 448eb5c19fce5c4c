"""Why a document has its values: what no rule of the mapping gives, and what rules take over from the flow."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from integration.core.errors import Reason
from integration.core.records import Kind, Record, Value
from integration.core.rows import EVERY
from integration.core.rules import as_text
from integration.core.traces import Trace, by_row, by_setting, given, instead, taken_over
from integration.flows.orders.balances import BALANCE_ACCOUNTS, group_of
from integration.flows.orders.codes import (
    ARTICLES,
    GROUP_ACCOUNTS,
    REVENUE_ACCOUNTS,
    REVENUE_TABLE,
    VAT_CODES,
    Codes,
    codes_of,
    goods,
    vat_code,
    vat_method,
)
from integration.flows.orders.parties import Owner, Told, customer_name
from integration.flows.orders.payments import METHOD_ACCOUNTS, payments_of
from integration.flows.orders.references import DocumentNumber
from integration.flows.orders.settings import OrderSettings


def debtor_reason(settings: OrderSettings, told: Told, owner: Owner) -> Reason:
    """Return why a document is for a debtor: its customer, or the default that holds for its branch or country."""
    if owner.debtor:
        return Reason("because_customer", {"customer": customer_name(told.customer), "number": owner.debtor})
    branch, known = told.text("branch"), settings.default_debtors_by_branch
    code = "because_debtor_forced" if settings.default_debtor == "forced" else "because_debtor"
    if known.get(branch):
        return Reason(f"{code}_branch", {"branch": branch})
    if settings.default_debtors_by_country.get(told.country):
        return Reason(f"{code}_country", {"country": told.country})
    return Reason(f"{code}_all")


def owner_traces(settings: OrderSettings, told: Told, owner: Owner, kind: Kind) -> list[Trace]:
    """Return why a document or an address is for its debtor."""
    why = debtor_reason(settings, told, owner)
    return [Trace(f"{kind}.{name}", (), value, why=why) for name, value in owner.values.items()]


def party_traces(told: Told, part: Record | None, traces: Iterable[Trace]) -> list[Trace]:
    """Return why a debtor or an address has its values, with what the till does not say of the party itself."""
    bare = not as_text(part.values.get("country")).strip() if part else False
    asked = {
        "collective_account": by_setting("collective_account"),
        "number": Reason("because_own_number"),
        **({"country": Reason("because_country_of_document", {"document": told.title})} if bare else {}),
    }
    return [
        replace(one, why=asked[name]) if (name := taken_over(one)) in asked and one.value else one for one in traces
    ]


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why documents of one kind in the books have the values that the flow works out for them."""

    kind: Kind
    tables: Codes

    # ---- the document itself

    def pointers(self, told: Told, owner: Owner, address: tuple[str, str], reference: str) -> Iterator[Trace]:
        """Yield why a document has its reference, date and debtor, and goes to an `address`: its key and its place."""
        settings, kind = self.tables.settings, self.kind
        yield Trace(f"{kind}.reference", (), reference, why=self._reference(told, reference))
        yield Trace(f"{kind}.date", (), told.values.get("date"), why=self._date(told))
        yield from owner_traces(settings, told, owner, kind)
        key, place = address
        if key:
            code = "address_always" if settings.addresses == "always" else "address"
            yield given(f"{kind}.address", key, code, address=place)
        if settings.becomes(told.record.kind) == "invoice":
            yield Trace(f"{kind}.trade_invoice", (), value=True, why=by_setting(_becomes(told)))

    def head(self, told: Told, trace: Trace) -> Trace:
        """Return why a field of the document has its value, with what the flow worked out before the rule."""
        asked: Mapping[str, Callable[[], Reason]] = {
            "our_reference": lambda: self._reference(told, as_text(trace.value)),
            "date": lambda: self._date(told),
            "daybook": lambda: by_setting("daybook"),
            "period": lambda: Reason("because_period", {"date": as_text(told.values.get("date"))}),
            "gross": lambda: self._gross(told),
            "description": lambda: Reason("because_description"),
            "books_shipping": lambda: Reason("because_shipping"),
        }
        return instead(trace, asked)

    def _reference(self, told: Told, reference: str) -> Reason:
        number = DocumentNumber.read(told.record.kind, told.title) if self.kind is Kind.POSTING else None
        if number is not None and told.title not in reference:
            return Reason("because_reference_packed", {"document": told.title})
        return Reason("because_reference", {"document": told.title, "prefix": self.tables.settings.reference_prefix})

    def _date(self, told: Told) -> Reason:
        return Reason("because_entered") if "date" in told.completed else Reason("because_source", {"field": "date"})

    def _gross(self, told: Told) -> Reason:
        if self.tables.settings.price_basis != "till":
            return by_setting("price_basis")
        return Reason("because_gross_net" if vat_method(told.record) == "exclusive" else "because_gross")

    # ---- its lines

    def line(self, told: Told, trace: Trace, source: Record) -> Trace:
        """Return why a field of a line has its value, with what the flow worked out before the rule."""
        if trace.target == "line.article":
            return self._article(trace, source)
        asked: Mapping[str, Callable[[], Reason]] = {
            "books_quantity": lambda: self._counted(trace, source, ("quantity",), "because_one_piece"),
            "books_price": lambda: self._counted(trace, source, ("price_incl", "price_excl"), "because_price"),
            "books_discount": lambda: self._counted(trace, source, ("discount_percent",), "because_discount"),
            "books_vat_code": lambda: self._vat_code(told, source),
            "books_account": lambda: self._account(told, source),
            "books_amount": lambda: self._amount(told, source),
            "books_vat": lambda: self._vat(told, source),
            "books_vat_base": lambda: self._vat(told, source),
            "posting_text": lambda: Reason("because_description"),
        }
        return instead(trace, asked)

    def _article(self, trace: Trace, source: Record) -> Trace:
        taken, code = source.values.get("books_article"), as_text(trace.value) or as_text(source.values.get("article"))
        if taken == trace.value or taken is None:
            return trace
        settings = self.tables.settings
        if not any(source.values.get(name) for name in ("code", "article", "text")):
            return replace(trace, value=taken, why=by_setting("rounding_article"))
        collective = taken == settings.collective_article
        why = Reason("because_collective", {"article": code}) if collective else by_row(ARTICLES, code)
        return replace(trace, value=taken, why=why)

    @staticmethod
    def _counted(trace: Trace, line: Record, names: tuple[str, ...], otherwise: str) -> Reason:
        """Return the field of the till that says the same, or that the flow made it come out to the cent."""
        same = next((name for name in names if line.values.get(name) == trace.value), None)
        return Reason("because_source", {"field": same}) if same else Reason(otherwise)

    def _vat_code(self, told: Told, source: Record) -> Reason:
        books = source.values.get("books_vat_code")
        own = vat_code(source)
        codes = [own] if own else [*codes_of(told.record, goods(told.record))]
        rows = [row for code in codes if (row := self.tables.vat_row(told, code))]
        found = next((row for row in rows if self.tables.vat_codes[row].strip() == books), "")
        return by_row(VAT_CODES, found) if found else Reason("because_rounding")

    def _account(self, told: Told, source: Record) -> Reason:
        number, code = source.values.get("books_account"), as_text(source.values.get("books_vat_code"))
        if method := self._paid_with(told, source):
            if method in self.tables.settings.rounding_methods and number == self.tables.settings.rounding_account:
                return by_setting("rounding_account")
            has_row = self.tables.payments.accounts.get(method, "").strip() == number
            return by_row(METHOD_ACCOUNTS, method) if has_row else by_row(BALANCE_ACCOUNTS, self._balance(number))
        for line in goods(told.record):
            account = self.tables.account(told, line)
            if (account.number, account.vat_code) == (number, code):
                return self._of_line(told, line, number, code, is_balance=account.is_balance)
        return self._of_revenue(told, code) or by_row(BALANCE_ACCOUNTS, self._balance(number))

    def _of_line(self, told: Told, line: Record, number: Value, code: str, *, is_balance: bool) -> Reason:
        group = group_of(line)
        if is_balance:
            rows = self.tables.balances.accounts
            sort = str(self.tables.balances.sort(line))
            return by_row(BALANCE_ACCOUNTS, next((one for one in (group, sort) if rows.get(one) == number), EVERY))
        for key in (f"{group}/{vat_code(line)}", group) if group else ():
            if self.tables.group_accounts.get(key, "").strip() == number:
                return by_row(GROUP_ACCOUNTS, key)
        return self._of_revenue(told, code) or Reason("because_nothing", {"field": "turnover_group"})

    def _of_revenue(self, told: Told, code: str) -> Reason | None:
        rows, home = self.tables.revenue_accounts, self.tables.settings.default_country
        row = REVENUE_TABLE.row(rows, home=home, country=told.country, code=code)
        return by_row(REVENUE_ACCOUNTS, row) if row else None

    def _balance(self, number: Value) -> str:
        rows = self.tables.balances.accounts.items()
        return next((row for row, account in rows if account.strip() == number), EVERY)

    def _paid_with(self, told: Told, source: Record) -> str:
        """Return the payment method that a line stands for; nothing for a line of what was sold."""
        if "books_vat_base" in source.values:
            return ""
        for payment, _ in payments_of(told.record):
            method, name = (as_text(payment.values.get(each)).strip() for each in ("method", "description"))
            if source.values.get("posting_text") == f"{told.title} {name or method}":
                return method
        return ""

    def _amount(self, told: Told, source: Record) -> Reason:
        if method := self._paid_with(told, source):
            return Reason("because_paid", {"method": method})
        return Reason("because_sold")

    def _vat(self, told: Told, source: Record) -> Reason:
        return Reason("because_paid_untaxed" if self._paid_with(told, source) else "because_split")


def _becomes(told: Told) -> str:
    return f"{told.record.kind}s"

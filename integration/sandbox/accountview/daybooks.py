"""Daybook pages: their ledger rows, their checks, and changes by hand.

It is known that a line may be on any account and has a sign, and that the VAT of a line goes to the account of its VAT
code. Everything else follows bookkeeping practice: positive lines of a memorial are debit, and the lines add up to
zero; the total of another daybook goes to the account of that daybook, or to that of a debtor.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from integration.sandbox.accountview import company as office
from integration.sandbox.accountview.company import Act, Company, must, typed
from integration.sandbox.accountview.conventions import Value, tidy
from integration.sandbox.accountview.dictionary import Definition
from integration.sandbox.accountview.posting import SentRow
from integration.sandbox.accountview.query import Refusal
from integration.sandbox.accountview.tables import Row, normal
from integration.sandbox.journal import JournalEntry

MEMORIAL: Final = 5
BY_HAND: Final = "BALIE"  # user of changes without a named user
# Types of daybooks whose positive lines are credit, and collective accounts for their totals.
_TURNED: Final = frozenset({1, 2, 4})
_COLLECTIVE: Final = {4: "1300", 3: "1400"}
_EURO: Final = "EUR"
_CENT: Final = Decimal("0.01")
_OF_LINES: Final = ("TRN_DESC", "SUB_NR", "INV_NR", "COST_CODE", "TRN_QTY", "VAT_CODE")
_OF_PAGES: Final = ("DJ_CODE", "PAGE_NR", "PERIOD", "TRN_DATE", "CUR_CODE")
_DEMANDED: Final = (
    ("VAT_MAND", "VAT_CODE", "BTW-code"),
    ("COST_MAND", "COST_CODE", "kostenplaats"),
    ("QTY_MAND", "TRN_QTY", "aantal"),
    ("PART_MAND", "PART_CODE", "vennoot"),
)


# ---- checks before a page is accepted


def require_balanced(company: Company, header: SentRow, lines: Sequence[SentRow]) -> None:
    """Refuse a page whose accounts do not accept its lines, or a memorial whose lines do not add up to zero."""
    page, line = (company.table(name).definition for name in ("DJ_PAGE", "DJ_LINE"))
    currency = str(header.values.get(page.local_name("CUR_CODE")) or _EURO)
    for sent_line in lines:
        _check_account(company, {name: sent_line.values.get(line.local_name(name)) for name in line.names}, currency)
    if _type(company, str(header.values.get(page.local_name("DJ_CODE")) or "")) != MEMORIAL:
        return
    is_gross = bool(header.values.get(page.local_name("GROSS_FLG")))
    amount_fields = ("AMOUNT",) if is_gross else ("AMOUNT", "VAT_AMT")
    rest = sum(
        (_number(sent_line.values.get(line.local_name(name))) for sent_line in lines for name in amount_fields),
        Decimal(0),
    )
    if rest:
        raise Refusal(f"De bladzijde is niet in evenwicht: verschil {rest:.2f}.".replace(".", ",", 1))


def _check_account(company: Company, line: Mapping[str, Value], currency: str) -> None:
    ledgers = company.table("LEDGER")
    row = ledgers.get(str(line["ACCT_NR"]))
    if row is None:  # refused elsewhere as unknown
        return
    account = ledgers.value(row, "ACCT_NR")
    for flag, name, noun in _DEMANDED:
        if ledgers.value(row, flag) and not line.get(name):
            raise Refusal(f"Rekening {account}: {noun} is verplicht.")
    own = str(ledgers.value(row, "CUR_CODE") or _EURO)
    if own != currency:
        raise Refusal(f"Rekening {account} wordt gevoerd in {own}; de bladzijde is in {currency}.")


# ---- totals of a page


def taxed(company: Company, definition: Definition, line: Mapping[str, Value], *, is_gross: bool) -> dict[str, Value]:
    """Return a line with its VAT: as sent, or computed from the rate of its code, depending on the conventions."""
    local_name = definition.local_name
    code = line.get(local_name("VAT_CODE"))
    amount, vat = (_number(line.get(local_name(name))) for name in ("AMOUNT", "VAT_AMT"))
    if not code:
        return dict(line)
    if company.conventions.vat_amounts == "computed":
        vats = company.table("VAT")
        rate = _number(vats.value(vats.rows[normal(str(code))], "VAT_PCT"))
        vat = (amount * rate / (100 + rate if is_gross else 100)).quantize(_CENT, ROUND_HALF_UP)
        return {
            **line,
            local_name("VAT_AMT"): tidy(vat),
            local_name("BASE_AMT"): tidy(amount - vat if is_gross else amount),
        }
    return {local_name("BASE_AMT"): amount - vat if is_gross else amount, **line}


def totals(definition: Definition, lines: Sequence[Mapping[str, Value]], *, is_gross: bool) -> dict[str, Value]:
    """Return the totals of the lines of a page, including VAT, which the amounts of a gross page already contain."""
    amount, vat = (
        sum((_number(line.get(definition.local_name(name))) for line in lines), Decimal(0))
        for name in ("AMOUNT", "VAT_AMT")
    )
    return {"PAGE_VAT": vat, "PAGE_AMT": amount if is_gross else amount + vat}


# ---- ledger rows of a page


def is_posted_at_once(company: Company, page: Row) -> bool:
    """Return True if a page is posted to the ledger as soon as it exists; a concept waits for a person."""
    return company.conventions.posting == "at once" and not company.table("DJ_PAGE").value(page, "NO_POST")


def rows_of(company: Company, page: Row, lines: Sequence[Row], at: datetime) -> list[Row]:
    """Return the ledger rows of a page, not stored yet: one per line, one for its VAT, and one for the total."""
    ledger = company.table("TRANSACT")
    return [ledger.row({**values, "REC_ID": company.number(ledger, at)}) for values in _values(company, page, lines)]


def _values(company: Company, page: Row, lines: Sequence[Row]) -> Iterator[dict[str, Value]]:
    pages, details = company.table("DJ_PAGE"), company.table("DJ_LINE")
    shared = {name: pages.value(page, name) for name in _OF_PAGES}
    type_ = _type(company, str(shared["DJ_CODE"]))
    sign, total = _sign(company, type_), Decimal(0)
    is_gross = bool(pages.value(page, "GROSS_FLG"))
    for line in lines:
        amount, vat, base = (_number(details.value(line, name)) for name in ("AMOUNT", "VAT_AMT", "BASE_AMT"))
        net = amount - vat if is_gross else amount
        total += net + vat
        own = {name: details.value(line, name) for name in _OF_LINES}
        base = base or (net if own["VAT_CODE"] else base)
        sums = {"AMOUNT": sign * net, "VAT_AMT": sign * vat, "BASE_AMT": sign * base}
        account = details.value(line, "ACCT_NR")
        yield {**shared, **own, **{name: tidy(value) for name, value in sums.items()}, "ACCT_NR": account}
        if vat:
            account = _vat_account(company, str(own["VAT_CODE"]))
            line_values = {name: own[name] for name in ("TRN_DESC", "VAT_CODE")}
            yield {**shared, **line_values, "ACCT_NR": account, "AMOUNT": tidy(sign * vat)}
    if total and type_ != MEMORIAL:
        yield {**shared, **_contra_account(company, page, type_), "AMOUNT": tidy(-sign * total)}


def _contra_account(company: Company, page: Row, type_: int) -> dict[str, Value]:
    """Return the contra account of a page's total: its debtor, or the account of the daybook."""
    pages, contacts = company.table("DJ_PAGE"), company.table("CONTACT")
    values: dict[str, Value] = {"TRN_DESC": pages.value(page, "HDR_DESC")}
    if type_ not in _COLLECTIVE:
        daybooks = company.table("DAILY")
        return values | {"ACCT_NR": daybooks.value(_daybook(company, page), "DJ_ACCT")}
    debtor = contacts.get(str(pages.value(page, "SUB_NR") or ""))
    own = contacts.value(debtor, "ACCT_NR") if debtor else ""
    values |= {name: pages.value(page, name) for name in ("SUB_NR", "INV_NR")}
    return values | {"ACCT_NR": own or _COLLECTIVE[type_]}


def _sign(company: Company, type_: int) -> int:
    if type_ == MEMORIAL:
        return 1 if company.conventions.memorial_sign == "debit" else -1
    return -1 if type_ in _TURNED else 1


def _vat_account(company: Company, code: str) -> Value:
    vats = company.table("VAT")
    row = vats.get(code)
    return vats.value(row, "VAT_ACCT") if row else None


def _daybook(company: Company, page: Row) -> Row:
    return company.table("DAILY").rows[normal(str(company.table("DJ_PAGE").value(page, "DJ_CODE")))]


def _type(company: Company, code: str) -> int:
    daybooks = company.table("DAILY")
    row = daybooks.get(code)
    return int(_number(daybooks.value(row, "DJ_TYPE"))) if row else 0


def _number(value: Value) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)


# ---- pages in the ledger


def post_all(company: Company, at: datetime) -> None:
    """Post every existing page, for the pages of the initial data."""
    for page in list(company.table("DJ_PAGE").rows.values()):
        _post(company, page, at)


def is_posted(company: Company, page: Row) -> bool:
    """Return True if a page has rows in the ledger."""
    return bool(_rows_in_ledger(company, page))


def _post(company: Company, page: Row, at: datetime) -> None:
    ledger = company.table("TRANSACT")
    for row in rows_of(company, page, _lines(company, page), at):
        ledger.add(row)


def _lines(company: Company, page: Row) -> list[Row]:
    return list(company.table("DJ_LINE").children.get(page.key, ()))


def _rows_in_ledger(company: Company, page: Row) -> list[Row]:
    ledger, pages = company.table("TRANSACT"), company.table("DJ_PAGE")
    daybook = pages.value(page, "DJ_CODE")
    keys = ledger.keys_with(ledger.place("PAGE_NR"), [page.key])
    return [row for key in keys if ledger.value(row := ledger.rows[key], "DJ_CODE") == daybook]


def withdraw(company: Company, page: Row) -> bool:
    """Remove the ledger rows of a page; return whether there were any."""
    rows = _rows_in_ledger(company, page)
    for row in rows:
        company.table("TRANSACT").remove(row)
    return bool(rows)


def renew(company: Company, page: Row, at: datetime) -> None:
    """Replace the ledger rows of a page, if it has any, with rows of its present values."""
    if withdraw(company, page):
        _post(company, page, at)


# ---- changes of pages by hand; other tables are handled by `company`


def edit_page(company: Company, operation: str, arguments: Mapping[str, Any], day: int) -> Act:
    """Return a change by hand as a function. LookupError if the table, row or field is missing, or a key exists."""
    match operation, arguments.get("table"):
        case "post", _:
            return _posting_act(company, str(arguments.get("key") or ""))
        case "book", _:
            return _booking_act(company, arguments)
        case "remove", "DJ_PAGE":
            return _removal_act(company, must(company.table("DJ_PAGE"), arguments["key"]))
        case "edit" | "add" | "remove", "DJ_PAGE" | "DJ_LINE":
            return _change_act(company, operation, arguments, day)
        case _:
            return office.by_hand(company, operation, arguments, day)


def _posting_act(company: Company, key: str) -> Act:
    """Return an act that posts one page, or without a key all unposted pages that are not concepts."""
    pages = company.table("DJ_PAGE")
    chosen = [must(pages, key)] if key else [page for page in pages.rows.values() if not pages.value(page, "NO_POST")]
    waiting = [page for page in chosen if not is_posted(company, page)]

    def act(entry: JournalEntry) -> None:
        for page in waiting:
            _post(company, page, entry.at)

    return act


def _booking_act(company: Company, arguments: Mapping[str, Any]) -> Act:
    """Return an act that books a page with its lines. LookupError for an unknown field, account or daybook."""
    pages, details = company.table("DJ_PAGE"), company.table("DJ_LINE")
    header, lines = typed(pages, arguments["page"]), [typed(details, line_values) for line_values in arguments["lines"]]
    local_name = pages.definition.local_name
    must(company.table("DAILY"), str(header.get(local_name("DJ_CODE")) or ""))
    for line in lines:
        must(company.table("LEDGER"), str(line.get(details.definition.local_name("ACCT_NR")) or ""))

    def act(entry: JournalEntry) -> None:
        moment = str(header.get(local_name("TRN_DATE")) or entry.at.strftime("%Y-%m-%dT00:00:00"))
        number = company.number(pages, entry.at)
        shared: dict[str, Value] = {"DJ_CODE": header[local_name("DJ_CODE")], "PAGE_NR": number, "TRN_DATE": moment}
        period = Decimal(company.period_of(date.fromisoformat(moment[:10])))
        company.put(
            pages, {local_name("PERIOD"): period, **header, **_with_local_names(pages.definition, shared)}, entry.at
        )
        is_gross = bool(header.get(local_name("GROSS_FLG")))
        for line in lines:
            values = taxed(company, details.definition, line, is_gross=is_gross)
            shared["REC_ID"] = company.number(details, entry.at)
            company.put(details, {**values, **_with_local_names(details.definition, shared)}, entry.at)
        _update_page(company, number, arguments, entry, is_stamped=False)

    return act


def _with_local_names(definition: Definition, values: Mapping[str, Value]) -> dict[str, Value]:
    return {definition.local_name(name): value for name, value in values.items()}


def _removal_act(company: Company, page: Row) -> Act:
    def act(_: JournalEntry) -> None:
        withdraw(company, page)
        for line in _lines(company, page):
            company.table("DJ_LINE").remove(line)
        company.table("DJ_PAGE").remove(page)

    return act


def _change_act(company: Company, operation: str, arguments: Mapping[str, Any], day: int) -> Act:
    """Return an act that changes a page or one of its lines, and then its totals, stamps and ledger rows."""
    table = company.table(arguments["table"])
    act = office.by_hand(company, operation, arguments, day)
    row = table.get(arguments["key"]) if "key" in arguments else None
    number = (
        table.value(row, "PAGE_NR")
        if row
        else typed(table, arguments["values"]).get(table.definition.local_name("PAGE_NR"))
    )

    def acts(entry: JournalEntry) -> None:
        act(entry)
        _update_page(
            company, str(number), arguments, entry, is_stamped=(operation, arguments["table"]) == ("edit", "DJ_PAGE")
        )

    return acts


def _update_page(
    company: Company, number: str, arguments: Mapping[str, Any], entry: JournalEntry, *, is_stamped: bool
) -> None:
    """Update totals, stamps and ledger rows of a page; `is_stamped`: the page has its stamp already."""
    pages, details = company.table("DJ_PAGE"), company.table("DJ_LINE")
    page = pages.get(number)
    if page is None:  # a line without a page
        return
    is_gross = bool(pages.value(page, "GROSS_FLG"))
    lines = _lines(company, page)
    sums = [{name: details.value(line, name) for name in ("AMOUNT", "VAT_AMT")} for line in lines]
    values = totals(
        details.definition, [_with_local_names(details.definition, amounts) for amounts in sums], is_gross=is_gross
    )
    if lines and not is_stamped:
        pages.change(page, {**values, "CNG_USR": str(arguments.get("by") or BY_HAND)}, entry.at)
    elif is_stamped:
        pages.note(page, {"CNG_USR": str(arguments.get("by") or BY_HAND)})
    if withdraw(company, page) or is_posted_at_once(company, page):
        _post(company, page, entry.at)

"""A document as the books should have it: its reference, its lines, and amounts that come to exactly what was sold."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from integration.core.errors import ConfigurationError
from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value
from integration.core.rules import EMPTY, Compiled, Trace, TraceStep, as_text
from integration.core.texts import clean
from integration.core.totals import (
    NOTHING,
    ONE,
    Basis,
    BookLine,
    Document,
    Sold,
    VatSum,
    Verdict,
    basis_of,
    book_lines,
    booked,
    correction,
    posted,
    rounding_lines,
    verdict,
)
from integration.flows.orders.parties import BOOKS, ZONE, Owner, Told, customer_name
from integration.flows.orders.settings import LONGEST_REFERENCE, OrderSettings
from integration.flows.settings import Parked

PAYMENTS = "payment_methods"
LONGEST_ARTICLE = 15  # characters of the books' article codes: a longer one cannot be there
NEEDED = {
    Kind.SALES_ORDER: ("line.quantity", "line.price"),
    Kind.POSTING: ("line.account", "line.amount", "line.vat"),
}
"""What the mapping must have rules for: without these the books would make up amounts of their own."""
BALANCES = frozenset({"payment", "suspense", "balance-upgrade", "refundable-deposit", "cash-inflow", "cash-outflow"})
"""Sorts of turnover group that are no revenue."""
CARDS = frozenset({"gift-card", "payment"})
"""Sorts of price that are no revenue."""
ABOUT_CUSTOMER = ("email", "phone", "vat_number", "external_id", "code", "price_group", "payment_days")
EXACT_PLACES = 4  # postings are sent amounts, not prices

_MONEY = ("quantity", "price", "amount", "vat", "vat_code")
_MAPPED = {**{name: name for name in _MONEY}, "discount": "discount_percent"}
_COMPUTED = {name: f"books_{name}" for name in (*_MONEY, "discount")}


@dataclass(frozen=True, slots=True)
class Lookups:
    """The tables that are looked up by more than one key, and the rates on both sides in percent."""

    vat_codes: Mapping[str, str]
    revenue_accounts: Mapping[str, str]
    book_rates: Mapping[str, Decimal]
    till_rates: Mapping[str, Decimal]
    articles: Mapping[str, str]  # which article of the books stands in for one they do not have


@dataclass(frozen=True, slots=True)
class Made:
    """What a document comes to in the books: the sources its lines are mapped from, and how they add up."""

    lines: tuple[Record, ...]
    gross: bool
    booked: Mapping[str, VatSum]  # by the VAT codes of the books
    codes: Mapping[str, str]  # those of the till to those of the books
    correction: Decimal = NOTHING
    rule: str = ""


class Papers:
    """Documents as the books should have them, for one version of the settings, mapping and value tables."""

    def __init__(
        self,
        settings: OrderSettings,
        headers: Compiled,
        lines: Compiled,
        articles: Compiled,
        lookups: Lookups,
        rules: Collection[str],
    ) -> None:
        """Make ready what does not depend on a document; `rules` are the target fields of the mapping.

        Raises ConfigurationError when the mapping leaves an amount to the books.
        """
        for target in NEEDED[settings.target]:
            if target not in rules:
                raise ConfigurationError("flow_setting_invalid", setting=f"mapping rule {target}", expected="a rule")
        self._settings = settings
        self._kind = settings.target
        self._headers = headers
        self._lines = lines
        self._articles = articles
        self._lookups = lookups
        self._field = "line.amount" if self._kind is Kind.POSTING else "line.price"
        self._discounts = "line.discount_percent" in rules

    # ---- what the whole document is

    def brief(self, record: Record, booked_as: str) -> Record:
        """Return of a document what is needed to recognise it in the books, and to see whether it changed since."""
        values = record.values
        day, entered = values.get("date"), values.get("entered")
        if not isinstance(day, date) and isinstance(entered, datetime):
            day = entered.astimezone(ZONE).date()
        told: dict[str, Value] = {"reference": self.reference(record), "date": day}
        if booked_as:
            told["booked_as"] = booked_as
        return Record(self._kind, record.key, {**told, **_remembered(record)})

    def paper(self, told: Told, owner: Owner, address: str, articles: Mapping[str, str]) -> Record:
        """Return the whole document. `articles` are the books' article codes by line. Raises Parked."""
        made = self._made(told, articles)
        source = self.header_source(told, made)
        mapped = self._headers.apply(source)
        self._free_of(mapped.issues, told)
        values: dict[str, Value] = {"date": told.values["date"]}
        named = ((target.partition(".")[2], clean(value)) for target, value in mapped.values.items())
        values |= {name: value for name, value in named if value not in EMPTY}
        values |= {"reference": self.reference(told.record), **owner.values}
        if address:
            values["address"] = address
        if self._settings.becomes == "invoice":
            values["trade_invoice"] = True
        parts = tuple(self._line(told, source) for source in made.lines)
        self._expect_exact(told, parts, made)
        shown: dict[str, Value] = {"completed": told.completed, **_shown(made)}
        if made.rule:
            shown |= {"rounding": made.correction, "rounding_rule": made.rule}
        return Record(self._kind, told.record.key, {**values, **_remembered(told.record), **shown}, parts)

    def reference(self, record: Record) -> str:
        """Return our reference. Raises Parked when it does not fit: a reference is never cut."""
        number = as_text(record.values.get("number")).strip() or as_text(record.values.get("external_id")).strip()
        field = f"{self._kind}.reference"
        if not number:
            raise Parked("required_field_empty", field, field=field, system=BOOKS, document=record.key)
        reference = self._settings.reference_prefix + (compact(number) if self._kind is Kind.POSTING else number)
        limit = LONGEST_REFERENCE[self._kind]
        if len(reference) > limit:
            facts = {"field": field, "length": str(len(reference)), "limit": str(limit), "system": BOOKS}
            raise Parked("field_too_long", field, **facts, document=number)
        return reference

    def header_source(self, told: Told, made: Made | None = None) -> Record:
        """Return what the rules for the document itself read: the till's values and those worked out here."""
        day, customer = told.values.get("date"), told.customer.values if told.customer else {}
        name = customer_name(told.customer)
        computed: dict[str, Value] = {
            "our_reference": self.reference(told.record),
            "description": f"{told.title} {name}".strip(),
            "daybook": self._settings.daybook,
            "customer_name": name,
            **{f"customer_{each}": customer[each] for each in ABOUT_CUSTOMER if each in customer},
        }
        if isinstance(day, date):
            computed["period"] = Decimal(day.month)
        if made is not None:
            computed["gross"] = made.gross
        references = (as_text(part.values.get("reference")) for part in told.record.parts if part.kind is Kind.PAYMENT)
        computed["payment_reference"] = next((each for each in references if each), "")
        return Record(told.record.kind, told.record.key, {**told.values, **computed})

    # ---- articles

    def articles(self, told: Told) -> dict[str, str]:
        """Return the article code of every line that sells something, empty where it has none. Raises Parked."""
        if self._kind is Kind.POSTING:
            return {}
        found = {}
        for line in goods(told.record):
            mapped = self._articles.apply(line)
            self._free_of(mapped.issues, told)
            found[line.key] = as_text(mapped.values.get("line.article")).strip()
        return found

    def settled_articles(self, told: Told, articles: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
        """Return the articles the lines are booked on: the lines' own, those that stand in, or the collective one.

        Raises Parked, naming all that are missing, when there is no collective article.
        """
        stand_ins = self.stand_ins(told, articles)
        stand_ins = {key: code for key, code in stand_ins.items() if articles[key] not in known and code in known}
        articles = {**articles, **stand_ins}
        missing = [key for key, code in articles.items() if code not in known]
        if missing and not self._settings.collective_article:
            lines = {line.key: line.values for line in goods(told.record)}
            named = dict.fromkeys(articles[key] or _named(lines[key]) for key in missing)
            raise Parked("article_missing", "line.article", article=", ".join(named), document=told.title)
        return {**articles, **dict.fromkeys(missing, self._settings.collective_article)}

    def stand_ins(self, told: Told, articles: Mapping[str, str]) -> dict[str, str]:
        """Return by line what the table of articles names for an article that the books may not have."""
        table = self._lookups.articles
        if not table:
            return {}
        lines = {line.key: line.values for line in goods(told.record)}
        named = {key: table.get(code or _named(lines[key]), "").strip() for key, code in articles.items()}
        return {key: code for key, code in named.items() if code}

    # ---- codes

    def vat_code(self, told: Told, code: str) -> str:
        """Return the books' VAT code for one of the till's. Raises Parked when the table has none."""
        if not code:
            return ""
        for key in self.vat_keys(told, code):
            if found := self._lookups.vat_codes.get(key, "").strip():
                return found
        rate = self._lookups.till_rates.get(code)
        facts = {"code": code, "rate": "" if rate is None else f"{rate.normalize():f}%", "country": told.country}
        raise Parked("vat_code_unmapped", "line.vat_code", **facts, document=told.title, system=BOOKS)

    def vat_keys(self, told: Told, code: str) -> tuple[str, ...]:
        """Return the keys under which the table of VAT codes is asked, the most particular first."""
        keys = (f"{told.country}:{code}:{'yes' if told.vat_number else 'no'}", f"{told.country}:{code}", code)
        return (*(f"{key}:shifted" for key in keys), *keys) if _method(told.record) == "shifted" else keys

    def _revenue_account(self, told: Told, vat_code: str) -> str:
        table = self._lookups.revenue_accounts
        for key in (f"{told.country}:{vat_code}", vat_code, "*"):
            if found := table.get(key, "").strip():
                return found
        facts = {"country": told.country, "code": vat_code, "document": told.title}
        raise Parked("revenue_account_unmapped", "line.account", **facts)

    def _balance_account(self, told: Told, line: Record) -> str | None:
        """Return the account of a line that is no revenue, or None when it is. Raises Parked when none is set."""
        settings, values = self._settings, line.values
        group = as_text(values.get("turnover_group")).strip()
        kind = next(
            (
                text for text in (as_text(values.get("price_type")), as_text(values.get("turnover_type")))
                if text in CARDS | BALANCES
            ),
            "",
        )  # fmt: skip
        if not kind and group not in settings.deposit_groups and group not in settings.deposit_accounts:
            return None
        account = settings.deposit_accounts.get(group) or settings.deposit_account
        if not account:
            named = as_text(values.get("text")) or kind or group
            raise Parked("deposit_account_missing", "line.account", document=told.title, kind=named)
        return account

    # ---- lines and money

    def _made(self, told: Told, articles: Mapping[str, str]) -> Made:
        lines = goods(told.record)
        return self._posted(told, lines) if self._kind is Kind.POSTING else self._ordered(told, lines, articles)

    def _ordered(self, told: Told, lines: Sequence[Record], articles: Mapping[str, str]) -> Made:
        """Return the lines of a sales order. The books compute VAT themselves, so all is under their VAT codes."""
        settings = self._settings
        codes = self._vat_codes(told, lines)
        sold = tuple(self._sold(line, codes[_vat_code(line)]) for line in lines)
        document = _document(told.record, sold, codes, settings.rounding_methods)
        basis: Basis = basis_of(document.method) if settings.price_basis == "till" else settings.price_basis
        rates = {code: self._lookups.book_rates.get(code, NOTHING) for code in codes.values()}
        found = verdict(document, rates, basis, settings.rounding, settings.price_places)
        made = book_lines(document, basis, rates, settings.price_places)
        extra: tuple[BookLine, ...] = ()
        if found.rule:
            more = rounding_lines(found, made, rates, basis, settings.rounding, settings.rounding_limit)
            if more is None or not settings.rounding_article:
                raise self._differing(told, document, found, codes)
            extra = more
        sums = booked((*made, *extra), rates, basis, settings.rounding)
        sources = [
            *(_order_line(told, line, one, articles[line.key]) for line, one in zip(lines, made, strict=True)),
            *(_rounding_line(told, one, settings.rounding_article) for one in extra),
        ]
        moved, rule = (found.amount, found.rule) if extra else (NOTHING, "")
        return Made(_numbered(sources), basis == "incl", sums, codes, moved, rule)

    def _vat_codes(self, told: Told, lines: Sequence[Record]) -> dict[str, str]:
        split = [part for part in told.record.parts if part.kind is Kind.VAT]
        used = [_vat_code(line) for line in lines]
        used += [as_text(part.values.get("code")) for part in split if _vat_sum(part)]
        return {code: self.vat_code(told, code) for code in dict.fromkeys(used)}

    def _sold(self, line: Record, code: str, group: str = "") -> Sold:
        values = line.values
        discount = _number(values, "discount_percent")
        amounts = _number(values, "amount_incl"), _number(values, "amount_excl")
        if not self._discounts and amounts != (None, None):
            discount = None
        percent = _number(values, "vat_percent")
        return Sold(
            line.key, code, _number(values, "quantity"), _number(values, "price_incl"), _number(values, "price_excl"),
            discount, *amounts, group,
            self._lookups.till_rates.get(_vat_code(line)) if percent is None else percent,
        )  # fmt: skip

    def _posted(self, told: Told, lines: Sequence[Record]) -> Made:
        """Return the lines of a posting: one for each VAT code and account, with VAT as the till split it."""
        settings = self._settings
        places = {line.key: self._place(told, line) for line in lines}
        codes = {_vat_code(line): places[line.key][0] for line in lines if places[line.key][0]}
        codes |= self._split_codes(told, {*codes, *map(_vat_code, lines)})
        sold = tuple(
            _as_amounts(self._sold(line, _vat_code(line), "\n".join(places[line.key]))) for line in lines
        )  # fmt: skip
        same = {code: code for code in (*codes, *map(_vat_code, lines))}
        document = _document(told.record, sold, same, settings.rounding_methods)
        rates = {code: self._lookups.book_rates.get(theirs, NOTHING) for code, theirs in codes.items()}
        found = verdict(document, rates, basis_of(document.method), "document", EXACT_PLACES)
        amounts = correction(found, settings.rounding_limit) if found.rule else {}
        if amounts is None or (found.rule and not settings.rounding_account):
            raise self._differing(told, document, found, codes)
        sums: dict[tuple[str, str], VatSum] = {}
        goods_sold, none = document.sold, VatSum()
        rest = {
            code: goods_sold.get(code, none) - amounts.get(code, none)
            for code in dict.fromkeys([*goods_sold, *amounts])
        }
        for (code, group), each in posted(replace(document, vat=rest) if amounts else document).items():
            vat_code, account = group.split("\n") if group else (codes.get(code, ""), "")
            place = vat_code, account or self._revenue_account(told, vat_code)
            sums[place] = sums.get(place, VatSum()) + each
        extra = [((codes.get(code, ""), settings.rounding_account), each) for code, each in amounts.items()]
        gross = settings.price_basis == "incl"
        listed = [*((place, each) for place, each in sums.items() if each), *extra]
        sources = [_posting_line(told, place, each, gross=gross) for place, each in listed]
        moved, rule = (found.amount, found.rule) if amounts else (NOTHING, "")
        by_code: dict[str, VatSum] = {}
        for (vat_code, _), each in listed:
            by_code[vat_code] = by_code.get(vat_code, VatSum()) + each
        return Made(_numbered(sources), gross, by_code, codes, moved, rule)

    def _place(self, told: Told, line: Record) -> tuple[str, str]:
        """Return the VAT code and the account of a line; what is neither taxed nor revenue has no VAT code."""
        account = self._balance_account(told, line)
        if account is not None and _number(line.values, "amount_incl") == _number(line.values, "amount_excl"):
            return "", account
        vat_code = self.vat_code(told, _vat_code(line))
        return vat_code, account or self._revenue_account(told, vat_code)

    def _split_codes(self, told: Told, known: Collection[str]) -> dict[str, str]:
        split = [part for part in told.record.parts if part.kind is Kind.VAT and _vat_sum(part)]
        others = dict.fromkeys(as_text(part.values.get("code")) for part in split)
        return {code: self.vat_code(told, code) for code in others if code not in known}

    def _line(self, told: Told, source: Record) -> Record:
        mapped = self._lines.apply(source)
        self._free_of(mapped.issues, told)
        named = {target.partition(".")[2]: clean(value) for target, value in mapped.values.items()}
        if "books_article" in source.values:
            named["article"] = source.values["books_article"]
        return Record(Kind.LINE, source.key, {name: value for name, value in named.items() if value not in EMPTY})

    # ---- what keeps a document from being booked

    def _expect_exact(self, told: Told, parts: Sequence[Record], made: Made) -> None:
        """Raise Parked when the rules of the mapping made other amounts of those that add up."""
        vat_codes = [as_text(source.values.get("books_vat_code")) for source in made.lines]
        ours = self._sums(((part.values, code) for part, code in zip(parts, vat_codes, strict=True)), _MAPPED, made)
        meant = self._sums(
            ((source.values, code) for source, code in zip(made.lines, vat_codes, strict=True)), _COMPUTED, made
        )
        for code in dict.fromkeys([*meant, *ours]):
            expected, computed = meant.get(code, VatSum()), ours.get(code, VatSum())
            if expected != computed:
                facts = _compared(expected.incl, computed.incl, code, told.title)
                difference = str((expected - computed).incl)
                raise Parked("totals_differ", self._field, **facts, difference=difference, rule="mapping")

    def _sums(
        self, lines: Iterable[tuple[Mapping[str, Value], str]], names: Mapping[str, str], made: Made
    ) -> dict[str, VatSum]:
        """Return what the books come to under their VAT codes, with the values of lines under these names."""
        listed, sums = [], dict[str, VatSum]()
        for values, expected in lines:
            code = as_text(values.get(names["vat_code"])) or expected
            told = {name: _number(values, ours) or NOTHING for name, ours in names.items()}
            listed.append(BookLine("", told["quantity"], told["price"], told["discount"], code))
            excl = told["amount"] - told["vat"] if made.gross else told["amount"]
            sums[code] = sums.get(code, VatSum()) + VatSum(excl, told["vat"])
        if self._kind is Kind.POSTING:
            return sums
        rates = {line.vat_code: self._lookups.book_rates.get(line.vat_code, NOTHING) for line in listed}
        return booked(listed, rates, "incl" if made.gross else "excl", self._settings.rounding)

    def _differing(self, told: Told, document: Document, found: Verdict, codes: Mapping[str, str]) -> Parked:
        """Return why a document does not add up, with the first VAT code of the till that differs."""
        code, gap = next(iter(found.differences.items()), ("", VatSum()))
        sold = document.sold.get(code, VatSum())
        which = "incl" if gap.incl else "excl"
        expected, computed = (sold.incl, (sold - gap).incl) if gap.incl else (sold.excl, (sold - gap).excl)
        if not found.differences:  # the till contradicts itself
            expected, computed = document.total_incl or NOTHING, _incl(document.sold.values())
        theirs = [ours for ours, books in codes.items() if books == code]
        shown = ", ".join(theirs) if self._kind is Kind.SALES_ORDER and theirs else code
        facts = _compared(expected, computed, shown, told.title)
        about = {f"rule_{name}": fact for name, fact in found.facts.items()}
        facts |= {"difference": str(found.amount), "limit": str(self._settings.rounding_limit), "basis": which}
        return Parked("totals_differ", self._field, **about, **facts, rule=found.rule)

    def _free_of(self, issues: Iterable[Issue], told: Told) -> None:
        for issue in issues:
            facts = {**issue.facts, "document": told.title, "system": BOOKS}
            if facts.get("table") == PAYMENTS:
                raise Parked("payment_method_unmapped", issue.field, **facts, method=facts["value"])
            raise Parked(issue.cause, issue.field, **facts)

    # ---- why

    def trace(self, told: Told, articles: Mapping[str, str]) -> list[Trace]:
        """Return how the fields of a document and of its lines came to their values. Raises Parked."""
        made = self._made(told, articles)
        traces = self._headers.trace(self.header_source(told, made))
        for source in made.lines:
            first = TraceStep(f"line {source.key}", as_text(source.values.get("text")))
            for trace in self._lines.trace(source):
                traces.append(replace(trace, steps=(first, *self._before(told, source, trace.target), *trace.steps)))
        return traces

    def _before(self, told: Told, source: Record, target: str) -> Iterator[TraceStep]:
        """Yield what was worked out before the rule for a field of a line was asked."""
        values = source.values
        match target:
            case "line.vat_code" if code := _vat_code(source):
                yield TraceStep("vat_code", code)
                for key in self.vat_keys(told, code):
                    if key in self._lookups.vat_codes:
                        yield TraceStep(f"table vat_codes_sales {key}", self._lookups.vat_codes[key])
                        break
            case "line.price":
                names = ("price_incl", "price_excl", "discount_percent", "amount_incl", "amount_excl")
                yield from (TraceStep(name, values[name]) for name in names if values.get(name) not in EMPTY)
            case "line.article" if values.get("books_article") != values.get("code"):
                yield TraceStep("code", values.get("code"))
            case _:
                return


def goods(record: Record) -> tuple[Record, ...]:
    """Return the lines that sell something; a line of text alone is left out."""
    return tuple(line for line in record.parts if line.kind is Kind.LINE and not _is_text(line))


def _is_text(line: Record) -> bool:
    values = line.values
    money = ("amount_incl", "amount_excl", "price_incl", "price_excl")
    nothing = not any(_number(values, name) for name in money)
    return nothing and (_number(values, "quantity") == NOTHING or not (values.get("article") or values.get("code")))


def compact(number: str) -> str:
    """Return a number of the till in as few characters as tell it from every other: 2026.118 is 26118.

    The dots before it stay as soon as branch or workplace have two digits.
    """
    pieces = number.split(".")
    if not re.fullmatch(r"(\d+\.)*\d{4}\.\d+", number, re.ASCII):
        return number
    *places, year, last = pieces
    return ("" if all(len(place) == 1 for place in places) else ".").join([*places, year[2:], last])


def _remembered(record: Record) -> dict[str, Value]:
    """Return what a document is shown with and recognised by later; nothing of it is written."""
    values = record.values
    sums = {
        as_text(part.values.get("code")): _vat_sum(part) for part in record.parts if part.kind is Kind.VAT
    }  # fmt: skip
    incl, excl = _number(values, "total_incl"), _number(values, "total_excl")
    customer = next((part for part in record.parts if part.kind is Kind.RELATION), None)
    return {
        "number": as_text(values.get("number")),
        "customer": customer_name(customer),
        "digest": as_text(values.get("digest")),
        "cancelled": values.get("cancelled") is True,
        "sold_incl": _incl(sums.values()) if incl is None else incl,
        "sold_excl": sum((each.excl for each in sums.values()), NOTHING) if excl is None else excl,
        **{f"sold_vat:{code}": each.vat for code, each in sums.items()},
        **{f"sold_excl:{code}": each.excl for code, each in sums.items()},
    }


def _document(record: Record, sold: tuple[Sold, ...], codes: Mapping[str, str], methods: Collection[str]) -> Document:
    """Return a document of the till for the arithmetic, its VAT codes translated."""
    split: dict[str, VatSum] = {}
    for part in record.parts:
        code = as_text(part.values.get("code"))
        if part.kind is Kind.VAT and code in codes:
            split[codes[code]] = split.get(codes[code], VatSum()) + _vat_sum(part)
    paid = (part.values for part in record.parts if part.kind is Kind.PAYMENT and part.values.get("method") in methods)
    return Document(
        sold, split, _number(record.values, "total_incl"), _number(record.values, "total_excl"), _method(record),
        sum((_number(each, "amount") or NOTHING for each in paid), NOTHING),
    )  # fmt: skip


def _order_line(told: Told, line: Record, one: BookLine, article: str) -> Record:
    values: dict[str, Value] = {
        **_about(told), **line.values,
        "books_article": article, "books_quantity": one.quantity, "books_price": one.price,
    }  # fmt: skip
    if one.discount_percent:
        values["books_discount"] = one.discount_percent
    if one.vat_code:
        values["books_vat_code"] = one.vat_code
    return Record(Kind.LINE, line.key, values)


def _rounding_line(told: Told, one: BookLine, article: str) -> Record:
    values: dict[str, Value] = {
        **_about(told), "books_article": article, "books_quantity": one.quantity, "books_price": one.price,
        "books_vat_code": one.vat_code,
    }  # fmt: skip
    return Record(Kind.LINE, one.key, values)


def _posting_line(told: Told, place: tuple[str, str], each: VatSum, *, gross: bool) -> Record:
    vat_code, account = place
    values: dict[str, Value] = {
        **_about(told), "books_account": account, "books_amount": each.incl if gross else each.excl,
        "books_vat": each.vat, "posting_text": f"{told.title} {customer_name(told.customer)}".strip(),
    }  # fmt: skip
    if vat_code:
        values["books_vat_code"] = vat_code
    return Record(Kind.LINE, account, values)


def _numbered(sources: Iterable[Record]) -> tuple[Record, ...]:
    """Return the lines under the numbers the books show them by: in order, from 1."""
    return tuple(replace(source, key=str(place)) for place, source in enumerate(sources, start=1))


def _compared(expected: Decimal, computed: Decimal, code: str, document: str) -> dict[str, str]:
    sums = {"expected": str(expected), "computed": str(computed), "found": str(computed)}
    return {"document": document, "code": code, **sums}


def _about(told: Told) -> dict[str, Value]:
    """What every line may take over from its document."""
    names = ("number", "branch", "country", "delivery_date", "category")
    return {name: told.values[name] for name in names if name in told.values}


def _as_amounts(sold: Sold) -> Sold:
    """Return a line as one piece at its own total, where that is told: postings have no quantities."""
    if sold.amount_incl is None and sold.amount_excl is None:
        return sold
    return replace(
        sold, quantity=ONE, price_incl=sold.amount_incl, price_excl=sold.amount_excl, discount_percent=None
    )  # fmt: skip


def _method(record: Record) -> str:
    return as_text(record.values.get("vat_method")).strip() or "inclusive"


def _vat_code(line: Record) -> str:
    return as_text(line.values.get("vat_code")).strip()


def _vat_sum(part: Record) -> VatSum:
    return VatSum(_number(part.values, "excl") or NOTHING, _number(part.values, "vat") or NOTHING)


def _number(values: Mapping[str, Value], name: str) -> Decimal | None:
    value = values.get(name)
    return value if isinstance(value, Decimal) else None


def _incl(sums: Iterable[VatSum]) -> Decimal:
    return sum((each.incl for each in sums), NOTHING)


def _shown(made: Made) -> dict[str, Value]:
    """Return what the books make of a document, for the screen: in all, and by the till's VAT code where one is one."""
    shown: dict[str, Value] = {
        "booked_incl": _incl(made.booked.values()),
        "booked_excl": sum((each.excl for each in made.booked.values()), NOTHING),
    }
    theirs = list(made.codes.values())
    for code, other in made.codes.items():
        if other in made.booked and theirs.count(other) == 1:
            shown[f"booked_excl:{code}"], shown[f"booked_vat:{code}"] = made.booked[other].excl, made.booked[other].vat
    return shown


def _named(values: Mapping[str, Value]) -> str:
    return as_text(values.get("article")) or as_text(values.get("text")) or "?"

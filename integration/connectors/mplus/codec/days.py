"""Reads closed days from the till's journals and cash counts, as parts of one record for each branch and date."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from integration.connectors.mplus.client import Element, element_text, qualified, require_shape
from integration.connectors.mplus.codec.document_fields import DOCUMENTS
from integration.connectors.mplus.codec.values import (
    child_number,
    date_of,
    exact_number,
    parse_flag,
    percent,
    plain_word,
    required_integer,
)
from integration.core.money import from_cents
from integration.core.records import Kind, Record, Unreadable, Value, WrongValueError

Place = tuple[date, str]  # a financial date and the number of a branch

SOURCES = ("receipt", "invoice", "order")
_SOURCE = "FINANCIAL-GROUP-SOURCE-"
_PAID_FOR = "PAYMENT-SOURCE-TYPE-"
_NOT_IN_DIGEST = frozenset({"name"})  # values that do not affect the digest of a day


def decode_journal(journal: Element, source: str) -> Iterator[Record]:
    """Yield the turnover groups, payments and VAT of one journal, which covers one kind of document.

    Raises WrongValueError, as do all readers in this module.
    """
    require_shape(journal, "Journal")
    for group in journal.iterfind(_path("turnoverGroupList", "turnoverGroup")):
        number = _number(group, "turnoverGroup")
        values: dict[str, Value] = {
            "book": "journal", "source": source, "group": number, "name": element_text(group, "turnoverGroupName"),
            "type": _word(group, "turnoverGroupType"), "account": _number(group, "accountNumber"),
            "cost_centre": element_text(group, "turnoverCostCenterNumber"),
        }  # fmt: skip
        values |= _amounts(group, incl="inclAmount", excl="exclAmount")
        yield Record(Kind.TURNOVER, f"journal:{source}:{number}", values)
    for payment in journal.iterfind(_path("paymentList", "payment")):
        method = element_text(payment, "method")
        values = {
            "source": source, "method": method, "name": element_text(payment, "description"),
            "type": _word(payment, "paymentMethodType"), "account": _number(payment, "accountNumber"),
        }  # fmt: skip
        yield Record(Kind.PAYMENT, f"{source}:{method}", values | _amounts(payment, amount="amount"))
    for vat in journal.iterfind(_path("vatGroupList", "vatGroup")):
        code = _number(vat, "vatCode")
        values = {"source": source, "code": code, "percent": _percent(vat)}
        yield Record(Kind.VAT, f"{source}:{code}", values | _amounts(vat, excl="exclAmount", vat="vatAmount"))


def journal_place(journal: Element) -> Place:
    """Return the financial date and the branch of a journal or a count; the interface requires both."""
    day, branch = journal_date(journal), optional_branch(journal)
    if day is None or not branch:
        raise WrongValueError("branchNumber" if day else "financialDate", "")
    return day, branch


def journal_date(journal: Element) -> date | None:
    """Return the financial date of a journal or a count, None without one."""
    return day_in(journal, "financialDate")


def day_in(element: Element, wire: str) -> date | None:
    """Return the date in a child of an element, None without one."""
    child = element.find(qualified(wire))
    return None if child is None else date_of(child)


def decode_financial(group: Element) -> Iterator[Record]:
    """Yield the amounts of one group of the financial journal for each VAT code, or once if it has no VAT codes."""
    require_shape(group, "FinancialGroup")
    source = element_text(group, "financialGroupSource").removeprefix(_SOURCE).lower()
    type_ = _word(group, "financialGroupType")
    number = _number(group, "financialGroupNumber") or element_text(group, "financialGroupId")
    values: dict[str, Value] = {
        "book": "financial", "source": source, "type": type_, "group": number,
        "name": element_text(group, "financialGroupName"), "account": _number(group, "accountNumber"),
        "cost_centre": element_text(group, "turnoverGroupCostCenter"),
    }  # fmt: skip
    start, by_code = f"financial:{source}:{type_}:{number}", list(group.iterfind(_path("vatGroupList", "vatGroup")))
    yield from _decode_cost(group, values, tuple(_number(vat_group, "vatCode") for vat_group in by_code))
    if not by_code:
        yield Record(Kind.TURNOVER, f"{start}:", values | _amounts(group, incl="inclAmount", excl="exclAmount"))
    for vat_group in by_code:
        code, amounts = _number(vat_group, "vatCode"), _amounts(vat_group, excl="exclAmount", vat="vatAmount")
        rated: dict[str, Value] = {"vat_code": code, "vat_percent": _percent(vat_group)}
        if len(amounts) == 2:  # noqa: PLR2004 - both, so that they add up to an amount with VAT
            rated["incl"] = amounts["excl"] + amounts["vat"]
        yield Record(Kind.TURNOVER, f"{start}:{code}", values | rated | amounts)


def _decode_cost(group: Element, about: Mapping[str, Value], codes: tuple[str, ...]) -> Iterator[Record]:
    """Yield the cost of goods of a group; nothing where the till does not report it.

    If the cost is unreadable, the record says so: only a day page that needs it is parked.
    """
    if not element_text(group, "purchaseAmount"):
        return
    values: dict[str, Value] = {name: about[name] for name in ("source", "type", "group", "name")}
    values |= {"book": "cost", "vat_codes": codes}
    try:
        values |= {
            "account": _number(group, "purchaseAccountNumber"), "stock_account": _number(group, "stockAccountNumber"),
            **_amounts(group, cost="purchaseAmount"),
        }  # fmt: skip
    except WrongValueError as error:
        values |= {"field": error.field, "found": error.found}
    yield Record(
        Kind.TURNOVER, ":".join(map(str, ("cost", *(values[name] for name in ("source", "type", "group"))))), values
    )


def optional_branch(element: Element) -> str:
    """Return the branch of a journal, a count or a financial group, empty if the till gives none."""
    return _number(element, "branchNumber")


def period_closed_flag(answer: Element) -> bool | None:
    """Return whether the period of an answer, or of one of its groups, is closed; None if it does not say."""
    return _flag(answer, "financialPeriodClosed")


@dataclass(frozen=True, slots=True)
class CashCount:
    """One count of one drawer: its branch and workplace, its number, and a part for each payment method."""

    place: Place
    drawer: tuple[str, str]
    number: tuple[int, int]  # year and number
    version: int
    lines: tuple[Record, ...]


def decode_count(count: Element) -> CashCount:
    """Return one count. Its number and version are required, because it could replace another count without them.

    Raises WrongValueError, also for two lines of one payment method.
    """
    require_shape(count, "CashCount")
    required_integer(count, "workplaceNumber")
    place, workplace = journal_place(count), _number(count, "workplaceNumber")
    numbered = count.find(qualified("cashCountNumber"))
    if numbered is None:
        raise WrongValueError("cashCountNumber", "")
    number = required_integer(numbered, "year"), required_integer(numbered, "number")
    version, is_final = required_integer(count, "versionNumber"), _flag(count, "isFinalized")
    number_text = f"{number[0]}.{number[1]}"
    head: dict[str, Value] = {"workplace": workplace, "number": number_text, "version": str(version)}
    if is_final is not None:
        head["finalized"] = is_final
    lines = [
        Record(Kind.COUNT, f"{workplace}/{number_text}/{element_text(line, 'paymentMethod')}", head | _count_line(line))
        for line in count.iterfind(_path("cashCountLineList", "cashCountLine"))
    ]
    if repeated := next((key for key, times in Counter(line.key for line in lines).items() if times > 1), ""):
        raise WrongValueError("paymentMethod", repeated.rpartition("/")[2])
    return CashCount(place, (place[1], workplace), number, version, tuple(lines))


def _count_line(line: Element) -> dict[str, Value]:
    names = {name: f"{name}Amount" for name in ("start", "added", "counted", "deposited", "difference", "end")}
    method = element_text(line, "paymentMethod")
    for wire in ("paymentMethod", *names.values()):
        if not element_text(line, wire):
            raise WrongValueError(wire, "")  # the interface requires them
    return {
        "method": method,
        "account": _number(line, "accountNumber"),
        "difference_account": _number(line, "differenceAccountNumber"),
        "deposit_account": _number(line, "depositAccountNumber"),
        **_amounts(line, **names),
    }


def in_chains(counts: Iterable[CashCount]) -> Iterator[tuple[Place, Record]]:
    """Yield the lines of the newest version of each count, with the amount left by the previous count."""
    newest: dict[tuple[tuple[str, str], tuple[int, int]], CashCount] = {}
    for count in sorted(counts, key=lambda cash_count: cash_count.version):
        newest[count.drawer, count.number] = count
    end_amounts: dict[tuple[tuple[str, str], str], Value] = {}
    for count in sorted(newest.values(), key=lambda cash_count: (cash_count.place[0], cash_count.number)):
        for line in count.lines:
            drawer = count.drawer, str(line.values["method"])
            before = {"before": end_amounts[drawer]} if drawer in end_amounts else {}
            end_amounts[drawer] = line.values.get("end")
            yield count.place, replace(line, values={**line.values, **before})


def paid_documents(answer: Element) -> Iterator[tuple[Kind, str]]:
    """Yield kind and id of the invoices and orders that the payments of a report were for. Raises WrongValueError."""
    for source in answer.iterfind(_path("paymentSourceList", "paymentSourceDetails")):
        require_shape(source, "ReportPaymentSourceDetails")
        source_type = element_text(source, "paymentSourceType").removeprefix(_PAID_FOR)
        kind = (
            Kind.INVOICE if source_type.endswith("INVOICE") else Kind.ORDER if source_type.endswith("ORDER") else None
        )
        id_ = element_text(source, "id")
        if kind is not None and id_:
            yield kind, id_


def day_key(place: Place) -> str:
    """Return the key of the day of a branch: `2026-10-17/1`."""
    return f"{place[0].isoformat()}/{place[1]}"


def day_place(key: str) -> Place | None:
    """Return the day and branch of a key, or None for an invalid key."""
    day, _, branch = key.partition("/")
    try:
        return (date.fromisoformat(day), branch) if branch.isdecimal() else None
    except ValueError:
        return None


def day_digest(parts: Iterable[Record]) -> str:
    """Return a digest that changes if and only if something changes that a day page in the books is made of.

    Names, the order of parts and the cost of goods, which not every page has, are left out. A document counts by its
    own digest and its payments.
    """
    counting = (part for part in parts if part.values.get("book") != "cost")
    rows = sorted(json.dumps(_digest_values(part), ensure_ascii=False, separators=(",", ":")) for part in counting)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _digest_values(part: Record) -> list[str]:
    if isinstance(part, Unreadable):
        return [str(part.kind), part.key, part.raw]
    if part.kind in DOCUMENTS:
        paid = sorted(_row(payment) for payment in part.parts if payment.kind is Kind.PAYMENT)
        return [str(part.kind), part.key, str(part.values.get("digest", "")), *paid]
    return [str(part.kind), part.key, _row(part)]


def _row(part: Record) -> str:
    values = {
        name: _plain_text(value)
        for name, value in part.values.items()
        if name not in _NOT_IN_DIGEST and value is not None
    }
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _plain_text(value: Value) -> str:
    return format(value.normalize() if value else Decimal(0), "f") if isinstance(value, Decimal) else str(value)


def _path(*names: str) -> str:
    return "/".join(qualified(name) for name in names)


def _word(element: Element, wire: str) -> str:
    return plain_word(element_text(element, wire)).lower()


def _number(element: Element, wire: str) -> str:
    """Return a number as text, empty for none and for 0, which the till writes where nothing is set."""
    number = child_number(element, wire)
    return str(number) if number else ""


def _flag(element: Element, wire: str) -> bool | None:
    text = element_text(element, wire)
    try:
        return parse_flag(text) if text else None
    except ValueError:
        raise WrongValueError(wire, text) from None


def _percent(element: Element) -> Decimal:
    text = element_text(element, "vatPercentage")
    try:
        return percent(text)
    except (ValueError, ArithmeticError):
        raise WrongValueError("vatPercentage", text) from None


def _amounts(element: Element, **wires: str) -> dict[str, Decimal]:
    """Return amounts in cents as euros by our names, without missing ones."""
    return {name: _euros(element, wire) for name, wire in wires.items() if element_text(element, wire)}


def _euros(element: Element, wire: str) -> Decimal:
    amount = from_cents(child_number(element, wire))
    try:
        exact_number(amount)
    except ValueError:
        raise WrongValueError(wire, element_text(element, wire)) from None
    return amount

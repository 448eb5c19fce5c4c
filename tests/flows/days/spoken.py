"""A plain day as the connector of the till reports it: one record with the till's answers and all documents."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal

from integration.core.records import Kind, Record, Value
from tests.flows.days.oracle import till_answer
from tests.flows.days.plain import BRANCHES, GROUPS, METHODS, OUTFLOWS, RATES, Count, Day, Document

KINDS = {"receipt": Kind.RECEIPT, "invoice": Kind.INVOICE, "order": Kind.ORDER}
FINANCIAL = {"balance-upgrade": "suspense-account", "suspense": "suspense-account"}


def euros(cents: int) -> Decimal:
    """Whole cents as an amount."""
    return Decimal(cents).scaleb(-2)


def record_of(day: Day, *, closed: bool = True) -> Record:
    """The record of a day."""
    parts = (*_answers(day), *map(_count, day.counts), *(_document(document, day) for document in day.documents))
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    values: dict[str, Value] = {
        "date": day.date, "branch": day.branch, "branch_name": BRANCHES[day.branch], "reference": f"run-{day.key}",
        "digest": digest,
    }  # fmt: skip
    if day.conventions.closing == "told" or not closed:
        values["closed"] = closed
    return Record(Kind.DAY, day.key, values, parts)


def _answers(day: Day) -> Iterator[Record]:
    answers = till_answer(day)
    for (source, group), (incl, excl) in answers.journal.items():
        values = _group("journal", source, group) | {
            "incl": _signed_amount(group, incl, day),
            "excl": _signed_amount(group, excl, day),
        }
        yield Record(Kind.TURNOVER, f"journal:{source}:{group}", values)
    for (source, group, code), (base, tax) in answers.financial.items():
        amounts = {"incl": base + tax, "excl": base, "vat": tax}
        values = _group("financial", source, group) | _code_and_rate("vat_code", "vat_percent", code)
        values |= {name: _signed_amount(group, cents, day) for name, cents in amounts.items()}
        values["type"] = FINANCIAL.get(GROUPS[group].type, GROUPS[group].type)
        yield Record(Kind.TURNOVER, f"financial:{source}:{values['type']}:{group}:{code}", values)
    for (source, method), cents in answers.payments.items():
        values = {"source": source, **_method(method), "amount": euros(cents)}
        yield Record(Kind.PAYMENT, f"{source}:{method}", values)
    for (source, code), (base, tax) in answers.vat.items():
        values = {"source": source, **_code_and_rate("code", "percent", code), "excl": euros(base), "vat": euros(tax)}
        yield Record(Kind.VAT, f"{source}:{code}", values)


def _group(book: str, source: str, group: str) -> dict[str, Value]:
    about = GROUPS[group]
    return {
        "book": book, "source": source, "group": group, "name": about.name, "type": about.type,
        "account": about.account,
    }  # fmt: skip


def _signed_amount(group: str, cents: int, day: Day) -> Decimal:
    turned = group in OUTFLOWS and day.conventions.outflows == "positive"
    return euros(-cents if turned else cents)


def _code_and_rate(name: str, percent: str, code: str) -> dict[str, Value]:
    return {name: code, percent: Decimal(RATES[code])}


def _method(method: str) -> dict[str, Value]:
    about = METHODS[method]
    return {"method": method, "type": about.type, "name": about.name, "account": about.account}


def _count(count: Count) -> Record:
    names = ("start", "added", "counted", "deposited", "difference", "end")
    values: dict[str, Value] = {
        "workplace": count.workplace, "number": count.number, "version": str(count.version), "finalized": True,
        "method": count.method, "account": METHODS[count.method].account, "difference_account": "4400",
        "deposit_account": "1090", **{name: euros(getattr(count, name)) for name in names},
    }  # fmt: skip
    if count.before is not None:
        values["before"] = euros(count.before)
    return Record(Kind.COUNT, f"{count.workplace}/{count.number}/{count.method}", values)


def _document(document: Document, day: Day) -> Record:
    lists = day.conventions.vat_lists
    parts = [
        Record(
            Kind.LINE,
            f"line:{place}",
            {
                "turnover_group": item.group, "vat_code": item.code, "amount_incl": euros(item.incl),
                "amount_excl": euros(item.excl),
            },
        )
        for place, item in enumerate(document.items, start=1)
    ]  # fmt: skip
    parts += [
        Record(Kind.VAT, f"vat:{code}", {"code": code, "excl": euros(base), "vat": euros(tax)})
        for code, (base, tax) in document.vat(lists).items()
    ]
    parts += [
        Record(
            Kind.PAYMENT,
            f"payment:{place}",
            {**_method(payment.method), "amount": euros(payment.cents), "date": payment.day, "branch": payment.branch},
        )
        for place, payment in enumerate(document.paid, start=1)
    ]
    if document.relation:
        customer = {
            "number": document.relation,
            "name": f"Klant {document.relation}",
            "vat_number": document.vat_number,
        }
        parts.append(Record(Kind.RELATION, "customer", customer))
    values: dict[str, Value] = {
        "number": document.number, "date": document.day, "branch": document.branch, "vat_method": document.method,
        "relation": document.relation, "total_incl": euros(document.total), "entered": document.entered,
    }  # fmt: skip
    if document.cancelled:
        values["cancelled"] = True
    return Record(KINDS[document.source], f"id-{document.number}", values, tuple(parts))

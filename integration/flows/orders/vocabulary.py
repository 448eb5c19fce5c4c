"""The enumerated words of the till that determine how a document is booked. An unknown word parks the document."""

from collections.abc import Collection, Iterator

from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.totals.categories import EXCHANGES
from integration.flows.orders.outcomes import document_title
from integration.flows.orders.settings import TYPES, OrderSettings
from integration.flows.settings import TILL, RecordRejected

STATES = ("nothing", "partial", "complete")
COMPLETE_STATES = (*STATES, "partial-delivery-pending")

VAT_METHODS = ("inclusive", "exclusive", "shifted", "none")
PROPOSAL_STATES = ("outstanding", "order", "invoice", "cancelled")
PAID_STATES = ("outstanding", "partly-paid", "paid", "handled", "outstanding-credit")
PRICE_TYPES = (
    "unknown", "article", "special", "point", "payment", "branch", "menu-main-article", "sub-addition",
    "exchange-rate-buy", "exchange-rate-sell", "gift-card", "sales-promotions-package", "fixed",
)  # fmt: skip
TURNOVER_TYPES = (
    "turnover", "payment", "suspense", "cash-inflow", "cash-outflow", "balance-upgrade", "unknown",
    "refundable-deposit",
)  # fmt: skip


def require_known(document: Record, settings: OrderSettings) -> None:
    """Raise RecordRejected for an unknown or missing word in a field that determines how a document is booked."""
    for field, words, is_required in _decisive_fields(document, settings):
        _require_known_word(document, document, field, words, is_required=is_required)
    for line in document.parts:
        if line.kind is Kind.LINE:
            _require_known_word(document, line, "price_type", PRICE_TYPES)
            _require_known_word(document, line, "turnover_type", TURNOVER_TYPES)
            _require_known_word(document, line, "line_kind", ())  # present only if it is an unknown word
            _require_known_word(document, line, "line_type", ())


def require_no_exchange(document: Record) -> None:
    """Raise RecordRejected for a document with a currency exchange line, which is not revenue."""
    for line in document.parts:
        if line.kind is Kind.LINE and as_text(line.values.get("price_type")).strip() in EXCHANGES:
            facts = {"document": document_title(document), "system": TILL.system}
            raise RecordRejected("document_foreign_currency", "line.price_type", **facts)


def _decisive_fields(document: Record, settings: OrderSettings) -> Iterator[tuple[str, Collection[str], bool]]:
    """Yield the decisive fields of a document, with their known words and whether a value is required.

    If types are chosen in the settings, all other types are excluded, so unknown types need no check.
    """
    if not settings.types_of(document.kind):
        yield "type", TYPES[document.kind], False
    yield "vat_method", VAT_METHODS, False
    if document.kind is Kind.ORDER:
        yield "cancel_state", STATES, True
        if settings.delivery:
            yield "delivery_state", STATES, True
        if settings.complete:
            yield "complete_state", COMPLETE_STATES, True
    elif document.kind is Kind.PROPOSAL:
        yield "state", PROPOSAL_STATES, True
    elif settings.paid != "all":
        yield "state", PAID_STATES, True


def _require_known_word(
    document: Record, of: Record, field: str, words: Collection[str], *, is_required: bool = False
) -> None:
    word = as_text(of.values.get(field)).strip()
    if word in words or not (word or is_required):
        return
    title = document_title(document)
    if not word:
        raise RecordRejected("word_missing", field, field=field, document=title, system=TILL.system)
    raise RecordRejected("word_unknown", field, field=field, word=word, document=title, system=TILL.system)

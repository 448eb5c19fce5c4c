"""The flow of payments as a value: payments in the books become payments at the till."""

from functools import partial

from integration.core.errors import Reason
from integration.core.records import Kind
from integration.flows.booked_payments import METHOD
from integration.flows.forms import Checkbox, Code, MissingSetting, Question, Section, SetupContext
from integration.flows.orders.identity import BOOKED_AS
from integration.flows.orders.spec import FLOW as ORDERS
from integration.flows.payments.items import PaymentQueries
from integration.flows.payments.logic import FIELD, PaymentsLogic
from integration.flows.payments.settings import FLOW, PaymentSettings
from integration.flows.settings import BOOKS, TILL, till_list
from integration.flows.spec import MAPPINGS, FlowContext, FlowSpec, Requirements

METHODS = till_list("payment_methods")
SECTIONS = (Section("settings_paid_in_books", (Code(METHOD, METHODS), Checkbox("resends")), ("paid_in_books_about",)),)


def _missing_method(context: SetupContext) -> MissingSetting | None:
    """Return a missing setting if no method is chosen, or one that the till does not have."""
    method = context.settings[METHOD]
    if not method:
        return MissingSetting(Reason("lack_payments_method"), stops=True)
    if context.codes_of_list(METHODS) and method not in context.codes_of_list(METHODS):
        return MissingSetting(Reason("lack_payments_method_gone", {"method": method}), stops=True)
    return None


def _queries(context: FlowContext) -> PaymentQueries:
    return PaymentQueries(
        bookings=partial(context.links_after, ORDERS.name, Kind.POSTING),
        booking_states=partial(context.booking_states, ORDERS.name, BOOKED_AS),
        paid=partial(context.links, FLOW.name, Kind.SETTLEMENT),
        debtors=partial(context.linked, ORDERS.name, Kind.DEBTOR),
        items=partial(context.records, BOOKS.system, Kind.ITEM),
        invoices=partial(context.records, TILL.system, Kind.INVOICE),
        today=context.today,
    )


PAYMENTS = FlowSpec(
    flow=FLOW,
    settings=PaymentSettings,
    make=lambda settings, body, version, tables, context: PaymentsLogic(
        settings, body, version, tables, _queries(context)
    ),
    mapping=MAPPINGS / "payments.toml",
    parts=((Kind.SETTLEMENT, None),),
    writable=frozenset({FIELD}),
    match_fields=frozenset({FIELD}),
    objects=("transactions", "daybooks"),
    needs=lambda _: Requirements((Kind.ITEM,)),
    sections=SECTIONS,
    questions=(Question("method", lambda _: None, (METHOD,), lists=(METHODS,), find_missing=_missing_method),),
    filter_first="paid_on",
    lab_variants=({METHOD: "IDEAL"},),
    demo_order=6,
)

"""The flow of stock as a value: quantities of the books become levels in each branch of the till."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from integration.core.booking_state import BookingState, BookingStates
from integration.core.causes import Repair, RepairKind
from integration.core.errors import Reason
from integration.core.issues import IssueState
from integration.core.link_evidence import Evidence
from integration.core.records import Field, FieldType, Kind, Record, Unreadable
from integration.core.timetable import WALL_CLOCK
from integration.flows.forms import (
    Compared,
    Example,
    FieldsOf,
    MissingSetting,
    PerKey,
    Proposal,
    Quantities,
    Question,
    Section,
    Select,
    SetupContext,
    SourceField,
    TextField,
    VisibleWhen,
    default_proposal,
)
from integration.flows.orders.credits import CREDIT
from integration.flows.products.settings import FLOW as PRODUCTS
from integration.flows.settings import BOOKS, books_list, till_list
from integration.flows.spec import MAPPINGS, FlowContext, FlowSpec, Requirements
from integration.flows.stock.deleted_bookings import LOSING, lost_bookings, with_lost_bookings
from integration.flows.stock.logic import StockLogic
from integration.flows.stock.sales import Sales
from integration.flows.stock.settings import (
    AMOUNT,
    BRANCH,
    DATED,
    FLOW,
    FORMULA,
    FORMULAS,
    MANAGED,
    QUANTITY,
    RESERVED,
    SALES,
    StockSettings,
)

ORDERS = "orders"  # the flow that books sales of the till

# Sources of a branch's quantity: the formula, or a numeric field of the article.
QUANTITIES = FieldsOf(Kind.ARTICLE, FieldType.NUMBER, {FORMULA: "branch_formula"})


def _reservation_variants(field: str) -> dict[str, dict[str, object]]:
    """Return the settings with which the formula subtracts the reserved quantity of a field, and does not."""
    alone = {"formula": RESERVED, "branches": {}, "managed": "leave", "sales": "off", "negative": "send"}
    return {
        "way_reserved_out": {**alone, "reservations": "field", "reserved": field},
        "way_reserved_in": {**alone, "reservations": "none"},
    }


SECTIONS = (
    Section(
        "settings_formula",
        (
            Select("formula", (*FORMULAS, "expression")),
            Select("reservations", ("ask", "field", "deducted", "none"), only=VisibleWhen("formula", (RESERVED,))),
            Compared(
                "reserved",
                Kind.ARTICLE,
                alternatives=_reservation_variants,
                only=VisibleWhen("reservations", ("field",)),
            ),
            TextField("expression", 500, only=VisibleWhen("formula", ("expression",))),
            Example(),
        ),
    ),
    Section(
        "settings_sales",
        (
            Select("sales", SALES),
            Select(
                "orders_leave", ("auto", "booked", "invoiced"), only=VisibleWhen("sales", ("sales_orders", "documents"))
            ),
            TextField("sales_since", 40, only=VisibleWhen("sales", SALES[1:])),
            TextField("transfers_since", 40, only=VisibleWhen("sales", SALES[1:-1])),
            PerKey(
                "deliveries_since",
                till_list("branches"),
                None,
                "deliveries_wait",
                consequence="deliveries_count_twice",
                only=VisibleWhen("sales", SALES[1:-1]),
            ),
            SourceField("sales_stamp", Kind.ARTICLE, only=VisibleWhen("sales", (DATED,))),
        ),
    ),
    Section("settings_branches", (PerKey("branches", till_list("branches"), QUANTITIES, "branch_not_sent"),)),
    Section(
        "settings_safety_stock",
        (Quantities("safety_stock", {"branch": till_list("branches"), "group": books_list("article_groups")}),),
        ("safety_stock_example",),
    ),
    Section(
        "settings_levels",
        (
            Select("negative", ("send", "zero", "park")),
            Select("fractional", ("send", "round_down", "park")),
            SourceField("reorder", Kind.ARTICLE),
        ),
    ),
    Section(
        "settings_articles",
        (Select("managed", ("leave", "on", "off")), Select("unlinked", ("code", "skip"))),
    ),
)


BRANCHES, WAREHOUSES, RESERVATIONS = till_list("branches"), books_list("warehouses"), books_list("reservations")
OUR_RESERVED = "stock_reserved"  # our name of the field; there is no proposal for it


def branch_sources(branches: Collection[str], warehouses: Collection[str]) -> dict[str, str]:
    """Return the stock source of each branch; empty if it is not unambiguous.

    A single branch gets the formula. Otherwise each branch gets the warehouse with its number, if all have one.
    """
    if len(branches) == 1:  # with several branches it is unknown which one the stock of the books belongs to
        return {next(iter(branches)): "formula"}
    if branches and set(branches) == set(warehouses):
        return {code: f"warehouse:{code}" for code in branches}
    return {}


def _safe_branches(context: SetupContext) -> dict[str, dict[str, str]]:
    sources = branch_sources(context.codes_of_list(BRANCHES), context.codes_of_list(WAREHOUSES))
    return {"branches": sources} if sources else {}


def _branches(context: SetupContext) -> Proposal | None:
    sources = _safe_branches(context)
    why = "proposed_only_branch" if len(context.codes_of_list(BRANCHES)) == 1 else "proposed_same_warehouse"
    return Proposal(sources, Reason(why)) if sources else None


def _missing_branches(context: SetupContext) -> MissingSetting | None:
    if context.settings["branches"] or context.settings["managed"] == "off":
        return None
    return MissingSetting(Reason("lack_branches"), stops=True)


def _sales(context: SetupContext) -> Proposal:
    """Propose how the books learn of sales, from the active flows; movements count from today."""
    sales, today = "documents" if ORDERS in context.flows else DATED, datetime.now(ZoneInfo(WALL_CLOCK)).date()
    return Proposal({"sales": sales, "sales_since": today.isoformat()}, Reason(f"proposed_sales_{sales}"))


def _asks_for_reservations(settings: Mapping[str, Any]) -> bool:
    """Return True if the formula subtracts reservations and at least one branch uses the formula."""
    sources = settings["branches"].values()
    return settings["formula"] == RESERVED and (not sources or any(source in ("", FORMULA) for source in sources))


def _propose_reserved_field(context: SetupContext) -> Proposal | None:
    """Propose the field whose name or caption indicates reservations; a person must confirm it."""
    candidate = next(iter(context.codes_of_list(RESERVATIONS).items()), None)
    if candidate is None:
        return None
    return Proposal(
        {"reservations": "field", "reserved": candidate[0]}, Reason("proposed_reserved", {"field": candidate[1]})
    )


def _missing_reservations(context: SetupContext) -> MissingSetting | None:
    """Return a missing setting while nobody has named the field of reservations or declared that there is none."""
    fields = context.codes_of_list(RESERVATIONS)
    if context.settings["reservations"] != "ask" or OUR_RESERVED in fields:
        return None
    if fields:
        return MissingSetting(Reason("lack_reservations_found", {"field": next(iter(fields.values()))}), stops=False)
    return MissingSetting(Reason("lack_reservations"), stops=False)


def _missing_sales(context: SetupContext) -> MissingSetting | None:
    return MissingSetting(Reason("lack_sales"), stops=False) if context.settings["sales"] == "off" else None


QUESTIONS = (
    Question(
        "branches",
        _branches,
        ("branches",),
        lists=(BRANCHES, WAREHOUSES),
        find_missing=_missing_branches,
        safe_defaults=_safe_branches,
    ),
    Question("formula", default_proposal("proposed_formula", "formula", "expression"), ("formula", "expression")),
    Question(
        "reservations",
        _propose_reserved_field,
        ("reservations", "reserved"),
        lists=(RESERVATIONS,),
        find_missing=_missing_reservations,
        arises=_asks_for_reservations,
        to_look_at=True,
    ),
    Question("sales", _sales, ("sales", "sales_since"), find_missing=_missing_sales),
    Question("managed", default_proposal("proposed_managed", "managed"), ("managed",)),
)


def _uninvoiced_orders(context: FlowContext, orders: Mapping[str, BookingState]) -> dict[str, Unreadable | None]:
    """Return the sales orders of the books that are not known to be invoiced."""
    records = [Record(Kind.SALES_ORDER, key, booking.values) for key, booking in orders.items()]
    return context.uninvoiced(ORDERS, BOOKS.system, records)


def _credit_keys(context: FlowContext) -> set[str]:
    """Return the keys of credits, also those in doubt, and of lost bookings."""
    return {*context.booked_ending(ORDERS, (Kind.SALES_ORDER,), CREDIT), *_lost_bookings(context, IssueState.OPEN)}


def _lost_bookings(context: FlowContext, state: IssueState) -> set[str]:
    """Return the bookings and credits that a check found deleted or with other goods, by state of the issue."""
    return lost_bookings(context.issues(ORDERS, LOSING, state))


def _booking_states(context: FlowContext, keys: Collection[str]) -> BookingStates:
    """Return the booking states of bookings and credits that may move stock."""
    booking_states = context.booking_states(ORDERS, (Kind.SALES_ORDER, Kind.POSTING), keys)
    return with_lost_bookings(
        booking_states, _lost_bookings(context, IssueState.OPEN), _lost_bookings(context, IssueState.DISMISSED)
    )


def _article_evidence(context: FlowContext, codes: Collection[str]) -> dict[str, Evidence]:
    """Return by article code what identified the till's article when the flow `products` last read it."""
    articles = context.links(PRODUCTS.name, Kind.ARTICLE, codes)
    owners = {link.owner for link in articles.values() if link.owner}
    products = context.links(PRODUCTS.name, Kind.PRODUCT, owners) if owners else {}
    return {
        code: Evidence(target={"": products[link.owner].evidence.target[code]})
        for code, link in articles.items()
        if link.owner in products and code in products[link.owner].evidence.target
    }


STOCK = FlowSpec(
    flow=FLOW,
    settings=StockSettings,
    make=lambda settings, body, version, tables, context: StockLogic(
        settings,
        body,
        version,
        tables,
        partial(context.linked, PRODUCTS.name, Kind.ARTICLE),
        Sales(
            settings,
            context.movements(),
            partial(_booking_states, context),
            partial(_uninvoiced_orders, context),
            partial(_credit_keys, context),
        ),
        partial(_article_evidence, context),
    ),
    mapping=MAPPINGS / "stock.toml",
    parts=((Kind.LEVEL, Kind.ARTICLE), (Kind.STOCK, None)),
    computed=(
        Field(QUANTITY, "Quantity of the branch", FieldType.NUMBER, Kind.ARTICLE),
        Field(BRANCH, "Number of the branch", FieldType.CODE, Kind.ARTICLE),
    ),
    writable=frozenset({AMOUNT, MANAGED}),
    repairs={
        "blocked": Repair(),
        "expression_failed": Repair(RepairKind.VALUE, "settings", "formula"),
        "sku_duplicate": Repair(),
    },
    objects=("articles", "warehouses"),
    needs=lambda _: Requirements((Kind.ARTICLE,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    filter_first="group",
    noun="article",
    suggested=True,
    demo_order=4,
)

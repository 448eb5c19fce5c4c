"""State shared by all parts of the till: conventions, the current call, and the set-up of the installation."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from integration.sandbox.mplus.contract import ZONE, Contract, WireFields

# ---- conventions: behaviour that the interface does not specify


@dataclass(frozen=True, slots=True)
class TillConventions:
    """Behaviour of the till that the documentation of the vendor does not specify."""

    percentages_in_hundredths: bool = True  # 21 % is 2100, not 21
    # Prices of a customer that a temporary price replaces.
    offers_win_over: Literal["discounts", "price_groups", "everything"] = "price_groups"
    discounts_in_hundredths: bool = False  # a customer or price group discount of 5 % is 5, not 500
    # Whether answers state zero decimal places of a quantity.
    decimal_places: Literal["always", "when needed"] = "always"
    # A limited answer has the lowest markers; this is their order in it.
    order_within_answer: Literal["mixed", "by marker"] = "mixed"
    page_size: int | None = 1000  # limit of objects per answer, for queries without limit and keys
    most_at_once: int | None = None  # limit of documents or movements in any answer
    only_alone: Sequence[int] = ()  # articles and relations returned only if queried alone
    most_articles: int | None = None  # a product with more articles is not returned completely
    # Whether an absent empty wrapper, or an absent order id on create, is refused.
    required: Literal["strict", "wrappers may be absent"] = "wrappers may be absent"  # as public clients send them
    element_order: Literal["as described", "any"] = "as described"  # required order of fields
    # What happens to a price with and a price without VAT that arrive together.
    both_prices: Literal["as sent", "incl wins", "excl wins"] = "as sent"
    # Whether a product message can change the groups that the product is in.
    groups_in_product: Literal["accepted", "ignored"] = "accepted"
    omitted_fields: Literal["kept", "emptied"] = "kept"  # effect of an update on omitted fields
    # Effect of a product update on omitted articles.
    omitted_articles: Literal["kept", "made inactive"] = "kept"
    # Whether a custom field must exist in the installation.
    custom_fields: Literal["known only", "any"] = "known only"
    stock_article_unless_said: bool = True  # default for articles that do not specify it
    set_stock: Literal["free", "physical"] = "free"  # which amount setStock sets
    # Whether stockId in a query includes that booking.
    stock_id_bound: Literal["inclusive", "exclusive"] = "inclusive"
    stock_rows: Literal["asked", "booked"] = "asked"  # whether getStock has rows without bookings
    # Bookings of a stock correction in which one article fails.
    corrections: Literal["all or nothing", "until the first failure"] = "all or nothing"
    exact_match_minds_case: bool = False  # whether exactMatch of findRelationV2 is case-sensitive
    deleted_groups: Literal["with marker", "never"] = "with marker"  # when deleted article groups are returned
    order_lines: Literal["any article", "known articles"] = "any article"  # which articles an order may contain
    image_bytes: int = 2_000_000  # maximum size of an image
    image_types: tuple[str, ...] = ("image/jpeg", "image/png")  # allowed image types
    # How an invoice lists earlier payments of its order: each as it was made, or as a used deposit.
    down_payments: Literal["as paid", "as a deposit"] = "as paid"
    outflows: Literal["negative", "positive"] = "negative"  # sign of cash outflows in the journals
    # Whether VAT lists include items without revenue and VAT: gift cards, packaging deposits, cash in and out.
    vat_lists: Literal["all groups", "turnover only"] = "all groups"
    closing: Literal["told", "not told"] = "told"  # whether the financial journal reports closed periods
    open_days: Sequence[str] = ()  # past days, as 2026-11-20, that are not closed
    training: Literal["hidden", "shown"] = "hidden"  # whether receipts in training mode are returned
    counts: Literal["final", "open", "silent"] = "final"  # reported state of counts
    unknown_operations: Sequence[str] = ()  # operations that this old installation lacks

    def percentage(self, rate: Decimal) -> int:
        """Return a VAT rate in the form of a message."""
        return int(rate * 100) if self.percentages_in_hundredths else int(rate)

    def places(self, places: int) -> int | None:
        """Return the decimal places field of a quantity; None omits it."""
        return None if places == 0 and self.decimal_places == "when needed" else places


LENIENT = TillConventions(required="wrappers may be absent", element_order="any")  # for clients that need it


Handler = Callable[[WireFields], WireFields]


# ---- the current call


class TillContext:
    """Time, fault and counters of the call that is carried out."""

    def __init__(self, contract: Contract, conventions: TillConventions, seed: int) -> None:
        self.contract = contract
        self.conventions = conventions
        self.now = datetime(2000, 1, 1, tzinfo=UTC)
        self.day = date.max  # current day of the shop; earlier days are over
        self.balances: frozenset[int] = frozenset()  # turnover groups without revenue
        self.late = 0.0
        self.wrong = False
        self._seed = seed
        self._counters: Counter[str] = Counter()

    @property
    def today(self) -> date:
        """Current date of the installation."""
        return self.now.astimezone(ZONE).date()

    @property
    def clock(self) -> datetime:
        """Time shown at the till: the current day of the shop with the actual time of day."""
        local = self.now.astimezone(ZONE)
        return local if self.day == date.max else datetime.combine(self.day, local.time(), ZONE)

    def is_left_out(self, group: int, incl: int, excl: int) -> bool:
        """Return True if a VAT list of revenue only omits lines of this group."""
        return group in self.balances and incl == excl

    def new_id(self, kind: str) -> str:
        """Return the next id of a kind; the same sequence after every start."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}:{kind}:{self.count(kind)}"))

    def count(self, kind: str) -> int:
        """Return the next number of a kind, starting at 1."""
        self._counters[kind] += 1
        return self._counters[kind]

    def build(self, type_: str, values: Mapping[str, object]) -> WireFields:
        """Return the fields of a type, from plain values."""
        return self.contract.build(type_, values)


# ---- set-up of the installation: branches, rates, methods, people. No call changes it


Rows = Sequence[Mapping[str, Any]]

COUNTRY_CODE = 528
COUNTRY = "NLD"

API_VERSION: Mapping[str, Any] = {
    "majorNumber": 1,
    "minorNumber": 0,
    "revisionNumber": 0,
    "databaseMajorNumber": 67,
    "databaseMinorNumber": 1,
    "databaseRevisionNumber": 0,
    "serviceMajorNumber": 67,
    "serviceMinorNumber": 1,
    "serviceRevisionNumber": 3,
    "serviceBuildNumber": 1,
    "serviceHostname": "sandbox",
    "serviceMinWorkerThreads": 4,
    "serviceMaxWorkerThreads": 16,
    "inDebugMode": False,
    "isSlaveApi": False,
    "slaveApiType": "NO-SLAVE-API",
    "serviceVersionDisplayString": "67.1.3 sandbox",
}


@dataclass(frozen=True, slots=True)
class Setup:
    """Set-up of one installation, with the field names of the interface."""

    company: str
    city: str
    branches: Rows
    rates: Mapping[int, Decimal]
    turnover_groups: Rows
    payment_methods: Rows
    delivery_methods: Rows
    order_categories: Rows
    employees: Rows
    price_groups: Rows
    sales_prices: Rows
    article_custom_fields: Rows
    relation_custom_fields: Rows
    article_categories: Rows
    relation_categories: Rows


class Reference:
    """Supporting operations, and lookups for other parts."""

    def __init__(self, context: TillContext, setup: Setup) -> None:
        self._context = context
        self.setup = setup
        self.branches: dict[int, Mapping[str, Any]] = {row["branchNumber"]: row for row in setup.branches}
        self.turnover_groups: dict[int, Mapping[str, Any]] = {
            row["turnoverGroup"]: row for row in setup.turnover_groups
        }
        self.methods: dict[str, Mapping[str, Any]] = {row["method"]: row for row in setup.payment_methods}
        self.categories: dict[int, Mapping[str, Any]] = {
            row["orderCategoryNumber"]: row for row in setup.order_categories
        }
        self.article_fields = frozenset(row["fieldName"] for row in setup.article_custom_fields)
        self.relation_fields = frozenset(row["fieldName"] for row in setup.relation_custom_fields)
        self.employees: dict[int, Mapping[str, Any]] = {row["employeeNumber"]: row for row in setup.employees}

    def operations(self) -> dict[str, Handler]:
        setup = self.setup
        return {
            "getApiVersion": lambda _: self._answer(
                "getApiVersionResponse", **API_VERSION, serviceDateTime=self._context.clock
            ),
            "getDatabaseVersion": lambda _: self._answer(
                "getDatabaseVersionResponse",
                majorNumber=67,
                minorNumber=1,
                revisionNumber=0,
                serverDateTime=self._context.now,
            ),
            "getLicenseInformation": self._license,
            "getBranches": lambda _: self._answer("getBranchesResponse", branches=setup.branches),
            "getVatGroupList": self._rates,
            "getTurnoverGroups": lambda _: self._answer(
                "GetTurnoverGroupsResponse", turnoverGroupList=setup.turnover_groups
            ),
            "getPaymentMethods": lambda _: self._methods(setup.payment_methods),
            "getPaymentMethodsV2": self._filtered_methods,
            "getDeliveryMethods": lambda _: self._answer(
                "GetDeliveryMethodsResponse", deliveryMethodList=setup.delivery_methods
            ),
            "getDeliveryMethodsV2": self._deliveries_v2,
            "getOrderCategories": lambda _: self._answer(
                "GetOrderCategoriesResponse", orderCategory=setup.order_categories
            ),
            "getEmployees": self._employees,
            "getAvailableTerminalList": self._terminals,
            "getPriceGroupList": lambda _: self._answer("getPriceGroupListResponse", priceGroup=setup.price_groups),
            "getSalesPriceList": lambda _: self._answer("getSalesPriceListResponse", salesPrice=setup.sales_prices),
            "getCustomFieldLists": lambda _: self._answer(
                "GetCustomFieldListsResponse",
                articleCustomFieldList=setup.article_custom_fields,
                employeeCustomFieldList=[],
                relationCustomFieldList=setup.relation_custom_fields,
            ),
            "getCardCategories": lambda _: self._answer(
                "GetCardCategoriesResponse",
                articleCardCategoryList=setup.article_categories,
                employeeCardCategoryList=[],
                relationCardCategoryList=setup.relation_categories,
            ),
        }

    def rate(self, vat_code: int) -> Decimal | None:
        """Return the rate of a VAT code in percent, or None."""
        return self.setup.rates.get(vat_code)

    def vat_code_of(self, turnover_group: int) -> int | None:
        """Return the VAT code of a turnover group, or None."""
        code = self.turnover_groups.get(turnover_group, {}).get("defaultVatCode")
        return None if code is None else int(code)

    def strange_fields(self, fields: WireFields, known_names: frozenset[str]) -> list[str]:
        """Return the custom fields of an object that the installation does not have."""
        if self._context.conventions.custom_fields == "any":
            return []
        field_names = (field.text("fieldName") for field in fields.child("customFieldList").children("customField"))
        return [name for name in field_names if name not in known_names]

    def _answer(self, type_: str, **values: object) -> WireFields:
        return self._context.build(type_, values)

    def _license(self, _request: WireFields) -> WireFields:
        licensed = [
            {
                "branchNumber": branch["branchNumber"],
                "branchName": branch["branchName"],
                "workplaceLimit": len(branch["workplaces"]),
                "isGKS": False,
                "licensedModules": [],
            }
            for branch in self.setup.branches
        ]
        return self._answer(
            "GetLicenseInformationResponse",
            obscuredLicenseKey="****-****-BOX1",
            companyName=self.setup.company,
            city=self.setup.city,
            licensedBranches=licensed,
        )

    def _rates(self, _request: WireFields) -> WireFields:
        rates = [
            {
                "branchNumber": branch,
                "countryCode": COUNTRY_CODE,
                "countryIso3": COUNTRY,
                "vatCode": code,
                "vatPercentage": self._context.conventions.percentage(rate),
            }
            for branch in self.branches
            for code, rate in self.setup.rates.items()
        ]
        return self._answer("getVatGroupListResponse", vatGroup=rates)

    def _filtered_methods(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        account, types = ask.number("accountNumber"), ask.texts("paymentMethodTypes")
        rows = [
            row
            for row in self.setup.payment_methods
            if (not account or row["accountNumber"] == account) and (not types or row["type"] in types)
        ]
        return self._methods(rows, with_cards=bool(ask.flag("includeGiftcardType")))

    def _methods(self, rows: Rows, *, with_cards: bool = False) -> WireFields:
        """Return the payment methods, with their gift card types only if requested."""
        methods = [row if with_cards else {**row, "giftcardType": None} for row in rows]
        return self._answer("GetPaymentMethodsResponse", paymentMethodList=methods)

    def _deliveries_v2(self, request: WireFields) -> WireFields:
        only_enabled = request.child("request").flag("onlyEnabled")
        rows = [row for row in self.setup.delivery_methods if row["enabled"] or not only_enabled]
        return self._answer("GetDeliveryMethodsV2Response", deliveryMethodList=rows)

    def _employees(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        numbers, marker, limit = ask.numbers("employeeNumbers"), ask.number("syncMarker"), ask.number("syncMarkerLimit")
        rows = [
            row
            for row in self.setup.employees
            if (not numbers or row["employeeNumber"] in numbers) and row["syncMarker"] >= marker
        ]
        return self._answer("GetEmployeesResponse", employeeList=rows[: limit or None])

    def _terminals(self, _request: WireFields) -> WireFields:
        terminals = [
            {
                "branchNumber": branch["branchNumber"],
                "branchName": branch["branchName"],
                "terminalNumber": place["workplaceNumber"],
                "terminalName": place["workplaceName"],
                "terminalStatus": "TERMINAL-STATUS-AVAILABLE",
                "uniqueDeviceIdentifier": f"box-{branch['branchNumber']}-{place['workplaceNumber']}",
            }
            for branch in self.setup.branches
            for place in branch["workplaces"]
        ]
        return self._context.build("getAvailableTerminalListResponse", {"return": terminals})

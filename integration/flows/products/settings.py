"""Stages and settings of the flow of products."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from integration.core.cleared_fields import EMPTIED
from integration.core.equalized_fields import EQUALIZED
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage, Unique
from integration.core.guards import RETIREMENTS, SIZE, Guard, made_inactive
from integration.core.plan import Action, Change
from integration.core.prices import OfferPrecedence
from integration.core.records import Kind
from integration.flows.prices import OFFERS_ABOVE, OFFERS_OVERLAP, Owner, price_guard
from integration.flows.settings import BOOKS, TILL, FlowSettings, Strict

FLOW = Flow(
    "products",
    source_role=BOOKS,
    target_role=TILL,
    stages=(
        Stage("groups", Kind.GROUP, Kind.GROUP, is_counted=False, not_idempotent=True, needs={"parent": Kind.GROUP}),
        Stage(
            "articles",
            Kind.ARTICLE,
            Kind.PRODUCT,
            own_key=True,
            grouped_by="group",
            unique=(Unique.NUMBER, Unique.MARK),
            parts=Kind.ARTICLE,
            needs={"groups": Kind.GROUP},
        ),
        Stage(
            "pictures",
            Kind.ARTICLE,
            Kind.PICTURE,
            own_key=True,
            is_counted=False,
            derived=True,
            off=True,
            needs={"product": Kind.PRODUCT},
        ),
    ),
)

Rate = Annotated[Decimal, Field(gt=0)]


class Part(Strict):
    """Write switches of one of the two parts of an article."""

    create: bool = True
    update: bool = True


def _count_off_sale(change: Change, _: Any) -> int:
    return made_inactive(change) if change.action is Action.UPDATE else 0


PRICES = price_guard(lambda settings: frozenset({settings.price_field}))
OFF_SALE = Guard("off_sale", "brake_off_sale", 10, _count_off_sale)


class ProductSettings(FlowSettings):
    """Settings of the flow of products. Raises ConfigurationError, naming the setting, for an invalid value."""

    flow: ClassVar[str] = "products"
    guards = (*SIZE, PRICES, RETIREMENTS, OFF_SALE, EMPTIED, EQUALIZED, OFFERS_OVERLAP, OFFERS_ABOVE)

    sku_rule: Literal["code", "field", "allotted"] = "code"
    sku_field: str = ""  # source field for the rule `field`
    parent_field: str = "parent"  # articles with the same value become one product; empty: one product per article

    price_basis: Literal["excl", "incl"] = "excl"  # VAT basis of the price in the source
    price_sent: Literal["excl", "incl"] = "incl"  # VAT basis of the price that is sent; the till computes the other
    decimals: int = Field(2, ge=0, le=2)  # the price in cents is rounded again to this number of decimals
    zero_price: Literal["send", "park"] = "send"
    default_currency: str = "EUR"
    rates: dict[str, Rate] = Field(default_factory=dict)  # value of one unit of a currency in the default currency

    # owner of the turnover group once the till has one for an article: on_create the till, keep_equal the value table
    turnover_group_owner: Literal["on_create", "keep_equal"] = "on_create"
    picture_field: str = ""  # article field with the name of its picture; empty: no pictures are sent
    customer_prices: bool = False  # prices for price groups and branches, if their object of the books is configured
    customer_prices_owner: Owner = "keep_equal"
    temporary_prices: bool = False  # offers with a period, if their columns in the books are configured
    temporary_prices_owner: Owner = "keep_equal"
    offers_win_over: OfferPrecedence = OfferPrecedence.PRICE_GROUPS  # at the till; its vendor does not document it

    content: Part = Part()
    offer: Part = Part()
    groups: bool = True
    # blocked articles: take off sale if the till has them, skip, or always send as inactive
    blocked: Literal["off_sale", "skip", "inactive"] = "off_sale"
    retire: bool = True

    @property
    def price_field(self) -> str:
        """The article field in which the price is sent."""
        return f"price_{self.price_sent}"

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the fields that hold the number, the parent and the picture."""
        if self.sku_rule == "field":
            yield "sku_field", self.sku_field, True
        if self.parent_field:
            yield "parent_field", self.parent_field, "parent_field" in self.model_fields_set
        if self.picture_field:
            yield "picture_field", self.picture_field, True

    def check(self) -> None:
        """Raise ConfigurationError for settings that contradict each other."""
        if self.sku_rule == "field" and not self.sku_field:
            raise ConfigurationError(
                "flow_setting_invalid", flow="products", setting="sku_field", expected="expected_article_field"
            )


def configured_flow(settings: ProductSettings) -> Flow:
    """Return the flow, with pictures if a picture field is configured."""
    if not settings.picture_field:
        return FLOW
    stages = (replace(stage, off=False) if stage.target is Kind.PICTURE else stage for stage in FLOW.stages)
    return replace(FLOW, stages=tuple(stages))

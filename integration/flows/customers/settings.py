"""Stages and settings of the flow of customers."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from integration.core.cleared_fields import EMPTIED, cleared_count
from integration.core.equalized_fields import EQUALIZED
from integration.core.flow import Flow, Stage, Unique
from integration.core.guards import RETIREMENTS, SIZE
from integration.core.records import Kind, Value
from integration.flows.prices import Owner, price_guard
from integration.flows.settings import BOOKS, LONGEST_ROUND, TILL, NonIdempotentSettings, Strict

FLOW = Flow(
    "customers",
    source_role=BOOKS,
    target_role=TILL,
    stages=(
        Stage(
            "debtors",
            Kind.DEBTOR,
            Kind.RELATION,
            not_idempotent=True,
            grouped_by="country",
            unique=(Unique.NUMBER, Unique.MARK),
        ),
    ),
    other_links=(("products", Kind.ARTICLE),),  # a price of a customer names an article
)

# At the till, a customer without an agreement has a number that stands for none.
CLEARED = replace(EMPTIED, counts=lambda change, settings: cleared_count(change, settings.no_agreement))

Country = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")]
MIN_NOTHING, MAX_NOTHING = -1, 999_999  # a system may have a special number for "none"
Nothing = Annotated[int, Field(ge=MIN_NOTHING, le=MAX_NOTHING)]
VatMethod = Literal["", "inclusive", "exclusive", "shifted", "none"]


class CountryDefaults(Strict):
    """Defaults of new customers of one country; an empty value means the general default."""

    vat_method: VatMethod = ""
    vat_method_with_number: VatMethod = ""  # for customers with a VAT number; empty: the same method
    price_group: str = ""


class CustomerSettings(NonIdempotentSettings):
    """Settings of the flow of customers. Raises ConfigurationError, naming the setting, for an invalid value."""

    flow: ClassVar[str] = "customers"
    guards = (*SIZE, price_guard(), RETIREMENTS, CLEARED, EQUALIZED)

    schedule_minutes: int = Field(15, ge=1, le=LONGEST_ROUND)

    create: bool = True
    blocked: Literal["skip", "inactive"] = "skip"
    accounts: tuple[str, ...] = ()  # collective accounts of debtors that are customers; empty: all debtors
    retire_gone: bool = True  # customers missing from the books become inactive at the till
    leave_out: tuple[str, ...] = ()  # debtor numbers to exclude, such as collective and cash debtors
    empty: Literal["keep", "clear"] = "keep"  # whether empty fields of the books clear those of the till
    other_external_id: Literal["park", "accept"] = "park"  # for a relation that matches and has another external id
    by_country: dict[Country, CountryDefaults] = Field(default_factory=dict)  # by two-letter ISO code
    default_vat_method: VatMethod = ""
    default_price_group: str = ""
    # The value of an agreement field at the till if there is no agreement. It is not documented, so it can be set.
    no_price_group: Nothing = 0
    no_discount: Nothing = 0
    no_credit_limit: Nothing = 0
    no_payment_days: Nothing = 0
    customer_prices: bool = False  # price agreements of customers, if their object of the books is configured
    customer_prices_owner: Owner = "keep_equal"

    @property
    def no_agreement(self) -> Mapping[str, Value]:
        """The values that remove agreements at the till, because the till keeps a field that is left out."""
        return {
            "price_group": str(self.no_price_group),
            "discount_percent": Decimal(self.no_discount),
            "credit_limit": Decimal(self.no_credit_limit),
            "payment_days": Decimal(self.no_payment_days),
        }

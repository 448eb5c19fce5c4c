"""What the flow of customers is, and what it can be told."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from integration.core.cleared_fields import EMPTIED
from integration.core.flow import Flow, Stage, Unique
from integration.core.guards import RETIREMENTS, SIZE
from integration.core.records import Kind, Value
from integration.flows.prices import Owner, price_guard
from integration.flows.settings import BOOKS, LONGEST_ROUND, TILL, Resending, Strict

FLOW = Flow(
    "customers",
    source=BOOKS,
    target=TILL,
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
)

Country = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")]
LEAST_NOTHING, MOST_NOTHING = -1, 999_999  # a system may have a number of its own for "none"
Nothing = Annotated[int, Field(ge=LEAST_NOTHING, le=MOST_NOTHING)]
VatMethod = Literal["", "inclusive", "exclusive", "shifted", "none"]


class CountryDefaults(Strict):
    """What a new customer of one country gets; empty: what all others get."""

    vat_method: VatMethod = ""
    vat_method_with_number: VatMethod = ""  # for who has a VAT number; empty: the same
    price_group: str = ""


class CustomerSettings(Resending):
    """How customers flow. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "customers"
    guards = (*SIZE, price_guard(), RETIREMENTS, EMPTIED)

    schedule_minutes: int = Field(15, ge=1, le=LONGEST_ROUND)

    create: bool = True
    blocked: Literal["skip", "inactive"] = "skip"
    accounts: tuple[str, ...] = ()  # collective accounts of who counts as a customer; empty: all debtors
    retire_gone: bool = True  # who is gone from the books becomes inactive at the till
    leave_out: tuple[str, ...] = ()  # numbers of collective and cash debtors
    empty: Literal["keep", "clear"] = "keep"  # what the till has where the books have nothing
    other_external_id: Literal["park", "accept"] = "park"  # a relation found by evidence that has another's id
    by_country: dict[Country, CountryDefaults] = Field(default_factory=dict)  # by ISO code of two letters
    default_vat_method: VatMethod = ""
    default_price_group: str = ""
    # What a field of an agreement has at the till where there is none; not documented, so it can be set.
    no_price_group: Nothing = 0
    no_discount: Nothing = 0
    no_credit_limit: Nothing = 0
    no_payment_days: Nothing = 0
    customer_prices: bool = False  # what is agreed with a customer, where the books' object of it is named
    customer_prices_owner: Owner = "keep_equal"

    @property
    def no_agreement(self) -> Mapping[str, Value]:
        """What the till gets in a field of an agreement that the books take away: a field left out would stay."""
        return {
            "price_group": str(self.no_price_group),
            "discount_percent": Decimal(self.no_discount),
            "credit_limit": Decimal(self.no_credit_limit),
            "payment_days": Decimal(self.no_payment_days),
        }

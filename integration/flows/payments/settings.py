"""What the flow of payments is, and what it can be told."""

from typing import ClassVar

from pydantic import Field

from integration.core.flow import Flow, Stage
from integration.core.records import Kind
from integration.flows.booked_payments import PAYMENTS
from integration.flows.settings import BOOKS, LONGEST_ROUND, TILL, Resending

FLOW = Flow(
    PAYMENTS,
    source=BOOKS,
    target=TILL,
    stages=(Stage("items", Kind.ITEM, Kind.SETTLEMENT, write_once=True, one_by_one=True, keyed_source=True),),
    by_changes=False,  # nothing of an item tells that money came in for it
)


class PaymentSettings(Resending):
    """How payments flow. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = PAYMENTS

    schedule_minutes: int = Field(30, ge=1, le=LONGEST_ROUND)

    method: str = ""  # of the till, by which an invoice is paid there that was paid in the books

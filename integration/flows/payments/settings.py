"""Stages and settings of the flow of payments."""

from typing import ClassVar

from pydantic import Field

from integration.core.flow import Flow, Stage
from integration.core.records import Kind
from integration.flows.booked_payments import PAYMENTS
from integration.flows.settings import BOOKS, LONGEST_ROUND, TILL, NonIdempotentSettings

FLOW = Flow(
    PAYMENTS,
    source_role=BOOKS,
    target_role=TILL,
    stages=(Stage("items", Kind.ITEM, Kind.SETTLEMENT, write_once=True, one_by_one=True, keyed_source=True),),
    by_changes=False,  # an item does not change when it is paid
)


class PaymentSettings(NonIdempotentSettings):
    """Settings of the flow of payments. Raises ConfigurationError, naming the setting, for an invalid value."""

    flow: ClassVar[str] = PAYMENTS

    schedule_minutes: int = Field(30, ge=1, le=LONGEST_ROUND)

    method: str = ""  # payment method of the till for payments from the books

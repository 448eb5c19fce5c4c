"""Columns of customer prices. No public source names an object for them."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from integration.connectors.accountview.columns import ColumnSettings, Name


class PriceFields(ColumnSettings):
    """Object and columns of customer prices: one row per price or percentage. Without an object: not read.

    No such object is published, so every name is specific to the installation. Where the names are set, articles and
    debtors are read completely each time, since a change of such a row may not change their stamps. These rows are read
    with them: a call for every `conditions` records.
    """

    object: Name = ""
    table: Name = ""
    article: Name = ""
    list: Name = ""  # price list of an article price; empty in other rows
    branch: Name = ""
    debtor: Name = ""
    offer: Name = ""  # code of an offer; empty in rows without a period
    start: Name = ""  # first day of an offer
    end: Name = ""  # last day of an offer
    group: Name = ""  # discount group of articles that the row applies to
    minimum: Name = ""  # minimum quantity
    price: Name = ""
    percent: Name = ""

    @property
    def is_used(self) -> bool:
        """True if customer prices are read."""
        return bool(self.object)

    @model_validator(mode="after")
    def _require_complete(self) -> Self:
        is_configured = any(self.model_dump().values())
        says = self.object and self.table and self.article and (self.price or self.percent)
        is_dated = all((self.offer, self.start, self.end)) or not any((self.offer, self.start, self.end))
        if is_configured and not (says and is_dated and (self.list or self.branch or self.debtor or self.offer)):
            raise PydanticCustomError("expected_price_names", "expected_price_names")
        return self

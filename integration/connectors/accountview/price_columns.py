"""Which columns hold prices of customers. No public source names an object of them."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from integration.connectors.accountview.columns import ColumnSettings, Name


class PriceFields(ColumnSettings):
    """Where prices of customers are: one row for each price or percentage. Without an object: not read.

    No such object is published, so every name is this installation's own. Where they are given, articles and debtors
    are read whole each time, since nobody tells that a change of such a row stamps them too, and with them these rows:
    a call for every `conditions` of them.
    """

    object: Name = ""
    table: Name = ""
    article: Name = ""
    list: Name = ""  # the price list that a price of an article is for; empty in the rows of others
    branch: Name = ""
    debtor: Name = ""
    group: Name = ""  # the discount group of articles that an agreement is about
    minimum: Name = ""  # from how many pieces on
    price: Name = ""
    percent: Name = ""

    @property
    def on(self) -> bool:
        """Whether prices of customers are read."""
        return bool(self.object)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = any(self.model_dump().values())
        says = self.object and self.table and self.article and (self.price or self.percent)
        if given and not (says and (self.list or self.branch or self.debtor)):
            raise PydanticCustomError("expected_price_names", "expected_price_names")
        return self

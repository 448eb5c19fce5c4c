"""How this till behaves where the interface leaves it open. One value per question, one place for all of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class TillConventions:
    """The answers to what the documents of the vendor do not say."""

    percentages_in_hundredths: bool = True
    """21 % is 2100, not 21."""
    decimal_places: Literal["always", "when needed"] = "always"
    """Whether an answer says that a quantity has no decimal places."""
    order_within_answer: Literal["mixed", "by marker"] = "mixed"
    """A limited answer holds the lowest markers; this is their order inside it."""
    page_size: int | None = 1000
    """Without a limit and without keys, no more than so many objects come in one answer."""
    required: Literal["strict", "wrappers may be absent"] = "strict"
    """Whether an absent empty wrapper, or an absent order id on create, is refused."""
    both_prices: Literal["as sent", "incl wins", "excl wins"] = "as sent"
    """What happens to a price with and a price without VAT that arrive together."""
    groups_in_product: Literal["accepted", "ignored"] = "accepted"
    """Whether a product message can change the groups that the product is in."""
    omitted_fields: Literal["kept", "emptied"] = "kept"
    """What an update does to the fields that it does not mention."""
    omitted_articles: Literal["kept", "made inactive"] = "kept"
    """What an update of a product does to the articles that it does not mention."""
    custom_fields: Literal["known only", "any"] = "known only"
    """Whether a custom field has to be on the list of the installation."""
    stock_article_unless_said: bool = True
    """Whether stock is kept for an article that does not say."""
    set_stock: Literal["free", "physical"] = "free"
    """Which amount setStock sets."""
    stock_id_bound: Literal["inclusive", "exclusive"] = "inclusive"
    """Whether stockId in a question includes that booking."""
    corrections: Literal["all or nothing", "until the first failure"] = "all or nothing"
    """What is booked of a stock correction in which one article fails."""
    exact_match_minds_case: bool = False
    """Whether findRelationV2 with exactMatch tells capitals from small letters."""
    deleted_groups: Literal["with marker", "never"] = "with marker"
    """When a deleted article group is still mentioned."""
    order_lines: Literal["any article", "known articles"] = "any article"
    """Which articles an order may hold."""

    def percentage(self, rate: Decimal) -> int:
        """The rate as a message holds it."""
        return int(rate * 100) if self.percentages_in_hundredths else int(rate)

    def places(self, places: int) -> int | None:
        """The companion of a quantity; None leaves it out."""
        return None if places == 0 and self.decimal_places == "when needed" else places

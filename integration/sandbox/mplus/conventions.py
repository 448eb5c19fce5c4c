"""How this till behaves where the interface leaves it open. One value per question, one place for all of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class TillConventions:
    """The answers to what the documents of the vendor do not say."""

    percentages_in_hundredths: bool = True  # 21 % is 2100, not 21
    # Whether an answer says that a quantity has no decimal places.
    decimal_places: Literal["always", "when needed"] = "always"
    # A limited answer holds the lowest markers; this is their order inside it.
    order_within_answer: Literal["mixed", "by marker"] = "mixed"
    page_size: int | None = 1000  # without a limit and without keys, no more than so many objects come in one answer
    # Whether an absent empty wrapper, or an absent order id on create, is refused.
    required: Literal["strict", "wrappers may be absent"] = "wrappers may be absent"  # as public clients send them
    # What happens to a price with and a price without VAT that arrive together.
    both_prices: Literal["as sent", "incl wins", "excl wins"] = "as sent"
    # Whether a product message can change the groups that the product is in.
    groups_in_product: Literal["accepted", "ignored"] = "accepted"
    omitted_fields: Literal["kept", "emptied"] = "kept"  # what an update does to the fields that it does not mention
    # What an update of a product does to the articles that it does not mention.
    omitted_articles: Literal["kept", "made inactive"] = "kept"
    # Whether a custom field has to be on the list of the installation.
    custom_fields: Literal["known only", "any"] = "known only"
    stock_article_unless_said: bool = True  # whether stock is kept for an article that does not say
    set_stock: Literal["free", "physical"] = "free"  # which amount setStock sets
    # Whether stockId in a question includes that booking.
    stock_id_bound: Literal["inclusive", "exclusive"] = "inclusive"
    # What is booked of a stock correction in which one article fails.
    corrections: Literal["all or nothing", "until the first failure"] = "all or nothing"
    exact_match_minds_case: bool = False  # whether findRelationV2 with exactMatch tells capitals from small letters
    deleted_groups: Literal["with marker", "never"] = "with marker"  # when a deleted article group is still mentioned
    order_lines: Literal["any article", "known articles"] = "any article"  # which articles an order may hold

    def percentage(self, rate: Decimal) -> int:
        """The rate as a message holds it."""
        return int(rate * 100) if self.percentages_in_hundredths else int(rate)

    def places(self, places: int) -> int | None:
        """The companion of a quantity; None leaves it out."""
        return None if places == 0 and self.decimal_places == "when needed" else places

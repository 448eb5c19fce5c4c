"""What every part of the till shares: its conventions, and during one call the clock and what is wrong today."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from integration.sandbox.mplus.contract import ZONE, Contract, Fields

# ---- how this till behaves where the interface leaves it open. One value per question, one place for all of them


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
    required: Literal["strict", "wrappers may be absent"] = "strict"
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


Handler = Callable[[Fields], Fields]


# ---- the moment and the mood of one call


class Desk:
    """The moment and the mood of the call that is being carried out."""

    def __init__(self, contract: Contract, conventions: TillConventions, seed: int) -> None:
        self.contract = contract
        self.conventions = conventions
        self.now = datetime(2000, 1, 1, tzinfo=UTC)
        self.late = 0.0
        self.wrong = False
        self._seed = seed
        self._made: Counter[str] = Counter()

    @property
    def today(self) -> date:
        """The day at the installation."""
        return self.now.astimezone(ZONE).date()

    def new_id(self, kind: str) -> str:
        """The next id of a kind; the same sequence after every start."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}:{kind}:{self.count(kind)}"))

    def count(self, kind: str) -> int:
        """The next number of a kind, from 1."""
        self._made[kind] += 1
        return self._made[kind]

    def build(self, type_: str, values: Mapping[str, object]) -> Fields:
        """Fields of a type, from plain values."""
        return self.contract.build(type_, values)

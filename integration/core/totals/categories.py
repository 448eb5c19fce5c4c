"""What an amount of the till is: revenue, a debt of the shop, or money that only moves; and what was paid with.

Three things are called a deposit, and they are never one: the packaging deposit on a crate that comes back, the down
payment on something to be delivered, and cash that is brought to the bank.
"""

from enum import StrEnum


class LineCategory(StrEnum):
    """What a line of the till is, by the category of its turnover group. All but revenue stand on a balance account."""

    REVENUE = "revenue"
    GIFT_CARD = "gift_card"  # money taken for something that is chosen later: a debt until it is used
    PACKAGING_DEPOSIT = "packaging_deposit"  # goes back to the customer with the packaging
    DOWN_PAYMENT = "down_payment"  # part of a price, paid beforehand; or an amount that waits to be put right
    CASH_IN = "cash_in"  # into the drawer: change from the safe, a tip
    CASH_OUT = "cash_out"  # out of the drawer: cash banked, or a small expense
    PAYMENT = "payment"  # of something sold before
    UNKNOWN = "unknown"  # the till does not say; never taken for revenue

    @property
    def is_balance(self) -> bool:
        """Whether it is known to be no revenue."""
        return self not in (LineCategory.REVENUE, LineCategory.UNKNOWN)


# The words of the till for the categories of turnover groups; "unknown" says no more than no word.
GROUPS = {
    "turnover": LineCategory.REVENUE,
    "balance-upgrade": LineCategory.GIFT_CARD,
    "refundable-deposit": LineCategory.PACKAGING_DEPOSIT,
    "suspense": LineCategory.DOWN_PAYMENT,
    "cash-inflow": LineCategory.CASH_IN,
    "cash-outflow": LineCategory.CASH_OUT,
    "payment": LineCategory.PAYMENT,
}
# Its words for categories of prices that tell more than the group does.
PRICES = {"gift-card": LineCategory.GIFT_CARD, "payment": LineCategory.PAYMENT}
# Those of money of another currency that is bought or sold: the till does not say what it came to.
EXCHANGES = frozenset({"exchange-rate-buy", "exchange-rate-sell"})


def category_of(price: str, line: str, group: str) -> LineCategory:
    """Return what a line is, by the till's words for its price, for its group on the line, and in the list of groups.

    A word for something that is no revenue counts wherever it stands: a till that says both is not believed to sell.
    Money of another currency is never revenue.
    """
    if price in EXCHANGES:
        return LineCategory.UNKNOWN
    told = [PRICES.get(price), GROUPS.get(line), GROUPS.get(group)]
    balance = next((category for category in told if category is not None and category.is_balance), None)
    return balance or (LineCategory.REVENUE if LineCategory.REVENUE in told else LineCategory.UNKNOWN)


class Purpose(StrEnum):
    """When VAT is due on a gift card: a payment with a single-purpose one pays for what was taxed at its sale."""

    SINGLE = "single"
    MULTI = "multi"
    NONE = "none"  # a person says that a payment method is no gift card


class Tender(StrEnum):
    """What a payment is, by the type of its method."""

    MONEY = "money"
    GIFT_CARD = "gift_card"
    DOWN_PAYMENT = "down_payment"  # what was paid beforehand is used
    SUSPENSE = "suspense"  # on account, or what only the shop knows
    ROUNDING = "rounding"  # of cash, to five cents
    OWN_USE = "own_use"  # nobody paid


METHODS = {
    "payment": Tender.MONEY,
    "eft": Tender.MONEY,
    "suspense": Tender.SUSPENSE,
    "deposit": Tender.DOWN_PAYMENT,
    "auto-deposit": Tender.DOWN_PAYMENT,
    "bpe": Tender.OWN_USE,
    "bpe-no-stock": Tender.OWN_USE,
    "voucher-bpe": Tender.OWN_USE,
    "voucher-book-bpe": Tender.OWN_USE,
}


def tender_of(type_: str, *, rounds: bool, is_card: bool) -> Tender:
    """Return what a payment is: `rounds` is a method for the rounding of cash, `is_card` one for gift cards."""
    if rounds:
        return Tender.ROUNDING
    return Tender.GIFT_CARD if is_card else METHODS.get(type_, Tender.SUSPENSE)

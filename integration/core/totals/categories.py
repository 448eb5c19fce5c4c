"""Categories of the till's amounts (revenue, a debt of the shop, or moved money) and of payments.

Three different things are called a deposit: the packaging deposit on a returnable crate, the down payment on a later
delivery, and cash brought to the bank.
"""

from enum import StrEnum


class LineCategory(StrEnum):
    """Category of a till line, by its turnover group. All categories but revenue belong on a balance account."""

    REVENUE = "revenue"
    GIFT_CARD = "gift_card"  # payment for a later choice: a debt until it is used
    PACKAGING_DEPOSIT = "packaging_deposit"  # returned to the customer with the packaging
    DOWN_PAYMENT = "down_payment"  # part of a price paid in advance, or an amount that awaits correction
    CASH_IN = "cash_in"  # into the drawer: change from the safe, tips
    CASH_OUT = "cash_out"  # out of the drawer: deposit at the bank, or a small expense
    PAYMENT = "payment"  # for an earlier sale
    UNKNOWN = "unknown"  # not reported by the till; never counted as revenue

    @property
    def is_balance(self) -> bool:
        """True if the category is certainly no revenue."""
        return self not in (LineCategory.REVENUE, LineCategory.UNKNOWN)


# The till's words for categories of turnover groups. Its "unknown" means the same as no word.
GROUPS = {
    "turnover": LineCategory.REVENUE,
    "balance-upgrade": LineCategory.GIFT_CARD,
    "refundable-deposit": LineCategory.PACKAGING_DEPOSIT,
    "suspense": LineCategory.DOWN_PAYMENT,
    "cash-inflow": LineCategory.CASH_IN,
    "cash-outflow": LineCategory.CASH_OUT,
    "payment": LineCategory.PAYMENT,
}
# The till's words for price categories that are more specific than the group.
PRICES = {"gift-card": LineCategory.GIFT_CARD, "payment": LineCategory.PAYMENT}
# Purchase or sale of foreign currency: the till does not report the amount in euros.
EXCHANGES = frozenset({"exchange-rate-buy", "exchange-rate-sell"})


def category_of(price: str, line: str, group: str) -> LineCategory:
    """Return the category of a line by the till's words for its price, its group, and the group's list entry.

    A word for a category other than revenue takes precedence wherever it occurs. Foreign currency is never revenue.
    """
    if price in EXCHANGES:
        return LineCategory.UNKNOWN
    categories = [PRICES.get(price), GROUPS.get(line), GROUPS.get(group)]
    balance = next((category for category in categories if category is not None and category.is_balance), None)
    return balance or (LineCategory.REVENUE if LineCategory.REVENUE in categories else LineCategory.UNKNOWN)


class Purpose(StrEnum):
    """Type of a gift card, which decides when VAT is due: for a single-purpose card, at the sale of the card."""

    SINGLE = "single"
    MULTI = "multi"
    NONE = "none"  # a person declared that a payment method is not a gift card


class Tender(StrEnum):
    """Category of a payment, by the type of its method."""

    MONEY = "money"
    GIFT_CARD = "gift_card"
    DOWN_PAYMENT = "down_payment"  # use of an advance payment
    SUSPENSE = "suspense"  # on account, or known only to the shop
    ROUNDING = "rounding"  # of cash, to five cents
    OWN_USE = "own_use"  # used by the shop; nobody paid


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
    """Return the category of a payment. `rounds` marks a method for cash rounding, `is_card` one for gift cards."""
    if rounds:
        return Tender.ROUNDING
    return Tender.GIFT_CARD if is_card else METHODS.get(type_, Tender.SUSPENSE)

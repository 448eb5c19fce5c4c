"""Codes and captions of the till's lists, for the questions of the set-up and the value tables."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.branches import read_branches
from integration.connectors.mplus.client import Client, Element, element_text, qualified, require_shape
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.lists import unique_elements
from integration.connectors.mplus.target import translated_parse_errors
from integration.connectors.mplus.used_groups import used_groups
from integration.core.errors import RejectedError
from integration.core.records import WrongValueError


@dataclass(frozen=True, slots=True)
class _Question:
    """The call that answers a question of the set-up, and the elements with codes and captions in its answer."""

    operation: str
    item: str
    code: str
    caption: str
    requests: bool = False  # whether the call takes a request element
    keep: Callable[[Element], bool] = lambda _: True
    caption_required: bool = False  # whether entries without a caption are left out
    convert: Callable[[str], str] = lambda caption: caption  # converts a caption


def _flag_filter(flag: str) -> Callable[[Element], bool]:
    return lambda item: element_text(item, flag) not in ("false", "0")


TURNOVER = "TURNOVER-GROUP-TYPE-TURNOVER"
PRODUCTS = f"{qualified('productList')}/{qualified('product')}"
ARTICLES_AT_ONCE, PAGES_OF_ARTICLES = 250, 4


def _without_zero(text: str) -> str:
    return "" if text == "0" else text


def _group_question(
    caption: str,
    *,
    keep: Callable[[Element], bool] = lambda _: True,
    caption_required: bool = False,
    convert: Callable[[str], str] = lambda caption: caption,
) -> _Question:
    item = "turnoverGroup"  # the element of a group has the same name as the element of its number
    return _Question(
        "getTurnoverGroups",
        item,
        item,
        caption,
        requests=True,
        keep=keep,
        caption_required=caption_required,
        convert=convert,
    )


_QUESTIONS = {
    "branches": _Question("getBranches", "branch", "branchNumber", "branchName"),
    "branch_price_groups": _Question(
        "getBranches", "branch", "branchNumber", "priceGroupNumber", caption_required=True, convert=_without_zero
    ),
    "turnover_groups": _group_question("turnoverGroupName"),
    "turnover_types": _group_question("turnoverGroupType", convert=lambda caption: codec.plain_word(caption).lower()),
    "turnover_vat_codes": _group_question("defaultVatCode", caption_required=True),
    "turnover_accounts": _group_question("accountNumber", caption_required=True, convert=_without_zero),
    "cost_accounts": _group_question("purchaseAccountNumber", caption_required=True, convert=_without_zero),
    "stock_accounts": _group_question("stockAccountNumber", caption_required=True, convert=_without_zero),
    # Groups that are not revenue, or may not be: the till has groups without a clear type.
    "balance_groups": _group_question(
        "turnoverGroupName", keep=lambda item: element_text(item, "turnoverGroupType") != TURNOVER
    ),
    "revenue_groups": _group_question(
        "turnoverGroupName", keep=lambda item: element_text(item, "turnoverGroupType") == TURNOVER
    ),
    "payment_methods": _Question(
        "getPaymentMethods", "paymentMethod", "method", "description", keep=_flag_filter("active")
    ),
    "delivery_methods": _Question(
        "getDeliveryMethods", "deliveryMethod", "deliveryMethod", "description", keep=_flag_filter("enabled")
    ),
    "price_groups": _Question("getPriceGroupList", "priceGroup", "priceGroupNumber", "description"),
    "sales_prices": _Question("getSalesPriceList", "salesPrice", "salesPriceNumber", "description"),
    "order_categories": _Question(
        "getOrderCategories", "orderCategory", "orderCategoryNumber", "orderCategoryDescription"
    ),
    "employees": _Question(
        "getEmployees", "employee", "employeeNumber", "name", requests=True, keep=_flag_filter("active")
    ),
}


def _method_question(caption: str, convert: Callable[[str], str], *, caption_required: bool = False) -> _Question:
    keep = _flag_filter("active")
    return _Question(
        "getPaymentMethods",
        "paymentMethod",
        "method",
        caption,
        keep=keep,
        caption_required=caption_required,
        convert=convert,
    )


_METHOD_TYPES = _method_question("type", lambda caption: codec.plain_word(caption).lower())
_METHOD_ACCOUNTS = _method_question("accountNumber", _without_zero, caption_required=True)


# Types of the entries of lists.
_TYPES = {
    "branch": "Branch",
    "salesPrice": "SalesPrice",
    "turnoverGroup": "TurnoverGroup",
    "paymentMethod": "PaymentMethod",
    "deliveryMethod": "DeliveryMethod",
    "priceGroup": "PriceGroup",
    "orderCategory": "OrderCategory",
    "employee": "Employee",
}


class TillChoices:
    """Reads the lists on demand, without a cache."""

    def __init__(self, client: Client, fields: TillFields) -> None:
        self._client = client
        self._lists: Mapping[str, Callable[[], dict[str, str]]] = {
            "vat_codes": lambda: {code: " / ".join(map(_rate_caption, rates)) for code, rates in self._rates()},
            "vat_rates": lambda: {
                code: f"{rates[0]:.2f}" for code, rates in self._rates() if rates[0] is not None and None not in rates
            },
            "custom_fields": lambda: {
                field: kind.removeprefix("DATA-TYPE-").lower() for field, kind in fields.custom_types().items()
            },
            "article_groups": self._article_groups,
            "gift_cards": self._gift_cards,
            "own_articles": self._own_articles,
            "payment_types": partial(self._answer_captions, _METHOD_TYPES),
            "payment_accounts": partial(self._answer_captions, _METHOD_ACCOUNTS),
            "workplaces": self._workplaces,
            "used_groups": lambda: used_groups(client, self._gift_cards),
            **{name: partial(self._answer_captions, question) for name, question in _QUESTIONS.items()},
        }

    def list_codes(self, name: str) -> dict[str, str]:
        """Return codes and captions of a list, empty for an unknown name.

        Names: vat_codes, vat_rates (percentages with two decimals, of codes whose rates are all readable), branches,
        turnover_groups, payment_methods, delivery_methods, order_categories, price_groups, sales_prices, employees,
        workplaces (`1/2` is the second of branch 1), branch_price_groups (the captions are the numbers of the groups),
        custom_fields (with their types), article_groups. For turnover groups also revenue_groups, balance_groups (those
        that are not revenue, or may not be), used_groups (those of the last weeks, empty where the till does not report
        them), and turnover_types, turnover_vat_codes, turnover_accounts, cost_accounts and stock_accounts, with these
        values as captions. For payment methods also payment_types, payment_accounts, and gift_cards with the turnover
        group of the gift cards that each method accepts. For articles own_articles: those without an external id, by
        number, from the first pages of all articles.
        """
        return self._lists[name]() if name in self._lists else {}

    def _article_groups(self) -> dict[str, str]:
        with translated_parse_errors():
            groups = codec.decode_groups(self._client.read("getArticleGroups", request={}))
        return {group.number: group.name or group.number for group in groups if group.number.isdigit()}

    def _own_articles(self) -> dict[str, str]:
        """Return articles without an external id, from the first pages only: a catalogue is too long to read all.

        Articles made at the till and not changed since come first.
        """
        captions: dict[str, str] = {}
        marker = 0
        for _ in range(PAGES_OF_ARTICLES):
            request = {"pluNumbers": {}, "syncMarker": marker, "syncMarkerLimit": ARTICLES_AT_ONCE}
            with translated_parse_errors():
                products = list(self._client.read("getProducts", request=request).iterfind(PRODUCTS))
                highest = max((codec.if_readable(codec.change_marker, product) or 0 for product in products), default=0)
            for article in (product_article for product in products for product_article in codec.articles(product)):
                if not codec.external_id(article) and (number := codec.if_readable(codec.article_number, article)):
                    captions[number] = (article.findtext(qualified("description")) or "").strip() or number
            if highest < marker or not products:
                break
            marker = highest + 1
        return captions

    def _answer_captions(self, question: _Question) -> dict[str, str]:
        answer = self._client.read(question.operation, **({"request": {}} if question.requests else {}))
        captions = {
            code: question.convert(element_text(item, question.caption) or ("" if question.caption_required else code))
            for item in _entries(answer, question.item, question.code, _TYPES[question.item])
            if (code := element_text(item, question.code)) and question.keep(item)
        }
        return {code: caption for code, caption in captions.items() if caption}

    def _gift_cards(self) -> dict[str, str]:
        """Return the turnover group of the gift cards that each payment method accepts, if the till reports it."""
        try:
            answer = self._client.read("getPaymentMethodsV2", request={"includeGiftcardType": True})
        except RejectedError:  # a till without this operation reports no groups
            return {}
        groups = (
            (
                item.findtext(qualified("method")),
                item.findtext(f"{qualified('giftcardType')}/{qualified('turnoverGroupNumber')}"),
            )
            for item in _entries(answer, "paymentMethod", "method", "PaymentMethod")
        )
        return {method: group for method, group in groups if method and group and group != "0"}

    def _workplaces(self) -> dict[str, str]:
        return {
            f"{branch.number}/{code}": name or code
            for branch in read_branches(self._client)
            for code, name in branch.workplaces.items()
        }

    def _rates(self) -> list[tuple[str, list[Decimal | None]]]:
        """Return each VAT code with its rates, None for an unreadable one.

        Branches in different countries may have different rates. Two rates of one code in one place are unreadable.
        """
        rates: dict[str, list[Decimal | None]] = {}
        answer = self._client.read("getVatGroupList")
        for item in _entries(answer, "vatGroup", "vatCode", "VatGroup", ("branchNumber", "countryCode", "countryIso3")):
            code, rate = element_text(item, "vatCode"), _rate(element_text(item, "vatPercentage"))
            if rate not in rates.setdefault(code, []):
                rates[code].append(rate)
        return list(rates.items())


def _entries(answer: Element, name: str, code: str, type_: str, places: tuple[str, ...] = ()) -> Iterator[Element]:
    """Yield the entries of a list once each. Of an unreadable entry only the code is left, so it has no other value.

    `places` are the elements that, with the code, identify an entry.
    """
    elements = [element for element in answer.iter(qualified(name)) if _codes(element, code)]
    for element in unique_elements(
        elements, lambda item: "/".join(element_text(item, wire) for wire in (code, *places))
    ):
        try:
            require_shape(element, type_, records=False)
        except WrongValueError:
            for text in _codes(element, code):
                code_only = etree.Element(element.tag)
                etree.SubElement(code_only, qualified(code)).text = text
                yield code_only
        else:
            yield element


def _codes(item: Element, wire: str) -> list[str]:
    """Return the different texts in the children with this name; more than one if the entry contradicts itself."""
    texts = ((child.text or "").strip() for child in item.iterchildren(qualified(wire)))
    return list(filter(None, dict.fromkeys(texts)))


def _rate(text: str) -> Decimal | None:
    try:
        return codec.percent(text)
    except (ValueError, ArithmeticError):
        return None


def _rate_caption(rate: Decimal | None) -> str:
    return "? %" if rate is None else f"{rate.normalize():f} %"

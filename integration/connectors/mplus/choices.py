"""What the set-up asks of a till: is the connection well, which fields are there, which codes may be chosen."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import SYSTEM, Client, Element, tag
from integration.connectors.mplus.codec import Words
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.protocol import Finding, Tell, unheard
from integration.core.errors import ConnectorError, IntegrationError, MalformedAnswerError
from integration.core.records import Field, Kind

_CHECKS = ("host", "certificate", "credentials", "version", "rights")
_FAILS_AT = {
    "address_not_api": "host",
    "certificate_invalid": "certificate",
    "mplus_credentials_rejected": "credentials",
    "version_too_old": "version",
}


@dataclass(frozen=True, slots=True)
class _Question:
    """How a question of the set-up is answered: by which call, and where codes and captions stand in the answer."""

    operation: str
    item: str
    code: str
    caption: str
    requests: bool = False  # whether the call takes a request element
    keep: Callable[[Element], bool] = lambda _: True


def _active(item: Element) -> bool:
    return item.findtext(tag("active")) not in ("false", "0")


def _enabled(item: Element) -> bool:
    return item.findtext(tag("enabled")) not in ("false", "0")


def _turnover(item: Element) -> bool:
    return item.findtext(tag("turnoverGroupType")) == "TURNOVER-GROUP-TYPE-TURNOVER"


_QUESTIONS = {
    "branches": _Question("getBranches", "branch", "branchNumber", "branchName"),
    "turnover_groups": _Question(
        "getTurnoverGroups", "turnoverGroup", "turnoverGroup", "turnoverGroupName", requests=True, keep=_turnover
    ),
    "payment_methods": _Question("getPaymentMethods", "paymentMethod", "method", "description", keep=_active),
    "delivery_methods": _Question(
        "getDeliveryMethods", "deliveryMethod", "deliveryMethod", "description", keep=_enabled
    ),
    "order_categories": _Question(
        "getOrderCategories", "orderCategory", "orderCategoryNumber", "orderCategoryDescription"
    ),
    "employees": _Question("getEmployees", "employee", "employeeNumber", "name", requests=True, keep=_active),
}
_CUSTOM_LISTS = {Kind.ARTICLE: "articleCustomFieldList", Kind.RELATION: "relationCustomFieldList"}


class Setup:
    """Answers the questions of the set-up from one installation."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._words = Words(settings.retire_with)

    def check(self, tell: Tell = unheard) -> list[Finding]:
        """Return the connection check, stopping at the first thing that is wrong. Never raises."""
        about: dict[str, str] = {}
        tell(_findings(about))
        try:
            for name, found in self._looks():
                about[name] = found
                tell(_findings(about))
        except IntegrationError as error:
            return _findings(about, error)
        return _findings(about)

    def _looks(self) -> Iterator[tuple[str, str]]:
        """Yield each line of the check that is well, with what was found."""
        self._client.probe()
        yield "host", self._settings.host_shown
        yield "certificate", "" if urlsplit(self._settings.url).scheme == "https" else "http, loopback"
        answer = self._first_answer()
        yield "credentials", ""
        yield "version", self._version(answer)
        self._client.read("getProducts", request={"pluNumbers": {}, "syncMarkerLimit": 1})
        yield "rights", ", ".join(self.choices("branches").values())

    def _first_answer(self) -> Element:
        """Return the till's version; what answers with something else is no till."""
        try:
            return self._client.read("getApiVersion")
        except MalformedAnswerError as error:
            raise MalformedAnswerError("address_not_api", **error.facts) from None

    def _version(self, answer: Element) -> str:
        """Return the version of the service; older interfaces name only the protocol, which says nothing."""
        parts = [answer.findtext(tag(f"service{part}Number")) for part in ("Major", "Minor", "Revision")]
        version = ".".join(part for part in parts if part)
        if version and _ordered(version) < _ordered(self._settings.minimum_version):
            required = self._settings.minimum_version
            raise ConnectorError("version_too_old", system=SYSTEM, version=version, required=required)
        return version

    def fields(self, kind: Kind) -> list[Field]:
        """Return our words, every other simple field by its wire name, and the custom fields the till defines."""
        fields = list(codec.document_fields(kind) or self._words.named(kind))
        if kind in _CUSTOM_LISTS:
            fields += [codec.custom_field(name, type_, kind) for name, type_ in self.custom_types(kind).items()]
        return fields

    def choices(self, name: str) -> dict[str, str]:
        """Return codes and captions; an unknown name has none.

        Names: vat_codes, vat_rates (percentages with two decimals), branches, turnover_groups, payment_methods,
        delivery_methods, order_categories, employees, workplaces (`1/2` is the second of branch 1), custom_fields
        (with their types), article_groups.
        """
        match name:
            case "vat_codes":
                return {code: " / ".join(f"{rate.normalize():f} %" for rate in rates) for code, rates in self._rates()}
            case "vat_rates":
                return {code: f"{rates[0]:.2f}" for code, rates in self._rates()}
            case "custom_fields":
                return {field: kind.removeprefix("DATA-TYPE-").lower() for field, kind in self.custom_types().items()}
            case "article_groups":
                tree = codec.decode_groups(self._client.read("getArticleGroups", request={}))
                return {number: group.name for number, group in tree.items()}
            case "workplaces":
                return self._workplaces()
            case _ if name in _QUESTIONS:
                return self._asked(_QUESTIONS[name])
            case _:
                return {}

    def _asked(self, question: _Question) -> dict[str, str]:
        answer = self._client.read(question.operation, **({"request": {}} if question.requests else {}))
        return {
            code: item.findtext(tag(question.caption)) or code
            for item in answer.iter(tag(question.item))
            if (code := item.findtext(tag(question.code))) and question.keep(item)
        }

    def _workplaces(self) -> dict[str, str]:
        branches = self._client.read("getBranches").iter(tag("branch"))
        return {
            f"{branch.findtext(tag('branchNumber'))}/{code}": place.findtext(tag("workplaceName")) or code
            for branch in branches
            for place in branch.iterfind(f"{tag('workplaces')}/{tag('workplace')}")
            if (code := place.findtext(tag("workplaceNumber")))
        }

    def _rates(self) -> list[tuple[str, list[Decimal]]]:
        """Return each VAT code with its rates; branches in different countries may have different ones."""
        rates: dict[str, list[Decimal]] = {}
        for item in self._client.read("getVatGroupList").iter(tag("vatGroup")):
            code, text = item.findtext(tag("vatCode")), item.findtext(tag("vatPercentage"))
            if code and text and (rate := codec.percent(text)) not in rates.setdefault(code, []):
                rates[code].append(rate)
        return list(rates.items())

    def custom_types(self, kind: Kind = Kind.ARTICLE) -> Mapping[str, str]:
        """Return the custom fields of articles or relations with their types, as the till defines them now."""
        answer = self._client.read("getCustomFieldLists")
        listed = answer.iterfind(f"{tag(_CUSTOM_LISTS[kind])}/{tag('customField')}")
        return {
            name: each.findtext(tag("dataType")) or "DATA-TYPE-UNKNOWN"
            for each in listed
            if (name := each.findtext(tag("fieldName")))
        }


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _findings(about: Mapping[str, str], error: IntegrationError | None = None) -> list[Finding]:
    """Return one line per check: what was found is well, the first that was not has the reason."""
    if error is None:
        return [Finding(name, ok=name in about or None, about=about.get(name, "")) for name in _CHECKS]
    reached = len(about)
    place = _CHECKS.index(_FAILS_AT[error.code]) if error.code in _FAILS_AT else reached
    passed = [Finding(name, ok=True, about=about.get(name, "")) for name in _CHECKS[:place]]
    failed = Finding(_CHECKS[place], ok=False, cause=error.code, facts=dict(error.facts))
    return [*passed, failed, *(Finding(name, ok=None) for name in _CHECKS[place + 1 :])]

"""Choices that the till offers."""

from contextlib import closing

import httpx
import pytest

from integration.connectors.mplus.choices import TillChoices
from integration.connectors.mplus.client import NAMESPACE, Client, interface_contract
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.fields import TillFields
from integration.connectors.mplus.used_groups import used_groups
from integration.sandbox.server import running
from tests.connectors.mplus.tills import NOWHERE, a_till, answering


def test_choices_come_with_captions(connector: Mplus) -> None:
    assert connector.choices("vat_codes").keys() == connector.choices("vat_rates").keys()
    assert "21.00" in connector.choices("vat_rates").values()
    assert "21 %" in connector.choices("vat_codes").values()
    for name in (
        "branches",
        "turnover_groups",
        "payment_methods",
        "employees",
        "price_groups",
        "sales_prices",
        "custom_fields",
    ):
        assert connector.choices(name)
    assert (connector.choices("cost_accounts")["10"], connector.choices("stock_accounts")["10"]) == ("7000", "3000")
    assert connector.choices("branch_price_groups")["3"] == "1"
    assert connector.choices("nothing of the kind") == {}


def _choices_of(operation: str, inside: str) -> TillChoices:
    """Return the choices of a till that answers each call with the content of one operation."""
    name = interface_contract().answer_name(operation).partition("}")[2]
    client = answering(lambda _: f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>')
    return TillChoices(client, TillFields(NOWHERE, client))


def test_a_code_with_a_percentage_that_cannot_be_read_has_no_rate() -> None:
    rates = [("1", "900"), ("2", "21,00"), ("3", ""), ("4", " 0 "), ("1", "x")]
    rows = "".join(
        f"<vatGroup><vatCode>{code}</vatCode><vatPercentage>{rate}</vatPercentage></vatGroup>" for code, rate in rates
    )
    till = _choices_of("getVatGroupList", rows)
    assert till.list_codes("vat_rates") == {"4": "0.00"}
    assert till.list_codes("vat_codes") == {"1": "? %", "2": "? %", "3": "? %", "4": "0 %"}


@pytest.mark.parametrize(
    ("broken", "codes"),
    [
        ("<vatCode>2</vatCode><vatPercentage>2100</vatPercentage><vatPercentage>900</vatPercentage>", {"2": "? %"}),
        ("<vatCode>2</vatCode><vatCode>3</vatCode><vatPercentage>2100</vatPercentage>", {"2": "? %", "3": "? %"}),
        ("<vatCode>2</vatCode><vatPercentage><x>2100</x></vatPercentage>", {"2": "? %"}),
        ("<vatCode><x>2</x></vatCode><vatPercentage>2100</vatPercentage>", {}),
        ("2100", {}),
    ],
)
def test_a_vat_group_that_cannot_be_read_has_no_rate_and_hides_no_other(broken: str, codes: dict[str, str]) -> None:
    entries = (
        "<vatCode>1</vatCode><vatPercentage>900</vatPercentage>", broken,
        "<countryCode>56</countryCode><vatCode>1</vatCode><vatPercentage>600</vatPercentage>",
    )  # fmt: skip
    till = _choices_of("getVatGroupList", "".join(f"<vatGroup>{entry}</vatGroup>" for entry in entries))
    assert till.list_codes("vat_rates") == {"1": "9.00"}
    assert till.list_codes("vat_codes") == {"1": "9 % / 6 %", **codes}


def test_of_a_branch_or_a_price_list_that_contradicts_itself_only_the_number_is_known() -> None:
    template = "<{0}Number>{1}</{0}Number><{2}>{3}</{2}>"
    branches = [("branch", number, "branchName", name) for number, name in ((1, "A"), (2, "B"), (2, "C"))]
    elements = "".join(f"<branch>{template.format(*branch)}</branch>" for branch in branches)
    assert _choices_of("getBranches", f"<branches>{elements}</branches>").list_codes("branches") == {"1": "A", "2": "2"}
    prices = (
        template.format("salesPrice", 1, "description", "A"),
        template.format("salesPrice", 2, "description", "<x/>"),
    )
    elements = "".join(f"<salesPrice>{price}</salesPrice>" for price in prices)
    assert _choices_of("getSalesPriceList", elements).list_codes("sales_prices") == {"1": "A", "2": "2"}


def test_a_workplace_that_contradicts_itself_has_its_number_as_its_name() -> None:
    place = "<workplace><workplaceNumber>{}</workplaceNumber><workplaceName>{}</workplaceName></workplace>"
    places = place.format(1, "Toonbank") + place.format(2, "<x/>")
    branch = f"<branch><branchNumber>3</branchNumber><workplaces>{places}</workplaces></branch>"
    till = _choices_of("getBranches", f"<branches>{branch}</branches>")
    assert till.list_codes("workplaces") == {"3/1": "Toonbank", "3/2": "2"}


@pytest.mark.parametrize(
    "broken",
    [
        "<turnoverGroupType>TURNOVER-GROUP-TYPE-GIFTCARD</turnoverGroupType><turnoverGroup>3</turnoverGroup>",
        "<turnoverGroup>3</turnoverGroup><turnoverGroupName>Bon</turnoverGroupName><turnoverGroupName/>",
    ],
    ids=["twice", "two names"],
)
def test_of_a_turnover_group_that_contradicts_itself_nothing_but_the_number_is_known(broken: str) -> None:
    entry_form = (
        "<turnoverGroupType>TURNOVER-GROUP-TYPE-TURNOVER</turnoverGroupType><turnoverGroup>{0}</turnoverGroup>"
        "<turnoverGroupName>Groep {0}</turnoverGroupName>"
    )
    entries = (entry_form.format(3), broken, entry_form.format(4), entry_form.format(4))
    rows = "".join(f"<turnoverGroup>{entry}</turnoverGroup>" for entry in entries)
    name = interface_contract().answer_name("getTurnoverGroups").partition("}")[2]
    client = answering(lambda _: f'<{name} xmlns="{NAMESPACE}"><turnoverGroupList>{rows}</turnoverGroupList></{name}>')
    till = TillChoices(client, TillFields(NOWHERE, client))
    assert till.list_codes("turnover_groups") == {"3": "3", "4": "Groep 4"}
    assert till.list_codes("turnover_types") == {"3": "3", "4": "turnover"}
    assert till.list_codes("balance_groups").keys() == {"3"}
    assert till.list_codes("revenue_groups").keys() == {"4"}


@pytest.mark.parametrize("broken", ["<dataType>DATA-TYPE-INT</dataType>" * 2, "<dataType><x/></dataType>"])
def test_a_custom_field_without_a_readable_definition_is_not_known(broken: str) -> None:
    fields = (
        f"<customField><fieldName>{name}</fieldName>{definition}</customField>"
        for name, definition in (("maat", broken), ("kleur", "<dataType>DATA-TYPE-STRING</dataType>"))
    )
    till = _choices_of("getCustomFieldLists", f"<articleCustomFieldList>{''.join(fields)}</articleCustomFieldList>")
    assert till.list_codes("custom_fields") == {"kleur": "string"}


def test_own_articles_are_those_that_come_from_nowhere_else() -> None:
    with running(articles=50) as sandbox, closing(a_till(sandbox)) as till:
        before = till.choices("own_articles")
        sandbox.till.edit("articles", "9900003", {"extArticleId": "ACCU"})
        after = till.choices("own_articles")

    assert before["9900002"] == "Reparatie per uur"
    assert before.keys() - after.keys() == {"9900003"}


def _client_answering(groups: str, payments: str = "") -> Client:
    """Return a client whose till reports these groups and payments for every week."""

    def answer(request: httpx.Request) -> str:
        operation = "getJournals" if b"getJournals" in request.content else "getApiVersion"
        name = interface_contract().answer_name(operation).partition("}")[2]
        lists = f"<turnoverGroupList>{groups}</turnoverGroupList><paymentList>{payments}</paymentList>"
        return f'<{name} xmlns="{NAMESPACE}"><journalList><journal>{lists}</journal></journalList></{name}>'

    return answering(answer)


def _group(number: int, amounts: str) -> str:
    return f"<turnoverGroup><turnoverGroup>{number}</turnoverGroup>{amounts}</turnoverGroup>"


def test_a_group_was_used_where_something_was_sold_in_it_or_a_card_of_it_was_paid_with() -> None:
    sold = _group(10, "<inclAmount>-121</inclAmount><exclAmount>0</exclAmount>") + _group(30, "")
    nothing = _group(20, "<inclAmount>0</inclAmount><exclAmount>0</exclAmount>")
    paid = "<payment><method>BON</method><amount>500</amount></payment>"
    paid += "<payment><method>KADO</method><amount>0</amount></payment>"

    assert used_groups(_client_answering(sold + nothing, paid), lambda: {"BON": "80", "KADO": "85"}).keys() == {
        "10",
        "30",
        "80",
    }
    assert used_groups(_client_answering("", paid), lambda: {"BON": "80"}) == {}


def test_the_groups_in_use_are_those_of_the_last_four_weeks() -> None:
    with running(articles=50) as sandbox, closing(a_till(sandbox)) as till:
        groups = till.choices("used_groups")
        references = {question["reference"] for question in sandbox.state("questions", "mplus")}  # a retry has the same
        every = till.choices("turnover_groups")
        sandbox.till.edit("conventions", "unknown_operations", {"value": ["getJournals"]})
        unreported = till.choices("used_groups")

    assert groups.keys() < every.keys()
    assert "95" not in groups
    assert (groups["80"], len(references), unreported) == ("Cadeaubonnen", 4, {})

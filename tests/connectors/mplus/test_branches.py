"""Branches of the till: an entry that cannot be read keeps back its own days alone."""

from collections.abc import Callable

import httpx
import pytest
from lxml import etree

from integration.connectors.mplus.branches import read_branches
from integration.connectors.mplus.client import NAMESPACE, Client, interface_contract
from integration.connectors.mplus.days import TillDays
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.identity import read_identity
from integration.core.errors import RejectedError
from integration.core.records import Kind, Unreadable
from tests.connectors.mplus.tills import NOWHERE, answering

FIRST = (
    "<branch><branchNumber>1</branchNumber><branchName>Winkel</branchName><workplaces><workplace>"
    "<workplaceNumber>4</workplaceNumber><workplaceName>Kassa</workplaceName></workplace></workplaces></branch>"
)
SECOND = FIRST.replace(">1<", ">2<").replace("Winkel", "Markt")
# The second branch in forms that cannot be read, each with the numbers that it may have.
BROKEN = {
    "two names": (SECOND.replace("<branchName>", "<branchName>Beurs</branchName><branchName>"), {"2"}),
    "two copies": (SECOND + SECOND.replace("Markt", "Beurs"), {"2"}),
    "two numbers": (SECOND.replace("<branchNumber>", "<branchNumber>3</branchNumber><branchNumber>"), {"2", "3"}),
    "text": ("<branch>Markt</branch>", {""}),
    "no number": (SECOND.replace("<branchNumber>2</branchNumber>", ""), {""}),
    "number in words": (SECOND.replace(">2<", ">twee<"), {""}),
}
WAYS = pytest.mark.parametrize(("broken", "numbers"), BROKEN.values(), ids=BROKEN)


def client_with_branches(branches: str, others: Callable[[str], str] = lambda _: "") -> Client:
    """Return a client whose till has these branches and answers other calls with the content of `others`."""

    def answer(request: httpx.Request) -> str:
        (call,) = next(etree.fromstring(request.content).iterchildren("{*}Body"))
        operation = etree.QName(call).localname
        inside = f"<branches>{branches}</branches>" if operation == "getBranches" else others(operation)
        name = interface_contract().answer_name(operation).rpartition("}")[2]
        return f'<{name} xmlns="{NAMESPACE}">{inside}</{name}>'

    return answering(answer)


@WAYS
def test_a_branch_that_cannot_be_read_has_no_name_and_hides_no_other(broken: str, numbers: set[str]) -> None:
    first, *others = read_branches(client_with_branches(FIRST + broken))
    assert (first.number, first.name, first.workplaces, first.error) == ("1", "Winkel", {"4": "Kassa"}, None)
    assert {branch.number for branch in others} == numbers
    assert all(branch.error is not None and branch.raw and not branch.name for branch in others)


def test_a_branch_that_comes_twice_alike_is_one() -> None:
    assert [branch.number for branch in read_branches(client_with_branches(FIRST + FIRST + SECOND))] == ["1", "2"]


@WAYS
def test_a_till_is_not_known_by_a_branch_that_cannot_be_read(broken: str, numbers: set[str]) -> None:
    del numbers
    parts = read_identity(client_with_branches(FIRST + broken)).parts
    assert (sorted(parts["branches"]), sorted(parts["workplaces"])) == (["1 Winkel"], ["1/4 Kassa"])


@pytest.mark.parametrize("refused", ["getLicenseInformation", "getCurrentSyncMarkers", "getApiVersion"])
def test_a_till_that_lacks_a_call_is_known_by_the_others(refused: str) -> None:
    others = {
        "getLicenseInformation": "<companyName>Fietsen BV</companyName>",
        "getCurrentSyncMarkers": "<articleSyncMarker>7</articleSyncMarker>",
        "getApiVersion": "<majorNumber>4</majorNumber><minorNumber>1</minorNumber><revisionNumber>2</revisionNumber>",
    }

    def content(operation: str) -> str:
        if operation == refused:
            raise RejectedError("operation_unknown")
        return others[operation]

    identity = read_identity(client_with_branches(FIRST, content))
    found_operations = {
        "getLicenseInformation": "company" in identity.parts,
        "getCurrentSyncMarkers": "articleSyncMarker" in identity.counters,
        "getApiVersion": "apiVersion" in identity.counters,
    }
    assert [operation for operation, is_found in found_operations.items() if not is_found] == [refused]
    assert identity.parts["branches"] == {"1 Winkel"}


@WAYS
def test_a_branch_that_cannot_be_read_keeps_back_its_days_alone(broken: str, numbers: set[str]) -> None:
    client = client_with_branches(FIRST + broken)
    source = TillDays(NOWHERE, client, TillDocuments(NOWHERE, client))
    days = {day.key: day for day in source.fetch(Kind.DAY, ["2026-11-20/1", "2026-11-20/2"])}
    assert numbers
    assert not isinstance(days["2026-11-20/1"], Unreadable)
    assert isinstance(days["2026-11-20/2"], Unreadable)


def test_sums_without_a_branch_belong_to_no_branch_where_one_has_no_number() -> None:
    group = (
        "<financialGroupList><financialGroup><financialGroupType>FINANCIAL-GROUP-TYPE-TURNOVER</financialGroupType>"
        "<financialGroupNumber>10</financialGroupNumber><inclAmount>121</inclAmount><exclAmount>100</exclAmount>"
        "</financialGroup></financialGroupList>"
    )

    def read(branches: str) -> bool:
        client = client_with_branches(branches, lambda name: group if name == "getFinancialJournal" else "")
        (day,) = TillDays(NOWHERE, client, TillDocuments(NOWHERE, client)).fetch(Kind.DAY, ["2026-11-20/1"])
        return not isinstance(day, Unreadable)

    assert read(FIRST)
    assert not read(FIRST + BROKEN["no number"][0])


def test_a_report_of_payments_that_cannot_be_read_keeps_back_its_day_alone() -> None:
    payments = (
        "<journalList><journal><financialDate><day>{}</day><mon>11</mon><year>2026</year></financialDate>"
        "<branchNumber>1</branchNumber><paymentList><payment><method>PIN</method><amount>{}</amount></payment>"
        "</paymentList></journal></journalList>"
    )
    journals = iter([payments.format(20, 500)])
    report = "<paymentSourceList><paymentSourceDetails><id>a</id><id>b</id></paymentSourceDetails></paymentSourceList>"

    def content(operation: str) -> str:
        if operation == "getJournals":
            return next(journals, "")
        return report if operation == "reportPaymentMethodDetails" else ""

    client = client_with_branches(FIRST, content)
    source = TillDays(NOWHERE, client, TillDocuments(NOWHERE, client))
    days = {day.key: isinstance(day, Unreadable) for day in source.fetch(Kind.DAY, ["2026-11-20/1", "2026-11-21/1"])}
    assert days == {"2026-11-20/1": True, "2026-11-21/1": False}

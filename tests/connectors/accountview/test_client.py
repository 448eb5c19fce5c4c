"""Results and errors for each answer of the web API."""

from collections.abc import Callable
from datetime import date

import httpx
import pytest

from integration.connectors.accountview.client import Query, QueryFilter
from integration.connectors.accountview.codec import Body, Cell
from integration.connectors.accountview.connector import AccountView
from integration.connectors.protocol import DictionaryColumn
from integration.core.errors import (
    AccessDeniedError,
    InDoubtError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from integration.core.records import Kind
from integration.sandbox.server import Sandbox
from tests.connectors.accountview.conversation import (
    Answering,
    an_accountview,
    answer_of,
    query_parameters,
    read,
    write,
)
from tests.connectors.accountview.samples import newest_call

HTML = httpx.Response(200, html="<html>onderhoud</html>")


BROKEN = httpx.Response(200, content=b'{"ARTICLE": [')


LIST = httpx.Response(200, json=[])


def a_denial(companies: list[dict[str, str]]) -> Answering:
    def answering(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("companies"):
            return httpx.Response(200, json=companies)
        return httpx.Response(403)

    return answering


@pytest.mark.parametrize("rows", [[{"art_code": "A"}], {"art_code": "A", "ARTICLE_Id": 0}])
def test_one_row_may_come_as_an_object(rows: object) -> None:
    assert read(an_accountview(answer_of(ARTICLE=rows))) == [{"ART_CODE": "A"}]


@pytest.mark.parametrize("status", [200, 400, 409])
@pytest.mark.parametrize(("call", "code"), [(read, "read_refused"), (write, "accountview_rejected")])
def test_a_refusal_in_the_body_counts_whatever_the_status(
    status: int, call: Callable[[AccountView], object], code: str
) -> None:
    refusal = answer_of(status, ErrorType="AccountViewError", ErrorNumbers=None, ErrorMessage="Bestaat niet.")
    with pytest.raises(RejectedError) as caught:
        call(an_accountview(refusal))
    assert caught.value.code == code
    assert caught.value.facts["message"] == "Bestaat niet."


@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize("response", [HTML, BROKEN, LIST])
def test_an_unreadable_answer_ends_a_read(response: httpx.Response, attempts: int) -> None:
    with pytest.raises(MalformedAnswerError, match="answer_unreadable"):
        read(an_accountview(lambda _: response, attempts=attempts))


@pytest.mark.parametrize("response", [HTML, BROKEN])
def test_an_answer_that_cannot_be_read_is_asked_for_again(response: httpx.Response) -> None:
    whole = httpx.Response(200, json={"ARTICLE": [{"ART_CODE": "A"}]})
    answers = iter((response, response, whole) * 3)
    assert read(an_accountview(lambda _: next(answers), attempts=5)) == [{"ART_CODE": "A"}]


@pytest.mark.parametrize("response", [HTML, BROKEN, httpx.Response(500, json={"ErrorMessage": "?"})])
def test_an_unreadable_or_failed_answer_leaves_a_write_in_doubt(response: httpx.Response) -> None:
    with pytest.raises(InDoubtError):
        write(an_accountview(lambda _: response))


@pytest.mark.parametrize("status", [400, 413, 431])
def test_a_write_that_the_server_did_not_take_up_is_refused_whatever_page_says_so(status: int) -> None:
    with pytest.raises(RejectedError, match="request_refused"):
        write(an_accountview(lambda _: httpx.Response(status, html="<h1>Request Entity Too Large</h1>")))


@pytest.mark.parametrize("status", [302, 404, 405])
def test_another_server_at_the_address_is_distinguished(status: int) -> None:
    with pytest.raises(MalformedAnswerError, match="address_not_api"):
        read(an_accountview(lambda _: httpx.Response(status, html="<html>welkom</html>")))


def test_a_failure_without_a_word_of_accountview_is_worth_another_try() -> None:
    with pytest.raises(UnavailableError, match="server_error"):
        read(an_accountview(lambda _: httpx.Response(500, text="oops")))


def test_a_request_without_reason_given_is_refused_as_not_understood() -> None:
    with pytest.raises(RejectedError, match="request_refused"):
        read(an_accountview(lambda _: httpx.Response(422, text="{}")))


PRICE_COLUMN = {"DBF_NAME": "ARTICLE", "FIELD_NAME": "PX_SELL", "FIELD_TYPE": "Y", "FIELD_LEN": 12, "FLD_DESC": "Prijs"}


def described_columns(*rows: dict[str, object]) -> list[DictionaryColumn]:
    return an_accountview(lambda _: httpx.Response(200, json={"DCT_FLD": rows})).dictionary("ARTICLE")


@pytest.mark.parametrize(
    "other", [{"FIELD_TYPE": "C"}, {"FIELD_LEN": 8}, {"INP_MAND": True}, {"COM_BLK": True}, {"FLD_FMT": "!"}]
)
def test_a_column_about_which_two_rows_contradict_each_other_has_no_type(other: dict[str, object]) -> None:
    (column,) = described_columns(PRICE_COLUMN, {**PRICE_COLUMN, **other})
    assert (column.type, column.contradiction.partition(" / ")[0]) == ("", "Y 12")


def test_two_rows_about_one_column_that_agree_are_one() -> None:
    (column,) = described_columns(PRICE_COLUMN, {**PRICE_COLUMN, "FLD_DESC": "Verkoopprijs"})
    assert (column.name, column.caption, column.contradiction) == ("PX_SELL", "Prijs", "")


def test_a_denied_company_is_distinguished_from_a_missing_right() -> None:
    with pytest.raises(AccessDeniedError, match="company_not_available: system=AccountView, company=7f3c"):
        read(an_accountview(a_denial([])))
    with pytest.raises(AccessDeniedError, match="right_missing: system=AccountView, object=AK1, action=read"):
        read(an_accountview(a_denial([{"Id": "7f3c", "Code": "KET", "Description": "De Ketting"}])))


def test_a_read_carries_the_company_the_day_and_the_page() -> None:
    requests: list[httpx.Request] = []

    def answering(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"ARTICLE": []})

    read(an_accountview(answering))
    assert requests[-1].headers["X-Company"] == "7f3c"
    assert requests[-1].headers["Accept"] == "application/json"
    assert query_parameters(requests[-1]) == {
        "BusinessObject": "AK1",
        "PageSize": "10",
        "PageNumber": "1",
        "SortFields": "ART_CODE",
        "SortOrder": "Ascending",
        "BookDate": "2025-03-15",
    }


@pytest.mark.parametrize(
    "fault", ["too_many", "unavailable", "cut_before", "cut_after", "half", "garbage", "html", "expired"]
)
def test_a_read_survives_trouble_that_passes(fault: str, accountview: AccountView, shared_sandbox: Sandbox) -> None:
    accountview.extract(Kind.GROUP)
    shared_sandbox.switches.arm(fault, system="accountview", operation="AK1 GET")
    assert accountview.extract(Kind.ARTICLE).records
    assert shared_sandbox.switches.active_switches() == []


def test_a_page_for_people_that_stays_in_place_of_rows_ends_the_extract(
    accountview: AccountView, shared_sandbox: Sandbox
) -> None:
    html = shared_sandbox.switches.armed("html", system="accountview", operation="AK1 GET", times=None)
    with html, pytest.raises(MalformedAnswerError):
        accountview.extract(Kind.ARTICLE)


def test_a_debtor_written_comes_back_with_its_number(accountview: AccountView) -> None:
    debtor = Body(
        {
            "ACCT_NR": Cell("C", "1300"),
            "ACCT_NAME": Cell("C", "Anna de Boer"),
            "SRC_CODE": Cell("C", "DEBOER"),
            "MAIL_BUS": Cell("C", "anna@voorbeeld.example"),
        }
    )
    objects = accountview.settings.objects
    response = accountview.client.create(objects.debtors, debtor, date(2026, 11, 25))
    number = str(response["CONTACT"][0]["SUB_NR"])
    accountview.client.update(
        objects.debtors,
        Body({"SUB_NR": Cell("C", number), "TEL_MOB": Cell("C", "0612345678")}),
        date(2026, 11, 25),
    )
    same = QueryFilter("SUB_NR", "Equal", "C", number)
    rows = accountview.client.page(Query(of=objects.debtors, sort=("SUB_NR",), size=5, filters=(same,)))
    assert (rows[0]["ACCT_NAME"], rows[0]["TEL_MOB"]) == ("Anna de Boer", "0612345678")


def test_a_write_whose_answer_is_lost_is_in_doubt_and_sent_once(
    accountview: AccountView, shared_sandbox: Sandbox
) -> None:
    start = newest_call(shared_sandbox)
    shared_sandbox.switches.arm("cut_after", system="accountview", operation="AR1 POST")
    with pytest.raises(InDoubtError):
        write(accountview)
    assert len(shared_sandbox.ledger.calls(write=True, since=start)) == 1


@pytest.mark.parametrize(
    ("flag", "allowed"),
    [(True, True), ("True", True), ("true", True), (1, True), ("1", True), (False, False), ("False", False), (0, False),
     ("", False), (None, False), ("misschien", False)],
)  # fmt: skip
def test_what_may_be_entered_is_reported_as_json_as_a_word_or_as_a_number(flag: object, allowed: bool) -> None:
    row = {"Code": "ar1", "Description": "Debiteuren", "InsertAllowed": flag, "UpdateAllowed": flag}
    (business_object,) = an_accountview(lambda _: httpx.Response(200, json=[row])).client.objects()
    assert (business_object.code, business_object.insert, business_object.update) == ("AR1", allowed, allowed)

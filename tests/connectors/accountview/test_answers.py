"""Meaning of the texts that AccountView answers."""

import json
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest

from integration.connectors.accountview.answers import LONGEST_NUMBER, refusal_cause
from integration.connectors.accountview.codec import number_or_none
from integration.connectors.accountview.connector import AccountView
from integration.connectors.answer import MAX_PARTS, MAX_VALUES
from integration.core.errors import (
    AccessDeniedError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from integration.core.records import Batch, Kind, Unreadable
from tests.connectors.accountview.conversation import ARTICLES, an_accountview, read, write


def error_of(call: Callable[[AccountView], object], response: httpx.Response) -> IntegrationError:
    """Return the error that a call ends in."""
    with pytest.raises(IntegrationError) as caught:
        call(an_accountview(lambda _: response))
    return caught.value


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Debiteur 10042 is geblokkeerd voor orders.", "debtor_blocked"),
        ("Grootboekrekening 8000 is geblokkeerd.", "ledger_account_unusable"),
        ("Dagboek 700 bestaat niet.", "ledger_account_unusable"),
        ("Artikel TS-1 bestaat niet.", "article_missing"),
        ("De periode 3 is gesloten.", "period_closed"),
        ("Boekjaar 2024 is afgesloten.", "period_closed"),
        ("Artikel TS-1 is geblokkeerd.", "accountview_rejected"),
        ("Er is iets anders.", "accountview_rejected"),
    ],
)
def test_a_dutch_text_is_a_cause_where_it_can_be_distinguished(message: str, code: str) -> None:
    assert refusal_cause(message)[0] == code


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"ErrorType": "AccountViewError", "ErrorMessage": "Onbekende kolom."}, "Onbekende kolom."),
        ({"Message": "The request is invalid."}, "The request is invalid."),
        ({"Message": "An error has occurred.", "ExceptionMessage": "Column X is unknown."}, "Column X is unknown."),
        (
            {"Message": "The request is invalid.", "ModelState": {"q.PageSize": ["PageSize is too large."]}},
            "The request is invalid. PageSize is too large.",
        ),
        ({"Message": "Nee.", "MessageDetail": "Geen actie gevonden."}, "Geen actie gevonden."),
        ({"error": "invalid_request", "error_description": "The company is unknown."}, "The company is unknown."),
        ({"title": "Bad", "errors": {"a": ["one", "two"], "b": "three"}}, "Bad one two three"),
        ({"error": {"code": 7, "message": "Kapot."}}, "Kapot."),
        ("Onbekend object.", "Onbekend object."),
        (["Eerste fout.", " ", "Tweede fout."], "Eerste fout. Tweede fout."),
    ],
)
def test_what_accountview_said_reaches_the_operator_in_whatever_it_stands(body: object, message: str) -> None:
    for call, code in ((read, "read_refused"), (write, "accountview_rejected")):
        error = error_of(call, httpx.Response(400, json=body))
        assert isinstance(error, RejectedError)
        assert (error.code, error.facts["message"]) == (code, message)


def test_a_write_refused_for_what_is_missing_is_reported_in_its_words() -> None:
    error = error_of(write, httpx.Response(404, json={"ErrorMessage": "Debiteur 20001 bestaat niet."}))
    assert (error.code, error.facts["message"]) == ("accountview_rejected", "Debiteur 20001 bestaat niet.")
    elsewhere = httpx.Response(404, json={"Message": "No HTTP resource was found."})
    assert isinstance(error_of(write, elsewhere), InDoubtError)


@pytest.mark.parametrize("status", [402, 406, 409, 410, 412, 418, 421, 422, 423, 428, 451])
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}"])
def test_a_write_that_is_refused_without_a_reason_is_in_doubt(status: int, body: bytes) -> None:
    assert isinstance(error_of(write, httpx.Response(status, content=body)), InDoubtError)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 500, 501])
def test_a_write_that_is_redirected_or_fails_is_in_doubt_whatever_the_answer_says(status: int) -> None:
    response = httpx.Response(status, json={"ErrorType": "AccountViewError", "ErrorMessage": "Artikel X bestaat niet."})
    assert isinstance(error_of(write, response), InDoubtError)


@pytest.mark.parametrize("status", [402, 404, 409, 418, 422, 451])
def test_only_accountviews_own_form_refuses_a_write(status: int) -> None:
    for response in (
        httpx.Response(status, text="Conflict"),
        httpx.Response(status, json="Conflict"),
        httpx.Response(status, json={"Message": "Conflict"}),
        httpx.Response(status, json={"ErrorMessage": None, "ErrorType": ""}),
    ):
        assert isinstance(error_of(write, response), InDoubtError)
    own = httpx.Response(status, json={"errorMessage": "Artikel X bestaat niet."})
    assert error_of(write, own).code == "accountview_rejected"


@pytest.mark.parametrize("status", [400, 413])
def test_a_write_that_was_rejected_before_it_was_carried_out_is_refused_without_a_reason(status: int) -> None:
    assert error_of(write, httpx.Response(status)).code == "request_refused"


def test_a_plain_text_is_what_was_said_and_a_page_is_not() -> None:
    assert error_of(read, httpx.Response(400, text="Onbekend object.")).facts["message"] == "Onbekend object."
    page = httpx.Response(400, html="<html>Bad Request</html>")
    assert isinstance(error_of(read, page), MalformedAnswerError)


def test_a_refusal_with_a_good_status_is_no_answer() -> None:
    for body in ({"Message": "Geen idee."}, {"Message": "Nee.", "ExceptionMessage": "Geen idee."}):
        assert error_of(read, httpx.Response(200, json=body)).facts["message"] == "Geen idee."
        assert isinstance(error_of(write, httpx.Response(200, json=body)), InDoubtError)
    own = {"ErrorMessage": "Geen idee."}
    assert error_of(write, httpx.Response(200, json=own)).facts["message"] == "Geen idee."


def test_a_failure_of_the_server_is_reported_in_its_own_words() -> None:
    body = {"Message": "An error has occurred.", "ExceptionMessage": "Timeout expired."}
    error = error_of(read, httpx.Response(500, json=body))
    assert isinstance(error, UnavailableError)
    assert (error.code, error.facts["message"]) == ("server_error", "Timeout expired.")
    assert isinstance(error_of(write, httpx.Response(500, json=body)), InDoubtError)


@pytest.mark.parametrize(
    ("message", "code", "kind"),
    [
        ("U hebt geen rechten om Artikelen te lezen.", "right_missing", AccessDeniedError),
        ("U bent niet bevoegd voor deze administratie.", "right_missing", AccessDeniedError),
        ("Geen toegang tot artikelen.", "right_missing", AccessDeniedError),
        ("Authorization has been denied for this request.", "right_missing", AccessDeniedError),
        ("De administratie is in gebruik door JAN.", "administration_locked", UnavailableError),
        ("De administratie KET is vergrendeld.", "administration_locked", UnavailableError),
        ("Filteren op veld COMMENT1 is niet toegestaan.", "read_refused", RejectedError),
        ("Veld RECHTSVORM bestaat niet.", "read_refused", RejectedError),
        ("Er is niets anders aan de hand.", "read_refused", RejectedError),
    ],
)
def test_only_a_refusal_that_speaks_of_rights_is_a_missing_right(
    message: str, code: str, kind: type[IntegrationError]
) -> None:
    error = error_of(read, httpx.Response(400, json={"ErrorMessage": message}))
    assert (type(error), error.code, error.facts["message"]) == (kind, code, message)


def test_a_write_into_a_locked_administration_waits() -> None:
    locked = httpx.Response(400, json={"ErrorMessage": "De administratie is in gebruik."})
    assert isinstance(error_of(write, locked), UnavailableError)


@pytest.mark.parametrize(
    "body",
    [
        b'{"ARTICLE": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"ARTICLE": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"ARTICLE": "text"}',
        b'{"ARTICLE": [1, 2]}',
        b'{"ARTICLE": [' + b"{}," * MAX_PARTS + b"{}]}",
        b'{"ARTICLE": [{"PX_SELL": [' + b"0," * (MAX_VALUES + 1) + b"0]}]}",
    ],
    ids=["lists", "objects", "text", "numbers", "parts", "values"],
)
def test_an_answer_that_no_database_gives_cannot_be_read(body: bytes) -> None:
    for status in (200, 400):
        error = error_of(read, httpx.Response(status, content=body))
        assert isinstance(error, MalformedAnswerError | RejectedError)
    assert error.code in {"answer_unreadable", "request_refused"}


@pytest.mark.parametrize(
    "digits", ["9" * 1_000_000, "0." + "3" * 1_000_000, "1e999999999", "1e-999999999", "NaN", "-Infinity"]
)
def test_a_number_that_no_database_keeps_is_a_text_that_is_none(digits: str) -> None:
    body = f'{{"ARTICLE": [{{"PX_SELL": {digits}}}]}}'.encode()
    value = an_accountview(lambda _: httpx.Response(200, content=body)).client.page(ARTICLES)[0]["PX_SELL"]
    assert isinstance(value, str)
    assert len(value) <= LONGEST_NUMBER + 1
    assert number_or_none(value, 4) is None


def test_a_number_of_the_database_is_read() -> None:
    row = {"PX_SELL": int("9" * LONGEST_NUMBER)}
    assert read(an_accountview(lambda _: httpx.Response(200, json={"ARTICLE": [row]}))) == [row]


PRICED = [{"ART_CODE": f"100{place}", "PX_SELL": 16.53, "VAT_CODE": "2", "QTY_AVAIL": 4} for place in (1, 2, 3)]


def article_batch(rows: list[str], table: str = "ARTICLE") -> Batch:
    """Return the articles of an answer with these rows, as they come on the wire."""
    source = an_accountview(lambda _: httpx.Response(200, content=body_of(rows, table)), article={"changed": ""})
    return source.extract(Kind.ARTICLE)


def body_of(rows: list[str], table: str = "ARTICLE") -> bytes:
    return f'{{"{table}": [{", ".join(rows)}]}}'.encode()


@pytest.mark.parametrize("name", ["PX_SELL", "px_sell", "Px.Sell", "WEIGHT", "weight"])
@pytest.mark.parametrize("value", ["1.0", "16.53", "null", '"x"'])
def test_a_record_with_a_column_twice_is_set_apart(name: str, value: str) -> None:
    rows = [json.dumps({**row, "WEIGHT": 3}) for row in PRICED]
    rows[1] = f'{rows[1][:-1]}, "{name}": {value}}}'
    first, second, third = article_batch(rows).records
    assert (first.values["price"], third.values["price"]) == (Decimal("16.53"), Decimal("16.53"))
    assert isinstance(second, Unreadable)
    assert (second.key, second.field) == ("1002", name.upper().replace(".", "_"))


@pytest.mark.parametrize("name", ["PX_SELL", "px_sell"])
def test_a_column_twice_in_every_row_stops_the_run(name: str) -> None:
    rows = [f'{json.dumps(row)[:-1]}, "{name}": 1.0}}' for row in PRICED]
    with pytest.raises(MalformedAnswerError, match="column_repeated") as caught:
        article_batch(rows)
    assert caught.value.facts["field"] == "PX_SELL"


@pytest.mark.parametrize("name", ["ART_CODE", "art_code", "Art.Code"])
@pytest.mark.parametrize("value", ["1001", "1002", "9999", ""])
def test_a_record_with_its_key_twice_is_set_apart_and_has_no_key(name: str, value: str) -> None:
    rows = list(map(json.dumps, PRICED))
    rows[1] = f'{rows[1][:-1]}, "{name}": "{value}"}}'
    first, second, third = article_batch(rows).records
    assert (first.key, third.key) == ("1001", "1003")
    assert isinstance(second, Unreadable)
    assert (second.nameless, second.field, second.raw_value) == (True, "ART_CODE", f"1002, {value}")

    books = an_accountview(lambda _: httpx.Response(200, content=body_of(rows)), article={"changed": ""})
    page = books.extract_unparsed(Kind.ARTICLE)
    assert page is not None
    assert [key for key, _ in page.hashes] == ["1001", "1003"]
    assert [record.key for record in page.parse(())] == ["1001", second.key, "1003"]


def test_a_searched_record_with_its_key_twice_is_set_apart_under_the_key_that_was_searched() -> None:
    rows = list(map(json.dumps, PRICED))
    rows[1] = f'{rows[1][:-1]}, "art_code": "1001"}}'
    codes = ["1001", "1002", "1003"]

    def answer(request: httpx.Request) -> httpx.Response:
        wanted_rows = [row for code, row in zip(codes, rows, strict=True) if code in str(request.url)]
        return httpx.Response(200, content=body_of(wanted_rows))

    books = an_accountview(answer, article={"changed": ""})
    records = {record.key: isinstance(record, Unreadable) for record in books.fetch(Kind.ARTICLE, codes)}
    assert records == {"1001": False, "1002": True, "1003": False}


@pytest.mark.parametrize("name", ["ARTICLE", "article"])
def test_a_table_twice_stops_the_run(name: str) -> None:
    row = json.dumps(PRICED[0])
    with pytest.raises(MalformedAnswerError):
        article_batch([f'{row}], "{name}": [{json.dumps(PRICED[1])}'])


def test_a_column_twice_in_the_answer_to_a_write_leaves_the_write_in_doubt() -> None:
    body = b'{"ARTICLE": [{"ART_CODE": "1", "art_code": "2"}]}'
    error = error_of(write, httpx.Response(200, content=body))
    assert isinstance(error, InDoubtError)

"""The conversation with the till, answer by answer: the result of each for a read and for a write."""

import logging
import traceback
from collections.abc import Callable
from urllib.parse import parse_qs, quote

import httpx
import pytest
from lxml import etree
from pydantic import SecretStr, ValidationError

from integration.connectors.answer import MAX_PARTS
from integration.connectors.http import Gateway
from integration.connectors.mplus.client import SOAP, Client, interface_contract, qualified
from integration.connectors.mplus.settings import MplusSettings
from integration.core.errors import (
    AccessDeniedError,
    ConnectorError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from tests.connectors.canned import Canned

SECRET = "s3cr&t <ö>/+token"
IDENT = "kassa+1 & co"
SETTINGS = MplusSettings(
    url="http://127.0.0.1:18083/", ident=IDENT, secret=SecretStr(SECRET), per_second=10_000, attempts=4
)
OPEN = f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:ns="urn:mplusqapi"><SOAP-ENV:Body>'
CLOSE = "</SOAP-ENV:Body></SOAP-ENV:Envelope>"


def a_client(*answers: httpx.Response) -> tuple[Client, list[httpx.Request]]:
    """Return a client whose till gives these answers in turn, the last one for ever, and the requests it gets."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        response = answers[min(len(requests), len(answers)) - 1]
        return httpx.Response(response.status_code, content=response.content, headers=response.headers)

    gateway = Gateway(
        system="MplusKASSA",
        host_shown=SETTINGS.host_shown,
        limits=SETTINGS.limits,
        secrets=(SECRET, IDENT),
        transport=Canned(answer),
    )
    return Client(SETTINGS, gateway), requests


def xml(body: str, status: int = 200) -> httpx.Response:
    """Return an envelope round this body."""
    return httpx.Response(status, content=(OPEN + body + CLOSE).encode(), headers={"Content-Type": "text/xml"})


NOT_THERE = "Method 'ns:getJournals' not implemented: method name or namespace not recognized"  # as gSOAP says it


def fault(code: str, message: str = "no", status: int = 500) -> httpx.Response:
    """Return a fault; its elements are in no namespace."""
    return xml(
        f"<SOAP-ENV:Fault><faultcode>{code}</faultcode><faultstring>{message}</faultstring></SOAP-ENV:Fault>", status
    )


def result(code: str, message: str = "") -> httpx.Response:
    """Return the answer to an update of a product."""
    return xml(
        f"<ns:UpdateProductResponse><ns:result>UPDATE-PRODUCT-RESULT-{code}</ns:result>"
        f"<ns:errorMessage>{message}</ns:errorMessage></ns:UpdateProductResponse>"
    )


PRODUCTS = xml("<ns:GetProductsResponse><ns:productList/></ns:GetProductsResponse>")
HTML = httpx.Response(200, text="<!DOCTYPE html><html><body><h1>Onderhoud</h1></body></html>")
GARBAGE = httpx.Response(200, content=b"\x00\xff{<]not an answer")
HALF = httpx.Response(200, content=PRODUCTS.content[:-30])
OTHER = xml("<ns:getproductsresponse/>")
DOCTYPE = httpx.Response(
    200, content=b'<!DOCTYPE a [<!ENTITY e "x">]>' + PRODUCTS.content.replace(b"<ns:productList/>", b"&e;")
)


def read(client: Client) -> etree._Element:
    """Ask for products."""
    return client.read("getProducts", request={"pluNumbers": {}})


def write(client: Client) -> etree._Element:
    """Update a product."""
    return client.write("updateProduct", product={"productNumber": 5001})


def error_and_call_count(act: Callable[[Client], object], *answers: httpx.Response) -> tuple[IntegrationError, int]:
    """Return the error in which a call ends, and how often it was sent."""
    client, requests = a_client(*answers)
    with pytest.raises(IntegrationError) as caught:
        act(client)
    return caught.value, len(requests)


def test_credentials_are_percent_encoded_in_the_address_and_nowhere_else() -> None:
    client, requests = a_client(PRODUCTS)
    read(client)
    query = requests[0].url.query.decode()
    assert parse_qs(query, strict_parsing=True) == {"ident": [IDENT], "secret": [SECRET]}
    assert "+" not in query
    assert SECRET not in requests[0].content.decode()


def test_a_request_is_soap_1_1_in_utf_8_and_names_its_operation() -> None:
    client, requests = a_client(PRODUCTS)
    read(client)
    assert requests[0].method == "POST"
    assert requests[0].headers["content-type"] == "text/xml; charset=utf-8"
    assert requests[0].headers["soapaction"] == "getProducts"
    assert etree.fromstring(requests[0].content).tag == f"{{{SOAP}}}Envelope"


def test_the_probe_is_a_bare_get_without_credentials() -> None:
    client, requests = a_client(httpx.Response(405))
    assert client.probe() == 405
    assert (requests[0].method, requests[0].url.query) == ("GET", b"")


def test_elements_we_do_not_know_are_read_over() -> None:
    client, _ = a_client(
        xml("<ns:GetProductsResponse><ns:productList><ns:new/></ns:productList><ns:x/></ns:GetProductsResponse>")
    )
    assert read(client).tag == qualified("GetProductsResponse")


@pytest.mark.parametrize("unusable", [HTML, GARBAGE, HALF, OTHER, fault("SOAP-ENV:Server")])
def test_a_read_with_an_unusable_answer_is_asked_again(unusable: httpx.Response) -> None:
    client, requests = a_client(unusable, PRODUCTS)
    assert read(client).tag == qualified("GetProductsResponse")
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "code", "times"),
    [
        (HTML, MalformedAnswerError, "answer_unreadable", 3),
        (GARBAGE, MalformedAnswerError, "answer_unreadable", 3),
        (OTHER, MalformedAnswerError, "answer_unreadable", 3),
        (DOCTYPE, MalformedAnswerError, "answer_unreadable", 3),
        (HALF, UnavailableError, "answer_incomplete", 3),
        (fault("SOAP-ENV:Server", "vol"), UnavailableError, "server_error", 3),
        (httpx.Response(500, text="oops"), UnavailableError, "server_error", 3),
        (httpx.Response(503), UnavailableError, "service_unavailable", 4),
        (httpx.Response(404), MalformedAnswerError, "address_not_api", 1),
        (httpx.Response(405), MalformedAnswerError, "address_not_api", 1),
        (httpx.Response(403), AccessDeniedError, "mplus_credentials_rejected", 1),
        (fault("SOAP-ENV:Client.Authentication"), AccessDeniedError, "mplus_credentials_rejected", 1),
        (fault("SOAP-ENV:Client"), RejectedError, "request_refused", 1),
        (fault("SOAP-ENV:Client", NOT_THERE), RejectedError, "operation_unknown", 1),
        (fault("SOAP-ENV:Server", "Method not implemented"), RejectedError, "operation_unknown", 1),
        (fault("SOAP-ENV:Server", "License module is missing"), RejectedError, "license_missing", 1),
        (fault("SOAP-ENV:Client", "No license"), RejectedError, "license_missing", 1),
        (httpx.Response(500, text="No license"), RejectedError, "license_missing", 1),
        (httpx.Response(200, text="License module is missing"), RejectedError, "license_missing", 1),
        (httpx.Response(400), RejectedError, "request_refused", 1),
    ],
)
def test_what_an_answer_to_a_read_amounts_to(
    answer: httpx.Response, kind: type[ConnectorError], code: str, times: int
) -> None:
    error, request_count = error_and_call_count(read, answer)
    assert (type(error), error.code, request_count) == (kind, code, times)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (HTML, InDoubtError, "timeout_after_sending_write"),
        (GARBAGE, InDoubtError, "timeout_after_sending_write"),
        (HALF, InDoubtError, "timeout_after_sending_write"),
        (OTHER, InDoubtError, "timeout_after_sending_write"),
        (xml("<ns:UpdateProductResponse/>"), InDoubtError, "timeout_after_sending_write"),
        (httpx.Response(404), InDoubtError, "timeout_after_sending_write"),
        (httpx.Response(500, text="oops"), InDoubtError, "timeout_after_sending_write"),
        (httpx.Response(429), InDoubtError, "too_many_requests"),
        (httpx.Response(503), InDoubtError, "service_unavailable"),
        (httpx.Response(413, html="<h1>Too Large</h1>"), RejectedError, "request_refused"),
        (fault("SOAP-ENV:Server"), InDoubtError, "server_error"),
        (fault("SOAP-ENV:Client.Authentication"), AccessDeniedError, "mplus_credentials_rejected"),
        (fault("Client", status=200), RejectedError, "request_refused"),
        (fault("SOAP-ENV:Server", "License module is missing"), RejectedError, "license_missing"),
        (fault("SOAP-ENV:Client", "Method not implemented"), RejectedError, "operation_unknown"),
        (result("FAILED", "Prijs ontbreekt"), RejectedError, "mplus_rejected"),
        (result("SOMETHING-NEW"), RejectedError, "mplus_rejected"),
        (result("NOT-FOUND"), RejectedError, "target_record_missing"),
        (result("NOT-ALLOWED"), RejectedError, "product_update_not_allowed"),
        (result("FAILED-ARTICLE-NUMBER-ALREADY-TAKEN"), RejectedError, "article_number_taken"),
    ],
)
def test_what_an_answer_to_a_write_amounts_to_and_it_is_sent_once(
    answer: httpx.Response, kind: type[ConnectorError], code: str
) -> None:
    error, request_count = error_and_call_count(write, answer, result("OK"))
    assert (type(error), error.code, request_count) == (kind, code, 1)


def test_a_refusal_tells_the_words_of_the_till() -> None:
    error, _ = error_and_call_count(write, result("FAILED", "Prijs ontbreekt"))
    assert error.facts["message"] == "Prijs ontbreekt"


@pytest.mark.parametrize("act", [read, write])
@pytest.mark.parametrize("message", ["License module is missing", "Method not implemented", "No license"])
def test_a_call_that_an_installation_does_not_have_is_reported_in_the_words_of_the_till(
    act: Callable[[Client], object], message: str
) -> None:
    for answer in (fault("SOAP-ENV:Server", message), httpx.Response(200, text=message)):
        assert error_and_call_count(act, answer)[0].facts["message"] == message


def test_a_refusal_without_words_tells_its_code() -> None:
    error, _ = error_and_call_count(write, result("FAILED"))
    assert error.facts["message"] == "UPDATE-PRODUCT-RESULT-FAILED"


@pytest.mark.parametrize("act", [read, write])
def test_no_error_tells_a_secret_even_when_the_till_repeats_it(
    act: Callable[[Client], object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"unknown {SECRET.replace('&', '&amp;').replace('<', '&lt;')} at ?secret={quote(SECRET, safe='')}"
    answers = [
        fault("SOAP-ENV:Client", echo), fault("SOAP-ENV:Server", echo), fault("SOAP-ENV:Client.Authentication", echo),
        result("FAILED", echo), httpx.Response(200, text=echo), httpx.Response(404, text=echo),
    ]  # fmt: skip
    texts = []
    for answer in answers:
        error, _ = error_and_call_count(act, answer)
        texts += [str(error), repr(error), *error.facts.values(), *traceback.format_exception(error)]
    texts += [caplog.text, repr(SETTINGS), str(SETTINGS)]
    for secret in (SECRET, quote(SECRET), quote(SECRET, safe="")):
        assert not any(secret in text for text in texts)


def test_a_request_that_does_not_fit_the_interface_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="pluNumbers"):
        interface_contract().message("getProducts", {"request": {}})


def test_answers_are_known_by_the_names_the_interface_gives_them() -> None:
    assert interface_contract().answer_name("getVatGroupList") == qualified("getVatGroupListResponse")
    assert interface_contract().answer_name("updateArticleGroup") == qualified("UpdateArticleGroupResponse")


@pytest.mark.parametrize(
    "url", ["http://api.mpluskassa.nl:1234/", "https://x?secret=1", "ftp://x", "https://u:p@x/", "api.mpluskassa.nl"]
)
def test_an_address_that_would_give_the_secret_away_is_no_setting(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MplusSettings(url=url, ident=IDENT, secret=SecretStr(SECRET))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("https://api.mpluskassa.nl:1234", "https://api.mpluskassa.nl:1234/"), ("http://localhost:1/x/", "http://localhost:1/x/")],
)  # fmt: skip
def test_an_address_ends_in_a_slash(address: str, expected: str) -> None:
    assert MplusSettings(url=address, ident=IDENT, secret=SecretStr(SECRET)).url == expected


# Values are what is written, and answers have an end


@pytest.mark.parametrize(
    "text",
    ["Fiets rood", "Fiets<!-- x --> rood", "<!-- x -->Fiets rood", "Fiets<![CDATA[ rood]]>", "Fiets<?x y?> rood",
     "<![CDATA[Fiets]]><!-- x --><![CDATA[ rood]]>"],
)  # fmt: skip
def test_what_is_no_part_of_a_value_neither_cuts_nor_changes_it(text: str) -> None:
    product = f"<ns:product><ns:description>{text}</ns:description></ns:product>"
    client, _ = a_client(
        xml(f"<ns:GetProductsResponse><ns:productList>{product}</ns:productList></ns:GetProductsResponse>")
    )
    (description,) = read(client).iter(qualified("description"))
    assert description.text == "Fiets rood"


@pytest.mark.parametrize("name", ["a", "productList"])
def test_an_answer_that_is_nested_without_end_cannot_be_read(name: str) -> None:
    deep = f"<ns:{name}>" * 100_000 + f"</ns:{name}>" * 100_000
    error, _ = error_and_call_count(read, xml(f"<ns:GetProductsResponse>{deep}</ns:GetProductsResponse>"))
    assert error.code == "answer_unreadable"


def test_an_answer_of_elements_or_attributes_without_end_is_not_read() -> None:
    attributes = "".join(f' a{number:x}=""' for number in range(1_000))
    for many in ("<a/>" * (MAX_PARTS + 1), f"<a{attributes}/>" * (MAX_PARTS // 1_000)):
        error, _ = error_and_call_count(read, xml(f"<ns:GetProductsResponse>{many}</ns:GetProductsResponse>"))
        assert error.code == "answer_unreadable"


def test_a_name_that_stands_for_much_is_not_filled_in() -> None:
    names = "".join(f'<!ENTITY e{place} "{f"&e{place - 1};" * 10}">' for place in range(1, 10))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "ha">{names}]>'.encode() + PRODUCTS.content.replace(
        b"<ns:productList/>", b'<ns:productList a="&e9;"/>'
    )
    for content in (bomb, bomb.decode().encode("utf-16")):
        assert error_and_call_count(read, httpx.Response(200, content=content))[0].code == "answer_unreadable"

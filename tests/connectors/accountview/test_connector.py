# ruff: noqa: TID251 - single answers of the client are given by httpx's own transport
"""AccountView: the contract against the sandbox, and what its habits and its troubles become."""

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stamina

from integration.connectors.accountview.client import Filter, Query
from integration.connectors.accountview.codec import (
    Cell,
    Document,
    Row,
    decode_article,
    decode_group,
    encode_document,
    flag,
    literal,
    stamp,
)
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import (
    AccountViewSettings,
    ArticleFields,
    BusinessObject,
    GroupFields,
    Objects,
)
from integration.connectors.http import Line, Pace, side_by_side
from integration.core.errors import (
    AccessDeniedError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from integration.core.records import Batch, FieldType, Kind
from integration.core.tokens import Token
from integration.sandbox.accountview.access import LIMITED_REFRESH_TOKEN
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from integration.services.sandbox import WAREHOUSES as SANDBOX_WAREHOUSES
from tests.builders import accountview_settings
from tests.connectors.contract import SourceContract, Touch, pages
from tests.fakes import MemoryKeeper

URL = "https://av.example/api/v3"
NOW = datetime(2025, 3, 15, 12, 0, tzinfo=UTC)
CLIENT_SECRET = "planted-client-secret"
REFRESH = "planted-refresh-token"
ACCESS = "planted-access-token"
Answering = Callable[[httpx.Request], httpx.Response]

# What rows become


ROW: Row = {
    "ART_CODE": "TS-RED-M       ",
    "ART_DESC1": "T-shirt rood M   ",
    "PX_SELL": Decimal("16.5289"),
    "AG_CODE": "KLED",
    "VAT_CODE": "2",
    "REC_BLK": False,
    "CNG_DATE": "2025-03-10T16:02:44",
    "QTY_AVAIL": 14,
    "K1_EAN": "8712345678906",
    "EXT_KEY": 901,
    "WEIGHT": Decimal("0.125"),
    "IMG": "",
}


def test_columns_with_a_meaning_stand_under_our_names_and_others_under_their_own() -> None:
    record = decode_article(ROW, ArticleFields(ean="k1_ean"))
    assert record is not None
    assert (record.kind, record.key) == (Kind.ARTICLE, "TS-RED-M")
    assert dict(record.values) == {
        "code": "TS-RED-M",
        "name": "T-shirt rood M",
        "price": Decimal("16.5289"),
        "group": "KLED",
        "vat_code": "2",
        "unit": None,
        "blocked": False,
        "changed": date(2025, 3, 10),
        "ean": "8712345678906",
        "stock": Decimal("14.0000"),
        "EXT_KEY": Decimal(901),
        "WEIGHT": Decimal("0.125"),
        "IMG": None,
    }


def test_a_field_without_a_column_is_no_field() -> None:
    record = decode_article(ROW, ArticleFields(stock="", unit=""))
    assert record is not None
    assert not {"stock", "unit", "ean"} & set(record.values)


def test_a_row_without_a_code_is_no_article() -> None:
    assert decode_article({"ART_CODE": "  ", "ART_DESC1": "x"}, ArticleFields()) is None


def test_a_group_has_its_name_and_its_parent() -> None:
    group = decode_group({"AG_CODE": "SHIRT", "AG_DESC": "Shirts ", "UP": "KLED"}, GroupFields(parent="UP"))
    assert group is not None
    assert dict(group.values) == {"code": "SHIRT", "name": "Shirts", "parent": "KLED"}


@pytest.mark.parametrize("price", [None, "", "  ", "veel"])
def test_a_price_that_is_none_is_no_value(price: object) -> None:
    record = decode_article({**ROW, "PX_SELL": price}, ArticleFields())
    assert record is not None
    assert record.values["price"] is None


@pytest.mark.parametrize(
    ("wire", "moment"),
    [
        ("2025-03-10T16:02:44", "2025-03-10T16:02:44"),
        ("2025-03-10T16:02:44.120Z", "2025-03-10T16:02:44"),
        ("2025-03-10T16:02:44+01:00", "2025-03-10T16:02:44"),
        ("2025-03-10", "2025-03-10T00:00:00"),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00", None),
        ("gisteren", None),
    ],
)
def test_moments_come_in_three_shapes_and_no_zone_is_converted(wire: object, moment: str | None) -> None:
    assert stamp(wire) == moment


@pytest.mark.parametrize(
    ("wire", "meant"), [(True, True), ("True", True), (".T.", True), (False, False), (None, False), ("", False)]
)
def test_a_flag_comes_as_json_or_as_a_word(wire: object, meant: object) -> None:
    assert flag(wire) is meant


def test_a_filter_on_a_moment_is_a_strict_literal_in_braces() -> None:
    assert literal(datetime(2025, 3, 1, 7, 5, tzinfo=UTC)) == "{^2025-03-01 07:05:00}"


def test_a_document_travels_as_columns_and_rows_in_the_same_order() -> None:
    document = Document(
        {"SUB_NR": Cell("C", ""), "INV_DATE": Cell("T", date(2025, 3, 14))},
        {
            "SO_LINE": [
                {"ART_CODE": Cell("C", "A")},
                {"ART_CODE": Cell("C", "B"), "ART_PX": Cell("N", Decimal("19.99"))},
            ]
        },
    )
    body = encode_document(BusinessObject(code="SO1", table="SO_HDR"), document, date(2025, 3, 14))
    assert json.loads(json.dumps(body)) == {
        "BookDate": "2025-03-14T00:00:00.000Z",
        "BusinessObject": "SO1",
        "Table": {
            "Definition": {
                "Name": "SO_HDR",
                "Fields": [
                    {"Name": "RowId", "FieldType": "C"},
                    {"Name": "SUB_NR", "FieldType": "C"},
                    {"Name": "INV_DATE", "FieldType": "T"},
                ],
            },
            "DetailDefinitions": [
                {
                    "Name": "SO_LINE",
                    "Fields": [
                        {"Name": "RowId", "FieldType": "C"},
                        {"Name": "HeaderId", "FieldType": "C"},
                        {"Name": "ART_CODE", "FieldType": "C"},
                        {"Name": "ART_PX", "FieldType": "N"},
                    ],
                }
            ],
        },
        "TableData": {
            "Data": {"Rows": [{"Values": ["1", None, "2025-03-14T00:00:00.000Z"]}]},
            "DetailData": [{"Rows": [{"Values": ["1", "1", "A", None]}, {"Values": ["2", "1", "B", 19.99]}]}],
        },
    }


# What answers become


def a_token(access: str = ACCESS, life: timedelta = timedelta(hours=1)) -> Token:
    return Token(access, REFRESH, NOW + life)


def an_accountview(
    answering: Answering, keeper: MemoryKeeper | None = None, attempts: int = 1, **settings: object
) -> AccountView:
    given = {"url": URL, "client_id": "key", "client_secret": CLIENT_SECRET, "company": "7f3c", **settings}
    line = Line(
        system="AccountView",
        host_shown="av.example",
        pace=Pace(in_flight=1, per_second=10_000, attempts=attempts),
        secrets=[CLIENT_SECRET, ACCESS],
        transport=httpx.MockTransport(answering),
    )
    keeper = MemoryKeeper(a_token()) if keeper is None else keeper
    return AccountView(AccountViewSettings.model_validate(given), keeper, line=line, now=lambda: NOW)


def asked_for(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}


def answer_of(status: int = 200, **tables: object) -> Answering:
    return lambda _: httpx.Response(status, json=tables)


ARTICLES = Query(of=Objects().articles, sort=("ART_CODE",), size=10)
DOCUMENT = Document({"SUB_NR": Cell("C", "1")})


def read(accountview: AccountView) -> object:
    return accountview.client.page(ARTICLES)


def write(accountview: AccountView) -> object:
    return accountview.client.create(Objects().debtors, DOCUMENT, NOW.date())


@pytest.mark.parametrize("rows", [[{"art_code": "A"}], {"art_code": "A", "ARTICLE_Id": 0}])
def test_one_row_may_come_as_an_object(rows: object) -> None:
    assert read(an_accountview(answer_of(ARTICLE=rows))) == [{"ART_CODE": "A"}]


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, json={"ARTICLE": []}),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"ARTICLE": None}),
        httpx.Response(200),
        httpx.Response(404, json={"ErrorMessage": "Niet gevonden."}),
    ],
)
def test_nothing_found_comes_in_many_shapes(response: httpx.Response) -> None:
    assert read(an_accountview(lambda _: response)) == []


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


HTML = httpx.Response(200, html="<html>onderhoud</html>")
BROKEN = httpx.Response(200, content=b'{"ARTICLE": [')
NAN = httpx.Response(200, content=b'{"ARTICLE": [{"PX_SELL": NaN}]}')
LIST = httpx.Response(200, json=[])


@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize("response", [HTML, BROKEN, NAN, LIST])
def test_an_unreadable_answer_ends_a_read(response: httpx.Response, attempts: int) -> None:
    with pytest.raises(MalformedAnswerError, match="answer_unreadable"):
        read(an_accountview(lambda _: response, attempts=attempts))


@pytest.mark.parametrize("response", [HTML, BROKEN])
def test_an_answer_that_cannot_be_read_is_asked_for_again(response: httpx.Response) -> None:
    answers = iter((response, response, httpx.Response(200, json={"ARTICLE": [{"ART_CODE": "A"}]})))
    assert read(an_accountview(lambda _: next(answers), attempts=5)) == [{"ART_CODE": "A"}]


@pytest.mark.parametrize("response", [HTML, BROKEN, httpx.Response(500, json={"ErrorMessage": "?"})])
def test_an_unreadable_or_failed_answer_leaves_a_write_in_doubt(response: httpx.Response) -> None:
    with pytest.raises(InDoubtError):
        write(an_accountview(lambda _: response))


@pytest.mark.parametrize("status", [302, 404, 405])
def test_another_server_at_the_address_is_told_apart(status: int) -> None:
    with pytest.raises(MalformedAnswerError, match="address_not_api"):
        read(an_accountview(lambda _: httpx.Response(status, html="<html>welkom</html>")))


def test_a_failure_without_a_word_of_accountview_is_worth_another_try() -> None:
    with pytest.raises(UnavailableError, match="server_error"):
        read(an_accountview(lambda _: httpx.Response(500, text="oops")))


def test_a_request_without_reason_given_is_refused_as_not_understood() -> None:
    with pytest.raises(RejectedError, match="request_refused"):
        read(an_accountview(lambda _: httpx.Response(422, text="{}")))


def a_denial(companies: list[dict[str, str]]) -> Answering:
    def answering(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("companies"):
            return httpx.Response(200, json=companies)
        return httpx.Response(403)

    return answering


def test_a_denied_company_is_told_from_a_missing_right() -> None:
    with pytest.raises(AccessDeniedError, match="company_not_available: system=AccountView, company=7f3c"):
        read(an_accountview(a_denial([])))
    with pytest.raises(AccessDeniedError, match="right_missing: system=AccountView, object=AK1, action=read"):
        read(an_accountview(a_denial([{"Id": "7f3c", "Code": "KET", "Description": "De Ketting"}])))


def test_a_read_carries_the_company_the_day_and_the_page() -> None:
    seen: list[httpx.Request] = []

    def answering(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    read(an_accountview(answering))
    assert seen[0].headers["X-Company"] == "7f3c"
    assert seen[0].headers["Accept"] == "application/json"
    assert asked_for(seen[0]) == {
        "BusinessObject": "AK1",
        "PageSize": "10",
        "PageNumber": "1",
        "SortFields": "ART_CODE",
        "SortOrder": "Ascending",
        "BookDate": "2025-03-15",
    }


# The log-in


class Login:
    """A token address that rotates: each refresh token is worth one pair. Other calls want the newest access token."""

    def __init__(self, refresh: str = REFRESH) -> None:
        self.refresh = refresh
        self.access = ""
        self.forms: list[dict[str, str]] = []
        self.number = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/token"):
            known = request.headers["Authorization"] == f"Bearer {self.access}"
            return httpx.Response(200, json={"ARTICLE": []}) if known else httpx.Response(401)
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.forms.append(form)
        if form.get("refresh_token", self.refresh) != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.number += 1
        self.access, self.refresh = f"at-{self.number}", f"rt-{self.number}"
        pair = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600}
        return httpx.Response(200, json=pair)


def test_the_first_pair_comes_from_the_configured_refresh_token_and_is_kept() -> None:
    keeper = MemoryKeeper()
    read(an_accountview(Login(), keeper, refresh_token=REFRESH))
    assert keeper.saved == [Token("at-1", "rt-1", NOW + timedelta(hours=1))]


def test_a_pair_that_ends_soon_is_renewed_before_it_is_used() -> None:
    login, keeper = Login(), MemoryKeeper(a_token("old", timedelta(seconds=30)))
    read(an_accountview(login, keeper))
    assert login.number == 1
    assert keeper.saved[-1].access == "at-1"


def test_a_pair_refused_early_is_renewed_once_and_the_call_repeated() -> None:
    login, keeper = Login(), MemoryKeeper(a_token("thought good"))
    accountview = an_accountview(login, keeper)
    read(accountview)
    read(accountview)
    assert login.number == 1


def test_a_pair_another_process_got_meanwhile_is_used() -> None:
    login, keeper = Login(), MemoryKeeper(a_token("old"))
    accountview = an_accountview(login, keeper)
    read(accountview)
    login.access = "at-elsewhere"
    with keeper.alone():
        keeper.save(a_token("at-elsewhere"))
    read(accountview)
    assert login.number == 1


def test_a_refused_refresh_asks_for_a_person() -> None:
    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        read(an_accountview(Login("another"), MemoryKeeper(a_token("old", timedelta(0)))))


def test_no_log_in_at_all_asks_for_a_person() -> None:
    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        read(an_accountview(Login(), MemoryKeeper()))


def test_a_configured_refresh_token_replaces_a_kept_one_that_is_refused() -> None:
    keeper = MemoryKeeper(replace(a_token("old", timedelta(0)), refresh="used up"))
    read(an_accountview(Login(), keeper, refresh_token=REFRESH))
    assert keeper.saved[-1].refresh == "rt-1"


def test_access_refused_after_a_renewal_asks_for_a_person() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "at", "expires_in": "no number"})
        return httpx.Response(401)

    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        read(an_accountview(answering))


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.ReadTimeout("lost"), UnavailableError),
        (httpx.Response(503), UnavailableError),
        (httpx.Response(500), UnavailableError),
        (httpx.Response(200, html="<html>"), MalformedAnswerError),
        (httpx.Response(200, json=["?"]), MalformedAnswerError),
        (httpx.Response(200, json={"error": "invalid_grant"}), AccessDeniedError),
        (httpx.Response(404), MalformedAnswerError),
    ],
)
def test_trouble_with_the_log_in_never_leaves_a_write_in_doubt(
    trouble: httpx.Response | Exception, error: type[IntegrationError]
) -> None:
    def answering(_: httpx.Request) -> httpx.Response:
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    with pytest.raises(error):
        write(an_accountview(answering, MemoryKeeper(), refresh_token=REFRESH))


def test_a_person_is_sent_to_the_log_in_page_and_comes_back_with_a_code() -> None:
    login, keeper = Login(), MemoryKeeper()
    accountview = an_accountview(login, keeper)
    address = urlsplit(accountview.client.login.authorize_address("state 1", "https://console.example/back"))
    assert parse_qs(address.query) == {
        "response_type": ["code"],
        "client_id": ["key"],
        "redirect_uri": ["https://console.example/back"],
        "scope": ["readaccountviewdata updateaccountviewdata"],
        "state": ["state 1"],
    }
    accountview.client.login.exchange("Zk3aQ9", "https://console.example/back")
    assert login.forms[0]["grant_type"] == "authorization_code"
    assert login.forms[0]["code"] == "Zk3aQ9"
    assert keeper.saved[-1].access == "at-1"


def test_no_secret_is_in_an_error_whatever_accountview_echoes() -> None:
    echo = f"Geen toegang met {ACCESS} en {CLIENT_SECRET}"
    accountview = an_accountview(answer_of(ErrorMessage=echo))
    with pytest.raises(RejectedError) as caught:
        read(accountview)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts) + repr(accountview.settings)
    for secret in (ACCESS, CLIENT_SECRET, REFRESH):
        assert secret not in told


# What the connector makes of it


class Books:
    """A data address over articles in memory, for single questions of paging."""

    def __init__(self, *codes: str, turns_pages: bool = True, stamp: str = "2025-03-10T16:02:44") -> None:
        self.codes = codes
        self.turns_pages = turns_pages
        self.stamp = stamp
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = asked_for(request)
        self.asked.append(asked)
        size = int(asked["PageSize"])
        start = (int(asked.get("PageNumber", 1)) - 1) * size if self.turns_pages else 0
        if "lastKey" in asked:
            start = self.codes.index(asked["lastKey"]) + 1
        rows = [{"ART_CODE": code, "CNG_DATE": self.stamp} for code in self.codes[start : start + size]]
        return httpx.Response(200, json={"ARTICLE": rows})


def extracted(accountview: AccountView, since: str | None = None) -> list[str]:
    batch = accountview.extract(Kind.ARTICLE, since)
    found = [record.key for record in batch.records]
    while batch.after is not None:
        batch = accountview.extract(Kind.ARTICLE, since, batch.after)
        found += [record.key for record in batch.records]
    return found


@pytest.mark.parametrize("strategy", ["number", "last_key"])
def test_both_ways_of_turning_pages_find_everything(strategy: str) -> None:
    books = Books("A", "B", "C", "D", "E")
    assert extracted(an_accountview(books, page_size=2, page_strategy=strategy)) == ["A", "B", "C", "D", "E"]
    assert ("lastKey" in books.asked[-1]) is (strategy == "last_key")


def test_a_server_that_does_not_turn_the_page_ends_the_extract() -> None:
    with pytest.raises(MalformedAnswerError, match="answer_incomplete"):
        extracted(an_accountview(Books("A", "B", "C", turns_pages=False), page_size=2))


def test_an_incremental_extract_asks_for_stamps_with_an_overlap() -> None:
    books = Books("A")
    extracted(an_accountview(books, overlap_seconds=60), since="2025-03-01T10:00:30")
    assert books.asked[-1]["FilterControlSource1"] == "CNG_DATE"
    assert books.asked[-1]["FilterOperator1"] == "DateOnOrAfterDate"
    assert books.asked[-1]["FilterValueType1"] == "T"
    assert books.asked[-1]["FilterValue1"] == "{^2025-03-01 09:59:30}"


def test_a_stamp_from_the_future_does_not_hide_what_changes_until_then() -> None:
    batch = an_accountview(Books("A", stamp="2099-01-01T00:00:00")).extract(Kind.ARTICLE)
    assert batch.stamp == "2025-03-15T13:00:00"  # noon UTC where the books are kept


def test_the_stamp_is_from_before_the_first_page() -> None:
    books = Books("A", "B", "C", stamp="2025-03-10T16:02:44")
    accountview = an_accountview(books, page_size=2)
    first = accountview.extract(Kind.ARTICLE)
    books.stamp = "2025-03-10T16:30:00"
    assert accountview.extract(Kind.ARTICLE, None, first.after).stamp == "2025-03-10T16:02:44"


def test_without_stamps_everything_is_read_every_time() -> None:
    books = Books("A", "B")
    accountview = an_accountview(books, article={"changed": ""})
    assert extracted(accountview, since="2025-03-01T10:00:30") == ["A", "B"]
    assert "FilterValue1" not in books.asked[-1]


def test_a_fetch_looks_itself_since_equal_may_compare_beginnings() -> None:
    found = an_accountview(Books("TS", "TS-RED", "TS-BLUE")).fetch(Kind.ARTICLE, ["ts", "ts-green"])
    assert [record.key for record in found] == ["TS"]


def test_a_fetch_that_fails_says_so() -> None:
    with pytest.raises(RejectedError):
        an_accountview(answer_of(ErrorMessage="nee")).fetch(Kind.ARTICLE, ["A", "B"])


def test_products_are_no_kind_of_accountview() -> None:
    with pytest.raises(RejectedError):
        an_accountview(answer_of()).extract(Kind.PRODUCT)


# Against the sandbox


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture(scope="module")
def shared_keeper() -> MemoryKeeper:
    """The log-in at the shared sandbox; a refresh token is worth one pair only."""
    return MemoryKeeper()


Connect = Callable[..., AccountView]


@pytest.fixture
def connect(shared_sandbox: Sandbox, shared_keeper: MemoryKeeper) -> Iterator[Connect]:
    """Connections to the shared sandbox, or to another one, with changed settings; closed afterwards."""
    made: list[AccountView] = []

    def connecting(other: Sandbox | None = None, keeper: MemoryKeeper | None = None, **changed: object) -> AccountView:
        keeper = keeper or (MemoryKeeper() if other else shared_keeper)
        made.append(AccountView(accountview_settings(other or shared_sandbox, **changed), keeper))
        return made[-1]

    yield connecting
    for one in made:
        one.close()


class TestAccountViewAsSource(SourceContract):
    @pytest.fixture(params=["number", "last_key"])
    def connector(self, connect: Connect, request: pytest.FixtureRequest) -> AccountView:
        return connect(page_strategy=request.param, overlap_seconds=0)

    @pytest.fixture
    def touch(self, shared_sandbox: Sandbox) -> Touch:
        return lambda key: shared_sandbox.accountview.edit("ARTICLE", key, {"ART_DESC1": "Anders"})


@pytest.fixture
def accountview(connect: Connect) -> AccountView:
    return connect()


def test_every_article_of_the_shop_arrives_with_its_price_to_four_decimals(
    accountview: AccountView, shared_sandbox: Sandbox
) -> None:
    found = {
        record.key: record.values["price"] for batch in pages(accountview, Kind.ARTICLE) for record in batch.records
    }
    assert found == {article.code.upper(): article.price_excl for article in shared_sandbox.shop.articles}


@pytest.mark.parametrize(
    "conventions",
    [
        Conventions(padded_text=True),
        Conventions(one_row_as_object=True),
        Conventions(no_hit="absent"),
        Conventions(no_hit="not_found"),
        Conventions(equal_is_prefix=True),
    ],
    ids=["padded text", "one row as object", "table absent", "404 when nothing found", "equal is a prefix"],
)
def test_what_the_sources_leave_open_makes_no_difference(conventions: Conventions, connect: Connect) -> None:
    with running(articles=60, conventions=conventions) as other:
        accountview = connect(other)
        found = [record for batch in pages(accountview, Kind.ARTICLE) for record in batch.records]
        assert [record.key for record in found] == sorted(article.code.upper() for article in other.shop.articles)
        assert accountview.fetch(Kind.ARTICLE, [found[0].key, "none"]) == [found[0]]
        assert all(finding.ok for finding in accountview.check())


def test_choices_come_from_the_administration(accountview: AccountView) -> None:
    assert accountview.choices("vat_rates")["1"] == "21.00"
    assert accountview.choices("vat_codes")["1"] == "BTW hoog (21 %)"
    assert accountview.choices("ledgers")["1300"]
    assert accountview.choices("companies")["7f3c"] == "Fietsenwinkel De Ketting B.V. (KETTING)"
    assert accountview.choices("article_fields")["K9_EAN"] == "EAN-barcode"
    assert accountview.choices("branches") == {}


def test_fields_have_captions_lengths_and_types_from_the_dictionary(accountview: AccountView) -> None:
    fields = {field.name: field for field in accountview.fields(Kind.ARTICLE)}
    assert (fields["name"].caption, fields["name"].length, fields["name"].wire) == ("Omschrijving", 40, "ART_DESC1")
    assert fields["price"].type is FieldType.MONEY
    assert fields["blocked"].type is FieldType.FLAG
    assert fields["K9_EAN"].custom
    assert "ART_DESC1" not in fields


def test_columns_are_proposed_by_their_captions(accountview: AccountView) -> None:
    assert accountview.propose_fields() == {
        Kind.ARTICLE: {
            "ean": "K9_EAN",
            "text": "K9_TEXT",
            "parent": "K9_PARENT",
            "colour": "K9_COLOUR",
            "size": "K9_SIZE",
            "currency": "CUR_CODE",
        },
        Kind.GROUP: {"parent": "K9_PARENT"},
    }


def test_a_person_logs_in_on_the_page_of_accountview(connect: Connect) -> None:
    accountview = connect(keeper=MemoryKeeper(), refresh_token=None)
    back = "http://127.0.0.1:9/back"
    address = urlsplit(accountview.client.login.authorize_address("s1", back))
    form = {name: values[0] for name, values in parse_qs(address.query).items()}
    sent = httpx.post(address._replace(query="").geturl(), data={**form, "answer": "allow"})
    returned = parse_qs(urlsplit(sent.headers["location"]).query)
    assert returned["state"] == ["s1"]
    accountview.client.login.exchange(returned["code"][0], back)
    assert accountview.client.companies()


def check_of(accountview: AccountView) -> tuple[str, str, Mapping[str, str]]:
    """Return the name, cause and facts of the first finding that is wrong; all before it are well, no other look is."""
    findings = accountview.check()
    wrong = next(place for place, finding in enumerate(findings) if not finding.ok)
    assert all(finding.ok for finding in findings[:wrong])
    assert all(finding.ok is None for finding in findings[wrong + 1 :] if finding.name != findings[wrong].name)
    return findings[wrong].name, findings[wrong].cause, findings[wrong].facts


def test_the_check_names_what_was_found(accountview: AccountView) -> None:
    found = {finding.name: finding.about for finding in accountview.check()}
    assert list(found) == ["host", "certificate", "credentials", "company", "rights", "fields"]
    assert found["company"] == "Fietsenwinkel De Ketting B.V."


@pytest.mark.parametrize(
    ("changed", "name", "cause", "facts"),
    [
        ({"url": "http://no-such-host.invalid/api/v3"}, "host", "host_unknown", {"host": "no-such-host.invalid"}),
        ({"url": "http://127.0.0.1:1/api/v3"}, "host", "connection_refused", {"host": "127.0.0.1"}),
        ({"company": "0000"}, "company", "company_not_available", {"company": "0000"}),
        ({"company": ""}, "company", "company_not_available", {}),
        (
            {"objects": {"vat": {"code": "VX9", "table": "VAT"}}},
            "rights",
            "object_missing",
            {"object": "VX9", "flow": "products"},
        ),
        ({"article": {"ean": "K1_EAN"}}, "fields", "flow_field_unknown", {"field": "K1_EAN", "flow": "products"}),
        ({"group": {"name": "AG_NAAM"}}, "fields", "flow_field_unknown", {"field": "AG_NAAM"}),
    ],
)
def test_the_check_stops_at_what_is_wrong_and_says_why(
    connect: Connect,
    changed: Mapping[str, object],
    name: str,
    cause: str,
    facts: Mapping[str, str],
) -> None:
    found = check_of(connect(**changed))
    assert found[:2] == (name, cause)
    assert facts.items() <= found[2].items()


def test_the_check_finds_a_wrong_client_secret(connect: Connect) -> None:
    wrong = connect(keeper=MemoryKeeper(), client_secret="wrong")
    assert check_of(wrong)[:2] == ("credentials", "accountview_login_needed")


def test_the_check_finds_what_the_user_may_not_read(connect: Connect) -> None:
    limited = connect(keeper=MemoryKeeper(), refresh_token=LIMITED_REFRESH_TOKEN)
    name, cause, facts = check_of(limited)
    assert (name, cause, facts["object"], facts["action"]) == ("rights", "right_missing", "AK1", "read")


def test_the_check_finds_that_something_else_answers(connect: Connect, shared_sandbox: Sandbox) -> None:
    elsewhere = shared_sandbox.accountview_url.replace("/api/v3", "/webshop")
    assert check_of(connect(url=elsewhere))[:2] == ("host", "address_not_api")


def test_a_default_column_may_be_absent_and_a_column_named_in_the_settings_may_not(connect: Connect) -> None:
    with running(articles=60, renamed={"ARTICLE.VAT_CODE": "BTW"}) as other:
        keeper = MemoryKeeper()
        assert all(finding.ok for finding in connect(other, keeper).check())
        named = check_of(connect(other, keeper, article={"vat_code": "VAT_CODE"}))
        assert named[:2] == ("fields", "flow_field_unknown")


@pytest.mark.parametrize(
    ("renamed", "missing"),
    [
        ({"ARTICLE.ART_CODE": "CODE"}, [("ARTICLE", "ART_CODE", "products")]),
        ({"ART_GRP.AG_CODE": "GRP"}, [("ART_GRP", "AG_CODE", "products")]),
        (
            {"VAT.VAT_CODE": "BTW", "VAT.VAT_PCT": "PCT"},
            [("VAT", "VAT_CODE", "products"), ("VAT", "VAT_PCT", "products")],
        ),
        (
            {"AG_CODE": "GRP", "ARTICLE.PX_SELL": "PRIJS", "K9_STOCK.K9_QTY": "AANTAL"},
            [("ART_GRP", "AG_CODE", "products"), ("ARTICLE", "PX_SELL", "products"), ("ARTICLE", "AG_CODE", "products"),
             ("K9_STOCK", "K9_QTY", "stock")],
        ),
    ],
    ids=["article code", "group code", "VAT", "several"],
)  # fmt: skip
def test_every_field_the_dictionary_does_not_have_is_named_with_its_flow_and_no_right_is_blamed(
    renamed: Mapping[str, str], missing: list[tuple[str, str, str]], connect: Connect
) -> None:
    with running(articles=60, renamed=renamed) as other:
        findings = connect(other, warehouses=SANDBOX_WAREHOUSES).check()

    wrong = [finding for finding in findings if not finding.ok]
    assert {(one.name, one.cause) for one in wrong} == {("fields", "flow_field_unknown")}
    assert [(one.facts["table"], one.facts["field"], one.facts["flow"]) for one in wrong] == missing


@pytest.mark.parametrize(
    "fault", ["too_many", "unavailable", "cut_before", "cut_after", "half", "garbage", "html", "expired"]
)
def test_a_read_survives_trouble_that_passes(fault: str, accountview: AccountView, shared_sandbox: Sandbox) -> None:
    accountview.extract(Kind.GROUP)
    shared_sandbox.switches.arm(fault, system="accountview", operation="AK1 GET")
    assert accountview.extract(Kind.ARTICLE).records
    assert shared_sandbox.switches.on() == []


def test_a_page_for_people_that_stays_in_place_of_rows_ends_the_extract(
    accountview: AccountView, shared_sandbox: Sandbox
) -> None:
    html = shared_sandbox.switches.armed("html", system="accountview", operation="AK1 GET", times=None)
    with html, pytest.raises(MalformedAnswerError):
        accountview.extract(Kind.ARTICLE)


def newest_call(sandbox: Sandbox) -> int:
    return max((call.number for call in sandbox.ledger.calls()), default=0)


def test_reading_writes_nothing(accountview: AccountView, shared_sandbox: Sandbox) -> None:
    start = newest_call(shared_sandbox)
    accountview.check()
    pages(accountview, Kind.ARTICLE)
    accountview.fetch(Kind.ARTICLE, ["10001"])
    assert shared_sandbox.ledger.calls(write=True, since=start) == []


def test_two_users_of_one_log_in_renew_it_one_after_the_other(connect: Connect, sandbox: Sandbox) -> None:
    keeper = MemoryKeeper()
    two = [connect(sandbox, keeper, in_flight=4) for _ in range(2)]
    found = side_by_side(lambda one: one.extract(Kind.GROUP), two * 4, 8)
    assert all(isinstance(batch, Batch) for batch in found)
    assert [call.operation for call in sandbox.ledger.calls() if call.operation == "token"] == ["token"]


def test_a_debtor_written_comes_back_with_its_number(accountview: AccountView) -> None:
    debtor = Document(
        {
            "ACCT_NR": Cell("C", "1300"),
            "ACCT_NAME": Cell("C", "Anna de Boer"),
            "SRC_CODE": Cell("C", "DEBOER"),
            "MAIL_BUS": Cell("C", "anna@voorbeeld.example"),
        }
    )
    objects = accountview.settings.objects
    made = accountview.client.create(objects.debtors, debtor, date(2026, 11, 25))
    number = str(made["CONTACT"][0]["SUB_NR"])
    accountview.client.update(
        objects.debtors,
        Document({"SUB_NR": Cell("C", number), "TEL_MOB": Cell("C", "0612345678")}),
        date(2026, 11, 25),
    )
    same = Filter("SUB_NR", "Equal", "C", number)
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

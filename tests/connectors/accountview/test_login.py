"""The log-in of a person, and the pair of tokens renewed from it."""

import traceback
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpcore
import httpx
import pytest

from integration.connectors.accountview.connector import AccountView
from integration.connectors.parallel import run_parallel
from integration.core.connections import Token
from integration.core.errors import (
    AccessDeniedError,
    IntegrationError,
    MalformedAnswerError,
    UnavailableError,
)
from integration.core.records import Batch, Kind
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.conversation import (
    ACCESS,
    CLIENT_SECRET,
    NOW,
    REFRESH,
    Connect,
    a_token,
    an_accountview,
    answer_of,
    read,
    write,
)
from tests.fakes import MemoryTokenStore

BACK = "http://127.0.0.1:9/back"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # the example of RFC 7636, appendix B


class Login:
    """A token address that rotates: each refresh token is worth one pair. Other calls want the newest access token."""

    def __init__(self, refresh: str = REFRESH) -> None:
        self.refresh = refresh
        self.access = ""
        self.forms: list[dict[str, str]] = []
        self.number = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/token"):
            is_valid = request.headers["Authorization"] == f"Bearer {self.access}"
            return httpx.Response(200, json={"ARTICLE": []}) if is_valid else httpx.Response(401)
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.forms.append(form)
        if form.get("refresh_token", self.refresh) != self.refresh:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.number += 1
        self.access, self.refresh = f"at-{self.number}", f"rt-{self.number}"
        pair = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600}
        return httpx.Response(200, json=pair)


def test_the_first_pair_comes_from_the_configured_refresh_token_and_is_stored() -> None:
    keeper = MemoryTokenStore()
    read(an_accountview(Login(), keeper, refresh_token=REFRESH))
    assert keeper.saved == [Token("at-1", "rt-1", NOW + timedelta(hours=1))]


def test_a_pair_that_ends_soon_is_renewed_before_it_is_used() -> None:
    login, keeper = Login(), MemoryTokenStore(a_token("old", timedelta(seconds=30)))
    read(an_accountview(login, keeper))
    assert login.number == 1
    assert keeper.saved[-1].access == "at-1"


def test_a_pair_refused_early_is_renewed_once_and_the_call_repeated() -> None:
    login, keeper = Login(), MemoryTokenStore(a_token("thought good"))
    accountview = an_accountview(login, keeper)
    read(accountview)
    read(accountview)
    assert login.number == 1


def test_a_pair_another_process_got_meanwhile_is_used() -> None:
    login, keeper = Login(), MemoryTokenStore(a_token("old"))
    accountview = an_accountview(login, keeper)
    read(accountview)
    login.access = "at-elsewhere"
    with keeper.refresh_lock():
        keeper.save(a_token("at-elsewhere"))
    read(accountview)
    assert login.number == 1


def test_a_refused_refresh_asks_for_a_person() -> None:
    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        read(an_accountview(Login("another"), MemoryTokenStore(a_token("old", timedelta(0)))))


def test_no_log_in_at_all_asks_for_a_person() -> None:
    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        read(an_accountview(Login(), MemoryTokenStore()))


def test_a_configured_refresh_token_replaces_a_kept_one_that_is_refused() -> None:
    keeper = MemoryTokenStore(replace(a_token("old", timedelta(0)), refresh="used up"))
    read(an_accountview(Login(), keeper, refresh_token=REFRESH))
    assert keeper.saved[-1].refresh == "rt-1"


def test_access_refused_after_a_renewal_asks_for_a_person() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "at", "expires_in": "no number"})
        return httpx.Response(401)

    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        read(an_accountview(answering))


@pytest.mark.parametrize("life", [1_760_000_000_000, 10**18, -1, 0, "nan", None, [], True])
def test_a_life_that_can_be_none_is_taken_for_not_reported(life: object) -> None:
    keeper = MemoryTokenStore(a_token(life=timedelta(0)))

    def answering(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "at", "expires_in": life})
        return httpx.Response(200, json={"ARTICLE": []})

    read(an_accountview(answering, keeper))
    assert keeper.saved[-1].expires_at == NOW + timedelta(seconds=600)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpcore.ReadTimeout("lost"), UnavailableError),
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
        write(an_accountview(answering, MemoryTokenStore(), refresh_token=REFRESH))


def test_a_person_is_sent_to_the_log_in_page_and_comes_back_with_a_code() -> None:
    login, keeper = Login(), MemoryTokenStore()
    accountview = an_accountview(login, keeper)
    address = urlsplit(accountview.client.login.authorize_address("state 1", "https://console.example/back", VERIFIER))
    assert parse_qs(address.query) == {
        "response_type": ["code"],
        "client_id": ["key"],
        "redirect_uri": ["https://console.example/back"],
        "scope": ["readaccountviewdata updateaccountviewdata"],
        "state": ["state 1"],
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"],
    }
    accountview.client.login.exchange("Zk3aQ9", "https://console.example/back", VERIFIER)
    assert login.forms[0]["code_verifier"] == VERIFIER
    assert login.forms[0]["grant_type"] == "authorization_code"
    assert login.forms[0]["code"] == "Zk3aQ9"
    assert keeper.saved[-1].access == "at-1"


def test_no_secret_is_in_an_error_whatever_accountview_echoes() -> None:
    echo = f"Geen toegang met {ACCESS} en {CLIENT_SECRET}"
    accountview = an_accountview(answer_of(ErrorMessage=echo))
    with pytest.raises(AccessDeniedError, match="right_missing") as caught:
        read(accountview)
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts) + repr(accountview.settings)
    for secret in (ACCESS, CLIENT_SECRET, REFRESH):
        assert secret not in text


def allow_access(accountview: AccountView) -> str:
    """Log in on the page of AccountView, and return the code that comes back."""
    address = urlsplit(accountview.client.login.authorize_address("s1", BACK, VERIFIER))
    form = {name: values[0] for name, values in parse_qs(address.query).items()}
    response = httpx.post(address._replace(query="").geturl(), data={**form, "answer": "allow"})
    returned = parse_qs(urlsplit(response.headers["location"]).query)
    assert returned["state"] == ["s1"]
    return returned["code"][0]


@pytest.mark.parametrize("challenges", [True, False])
def test_a_person_logs_in_on_the_page_of_accountview_whether_it_knows_challenges_or_not(
    connect: Connect, challenges: bool
) -> None:
    with running(articles=50, trades=False, conventions=Conventions(challenges=challenges)) as sandbox:
        accountview = connect(sandbox, MemoryTokenStore(), refresh_token=None)
        accountview.client.login.exchange(allow_access(accountview), BACK, VERIFIER)
        assert accountview.client.companies()


def test_a_code_is_worth_nothing_without_its_verifier(connect: Connect) -> None:
    accountview = connect(keeper=MemoryTokenStore(), refresh_token=None)
    with pytest.raises(AccessDeniedError, match="accountview_login_needed"):
        accountview.client.login.exchange(
            allow_access(accountview), BACK, "another verifier, of somebody else altogether"
        )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_that_leads_elsewhere_is_not_followed(status: int) -> None:
    hosts = []

    def leading_away(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(status, headers={"location": "https://elsewhere.example/api/v3/token"})

    for keeper in (MemoryTokenStore(), MemoryTokenStore(a_token("good"))):
        with pytest.raises(IntegrationError):
            read(an_accountview(leading_away, keeper, refresh_token=REFRESH))
    assert "elsewhere.example" not in hosts
    assert len(hosts) > 1


def test_two_users_of_one_log_in_renew_it_one_after_the_other(connect: Connect, sandbox: Sandbox) -> None:
    keeper = MemoryTokenStore()
    two = [connect(sandbox, keeper, in_flight=4) for _ in range(2)]
    batches = run_parallel(lambda connector: connector.extract(Kind.GROUP), two * 4, 8)
    assert all(isinstance(batch, Batch) for batch in batches)
    assert [call.operation for call in sandbox.ledger.calls() if call.operation == "token"] == ["token"]

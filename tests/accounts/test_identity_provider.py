"""Identities from a provider or a proxy, checked over the wire: a claim without proof is refused."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integration.accounts.identity_provider import IdentityProvider, LoginRequest, SigningKeys, SigningProxy
from integration.connectors.limits import NetworkRoute
from integration.core.errors import MalformedAnswerError, NotAllowedError, UnavailableError
from tests.provider import CLIENT, SECRET, OpenIdProvider, new_key, open_id_provider

BACK = "http://127.0.0.1:9/login/answer"


@pytest.fixture
def loopback_provider() -> Iterator[OpenIdProvider]:
    """A provider on loopback."""
    with open_id_provider() as running:
        yield running


@pytest.fixture
def provider(loopback_provider: OpenIdProvider) -> IdentityProvider:
    """The provider as the console knows it."""
    return IdentityProvider(loopback_provider.issuer, CLIENT, SECRET, lambda _: NetworkRoute())


def code_of(provider: IdentityProvider, request: LoginRequest, back: str = BACK) -> str:
    """Return the code with which a browser comes back."""
    answer = httpx.get(provider.address(back, request))
    parameters = parse_qs(urlsplit(answer.headers["location"]).query)
    assert parameters["state"] == [request.state]
    return parameters["code"][0]


def test_who_logged_in_is_known_by_issuer_and_subject_alone(
    loopback_provider: OpenIdProvider, provider: IdentityProvider
) -> None:
    request = LoginRequest()
    assert provider.exchange_code(BACK, code_of(provider, request), request)[:2] == (loopback_provider.issuer, "00u1")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["another", "and another"]},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"nonce": "of another log-in"},
        {"nonce": None},
        {"exp": int(time.time()) - 3_600},
        {"exp": None},
        {"nbf": int(time.time()) + 3_600},
        {"iat": int(time.time()) + 3_600},
        {"sub": None},
        {"sub": 17},
    ],
    ids="-".join,
)
def test_a_token_of_another_is_refused(
    loopback_provider: OpenIdProvider, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    loopback_provider.claims, request = claims, LoginRequest()
    with pytest.raises(NotAllowedError) as refused:
        provider.exchange_code(BACK, code_of(provider, request), request)
    assert (refused.value.code, refused.value.facts) == ("identity_unproven", {"host": "127.0.0.1"})


@pytest.mark.parametrize("forges", ["none", "public"])
def test_a_token_that_nobody_signed_is_refused(
    loopback_provider: OpenIdProvider, provider: IdentityProvider, forges: str
) -> None:
    loopback_provider.forges, request = forges, LoginRequest()
    with pytest.raises(NotAllowedError):
        provider.exchange_code(BACK, code_of(provider, request), request)


def test_a_key_that_was_rotated_is_refused_and_the_new_one_is_taken(
    loopback_provider: OpenIdProvider, provider: IdentityProvider
) -> None:
    loopback_provider.rotate()
    request = LoginRequest()
    with pytest.raises(NotAllowedError):
        provider.exchange_code(BACK, code_of(provider, request), request)
    loopback_provider.signs_with = loopback_provider.shows[0]
    request = LoginRequest()
    assert provider.exchange_code(BACK, code_of(provider, request), request)[1] == "00u1"


def test_a_code_of_another_browser_or_used_twice_is_refused(provider: IdentityProvider) -> None:
    request = LoginRequest()
    code = code_of(provider, request)
    with pytest.raises(NotAllowedError):
        provider.exchange_code(BACK, code, LoginRequest())  # without its verifier
    request = LoginRequest()
    code = code_of(provider, request)
    provider.exchange_code(BACK, code, request)
    with pytest.raises(NotAllowedError):
        provider.exchange_code(BACK, code, request)


def test_an_issuer_that_calls_itself_otherwise_is_another(
    loopback_provider: OpenIdProvider, provider: IdentityProvider
) -> None:
    loopback_provider.says = {"issuer": "https://id.example.com"}
    with pytest.raises(NotAllowedError):
        provider.address(BACK, LoginRequest())


def test_a_provider_that_is_away_or_says_nothing_of_use_is_reported(
    loopback_provider: OpenIdProvider, provider: IdentityProvider
) -> None:
    away = IdentityProvider("http://127.0.0.1:9", CLIENT, SECRET, lambda _: NetworkRoute())
    with pytest.raises(UnavailableError):
        away.address(BACK, LoginRequest())
    loopback_provider.says = {"authorization_endpoint": None}
    with pytest.raises(NotAllowedError):
        provider.address(BACK, LoginRequest())
    loopback_provider.says = {"jwks_uri": loopback_provider.issuer}
    request = LoginRequest()
    with pytest.raises((NotAllowedError, MalformedAnswerError)):
        provider.exchange_code(BACK, code_of(provider, request), request)


# ---- a proxy that signs


class Time:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Time:
    return Time()


@pytest.fixture
def proxy(loopback_provider: OpenIdProvider, seconds: Time) -> SigningProxy:
    """A proxy as the console knows it."""
    return SigningProxy(
        loopback_provider.issuer,
        CLIENT,
        "X-Proof",
        SigningKeys(f"{loopback_provider.issuer}/keys", lambda _: NetworkRoute(), seconds),
    )


def test_a_proxy_proves_for_whom_it_asks_and_its_keys_are_cached(
    loopback_provider: OpenIdProvider, proxy: SigningProxy
) -> None:
    for _ in range(5):
        assert proxy.verify(loopback_provider.token()) == (loopback_provider.issuer, "00u1")
    assert loopback_provider.key_request_count == 1


def test_what_a_proxy_did_not_sign_for_us_is_refused(
    loopback_provider: OpenIdProvider, proxy: SigningProxy, seconds: Time
) -> None:
    good = loopback_provider.token()
    forged = [
        "", "x", "a.b.c", "admin", loopback_provider.token("another"), good[:-6] + "AAAAAA", good.split(".")[0],
        f"{good.rpartition('.')[0]}.",
    ]  # fmt: skip
    for token in forged:
        with pytest.raises(NotAllowedError):
            proxy.verify(token)
    loopback_provider.signs_with = new_key()
    with pytest.raises(NotAllowedError):
        proxy.verify(loopback_provider.token())
    assert loopback_provider.key_request_count == 1  # however much is forged, keys are asked for once in a while
    seconds.now += 11
    with pytest.raises(NotAllowedError):
        proxy.verify(loopback_provider.token())
    assert loopback_provider.key_request_count == 2


def test_a_new_key_of_a_proxy_is_found_and_one_of_before_forgotten(
    loopback_provider: OpenIdProvider, proxy: SigningProxy, seconds: Time
) -> None:
    before = loopback_provider.token()
    assert proxy.verify(before)[1] == "00u1"
    loopback_provider.signs_with = new_key()
    loopback_provider.shows = [loopback_provider.signs_with]
    seconds.now += 11
    assert proxy.verify(loopback_provider.token())[1] == "00u1"
    with pytest.raises(NotAllowedError):
        proxy.verify(before)

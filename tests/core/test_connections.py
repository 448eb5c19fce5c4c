"""Addresses: valid ones, those that may receive a secret; and the visible part of a token."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.connections import LOOPBACK, Token, TokenStore, is_loopback, parse_address
from tests.fakes import MemoryTokenStore


@pytest.mark.parametrize(
    ("url", "place", "port"),
    [
        ("https://api.mpluskassa.nl:34562/", "https://api.mpluskassa.nl", 34562),
        (" http://127.0.0.1:9 ", "http://127.0.0.1", 9),
        ("https://kassa.example", "https://kassa.example", None),
        ("https://[::1]:8080/x", "https://[::1]", 8080),
        ("https://bücher.example/", "https://xn--bcher-kva.example", None),
    ],
)
def test_an_address_has_a_place_and_perhaps_a_port(url: str, place: str, port: int | None) -> None:
    address = parse_address(url)
    assert address is not None
    assert (address.place, address.port) == (place, port)
    assert parse_address(str(address)) == address


def test_one_system_is_distinguished_from_another_however_its_address_is_written() -> None:
    def spots(*urls: str) -> set[str]:
        return {address.canonical_address for url in urls if (address := parse_address(url)) is not None}

    assert spots("https://A.nl/api", "HTTPS://a.nl:443/api/", " https://a.nl/api ") == {"https://a.nl:443/api"}
    assert len(spots("https://a.nl", "http://a.nl", "https://a.nl:444", "https://b.nl", "https://a.nl/b")) == 5


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "kassa.example", "ftp://kassa.example", "https://", "https://:80/", "https://kassa.example:99999/",
        "https://kassa.example:x/", "https://kassa.example:-1/", "https://kassa.example:0/", "https://kas sa.example/",
        "https://kassa..example/", "https://[::1/", "https://kassa.example\n/", "https://kassa_.example!/", None, 7,
        "https://" + "a" * 70 + ".example", "https://" + "a." * 1_500, "https://kassa.example:٣/x y", "https://☃☃ /",
    ],
)  # fmt: skip
def test_what_is_no_address_is_reported_as_none(url: object) -> None:
    assert parse_address(url) is None


def test_a_secret_goes_only_to_what_is_encrypted_or_here() -> None:
    addresses = {
        url: parse_address(url)
        for url in ("https://a.nl", "http://a.nl", *(f"http://{host}/" for host in LOOPBACK - {"::1"}))
    }
    assert [url for url, address in addresses.items() if address is not None and not address.is_safe] == ["http://a.nl"]
    bare = {
        url: parse_address(url) for url in ("https://u:p@a.nl", "https://a.nl?q", "https://a.nl#f", "https://a.nl/x")
    }
    assert [url for url, address in bare.items() if address is not None and address.bare] == ["https://a.nl/x"]


@given(st.text(), st.text())
def test_no_text_is_too_strange_to_be_looked_at(text: str, other: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}:{other}", f"https://[{text}]/{other}"):
        address = parse_address(url)
        assert address is None or parse_address(str(address)) is not None


def test_addresses_of_this_machine_are_those_that_never_leave_it() -> None:
    assert all(name == "localhost" or ip_address(name).is_loopback for name in LOOPBACK)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::", False), ("0", False),
        ("0.0.0.0", False),  # noqa: S104 - asked, not bound
        ("", False), ("192.168.1.5", False), ("example.com", False), ("127.1", False), ("localhost.example.com", False),
    ],
)  # fmt: skip
def test_only_numbers_and_the_name_of_this_machine_keep_others_out(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.com/path", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://[::1]:8501", "http://[::1]:8501"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    address = parse_address(url)
    assert address is not None
    assert address.origin == origin


# ---- tokens: what may be said of them, and what not


def test_a_token_does_not_show_what_it_opens() -> None:
    text = repr(Token("planted-access", "planted-refresh", datetime(2026, 11, 25, tzinfo=UTC)))
    assert "2026" in text
    assert "planted" not in text


def test_a_keeper_gives_back_the_pair_that_was_saved_last() -> None:
    keeper: TokenStore = MemoryTokenStore()
    assert keeper.load() is None
    pairs = [Token(f"access {number}", f"refresh {number}", datetime(2026, 11, 25, tzinfo=UTC)) for number in (1, 2)]
    with keeper.refresh_lock():
        for pair in pairs:
            keeper.save(pair)
    assert keeper.load() == pairs[-1]

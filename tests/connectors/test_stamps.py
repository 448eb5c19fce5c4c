"""Stamps of a time authority, asked for over the wire and verified."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integration.connectors.limits import NetworkRoute
from integration.connectors.stamps import TimeAuthority
from integration.core.errors import ConfigurationError, MalformedAnswerError, UnavailableError
from tests.timestamps import Authority, time_authority

CONTENT = b"1234:abcdef"


@pytest.fixture(scope="module")
def loopback_authority() -> Iterator[Authority]:
    """A time authority on loopback."""
    with time_authority() as running:
        yield running


@pytest.fixture
def authority(loopback_authority: Authority) -> TimeAuthority:
    """The time authority as the console knows it."""
    loopback_authority.status, loopback_authority.answers_with = 200, b""
    return TimeAuthority(loopback_authority.address, loopback_authority.certificates, lambda _: NetworkRoute())


def test_a_stamp_is_asked_for_and_verified(authority: TimeAuthority) -> None:
    stamp = authority.stamp(CONTENT)
    at = authority.stamped_at(stamp, CONTENT)
    assert at is not None
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert authority.stamped_at(stamp, b"1234:abcdee") is None
    assert authority.host == "127.0.0.1"


def test_a_stamp_with_a_changed_byte_is_none(authority: TimeAuthority) -> None:
    stamp = authority.stamp(CONTENT)
    at = stamp.index(b"\x18\x0f") + 4  # in the moment that it tells
    assert authority.stamped_at(stamp[:at] + bytes([stamp[at] ^ 1]) + stamp[at + 1 :], CONTENT) is None
    assert authority.stamped_at(b"no stamp", CONTENT) is None


def test_a_stamp_of_somebody_else_is_none(authority: TimeAuthority) -> None:
    with time_authority() as other:
        stranger = TimeAuthority(authority.address, other.certificates, lambda _: NetworkRoute())
        with pytest.raises(MalformedAnswerError):
            stranger.stamp(CONTENT)
        assert stranger.stamped_at(authority.stamp(CONTENT), CONTENT) is None


@pytest.mark.parametrize("answer", ["garbage", "a stamp on something else", "an error"])
def test_what_is_no_stamp_on_it_is_refused(
    authority: TimeAuthority, loopback_authority: Authority, answer: str
) -> None:
    other = authority.stamp(b"something else")
    loopback_authority.answers_with = b"<html>" if answer == "garbage" else other
    loopback_authority.status = 500 if answer == "an error" else 200
    with pytest.raises(MalformedAnswerError):
        authority.stamp(CONTENT)


def test_an_authority_that_is_away_is_reported(loopback_authority: Authority) -> None:
    with pytest.raises(UnavailableError):
        TimeAuthority("http://127.0.0.1:9/", loopback_authority.certificates, lambda _: NetworkRoute()).stamp(CONTENT)


def test_certificates_that_are_none_are_reported_by_their_setting(
    loopback_authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "none.pem"
    file.write_text("none")
    with pytest.raises(ConfigurationError) as refused:
        TimeAuthority(loopback_authority.address, file, lambda _: NetworkRoute()).stamp(CONTENT)
    assert refused.value.facts["setting"] == "CONSOLE_TIMESTAMPS__CERTIFICATES"

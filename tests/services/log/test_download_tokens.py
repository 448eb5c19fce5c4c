"""Download tokens are valid once, for minutes, and known only to the console that issued them."""

import threading
import time

import pytest

from integration.services.log import download_tokens
from integration.services.log.download_tokens import DownloadTokens
from tests.people import make_actor


def test_a_ticket_holds_once() -> None:
    tokens = DownloadTokens()
    token, other = tokens.issue(make_actor()), tokens.issue(make_actor())
    assert token != other
    assert [tokens.redeem(candidate) is not None for candidate in (token, token, other, token)] == [
        True,
        False,
        True,
        False,
    ]


def test_a_ticket_is_of_one_process() -> None:
    assert not DownloadTokens().redeem(DownloadTokens().issue(make_actor()))


@pytest.mark.parametrize("wrong", ["", ".", "x", "x.y", "9999999999-0.", "9999999999", "é.é", "1-2.3" * 50])
def test_what_is_no_ticket_does_not_hold(wrong: str) -> None:
    assert not DownloadTokens().redeem(wrong)


def test_a_ticket_that_is_changed_does_not_hold() -> None:
    tokens = DownloadTokens()
    token = tokens.issue(make_actor())
    body, _, signed = token.partition(".")
    until, _, word = body.partition("-")
    for changed in (
        f"{token}0",
        f"{int(until) + 1}-{word}.{signed}",
        f"{body}0.{signed}",
        token[:-1],
        token.upper(),
    ):
        assert not tokens.redeem(changed)
    assert tokens.redeem(token)


def test_a_ticket_ends_within_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, now = DownloadTokens(), time.time()
    old, fresh = tokens.issue(make_actor()), tokens.issue(make_actor())
    assert download_tokens.SECONDS == 300
    monkeypatch.setattr(time, "time", lambda: now + 299)
    assert tokens.redeem(fresh)
    monkeypatch.setattr(time, "time", lambda: now + 302)
    assert not tokens.redeem(old)
    assert not tokens.redeem(fresh)


def test_of_many_who_show_a_ticket_at_once_one_is_answered() -> None:
    tokens = DownloadTokens()
    token, answers = tokens.issue(make_actor()), []
    together = threading.Barrier(16)

    def show() -> None:
        together.wait()
        answers.append(tokens.redeem(token) is not None)

    everybody = [threading.Thread(target=show) for _ in range(16)]
    for thread in everybody:
        thread.start()
    for thread in everybody:
        thread.join()
    assert sorted(answers) == [False] * 15 + [True]

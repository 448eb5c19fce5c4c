"""What counts as an address of this machine, and what a token shows of itself."""

from datetime import UTC, datetime
from ipaddress import ip_address

from integration.core.connections import LOOPBACK, Token, TokenKeeper
from tests.fakes import MemoryKeeper


def test_addresses_of_this_machine_are_those_that_never_leave_it() -> None:
    assert all(name == "localhost" or ip_address(name).is_loopback for name in LOOPBACK)


# ---- tokens: what may be said of them, and what not


def test_a_token_does_not_show_what_it_opens() -> None:
    shown = repr(Token("planted-access", "planted-refresh", datetime(2026, 11, 25, tzinfo=UTC)))
    assert "2026" in shown
    assert "planted" not in shown


def test_a_keeper_gives_back_the_pair_that_was_saved_last() -> None:
    keeper: TokenKeeper = MemoryKeeper()
    assert keeper.load() is None
    pairs = [Token(f"access {each}", f"refresh {each}", datetime(2026, 11, 25, tzinfo=UTC)) for each in (1, 2)]
    with keeper.alone():
        for pair in pairs:
            keeper.save(pair)
    assert keeper.load() == pairs[-1]

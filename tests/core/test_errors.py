"""An error says whether its caller may try again."""

from integration.core.errors import InDoubtError, UnavailableError


def test_a_write_in_doubt_says_whether_the_system_asked_to_wait() -> None:
    away = InDoubtError("service_unavailable", system="till").unavailable()
    assert isinstance(away, UnavailableError)
    assert (away.code, away.facts) == ("service_unavailable", {"system": "till"})
    assert InDoubtError(system="till").unavailable() is None

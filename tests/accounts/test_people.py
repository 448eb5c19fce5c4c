"""People at the console: log-in, rights, and the end of both."""

import pytest

from integration.accounts.people import LOCAL_ISSUER, SESSION, Identity, People, network_of
from integration.accounts.store.people import FREE_TRIES
from integration.accounts.store.people import PeopleStore as Stored
from integration.core.errors import ConfigurationError, IntegrationError, LoggedOutError, NotAllowedError
from integration.core.people import APART, OPERATOR, RIGHTS, SCHEDULE, Role, terminal_actor
from integration.store.database import Database
from tests.clocks import Clock
from tests.people import make_actor

ADMIN = make_actor("admin")
PASSWORD = "correct horse battery"
PROVIDER = Identity("https://id.example.com", "00u1")


@pytest.fixture
def people(database: Database, clock: Clock) -> People:
    Stored(database, clock).add("admin", "", [Role.ADMINISTRATOR, *APART], "start")
    return People(Stored(database, clock), clock, asks=True, is_safe=False)


def accept_invitation(people: People, ref: str, *grants: str) -> str:
    """Return the session key of a person who has just accepted an invitation."""
    invited = people.invite(ref, ref.title(), grants, ADMIN)
    return people.accept(invited, PASSWORD)


def test_where_nobody_logs_in_whoever_is_there_is_the_operator(database: Database, clock: Clock) -> None:
    people = People(Stored(database, clock), clock, asks=False, is_safe=False)
    assert (people.asks_log_in(), people.actor_of_session(""), people.actor_of_session("forged")) == (
        False,
        OPERATOR,
        OPERATOR,
    )
    assert people.refresh_actor(OPERATOR) == OPERATOR
    assert people.first_invitation() == ""
    with pytest.raises(ConfigurationError, match="first_administrator"):
        people.invite("ben", "", [Role.OPERATOR], ADMIN)
    accept_invitation(people, "ann", Role.ADMINISTRATOR)
    assert people.asks_log_in()  # from now on, whatever the setting says
    with pytest.raises(LoggedOutError):
        people.actor_of_session("")
    with pytest.raises(LoggedOutError):
        people.refresh_actor(OPERATOR)
    assert people.refresh_actor(SCHEDULE) == SCHEDULE
    assert people.refresh_actor(terminal_actor("ann")) == terminal_actor("ann")


def test_the_first_administrator_comes_by_a_link_of_the_start(people: People) -> None:
    spent, key = people.first_invitation(), people.first_invitation()
    with pytest.raises(NotAllowedError, match="invitation_spent"):
        people.accept(spent, PASSWORD)
    admin = people.actor_of_session(people.accept(key, PASSWORD))
    assert (admin.ref, set(admin.roles), admin.extra_rights) == ("admin", {Role.ADMINISTRATOR}, APART)
    assert people.first_invitation() == ""


def test_whoever_is_invited_chooses_a_password_and_logs_in_with_it(people: People, clock: Clock) -> None:
    key = people.invite(" Ann ", "Ann", [Role.OPERATOR, "run", "captain"], ADMIN)
    for weak in ("short", "ann ann ann ann", "aaaaaaaaaaaaaaaa"):
        with pytest.raises(ConfigurationError, match="password_weak"):
            people.accept(key, weak)
    first = people.actor_of_session(people.accept(key, PASSWORD))
    assert (first.ref, first.name, first.rights) == ("ann", "Ann", RIGHTS[Role.OPERATOR])
    second_actor = people.actor_of_session(people.log_in("ANN", PASSWORD))
    assert second_actor.session != first.session
    clock.advance(SESSION.total_seconds())
    with pytest.raises(LoggedOutError):
        people.refresh_actor(second_actor)


def test_a_wrong_log_in_says_the_same_whatever_is_wrong_and_is_slowed_down(
    people: People, database: Database, clock: Clock
) -> None:
    store = Stored(database, clock)
    accept_invitation(people, "ann", Role.OPERATOR)
    accept_invitation(people, "off", Role.OPERATOR)
    people.set_active("off", ADMIN, on=False)
    for name, password in (("ann", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD), ("", "")):
        with pytest.raises(NotAllowedError, match=r"^log_in_refused$"):
            people.log_in(name, password)
    for _ in range(FREE_TRIES + 1):
        store.count_attempt("ann", "203.0.113.9")
    for name in ("ann", "Ann "):
        with pytest.raises(NotAllowedError, match="log_in_throttled: seconds="):
            people.log_in(name, PASSWORD, "203.0.113.9")
    assert (
        people.actor_of_session(people.log_in("ann", PASSWORD, "198.51.100.1")).ref == "ann"
    )  # whom a stranger does not keep out


def test_a_line_is_one_place_however_many_addresses_it_has() -> None:
    same = {network_of(address) for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:DB8:1:2::%eth0")}
    assert same == {"2001:db8:1:2::/64"}
    assert network_of("2001:db8:1:3::1") not in same
    assert {network_of(address) for address in ("192.0.2.7", "::ffff:192.0.2.7")} == {"192.0.2.7"}
    assert {network_of(address) for address in ("", "unix:", "testclient")} == {""}


@pytest.mark.parametrize("ref", ["schedule", "operator", "terminal", "a", "Ann Smith", "", "../ann", "a" * 65])
def test_no_person_is_called_like_what_acts_by_itself(people: People, ref: str) -> None:
    with pytest.raises(ConfigurationError, match="person_name_invalid"):
        people.invite(ref, "", [Role.VIEWER], ADMIN)
    assert [person.ref for person in people.list_people()] == ["admin"]


def test_a_role_taken_away_holds_from_the_next_action_and_so_does_the_end_of_a_session(people: People) -> None:
    actor = people.actor_of_session(accept_invitation(people, "ann", Role.OPERATOR))
    people.change("ann", [Role.VIEWER], ADMIN)
    assert people.refresh_actor(actor).roles == {Role.VIEWER}
    people.leave(actor)
    with pytest.raises(LoggedOutError):
        people.refresh_actor(actor)


def test_the_last_administrator_stays_one(people: People) -> None:
    accept_invitation(people, "ann", Role.ADMINISTRATOR)
    people.invite("ben", "", [Role.ADMINISTRATOR], ADMIN)  # who has not come yet lets nobody in
    with pytest.raises(NotAllowedError, match="last_administrator"):
        people.change("ann", [Role.OPERATOR], ADMIN)
    with pytest.raises(NotAllowedError, match="last_administrator"):
        people.set_active("ann", ADMIN, on=False)
    accept_invitation(people, "cas", Role.ADMINISTRATOR)
    people.set_active("ann", ADMIN, on=False)
    assert [person.ref for person in people.list_people() if person.deactivated_at] == ["ann"]


def test_whom_somebody_else_has_proven_comes_in_by_invitation_and_is_known_from_then_on(people: People) -> None:
    key = people.invite("ann", "Ann", [Role.ACCOUNTANT], ADMIN)
    with pytest.raises(NotAllowedError, match="person_unknown"):
        people.enter(PROVIDER)
    assert people.actor_of_session(people.enter(PROVIDER, key)).ref == "ann"
    assert people.actor_of_session(people.enter(PROVIDER)).roles == {Role.ACCOUNTANT}
    with pytest.raises(NotAllowedError, match="invitation_spent"):
        people.enter(Identity(PROVIDER.issuer, "00u2"), key)
    for other in (Identity("https://evil.example.com", PROVIDER.subject), Identity(LOCAL_ISSUER, "ann")):
        with pytest.raises(IntegrationError, match="person_unknown"):
            people.enter(other)
    people.set_active("ann", ADMIN, on=False)
    with pytest.raises(NotAllowedError, match="person_unknown"):
        people.enter(PROVIDER)

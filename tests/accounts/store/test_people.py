"""Stored people, with their sessions and invitations."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from integration.accounts.store.people import FREE_TRIES, LONGEST_WAIT, MAX_TRIES, SPAN, PeopleStore
from integration.core.errors import NotAllowedError
from integration.core.people import Right, Role
from integration.store.database import Database
from tests.clocks import Clock

HOUR = timedelta(hours=1)
HERE = "192.0.2.1"


@pytest.fixture
def people(database: Database, clock: Clock) -> PeopleStore:
    store = PeopleStore(database, clock)
    assert store.add("ann", "Ann", ["operator", "ask_sql"], "admin")
    return store


def test_a_reference_is_given_once(people: PeopleStore) -> None:
    assert not people.add("ann", "Another Ann", ["administrator"], "admin")
    (ann,) = people.list_people()
    assert (ann.name, ann.grants, ann.has_logged_in) == ("Ann", ("ask_sql", "operator"), False)


def test_an_invitation_holds_once_and_not_for_ever(people: PeopleStore, clock: Clock) -> None:
    people.invite("ann", "first", clock() + HOUR, "admin")
    people.invite("ann", "second", clock() + HOUR, "admin")
    assert people.invited("first") is None
    assert people.accept("first", "here", "ann") is None
    (ann,) = people.list_people()
    assert ann.invited_until == clock() + HOUR
    accepted = people.accept("second", "here", "ann", "hash")
    assert accepted is not None
    assert accepted == people.person_of_subject("here", "ann")
    assert (people.password("ann"), people.password("ben")) == ("hash", "")
    assert people.accept("second", "elsewhere", "eve") is None
    people.invite("ann", "third", clock() + HOUR, "admin")
    clock.advance(HOUR.total_seconds())
    assert people.accept("third", "elsewhere", "eve") is None
    assert people.has_any_login()


def test_one_identity_is_one_person(people: PeopleStore, clock: Clock) -> None:
    people.add("ben", "Ben", ["viewer"], "admin")
    for ref in ("ann", "ben"):
        people.invite(ref, ref, clock() + HOUR, "admin")
    assert people.accept("ann", "https://id.example.com", "1") is not None
    assert people.accept("ben", "https://id.example.com", "1") is None
    assert people.invited("ben") is not None  # it was not spent
    assert people.accept("ben", "https://id.example.com", "2") is not None


def test_a_session_says_who_somebody_is_now(people: PeopleStore, clock: Clock) -> None:
    people.begin("s-1", "key", "ann", clock() + HOUR)
    actor = people.in_session(key="key")
    assert actor is not None
    assert (actor.ref, actor.name, actor.session) == ("ann", "Ann", "s-1")
    assert (set(actor.roles), set(actor.extra_rights)) == ({Role.OPERATOR}, {Right.ASK_SQL})
    people.change("ann", ["viewer"], "admin")
    changed = people.in_session(identity="s-1")
    assert changed is not None
    assert (set(changed.roles), set(changed.extra_rights)) == ({Role.VIEWER}, set())
    assert people.in_session(key="s-1") is people.in_session(key="") is people.in_session(identity="key") is None


def test_two_administrators_do_not_remove_each_other_at_the_same_time(people: PeopleStore, clock: Clock) -> None:
    for ref in ("cleo", "dora"):
        people.add(ref, "", ["administrator"], "admin")
        people.invite(ref, ref, clock() + HOUR, "admin")
        assert people.accept(ref, "here", ref) is not None

    def remove(ref: str) -> str:
        try:
            people.set_active(ref, "admin", on=False)
        except NotAllowedError as error:
            return error.code
        return "removed"

    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(remove, ("cleo", "dora"))) == ["last_administrator", "removed"]
    assert [person.deactivated_at is None for person in people.list_people() if person.ref in ("cleo", "dora")].count(
        True
    ) == 1


@pytest.mark.parametrize("ended", ["revoked", "over", "off", "invited anew"])
def test_nothing_is_done_in_a_session_that_has_ended(people: PeopleStore, clock: Clock, ended: str) -> None:
    people.begin("s-1", "key", "ann", clock() + HOUR)
    assert [session.id for session in people.sessions()] == ["s-1"]
    match ended:
        case "revoked":
            people.revoke("s-1", "admin")
        case "over":
            clock.advance(HOUR.total_seconds())
        case "off":
            people.set_active("ann", "admin", on=False)
        case _:
            people.invite("ann", "anew", clock() + HOUR, "admin")
            assert people.accept("anew", "here", "ann", "other") is not None
    assert people.in_session(key="key") is people.in_session(identity="s-1") is None
    assert people.sessions() == []
    people.set_active("ann", "admin", on=True)
    assert people.in_session(key="key") is None


def test_after_a_few_tries_somebody_has_to_wait_ever_longer(people: PeopleStore, clock: Clock) -> None:
    assert [people.count_attempt("ann", HERE) for _ in range(FREE_TRIES)] == [timedelta(0)] * FREE_TRIES
    assert people.count_attempt("ben", HERE) == timedelta(0)
    waits = []
    for _ in range(12):
        assert people.count_attempt("ann", HERE) == timedelta(0)
        waits.append(people.count_attempt("ann", HERE))
        assert people.count_attempt("ann", f"10.0.0.{len(waits)}") == timedelta(0)  # whoever is elsewhere
        clock.advance(waits[-1].total_seconds())
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=2), LONGEST_WAIT)
    people.clear_attempts("ann", HERE)
    assert [people.count_attempt("ann", HERE) for _ in range(FREE_TRIES)] == [timedelta(0)] * FREE_TRIES


def test_many_places_together_have_a_few_tries_and_do_not_keep_anybody_out_for_long(
    people: PeopleStore, clock: Clock
) -> None:
    for number in range(MAX_TRIES):
        assert people.count_attempt("ann", f"10.0.0.{number}") == timedelta(0)
    assert people.count_attempt("ann", HERE) == SPAN
    assert people.count_attempt("ben", HERE) == timedelta(0)
    clock.advance(SPAN.total_seconds())
    assert people.count_attempt("ann", HERE) == timedelta(0)

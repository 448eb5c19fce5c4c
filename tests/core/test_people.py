"""Actors and their rights."""

import pytest

from integration.core.people import (
    ALL,
    APART,
    OPERATOR,
    RESERVED,
    RIGHTS,
    SCHEDULE,
    AccessChannel,
    Actor,
    Person,
    PersonAction,
    Right,
    Role,
    acting_as,
    current_action,
    known_roles,
    terminal_actor,
)


def test_rights_grow_from_role_to_role_and_those_apart_come_with_none() -> None:
    viewer, accountant, operator, administrator = (RIGHTS[role] for role in Role)
    assert viewer < accountant < operator < administrator
    assert administrator == ALL - APART


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.VIEWER, Right.SEE, Right.READ_LOG),
        (Role.ACCOUNTANT, Right.EXPORT, Right.RUN),
        (Role.OPERATOR, Right.RUN, Right.CONNECT),
        (Role.ADMINISTRATOR, Right.ADMINISTER, Right.ASK_SQL),
    ],
)
def test_a_role_allows_what_it_is_for(role: Role, may: Right, may_not: Right) -> None:
    actor = Actor("ann", roles=frozenset({role}))
    assert (actor.may(may), actor.may(may_not)) == (True, False)


def test_somebody_may_what_any_role_and_any_right_apart_allows() -> None:
    actor = Actor("ann", roles=frozenset({Role.VIEWER, Role.ACCOUNTANT}), extra_rights=frozenset({Right.ASK_SQL}))
    assert actor.rights == RIGHTS[Role.ACCOUNTANT] | {Right.ASK_SQL}
    assert Actor("nobody").rights == frozenset()


def test_names_that_a_later_version_gave_stand_for_nothing() -> None:
    roles, apart = known_roles(["operator", "ask_sql", "captain", "run"])
    assert (set(roles), set(apart)) == ({Role.OPERATOR}, {Right.ASK_SQL})


def test_a_person_is_the_same_in_one_session_whatever_was_changed_about_them() -> None:
    ann = Actor("ann", "Ann", frozenset({Role.OPERATOR}), session="s-1")
    assert ann.is_same(Actor("ann", "Ann B.", session="s-1"))
    assert not ann.is_same(Actor("ann", session="s-2"))
    assert not ann.is_same(Actor("ben", session="s-1"))


def test_whoever_is_at_this_machine_may_do_everything_and_a_schedule_what_an_administrator_may() -> None:
    assert OPERATOR.rights == terminal_actor("").rights == terminal_actor("ann").rights == ALL
    assert (terminal_actor("").ref, terminal_actor("ann").ref, terminal_actor("ann").channel) == (
        "terminal",
        "ann",
        AccessChannel.TERMINAL,
    )
    assert SCHEDULE.rights == RIGHTS[Role.ADMINISTRATOR]
    assert {"operator", "schedule", "terminal"} <= RESERVED


def test_the_action_under_way_is_known_until_it_is_over_also_when_it_fails() -> None:
    action = PersonAction(OPERATOR, "runs.preview", Right.RUN, {"flow": "products"})
    assert current_action() is None

    def stop() -> None:
        with acting_as(action):
            raise ValueError(current_action())

    with pytest.raises(ValueError, match=r"runs\.preview"):
        stop()
    assert current_action() is None


def test_a_person_acts_with_the_roles_and_the_rights_they_were_given() -> None:
    actor = Person("ann", "Ann", ("ask_sql", "viewer"), has_logged_in=True).as_actor("s-1")
    assert actor == Actor("ann", "Ann", frozenset({Role.VIEWER}), frozenset({Right.ASK_SQL}), "s-1")

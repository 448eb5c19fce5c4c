"""Authorization: every member of every service, by every role."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from integration.accounts.people import People
from integration.application.application import Application
from integration.application.authorization import AuthorizedApplication
from integration.core.authorization import right_of
from integration.core.errors import LoggedOutError, NotAllowedError
from integration.core.people import APART, RIGHTS, Actor, PersonAction, Right, Role, current_action
from integration.core.plan import Approval
from integration.core.run import PreviewRequest
from integration.services.audit import Audit
from tests.authorization import rights_of, services_of
from tests.consoles import open_application
from tests.parts import part
from tests.people import make_actor


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with open_application(tmp_path_factory.mktemp("acting"), start=False) as application:
        yield application


def test_there_are_members_of_every_right(app: Application) -> None:
    rights = rights_of(app)
    assert {"runs.commit", "alerts.silences.lift", "issues.assign", "sandbox.running"} <= set(rights)
    assert set(rights.values()) == set(Right)


def test_a_private_member_has_no_right(app: Application) -> None:
    kinds = {kind for _, service in services_of(app) for kind in type(service).__mro__}
    marked = [name for kind in kinds for name, member in vars(kind).items() if right_of(member) is not None]
    assert [name for name in marked if name.startswith("_") and not name.endswith("__")] == []


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_ask_what_its_rights_allow_and_nothing_else(app: Application, role: Role) -> None:
    door = app.authorized_for(make_actor("ann", role))
    for whole, right in rights_of(app).items():
        refused: list[NotAllowedError] = []
        try:
            ask(door, whole)
        except NotAllowedError as error:
            refused.append(error)
        assert bool(refused) is (right not in RIGHTS[role]), whole
    assert current_action() is None


def ask(door: Application, whole: str) -> None:
    """Call a method with an unknown argument, so that nothing is done if the authorization lets the call through."""
    target: Any = door
    for name in whole.split("."):
        target = getattr(target, name)
    if callable(target):
        with suppress(TypeError):
            target(what_no_question_takes=True)


@pytest.mark.parametrize("right", sorted(APART))
def test_a_right_of_its_own_comes_with_no_role(right: Right) -> None:
    assert not any(right in rights for rights in RIGHTS.values())
    assert Actor("ann", roles=frozenset({Role.VIEWER}), extra_rights=frozenset({right})).may(right)


def test_what_is_offered_to_nobody_is_missing(app: Application) -> None:
    door = app.authorized_for(make_actor())
    for service, name in (("runs", "approve"), ("work", "engine"), ("issues", "dismiss_all")):
        assert not hasattr(getattr(door, service), name)
    assert not hasattr(door, "access")
    assert not hasattr(door, "settings")
    assert not hasattr(door, "_stores")


def test_nothing_is_recorded_as_done_by_somebody_else(app: Application) -> None:
    ann, ben = make_actor("ann"), make_actor("ben")
    ann_app = app.authorized_for(ann)
    for act in (
        lambda: ann_app.flows.change("products", {"schedule_minutes": 45}, ben),
        lambda: ann_app.issues.assign(None, "ann", "ben"),  # type: ignore[arg-type]  # it is asked no further
        lambda: ann_app.runs.preview(PreviewRequest("products", ben)),
        lambda: ann_app.runs.commit("a-run", Approval("a-mark", "ben")),
    ):
        with pytest.raises(NotAllowedError, match="acts_for_another"):
            act()
    assert app.flows.settings("products").schedule_minutes != 45
    ann_app.flows.change("products", {"schedule_minutes": 45}, ann)
    assert app.flows.settings("products").schedule_minutes == 45


def test_flows_are_asked_as_the_mapping_they_are(app: Application) -> None:
    flows = app.authorized_for(make_actor("ann", Role.VIEWER)).flows
    assert (list(flows), len(flows), "products" in flows) == (list(app.flows), len(app.flows), True)
    assert flows["products"] == app.flows["products"]


def ignore_action(_action: PersonAction) -> None:
    """Discard the action."""


def test_who_somebody_is_is_asked_at_every_action_and_for_looking_once_in_a_moment(app: Application) -> None:
    actors: list[Actor] = []

    def admit(actor: Actor) -> Actor:
        actors.append(actor)
        return actor if len(actors) < 5 else make_actor(actor.ref, Role.VIEWER)

    door: Any = AuthorizedApplication(
        app, make_actor("ann"), part(People, refresh_actor=admit), part(Audit, record_action=ignore_action)
    )
    for _ in range(3):
        assert "products" in door.flows
    assert len(actors) == 1
    for number in range(2, 5):
        door.flows.change("products", {"schedule_minutes": 30 + number}, make_actor("ann"))
        assert len(actors) == number
    with pytest.raises(NotAllowedError):
        door.flows.change("products", {"schedule_minutes": 45}, make_actor("ann"))


def test_who_is_logged_out_is_not_remembered_from_the_moment_before(app: Application) -> None:
    known_actors = [make_actor("ann")]

    def admit(actor: Actor) -> Actor:
        if actor not in known_actors:
            raise LoggedOutError
        return actor

    door: Any = AuthorizedApplication(
        app, known_actors[0], part(People, refresh_actor=admit), part(Audit, record_action=ignore_action)
    )
    assert "products" in door.flows
    known_actors.clear()
    with pytest.raises(LoggedOutError):
        door.flows.change("products", {}, make_actor("ann"))
    with pytest.raises(LoggedOutError):
        assert "products" in door.flows

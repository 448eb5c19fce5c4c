"""Settings of a flow with second limits: one person makes them stricter, two make them looser."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration.accounts.four_eyes import REQUEST_HOLDS
from integration.accounts.loosening import loosened_limits, loosened_settings
from integration.accounts.people import Identity
from integration.application.application import Application
from integration.core.errors import IntegrationError, LoggedOutError, NotAllowedError
from integration.core.people import Actor, Right, Role
from integration.core.run import Mode
from integration.flows.registry import FLOWS
from integration.flows.settings import ScheduleWindow
from integration.services.audit import AuditSearch
from tests.clocks import Clock
from tests.consoles import open_application
from tests.people import make_actor

ADMIN, TERMINAL = make_actor("admin"), make_actor("terminal")
SETTINGS = FLOWS["products"].settings
BEFORE = SETTINGS(on=False, schedule_minutes=30, brakes={"changes": 500, "price_percent": 20})


@dataclass(frozen=True)
class Office:
    """A console with a second limit for articles, and two people who may administer it."""

    application: Application
    clock: Clock
    ann: Actor
    ben: Actor

    def acting(self, actor: Actor) -> Application:
        return self.application.authorized_for(actor)

    def change(self, actor: Actor, **values: Any) -> tuple[str, ...]:
        return self.acting(actor).flows.change("products", values, actor).waiting

    def brake(self, actor: Actor, limit: int | None) -> tuple[str, ...]:
        return self.change(actor, brakes={**self.application.flows.settings("products").limits, "changes": limit})

    @property
    def limit(self) -> object:
        return self.application.flows.settings("products").limits["changes"]

    @property
    def waiting(self) -> list[str]:
        return [change_request.setting for change_request in self.application.change_requests.waiting()]

    def approve(self, actor: Actor, setting: str = "flow:products") -> None:
        request = next(
            change_request
            for change_request in self.application.change_requests.waiting()
            if change_request.setting == setting
        )
        self.acting(actor).change_requests.approve(request.setting, request.mark, actor)

    def audit_actors(self, action: str) -> list[str]:
        return [entry.actor for entry in self.application.audit.entries(AuditSearch(action=action))]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = Clock()
    with open_application(tmp_path, start=False, machine=clock) as application:
        application.four_eyes.change("products", {"brake_changes": 10}, ADMIN)
        ann, ben = (log_in(application, ref, Role.ADMINISTRATOR) for ref in ("ann", "ben"))
        yield Office(application, clock, ann, ben)


def log_in(application: Application, ref: str, *roles: Role) -> Actor:
    """Return a person who has come in."""
    key = application.people.invite(ref, "", roles, ADMIN)
    return application.people.actor_of_session(application.people.enter(Identity("https://id.example.com", ref), key))


@pytest.mark.parametrize(
    ("values", "looser"),
    [
        ({"brakes": {"changes": 501}}, ["brakes.changes"]),
        ({"brakes": {"changes": None}}, ["brakes.changes"]),
        ({"brakes": {"changes": 499}}, []),
        ({"brakes": {"price_percent": Decimal("20.01")}}, ["brakes.price_percent"]),
        ({"brakes": {"price_percent": 5, "changes_percent": 90}}, []),  # the second one was off
        ({"on": True}, ["on"]),
        ({"auto_approve": True}, ["auto_approve"]),
        ({"nightly_complete": False}, []),
        ({"schedule_minutes": 60}, ["schedule_minutes"]),
        ({"schedule_minutes": 5}, ["schedule_minutes"]),
        ({"calendar": {"weekdays": (0,)}}, ["calendar"]),
        ({"calendar": {"skipped_holidays": "BE"}}, ["calendar"]),
        ({"zero_price": "park"}, []),
    ],
)
def test_of_each_setting_one_direction_is_looser(values: dict[str, Any], looser: list[str]) -> None:
    brakes = BEFORE.limits | values.pop("brakes", {})
    after = SETTINGS(**{**BEFORE.model_dump(), **values, "brakes": brakes})
    assert list(loosened_settings(BEFORE, after)) == looser


def test_what_is_switched_on_again_is_looser_and_off_is_not() -> None:
    on = SETTINGS(on=True, auto_approve=True, nightly_complete=True, calendar=ScheduleWindow())
    off = SETTINGS(on=False, auto_approve=False, nightly_complete=False)
    assert loosened_settings(off, on) == ("on", "auto_approve", "nightly_complete")
    assert loosened_settings(on, off) == ()


def test_a_second_limit_is_looser_where_it_is_higher_or_gone() -> None:
    assert loosened_limits({"a": 1, "b": 2, "c": 3}, {"a": 2, "b": 1, "d": 4}) == ("a", "c")


def test_a_looser_brake_waits_for_a_second_person_and_the_rest_is_saved(office: Office) -> None:
    assert office.change(office.ann, brakes={"changes": 100_000}, zero_price="park") == ("brakes.changes",)
    assert (office.limit, office.application.flows.settings("products").zero_price) == (500, "park")  # type: ignore[attr-defined]
    assert office.waiting == ["flow:products"]

    with pytest.raises(NotAllowedError, match="change_is_own"):
        office.approve(office.ann)
    assert office.brake(office.ann, 100_000) == ("brakes.changes",)  # nor by asking twice
    office.approve(office.ben)

    assert (office.limit, office.waiting) == (100_000, [])
    assert (office.audit_actors("change_requested"), office.audit_actors("change_approved")) == (
        ["ann", "ann"],
        ["ben"],
    )


class SavedLate(Mapping[str, Any]):
    """A change that another person overtakes: their change is saved when this one is read."""

    def __init__(self, values: Mapping[str, Any], first: Callable[[], object]) -> None:
        self._values = values
        self._competing_save: Callable[[], object] | None = first

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        first, self._competing_save = self._competing_save, None
        if first is not None:
            first()
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def test_the_country_of_the_opening_hours_moves_no_schedule(office: Office) -> None:
    office.application.flows.change("orders", {"on": True, "calendar": {"skipped_holidays": "NL"}}, ADMIN)
    kings_day = datetime(2026, 4, 27, 10, tzinfo=UTC)
    for country in ("NL", "DE"):
        office.application.opening_hours.change({"country": country}, ADMIN)
        assert not office.application.flows.may_begin("orders", Mode.CHANGES, kings_day)


def test_a_stricter_brake_is_not_undone_by_a_change_that_was_read_before_it(office: Office) -> None:
    late = SavedLate({"zero_price": "park"}, lambda: office.brake(office.ben, 5))
    assert office.acting(office.ann).flows.change("products", late, office.ann).waiting == ()
    assert (office.limit, office.application.flows.settings("products").zero_price) == (5, "park")  # type: ignore[attr-defined]


@pytest.mark.parametrize("session", ["made up", "of ann"])
def test_a_program_that_names_another_person_asks_and_approves_nothing(office: Office, session: str) -> None:
    office.brake(office.ann, 900)
    forged = replace(office.ben, session=office.ann.session if session == "of ann" else session)
    for application in (office.application, office.acting(forged)):
        with pytest.raises(LoggedOutError):
            application.flows.change("products", {"brakes": {"changes": 900}}, forged)
        with pytest.raises(LoggedOutError):
            application.four_eyes.change("products", {"brake_changes": 900}, forged)
    assert (office.limit, office.waiting) == (500, ["flow:products"])


def test_stricter_takes_one_person(office: Office) -> None:
    assert office.change(office.ann, brakes={"changes": 5}) == ()
    assert office.acting(office.ann).four_eyes.change(
        "products", {"brake_changes": 1, "brake_retirements": 0}, office.ann
    )
    assert (office.limit, office.waiting) == (5, [])
    assert office.application.four_eyes.limits("products") == {"brake_changes": 1, "brake_retirements": 0}


@pytest.mark.parametrize("new_limits", [{"brake_changes": 1000}, {"brake_changes": None}, {}])
def test_a_looser_second_limit_waits_too(office: Office, new_limits: dict[str, int | None]) -> None:
    assert not office.acting(office.ann).four_eyes.change("products", new_limits, office.ann)
    assert office.application.four_eyes.limits("products") == {"brake_changes": 10}
    office.approve(office.ben, "four-eyes:products")
    limits = {code: limit for code, limit in new_limits.items() if limit is not None}
    assert office.application.four_eyes.limits("products") == limits


def test_who_makes_the_same_change_approves_it(office: Office) -> None:
    office.brake(office.ann, 900)
    assert office.brake(office.ben, 800) == ("brakes.changes",)  # another change
    assert office.brake(office.ann, 800) == ()
    assert (office.limit, office.waiting) == (800, [])


def test_the_set_up_starts_nothing_alone(office: Office) -> None:
    own = office.acting(office.ann).setup
    assert own.choose({"products": 15}, office.ann) == {"products"}
    own.start(office.ann)
    assert not office.application.flows.is_on("products")
    assert office.application.flows.settings("products").schedule_minutes == SETTINGS().schedule_minutes


def test_a_file_of_settings_brings_in_nothing_that_one_person_may_not_change(office: Office) -> None:
    shape = json.loads(office.application.configuration_file.text())
    shape["flows"]["products"]["auto_approve"] = True
    text = json.dumps(shape)
    parsed_file = office.application.configuration_file.read(text)
    assert [difference.place for difference in parsed_file.differences] == ["flows.products.auto_approve"]
    with pytest.raises(NotAllowedError, match="change_log_in_needed"):
        office.application.configuration_file.keep(parsed_file, TERMINAL, "file")
    for actor in (office.ann, office.ben):  # who brings the same file in approves nothing
        with pytest.raises(NotAllowedError, match="file_change_waits"):
            office.acting(actor).configuration_file.take(text.encode(), parsed_file.mark, actor, "file")
    office.approve(office.ben)
    assert office.application.flows.settings("products").auto_approve
    office.application.configuration_file.keep(office.application.configuration_file.read(text), TERMINAL, "file")


@pytest.mark.parametrize(
    "fall",
    [
        lambda office: office.application.people.set_active("ann", ADMIN, on=False),
        lambda office: office.application.people.change("ann", [Role.VIEWER], ADMIN),
        lambda office: office.application.people.revoke(office.ann.session, ADMIN),
        lambda office: office.brake(office.ben, 400),
        lambda office: office.clock.advance(REQUEST_HOLDS.total_seconds() + 1),
        lambda office: office.acting(office.ben).change_requests.reject(
            "flow:products", office.application.change_requests.waiting()[0].mark, office.ben
        ),
    ],
    ids=["off", "viewer", "session revoked", "setting changed", "run out", "rejected"],
)
def test_a_request_falls(office: Office, fall: Callable[[Office], object]) -> None:
    office.brake(office.ann, 900)
    mark = office.application.change_requests.waiting()[0].mark
    fall(office)
    office.application.people.change("ann", [Role.ADMINISTRATOR], ADMIN)  # it does not come back with the right
    assert office.waiting == []
    with pytest.raises(IntegrationError, match="change_request_gone"):
        office.application.change_requests.approve("flow:products", mark, office.ben)


def test_an_operator_approves_no_second_limit(office: Office) -> None:
    office.acting(office.ann).four_eyes.change("products", {}, office.ann)
    operator = log_in(office.application, "olga", Role.OPERATOR)
    with pytest.raises(NotAllowedError, match="reason_right_administer"):
        office.approve(operator, "four-eyes:products")
    assert office.application.four_eyes.limits("products") == {"brake_changes": 10}


@pytest.mark.parametrize("alone", ["one person", "no second limit"])
def test_one_person_who_alone_could_decide_is_enough(office: Office, alone: str) -> None:
    if alone == "one person":
        office.application.people.set_active("ben", ADMIN, on=False)
        assert office.brake(office.ann, 900) == ()
    else:
        assert office.acting(office.ann).flows.change("stock", {"on": True}, office.ann).waiting == ()
    assert office.waiting == []


def test_a_session_is_needed_where_two_are(office: Office) -> None:
    with pytest.raises(NotAllowedError, match="change_log_in_needed"):
        office.application.flows.change("products", {"on": True, "zero_price": "park"}, TERMINAL)
    assert office.application.flows.settings("products").zero_price != "park"  # type: ignore[attr-defined]


def test_the_last_two_administrators_cannot_shut_each_other_out_alone(office: Office) -> None:
    ann, ben, mark = office.acting(office.ann).four_eyes, office.acting(office.ben).four_eyes, "person:ben"
    assert not ann.change_person("ben", [Role.OPERATOR], office.ann)
    assert not ann.set_person_active("ben", office.ann, on=False)
    assert not ann.set_person_active("ben", office.ann, on=False)  # nor by asking twice
    assert not ann.change_person("ann", [Role.VIEWER], office.ann)  # nor oneself, which leaves the other one alone
    assert office.waiting == [mark, "person:ann"]
    items = office.application.waiting_list.items("en").first_items
    assert len({item.key for item in items}) == len(items) >= 2, "a screen shows each request by its key"
    assert office.application.people.deciders(Right.ADMINISTER) == 2
    with pytest.raises(NotAllowedError, match="change_is_own"):
        office.approve(office.ann, mark)
    assert ann.change_person("ben", [Role.ADMINISTRATOR, Role.VIEWER], office.ann)  # no right is lost

    log_in(office.application, "cleo", Role.ADMINISTRATOR)
    assert ben.change_person("cleo", [Role.ACCOUNTANT], office.ben)  # two are left
    office.approve(office.ben, mark)
    assert (office.application.people.deciders(Right.ADMINISTER), office.waiting) == (1, ["person:ann"])


def test_a_change_of_rights_is_approved_by_the_other_administrator(office: Office) -> None:
    assert not office.acting(office.ann).four_eyes.change_person("ben", [Role.VIEWER], office.ann)
    assert office.acting(office.ben).four_eyes.change_person("ben", [Role.VIEWER], office.ben)
    assert office.audit_actors("change_approved") == ["ben"]
    with pytest.raises(NotAllowedError, match="last_administrator"):
        office.acting(office.ann).four_eyes.change_person("ann", [Role.VIEWER], office.ann)


def test_without_second_limits_one_administrator_is_enough(office: Office) -> None:
    office.acting(office.ann).four_eyes.change("products", {}, office.ann)
    office.approve(office.ben, "four-eyes:products")
    assert office.acting(office.ann).four_eyes.set_person_active("ben", office.ann, on=False)


def test_a_terminal_shuts_out_nobody_whom_two_people_must_shut_out(office: Office) -> None:
    with pytest.raises(NotAllowedError, match="change_log_in_needed"):
        office.application.four_eyes.set_person_active("ben", TERMINAL, on=False)

"""Four eyes: whose yes is enough for a plan, and whose is only the first of two."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from integration.accounts.four_eyes import HOLDS, FourEyes
from integration.accounts.people import Identity, People
from integration.accounts.store.change_requests import ChangeRequestStore
from integration.accounts.store.first_approvals import FirstApprovalStore
from integration.accounts.store.people import PeopleStore
from integration.application.application import Application
from integration.core.errors import LoggedOutError, NotAllowedError
from integration.core.people import OPERATOR, Actor, PersonAction, Right, Role, acting_as
from integration.core.plan import Approval, Brake
from integration.core.position import Position
from integration.core.run import Mode, Run
from integration.core.states import RunState
from integration.flows.registry import FLOWS
from integration.store.database import Database
from integration.store.ledger import Ledger
from integration.store.previews import Previews
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings
from tests.clocks import Clock
from tests.consoles import Console, open_application, wait_for_run
from tests.people import make_actor
from tests.store.samples import a_create, a_preview, prove

ADMIN = make_actor("admin")
ANN, BEN = (Actor(ref, roles=frozenset({Role.OPERATOR}), session=f"s-{ref}") for ref in ("ann", "ben"))


@pytest.fixture
def people(database: Database, clock: Clock) -> PeopleStore:
    store = PeopleStore(database, clock)
    for ref in ("ann", "ben"):
        store.add(ref, "", ["operator"], ADMIN.ref)
        for session in (f"s-{ref}", f"another-{ref}"):
            store.begin(session, f"key of {session}", ref, clock.now + 2 * HOLDS)
    return store


@pytest.fixture
def four_eyes(database: Database, clock: Clock, people: PeopleStore) -> FourEyes:
    """Four eyes for more than ten changes of articles."""
    limits, first = StoredSettings(database, clock), FirstApprovalStore(database, clock)
    requests = ChangeRequestStore(database, clock)
    people_service = People(people, clock, asks=False, is_safe=False)
    service = FourEyes(FLOWS, limits, first, requests, clock, people_service, RunStore(database, clock))
    service.change("products", {"brake_changes": 10, "brake_retirements": None, "brake_of_nothing": 1}, ADMIN)
    return service


def plan(count: int = 11, fingerprint: str = "f-1", code: str = "brake_changes") -> Run:
    created_at = Clock().now
    brakes = (Brake(code, count, "5"),)
    return Run(
        "r-1", "products", RunState.READY, Mode.COMPLETE, "ann", created_at, fingerprint=fingerprint, brakes=brakes
    )  # fmt: skip


def run_with_counts(counts: Mapping[str, int], changes: int = 0, excluded: int = 0) -> Run:
    """Return a plan below every brake, with these counts of its guards and this number of excluded lines."""
    left_out = {seq: f"d-{seq}" for seq in range(excluded)}
    return replace(plan(), brakes=(), position=Position(changes=changes, watched=counts), excluded=left_out)


def is_approved(four_eyes: FourEyes, run: Run, actor: Actor) -> bool:
    """Return True if the approval of one person is enough."""
    with acting_as(PersonAction(actor, "runs.commit", Right.RUN)):
        return four_eyes.is_enough(run, Approval(run.mark, actor.ref))


def accept_new_invitation(people: PeopleStore, ref: str) -> None:
    """Invite a person again, and accept the invitation with another identity."""
    people.invite(ref, "key of an invitation", people.clock() + HOLDS, ADMIN.ref)
    assert people.accept("key of an invitation", "https://id.example.com", "another subject")


@pytest.mark.parametrize("run", [plan(10), plan(500, code="brake_retirements"), plan(500, code="brake_source_empty")])
def test_below_the_second_limit_one_person_is_enough(four_eyes: FourEyes, run: Run) -> None:
    assert four_eyes.exceeded_limits(run) == []
    assert is_approved(four_eyes, run, OPERATOR)


def test_above_it_a_second_person_says_yes_to_the_same_plan(four_eyes: FourEyes) -> None:
    assert [brake.count for brake in four_eyes.exceeded_limits(plan())] == [11]
    assert not is_approved(four_eyes, plan(), ANN)
    first = four_eyes.first_approval(plan())
    assert first is not None
    assert first.by == "ann"
    assert is_approved(four_eyes, plan(), BEN)


@pytest.mark.parametrize(
    ("run", "count"),
    [
        (run_with_counts({"changes": 10}), None),
        (run_with_counts({"changes": 11}), 11),
        (run_with_counts({"changes": 90}), 90),
        (run_with_counts({"changes": 2}, changes=13, excluded=2), 11),  # a person took in nine that were left out
        (run_with_counts({"changes": 2}, changes=13, excluded=3), None),
        (run_with_counts({"changes": 11}, changes=11, excluded=5), 11),  # what a brake counts, whatever is left out
        (run_with_counts({"changes": 9, "changes_percent": 90}), None),
        (replace(run_with_counts({"changes": 90}), mode=Mode.UNDO), 90),
        (replace(run_with_counts({"changes": 90}), mode=Mode.CHOSEN), 90),
        (replace(run_with_counts({"changes": 90}), flow="gone"), None),
    ],
)
def test_a_second_limit_counts_without_any_brake(four_eyes: FourEyes, run: Run, count: int | None) -> None:
    assert [brake.count for brake in four_eyes.exceeded_limits(run)] == ([] if count is None else [count])
    assert is_approved(four_eyes, run, ANN) is (count is None)


def commit_part(
    database: Database, clock: Clock, count: int, mode: Mode = Mode.CHOSEN, by: str = "ann", **inputs: Any
) -> Run:
    """Commit a plan whose guard counted this number of changes."""
    runs, previews = RunStore(database, clock), Previews(database, clock)
    run = runs.begin("products", mode, "ann", 4, **inputs).id
    previews.keep_page(run, [a_create(1)], [], 0, Position(watched={"changes": count}))
    previews.finish(run, f"fingerprint of {run}", (), RunState.READY, 1)
    runs.approve(run, Approval(runs.get(run).mark, by))
    prove(runs, run)
    Ledger(database, clock).finish(run)
    return runs.get(run)


def part_of(count: int, mode: Mode = Mode.CHOSEN, basis: Mapping[str, str] | None = None) -> Run:
    """Return a plan of these records with this count of changes, made with the same mapping as `commit_part`."""
    return replace(run_with_counts({"changes": count}), mode=mode, basis=basis or {}, mapping_version=4)


def test_plans_of_chosen_records_count_together_for_a_day(
    four_eyes: FourEyes, database: Database, clock: Clock
) -> None:
    part = part_of(6)
    assert four_eyes.exceeded_limits(part) == []
    committed_run = commit_part(database, clock, 5)
    assert [brake.count for brake in four_eyes.exceeded_limits(part)] == [11]
    assert four_eyes.exceeded_limits(committed_run) == []
    assert four_eyes.exceeded_limits(replace(part, mode=Mode.CHANGES)) == []
    clock.advance(HOLDS.total_seconds() + 1)
    assert four_eyes.exceeded_limits(part) == []


def test_a_stopped_and_discarded_part_counts_as_well(four_eyes: FourEyes, database: Database, clock: Clock) -> None:
    runs, previews = RunStore(database, clock), Previews(database, clock)
    run = a_preview(runs, a_create(1), mode=Mode.CHOSEN)
    previews.keep_position(run, Position(watched={"changes": 5}))
    previews.finish(run, "fingerprint", (), RunState.READY, 1)
    runs.approve(run, Approval(runs.get(run).mark, "ann"))
    runs.interrupt(run, "cancelled", {})
    assert [brake.count for brake in four_eyes.exceeded_limits(part_of(6))] == [11]
    runs.discard(run, "ann")
    assert [brake.count for brake in four_eyes.exceeded_limits(part_of(6))] == [11]


@pytest.mark.parametrize(
    ("inputs", "counts"),
    [
        ({"basis": {"settings": "another filter", "tables": "t"}}, True),
        ({"basis": {"settings": "s", "tables": "fewer rows"}}, True),
        ({"basis": {"settings": "s", "tables": "t", "lists": "another list"}}, False),
    ],
)
@pytest.mark.parametrize("by", ["ann", "schedule"])
def test_plans_made_with_other_settings_count_together_for_a_day(
    four_eyes: FourEyes, database: Database, clock: Clock, by: str, inputs: Mapping[str, Any], *, counts: bool
) -> None:
    part = part_of(6, Mode.COMPLETE, {"settings": "s", "tables": "t"})
    commit_part(database, clock, 5, Mode.COMPLETE, by, **inputs)
    assert [brake.count for brake in four_eyes.exceeded_limits(part)] == ([11] if counts else [])
    assert [brake.count for brake in four_eyes.exceeded_limits(replace(part, mapping_version=5))] == [11]


def test_of_the_plans_of_a_schedule_with_the_same_settings_only_the_largest_counts(
    four_eyes: FourEyes, database: Database, clock: Clock
) -> None:
    counted_parts = []
    for settings in ("first", "second"):
        for count in (3, 4, 2):
            commit_part(database, clock, count, Mode.CHANGES, "schedule", basis={"settings": settings})
        part = part_of(3, Mode.CHANGES, {"settings": settings})
        counted_parts.append([brake.count for brake in four_eyes.exceeded_limits(part)])
    part = part_of(3, Mode.CHANGES, {"settings": "third"})
    counted_parts.append([brake.count for brake in four_eyes.exceeded_limits(part)])
    assert counted_parts == [[], [], [11]]


def test_a_limit_saved_in_the_meantime_stays(four_eyes: FourEyes, monkeypatch: pytest.MonkeyPatch) -> None:
    others = iter([{"brake_changes": 3}])

    def save_another_before(write: Callable[..., Any], *arguments: Any) -> Any:
        for limits in others:  # once
            four_eyes.change("orders", limits, ADMIN)
        return write(*arguments)

    for name in ("put", "replace"):
        write = getattr(four_eyes._settings, name)
        monkeypatch.setattr(four_eyes._settings, name, partial(save_another_before, write))
    four_eyes.change("products", {"brake_changes": 5}, ADMIN)
    assert [four_eyes.limits(flow) for flow in ("products", "orders")] == [{"brake_changes": 5}, {"brake_changes": 3}]


@pytest.mark.parametrize("limit", [10, None])
def test_a_schedule_writes_no_plan_above_a_second_limit(tmp_path: Path, limit: int | None) -> None:
    with open_application(tmp_path, start=False) as application:
        application.four_eyes.change("products", {"brake_changes": limit}, ADMIN)
        application.flows.change("products", {"on": True, "auto_approve": True}, ADMIN)
        approvals = [application.flows.may_approve(run_with_counts({"changes": count})) for count in (10, 11)]
    assert [approval is not None for approval in approvals] == [True, limit is None]


@pytest.mark.parametrize(
    ("lose", "counts"),
    [
        (lambda people: people.set_active("ann", ADMIN.ref, on=False), False),
        (lambda people: people.change("ann", ["viewer"], ADMIN.ref), False),
        (lambda people: people.change("ann", [], ADMIN.ref), False),
        (lambda people: people.change("ann", ["accountant", "ask_sql"], ADMIN.ref), False),
        (lambda people: people.revoke(ANN.session, ADMIN.ref), False),
        (lambda people: accept_new_invitation(people, "ann"), False),
        (lambda people: people.change("ann", ["administrator"], ADMIN.ref), True),
        (lambda people: people.change("ben", ["viewer"], ADMIN.ref), True),
        (lambda people: people.revoke("another-ben", ADMIN.ref), True),
        (lambda people: people.leave(ANN.session, "ann"), True),
    ],
    ids=[
        "off",
        "viewer",
        "nothing",
        "rights apart",
        "revoked",
        "invited anew",
        "more",
        "another",
        "session of another",
        "left",
    ],
)
def test_a_first_yes_falls_with_the_right_of_its_giver(
    four_eyes: FourEyes, people: PeopleStore, lose: Callable[[PeopleStore], None], *, counts: bool
) -> None:
    assert not is_approved(four_eyes, plan(), ANN)
    lose(people)
    people.set_active("ann", ADMIN.ref, on=True)  # it does not come back with the right
    people.change("ann", ["operator"], ADMIN.ref)
    assert is_approved(four_eyes, plan(), BEN) is counts


def test_nobody_is_the_second_person_after_themselves(four_eyes: FourEyes) -> None:
    assert not is_approved(four_eyes, plan(), ANN)
    with pytest.raises(NotAllowedError, match="second_person_needed"):
        is_approved(four_eyes, plan(), ANN)
    with pytest.raises(NotAllowedError, match="second_person_needed"):
        is_approved(four_eyes, plan(), Actor("ann", session="another-ann"))


@pytest.mark.parametrize("actor", [OPERATOR, make_actor("terminal"), Actor("ben", roles=frozenset({Role.OPERATOR}))])
def test_who_has_not_logged_in_is_neither_the_first_nor_the_second(four_eyes: FourEyes, actor: Actor) -> None:
    with pytest.raises(NotAllowedError, match="log_in_needed"):
        is_approved(four_eyes, plan(), actor)
    assert not is_approved(four_eyes, plan(), ANN)
    with pytest.raises(NotAllowedError, match="log_in_needed"):
        is_approved(four_eyes, plan(), actor)
    with pytest.raises(NotAllowedError, match="log_in_needed"):
        four_eyes.is_enough(plan(), Approval(plan().mark, "ben"))  # by nobody's action


@pytest.mark.parametrize("session", ["made up", "s-ann"])
def test_a_session_that_is_not_that_of_the_actor_approves_nothing(four_eyes: FourEyes, session: str) -> None:
    forged = Actor("ben", roles=frozenset({Role.OPERATOR}), session=session)
    assert not is_approved(four_eyes, plan(), ANN)
    with pytest.raises(LoggedOutError):
        is_approved(four_eyes, plan(), forged)
    with acting_as(PersonAction(ANN, "runs.commit", Right.RUN)), pytest.raises(NotAllowedError, match="second_person"):
        four_eyes.is_enough(plan(), Approval(plan().mark, "ben"))  # in the name of another person


def test_a_first_yes_is_to_one_plan_and_not_for_ever(four_eyes: FourEyes, clock: Clock) -> None:
    assert not is_approved(four_eyes, plan(), ANN)
    assert not is_approved(four_eyes, plan(fingerprint="f-2"), BEN)  # another plan
    assert is_approved(four_eyes, plan(fingerprint="f-2"), ANN)
    clock.advance((HOLDS + timedelta(seconds=1)).total_seconds())
    assert not is_approved(four_eyes, plan(fingerprint="f-2"), ANN)


@pytest.mark.long
def test_a_plan_is_written_once_two_people_have_committed_it(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        console = Console(application)
        console.run("products")
        application.flows.change("products", {"brakes": {"changes": 0}}, ADMIN)
        application.four_eyes.change("products", {"brake_changes": 0}, ADMIN)
        article = next(row for row in console.sandbox.state("articles", "mplus") if row.get("extArticleId"))
        code = str(article["extArticleId"])
        console.sandbox.accountview.edit("ARTICLE", code, {"ART_DESC1": "Another name"})
        run = console.preview("products")
        assert [brake.code for brake in run.brakes] == ["brake_changes"]
        ann, ben = (log_in(application, ref) for ref in ("ann", "ben"))
        confirmed = {brake.code: brake.count for brake in run.brakes}
        before = console.writes()

        assert not application.authorized_for(ann).runs.commit(run.id, Approval(run.mark, ann.ref, confirmed))
        assert (application.runs.get(run.id).state, console.writes()) == (RunState.READY, before)
        with pytest.raises(NotAllowedError, match="second_person_needed"):
            application.authorized_for(ann).runs.commit(run.id, Approval(run.mark, ann.ref, confirmed))
        application.people.change("ben", [Role.VIEWER], ADMIN)
        with pytest.raises(NotAllowedError, match="reason_right_run"):
            application.authorized_for(ben).runs.commit(run.id, Approval(run.mark, ben.ref, confirmed))
        assert console.writes() == before
        application.people.change("ben", [Role.OPERATOR], ADMIN)
        assert application.authorized_for(ben).runs.commit(run.id, Approval(run.mark, ben.ref, confirmed))
        application.people.change("ben", [Role.VIEWER], ADMIN)  # while the run is at work
        with pytest.raises(NotAllowedError, match="reason_right_run"):
            application.authorized_for(ben).runs.cancel(run.id, ben)
        finished_run = wait_for_run(application, run.id)
        assert (finished_run.state, finished_run.counts.difference, finished_run.counts.proven > 0) == (
            RunState.DONE,
            0,
            True,
        )
        assert finished_run.approval is not None
        assert finished_run.approval.by == "ben"


def log_in(application: Application, ref: str) -> Actor:
    """Return a person who has come in."""
    key = application.people.invite(ref, "", [Role.OPERATOR, Role.ADMINISTRATOR], ADMIN)
    return application.people.actor_of_session(application.people.enter(Identity("https://id.example.com", ref), key))

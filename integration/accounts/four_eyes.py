"""Four eyes: a plan that exceeds a second limit is written only after two people approved it.

To prevent one person from lifting the limits alone, loosening a flow that has second limits needs two people as well:
see `loosening`. So does taking rights from a person if only one person would be left who has them.
"""

from collections.abc import Collection, Hashable, Mapping
from datetime import timedelta
from typing import Any

from integration.accounts.loosening import flat_values, loosened_limits, loosened_settings
from integration.accounts.people import People
from integration.accounts.store.change_requests import ChangeRequestStore
from integration.accounts.store.first_approvals import FirstApproval, FirstApprovalStore
from integration.core.authorization import requires
from integration.core.basis import SETTINGS, TABLES
from integration.core.change_request import ChangeRequest
from integration.core.errors import NotAllowedError
from integration.core.guards import Guard, Measure, typed_guards
from integration.core.people import SCHEDULE, Actor, Right, current_action, known_roles
from integration.core.plan import Approval, Brake
from integration.core.run import Mode, Run
from integration.flows.registry import Specs
from integration.flows.settings import FlowSettings
from integration.store.database import Clock
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings

HOLDS = timedelta(hours=24)
REQUEST_HOLDS = timedelta(days=7)  # a requested change of settings expires after this time
FOUR_EYES_SETTING = "four-eyes"
TWO = 2
DECIDING = (Right.RUN, Right.ARRANGE, Right.ADMINISTER)  # rights to approve plans, settings, and limits and people
PERSON = "person:"  # prefix of the name of a requested change of a person


class FourEyes:
    """The second limits of every flow, set by an administrator, and the first approvals of plans."""

    def __init__(
        self,
        flows: Specs,
        settings: StoredSettings,
        first_approvals: FirstApprovalStore,
        requests: ChangeRequestStore,
        clock: Clock,
        people: People,
        runs: RunStore,
    ) -> None:
        self._flows = flows
        self._runs = runs
        self._settings = settings
        self._first_approvals = first_approvals
        self._requests = requests
        self._clock = clock
        self._people = people

    @requires(Right.SEE)
    def brakes(self, flow: str) -> dict[str, Guard]:
        """Return the guards of a flow that can have a second limit, by brake code."""
        return typed_guards(self._flows[flow].settings.guards)

    @requires(Right.SEE)
    def limits(self, flow: str) -> dict[str, int]:
        """Return the second limits of a flow by brake code. A higher count needs a second person."""
        stored_limits = (self._settings.get(FOUR_EYES_SETTING) or {}).get(flow, {})
        return {code: int(stored_limits[code]) for code in self.brakes(flow) if code in stored_limits}

    @requires(Right.ADMINISTER)
    def change(self, flow: str, limits: Mapping[str, int | None], by: Actor) -> bool:
        """Set the second limits of a flow (None removes one), and return True if all of them are in force now.

        A looser limit waits for a second person; the others apply at once. Raises the errors of `may_change`.
        """
        stored_limits = self._settings.get(FOUR_EYES_SETTING) or {}
        codes, now = self.brakes(flow), self.limits(flow)
        new_limits = {code: max(0, limit) for code, limit in limits.items() if limit is not None and code in codes}
        loosened = loosened_limits(now, new_limits)
        may_loosen = self._may_change(
            f"{FOUR_EYES_SETTING}:{flow}", flow, Right.ADMINISTER, {code: now[code] for code in loosened},
            {code: new_limits.get(code) for code in loosened}, by,
        )  # fmt: skip
        if not may_loosen:
            new_limits |= {code: now[code] for code in loosened}
        if new_limits != now:
            new_value = {**stored_limits, flow: new_limits}
            if not self._settings.replace(FOUR_EYES_SETTING, stored_limits, new_value, by.ref):
                return self.change(flow, limits, by)  # somebody saved other limits in the meantime
        return may_loosen

    @requires(Right.ADMINISTER)
    def change_person(self, ref: str, grants: Collection[str], by: Actor) -> bool:
        """Change the rights of a person, effective at their next action. Return True if the change is in force now.

        With second limits, it waits for a second administrator if it would leave one person alone with a right to
        decide. Raises NotAllowedError `last_administrator`, and the errors of `may_change`.
        """
        roles, apart = known_roles(grants)
        remaining = Actor(ref, roles=roles, extra_rights=apart).rights
        if not self._may_take_rights(ref, remaining, {"grants": sorted({*roles, *apart})}, by):
            return False
        self._people.change(ref, grants, by)
        return True

    @requires(Right.ADMINISTER)
    def set_person_active(self, ref: str, by: Actor, *, on: bool) -> bool:
        """Deactivate a person and end their sessions, or activate them again. Return True if that is in force now.

        Waits and raises as `change_person` does.
        """
        if not on and not self._may_take_rights(ref, (), {"on": False}, by):
            return False
        self._people.set_active(ref, by, on=on)
        return True

    def person_values(self, ref: str) -> dict[str, Any]:
        """Return the values of a person that a change request can have: the `grants`, and `on` while active."""
        person = self._people.get(ref)
        return {} if person is None else {"grants": sorted(person.grants), "on": person.deactivated_at is None}

    def _may_take_rights(self, ref: str, remaining: Collection[Right], after: Mapping[str, Any], by: Actor) -> bool:
        lost = [right for right in DECIDING if right not in remaining and self._people.decides(ref, right)]
        is_alone = any(self._people.deciders(right) == TWO for right in lost)
        if not is_alone or not any(map(self.limits, self._flows)):
            return True
        values = self.person_values(ref)
        before = {name: values[name] for name in after}
        return self._is_approved(f"{PERSON}{ref}", "", Right.ADMINISTER, before, after, by)

    def may_change(
        self,
        flow: str,
        before: FlowSettings,
        after: FlowSettings,
        by: Actor,
        reasons: Mapping[str, str] | None = None,
        *,
        approves: bool = True,
    ) -> bool:
        """Return True if a change of settings may be applied now.

        Only changes that loosen the settings need a second person.

        Otherwise the change is stored as a request, which replaces an earlier one. Another person who makes the same
        change approves it, unless they only ask (`approves` is False). One person is enough for a flow without second
        limits, and if fewer than two people have the right. Raises NotAllowedError `change_log_in_needed` for an actor
        without a session, and LoggedOutError for a session that is not valid.
        """
        names = loosened_settings(before, after)
        why = {name: reason for name, reason in (reasons or {}).items() if f"brakes.{name}" in names}
        return self._may_change(
            f"flow:{flow}", flow, Right.ARRANGE, flat_values(before, names), flat_values(after, names), by, why,
            approves=approves,
        )  # fmt: skip

    def _may_change(
        self,
        setting: str,
        flow: str,
        right: Right,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        by: Actor,
        reasons: Mapping[str, str] | None = None,
        *,
        approves: bool = True,
    ) -> bool:
        if not after or not self.limits(flow):
            return True
        return self._is_approved(setting, flow, right, before, after, by, reasons, approves=approves)

    def _is_approved(
        self,
        setting: str,
        flow: str,
        right: Right,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        by: Actor,
        reasons: Mapping[str, str] | None = None,
        *,
        approves: bool = True,
    ) -> bool:
        """Return True if two people made this change, or if only one could. Otherwise store it as a request."""
        if self._people.deciders(right) < TWO:
            return True
        self._require_session(by, "change_log_in_needed", flow or setting.removeprefix(PERSON))
        now = self._clock()
        request = ChangeRequest(
            setting=setting, flow=flow, right=right, before=before, after=after, reasons=reasons or {},
            by=by.ref, session=by.session, at=now, until=now + REQUEST_HOLDS,
        )  # fmt: skip
        first = self._requests.get(setting)
        if first is not None and first.mark == request.mark and first.by != by.ref:
            return approves and self._requests.discard(first, "change_approved", by.ref)
        self._requests.keep(request)
        return False

    @requires(Right.SEE)
    def exceeded_limits(self, run: Run) -> list[Brake]:
        """Return each second limit that a plan exceeds, with the count of the plan and the limit.

        A brake that did not stop the plan counts too, and so do lines that a person included. Plans that one approval
        wrote within a day count together, so that nobody writes a large change in small parts: plans of chosen records,
        and plans that were made with another mapping or other settings or tables.
        """
        if run.flow not in self._flows:
            return []
        guards, limits = self.brakes(run.flow), self.limits(run.flow)
        parts = [[run], *(self._other_parts(run) if limits else ())]
        counts = {code: sum(max(_count(plan, guards[code]) for plan in part) for part in parts) for code in limits}
        return [Brake(code, counts[code], str(limit)) for code, limit in limits.items() if counts[code] > limit]

    def _other_parts(self, run: Run) -> Collection[list[Run]]:
        """Return the plans that count together with this plan. Of each list only the largest counts.

        The plans of a schedule with the same mapping, settings and tables are one list: the first of them contains all
        that these inputs change, and the later ones what changed in the source meanwhile.
        """
        parts: dict[Hashable, list[Run]] = {}
        for other in self._runs.approved_parts(run, self._clock() - HOLDS):
            is_chosen = run.mode is other.mode is Mode.CHOSEN
            if (is_chosen or _inputs(run) != _inputs(other)) and self.first_approval(other) is None:
                by_schedule = other.approval is not None and other.approval.by == SCHEDULE.ref
                parts.setdefault(_inputs(other) if by_schedule else other.id, []).append(other)
        return parts.values()

    @requires(Right.SEE)
    def first_approval(self, run: Run) -> FirstApproval | None:
        """Return the first approval of a plan with its current selection, or None if there is none or it expired."""
        return self._first_approvals.current_approval(run.id, run.mark)

    def is_enough(self, run: Run, approval: Approval) -> bool:
        """Return True if this approval is enough to write a plan. Otherwise store it as the first approval.

        Raises NotAllowedError `log_in_needed` for an actor without a session, and `second_person_needed` if the same
        person gave the first approval. Raises LoggedOutError for a session that is not valid.
        """
        if not self.exceeded_limits(run):
            return True
        action = current_action()
        if action is None:
            raise NotAllowedError("log_in_needed", flow=run.flow)
        actor = action.actor
        self._require_session(actor, "log_in_needed", run.flow)
        first = self.first_approval(run)
        if first is not None and first.by == actor.ref:
            raise NotAllowedError("second_person_needed", flow=run.flow, time=first.until.isoformat())
        if first is not None:
            return True
        now = self._clock()
        first_approval = FirstApproval(actor.ref, approval.fingerprint, now, now + HOLDS, actor.session)
        self._first_approvals.keep(run.id, run.flow, first_approval, approval.confirmed or {})
        return False

    def _require_session(self, actor: Actor, code: str, flow: str) -> None:
        """Raise NotAllowedError with this code for an actor without a session, and LoggedOutError if it is not valid.

        A caller within this machine can name any actor, so the session is looked up here.
        """
        if not actor.session:
            raise NotAllowedError(code, flow=flow)
        self._people.refresh_actor(actor)


def _inputs(run: Run) -> Hashable:
    """Return the inputs of a plan that a person can change: its mapping, settings and tables."""
    return run.mapping_version, *(run.basis.get(kind) for kind in (SETTINGS, TABLES))


def _count(run: Run, guard: Guard) -> int:
    """Return the count of a guard for a plan: as planned or as currently selected, whichever is larger."""
    tripped = (brake.count for brake in run.brakes if brake.code == guard.code)
    planned = max(run.position.watched.get(guard.name, 0), *tripped, 0)
    if not guard.whole or guard.measure is not Measure.NUMBER:
        return planned
    return max(planned, run.position.changes + run.position.retirements - len(run.excluded))

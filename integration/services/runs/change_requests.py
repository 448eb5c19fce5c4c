"""Change requests for settings: lists, approves and rejects them."""

from collections.abc import Mapping
from typing import Any

from integration.accounts.four_eyes import PERSON, FourEyes
from integration.accounts.loosening import flat_values, nested_values
from integration.accounts.store.change_requests import ChangeRequestStore
from integration.core.authorization import require_right, requires
from integration.core.change_request import ChangeRequest
from integration.core.errors import NotAllowedError
from integration.core.people import Actor, Right, current_action
from integration.services.runs.flows import Flows


class ChangeRequests:
    """The requests to change settings of flows, or rights of people, that wait for a second person."""

    def __init__(self, store: ChangeRequestStore, flows: Flows, four_eyes: FourEyes) -> None:
        self._store = store
        self._flows = flows
        self._four_eyes = four_eyes

    @requires(Right.SEE)
    def waiting(self, flow: str = "") -> list[ChangeRequest]:
        """Return the requests that can be approved, oldest first, of one flow or of all.

        A request lapses if a setting that it changes has a different value by now.
        """
        return [
            request for request in self._store.waiting() if flow in ("", request.flow) and self._is_current(request)
        ]

    @requires(Right.ARRANGE)
    def approve(self, setting: str, mark: str, by: Actor) -> None:
        """Apply the change that somebody else requested, whose digest is `mark`.

        Raises NotAllowedError: `change_is_own` for one's own request, `change_request_gone` if it no longer waits, and
        `not_allowed` without the right that the change needs.
        """
        request = self._get(setting, mark)
        person = _person(request)
        if request.by == by.ref:
            raise NotAllowedError("change_is_own", flow=request.flow or person)
        if person and "grants" in request.after:
            self._four_eyes.change_person(person, request.after["grants"], by)
        elif person:
            self._four_eyes.set_person_active(person, by, on=False)
        elif request.right is Right.ADMINISTER:
            self._four_eyes.change(request.flow, {**self._four_eyes.limits(request.flow), **request.after}, by)
        else:
            values = dict(nested_values(self._flows.settings(request.flow), request.after))
            self._flows.change(request.flow, values, by, request.reasons)

    @requires(Right.ARRANGE)
    def reject(self, setting: str, mark: str, by: Actor) -> None:
        """Delete a request. Its author may do so too.

        Raises NotAllowedError as `approve` does, except `change_is_own`.
        """
        if not self._store.discard(self._get(setting, mark), "change_rejected", by.ref):
            raise _gone_error(setting)

    def _get(self, setting: str, mark: str) -> ChangeRequest:
        request = self._store.get(setting)
        if request is None or request.mark != mark or not self._is_current(request):
            raise _gone_error(setting)
        action = current_action()
        if action is not None:
            require_right(action.actor, request.right)
        return request

    def _is_current(self, request: ChangeRequest) -> bool:
        if request.flow not in self._flows and not _person(request):
            return False
        return all(self._current_values(request).get(name) == value for name, value in request.before.items())

    def _current_values(self, request: ChangeRequest) -> Mapping[str, Any]:
        if person := _person(request):
            return self._four_eyes.person_values(person)
        if request.right is Right.ADMINISTER:
            limits = self._four_eyes.limits(request.flow)
            return {name: limits.get(name) for name in request.before}
        return flat_values(self._flows.settings(request.flow), request.before.keys())


def _person(request: ChangeRequest) -> str:
    """Return the reference of the person that a request changes, or an empty text."""
    return request.setting.removeprefix(PERSON) if request.setting.startswith(PERSON) else ""


def _gone_error(setting: str) -> NotAllowedError:
    return NotAllowedError("change_request_gone", flow=setting.partition(":")[2])

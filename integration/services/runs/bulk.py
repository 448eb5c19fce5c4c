"""Bulk actions on several causes, or on several records of one. A failure on one does not stop the others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from integration.core.authorization import requires
from integration.core.errors import IntegrationError
from integration.core.issues import CauseGroup, IssueGroupKey, IssueState
from integration.core.people import Actor, Right
from integration.core.run import Mode, PreviewRequest
from integration.services.runs.exceptions import Exceptions
from integration.services.runs.retries import retry_note
from integration.services.runs.runs import Runs
from integration.store.issues import Issues

GONE = ""  # the code if the cause or record no longer exists


@dataclass(frozen=True, slots=True)
class BulkFailure:
    """A cause, or one of its records, on which an action failed, with the reason.

    An empty code: it no longer exists.
    """

    group: CauseGroup
    record: str = ""
    code: str = GONE
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The result of a bulk action: the number of records done, the failures, and the runs started."""

    records: int = 0
    refused: tuple[BulkFailure, ...] = ()
    runs: tuple[str, ...] = ()


class Bulk:
    """Bulk actions on selected exceptions. The audit log gets one entry for each cause."""

    def __init__(self, exceptions: Exceptions, issues: Issues, runs: Runs) -> None:
        self._exceptions = exceptions
        self._issues = issues
        self._runs = runs

    @requires(Right.REPAIR)
    def set_aside(self, chosen: Sequence[CauseGroup], reason: str, by: Actor, only: Collection[int] = ()) -> BulkResult:
        """Dismiss causes, or some records of one, with the same reason."""
        return self._each(
            chosen, IssueState.OPEN, only, lambda of, some: self._exceptions.set_aside(of, reason, by, some)
        )

    @requires(Right.REPAIR)
    def take_back(self, chosen: Sequence[CauseGroup], by: Actor, only: Collection[int] = ()) -> BulkResult:
        """Reopen dismissed causes, or some records of one."""
        return self._each(chosen, IssueState.SET_ASIDE, only, lambda of, some: self._exceptions.take_back(of, by, some))

    @requires(Right.REPAIR)
    def assign(self, chosen: Sequence[CauseGroup], to: str, by: Actor) -> BulkResult:
        """Store the person responsible for these causes; nobody if `to` is empty."""
        return self._each(chosen, IssueState.OPEN, (), lambda of, _: self._issues.assign(of, to, by.ref))

    @requires(Right.RUN)
    def try_again(self, chosen: Sequence[CauseGroup], by: Actor, only: Collection[int] = ()) -> BulkResult:
        """Start one preview per flow for all selected causes of that flow. A flow has one active run at most."""
        refused: list[BulkFailure] = []
        keys: dict[str, list[str]] = {}
        found: dict[str, list[CauseGroup]] = {}
        for group in chosen:
            there = self._there(group, IssueState.OPEN, only, refused)
            if there:
                found.setdefault(group.flow, []).append(group)
                keys.setdefault(group.flow, []).extend(self._sources(group, there))
        begun = []
        for flow, groups in found.items():
            wanted = tuple(dict.fromkeys(keys[flow]))
            notes = retry_note(groups[0]) if len(groups) == 1 and not only else {}
            try:
                begun.append(self._runs.preview(PreviewRequest(flow, by, Mode.CHOSEN, wanted, notes)))
            except IntegrationError as error:
                refused += [BulkFailure(group, code=error.code, facts=error.facts) for group in groups]
                keys[flow] = []
        return BulkResult(sum(len(set(some)) for some in keys.values()), tuple(refused), tuple(begun))

    def _sources(self, group: CauseGroup, there: Collection[int]) -> list[str]:
        issues = [one for one in self._exceptions.every(group.group_key, IssueState.OPEN) if one.id in there]
        return [key for keys in self._exceptions.sources(group.flow, issues).values() for key in keys]

    def _each(
        self,
        chosen: Sequence[CauseGroup],
        state: IssueState,
        only: Collection[int],
        act: Callable[[IssueGroupKey, Collection[int]], object],
    ) -> BulkResult:
        records = 0
        refused: list[BulkFailure] = []
        for group in chosen:
            there = self._there(group, state, only, refused)
            if not there:
                continue
            try:
                act(group.group_key, there if only else ())
                records += len(there)
            except IntegrationError as error:
                refused.append(BulkFailure(group, code=error.code, facts=error.facts))
        return BulkResult(records, tuple(refused))

    def _there(
        self, group: CauseGroup, state: IssueState, only: Collection[int], refused: list[BulkFailure]
    ) -> dict[int, str]:
        """Return the records of a cause that the action can reach, by id, and add the others to `refused`."""
        found = {one.id: one.title for one in self._exceptions.every(group.group_key, state)}
        if not only:
            refused += [] if found else [BulkFailure(group)]
            return found
        refused += [BulkFailure(group, str(one)) for one in only if one not in found]
        return {one: title for one, title in found.items() if one in only}

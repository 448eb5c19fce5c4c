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

MISSING_CODE = ""  # the code if the cause or record no longer exists


@dataclass(frozen=True, slots=True)
class BulkFailure:
    """A cause, or one of its records, on which an action failed, with the reason.

    An empty code: it no longer exists.
    """

    group: CauseGroup
    record: str = ""
    code: str = MISSING_CODE
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
    def dismiss(self, chosen: Sequence[CauseGroup], reason: str, by: Actor, only: Collection[int] = ()) -> BulkResult:
        """Dismiss causes, or some records of one, with the same reason."""
        return self._apply_to_groups(
            chosen, IssueState.OPEN, only, lambda cause, ids: self._exceptions.dismiss(cause, reason, by, ids)
        )

    @requires(Right.REPAIR)
    def reopen(self, chosen: Sequence[CauseGroup], by: Actor, only: Collection[int] = ()) -> BulkResult:
        """Reopen dismissed causes, or some records of one."""
        return self._apply_to_groups(
            chosen, IssueState.DISMISSED, only, lambda cause, ids: self._exceptions.reopen(cause, by, ids)
        )

    @requires(Right.REPAIR)
    def assign(self, chosen: Sequence[CauseGroup], to: str, by: Actor) -> BulkResult:
        """Store the person responsible for these causes; nobody if `to` is empty."""
        return self._apply_to_groups(
            chosen, IssueState.OPEN, (), lambda cause, _: self._issues.assign(cause, to, by.ref)
        )

    @requires(Right.RUN)
    def try_again(self, chosen: Sequence[CauseGroup], by: Actor, only: Collection[int] = ()) -> BulkResult:
        """Start one preview per flow for all selected causes of that flow. A flow has one active run at most."""
        failures: list[BulkFailure] = []
        keys: dict[str, list[str]] = {}
        by_flow: dict[str, list[CauseGroup]] = {}
        for group in chosen:
            ids = self._reachable_records(group, IssueState.OPEN, only, failures)
            if ids:
                by_flow.setdefault(group.flow, []).append(group)
                keys.setdefault(group.flow, []).extend(self._sources(group, ids))
        run_ids = []
        for flow, groups in by_flow.items():
            flow_keys = tuple(dict.fromkeys(keys[flow]))
            notes = retry_note(groups[0]) if len(groups) == 1 and not only else {}
            try:
                run_ids.append(self._runs.preview(PreviewRequest(flow, by, Mode.CHOSEN, flow_keys, notes)))
            except IntegrationError as error:
                failures += [BulkFailure(group, code=error.code, facts=error.facts) for group in groups]
                keys[flow] = []
        return BulkResult(sum(len(set(record_keys)) for record_keys in keys.values()), tuple(failures), tuple(run_ids))

    def _sources(self, group: CauseGroup, ids: Collection[int]) -> list[str]:
        issues = [
            open_issue
            for open_issue in self._exceptions.list_issues(group.group_key, IssueState.OPEN)
            if open_issue.id in ids
        ]
        return [key for keys in self._exceptions.sources(group.flow, issues).values() for key in keys]

    def _apply_to_groups(
        self,
        chosen: Sequence[CauseGroup],
        state: IssueState,
        only: Collection[int],
        act: Callable[[IssueGroupKey, Collection[int]], object],
    ) -> BulkResult:
        records = 0
        failures: list[BulkFailure] = []
        for group in chosen:
            ids = self._reachable_records(group, state, only, failures)
            if not ids:
                continue
            try:
                act(group.group_key, ids if only else ())
                records += len(ids)
            except IntegrationError as error:
                failures.append(BulkFailure(group, code=error.code, facts=error.facts))
        return BulkResult(records, tuple(failures))

    def _reachable_records(
        self, group: CauseGroup, state: IssueState, only: Collection[int], failures: list[BulkFailure]
    ) -> dict[int, str]:
        """Return the records of a cause that the action can reach, by id, and add the others to `failures`."""
        titles = {
            open_issue.id: open_issue.title for open_issue in self._exceptions.list_issues(group.group_key, state)
        }
        if not only:
            failures += [] if titles else [BulkFailure(group)]
            return titles
        failures += [BulkFailure(group, str(issue_id)) for issue_id in only if issue_id not in titles]
        return {issue_id: title for issue_id, title in titles.items() if issue_id in only}

"""One action on several causes, or several records of one: each by itself, so that what cannot be done stops none."""

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

GONE = ""  # the code of what is no longer there to be done


@dataclass(frozen=True, slots=True)
class Refused:
    """What could not be done, for which cause or which record of it, and why; without a code it is gone by now."""

    group: CauseGroup
    record: str = ""
    code: str = GONE
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What an action came to: for how many records it was done, what could not be, and the runs it began."""

    records: int = 0
    refused: tuple[Refused, ...] = ()
    runs: tuple[str, ...] = ()


class Bulk:
    """Actions on what somebody chose among the exceptions. The audit has an entry for each cause."""

    def __init__(self, exceptions: Exceptions, issues: Issues, runs: Runs) -> None:
        self._exceptions = exceptions
        self._issues = issues
        self._runs = runs

    @requires(Right.REPAIR)
    def set_aside(self, chosen: Sequence[CauseGroup], reason: str, by: Actor, only: Collection[int] = ()) -> Done:
        """Take causes out of the queue with one reason, or some records of one."""
        return self._each(
            chosen, IssueState.OPEN, only, lambda of, some: self._exceptions.set_aside(of, reason, by, some)
        )

    @requires(Right.REPAIR)
    def take_back(self, chosen: Sequence[CauseGroup], by: Actor, only: Collection[int] = ()) -> Done:
        """Put causes that were set aside back into the queue, or some records of one."""
        return self._each(chosen, IssueState.SET_ASIDE, only, lambda of, some: self._exceptions.take_back(of, by, some))

    @requires(Right.REPAIR)
    def assign(self, chosen: Sequence[CauseGroup], to: str, by: Actor) -> Done:
        """Keep who looks after causes; nobody when `to` is empty."""
        return self._each(chosen, IssueState.OPEN, (), lambda of, _: self._issues.assign(of, to, by.ref))

    @requires(Right.RUN)
    def try_again(self, chosen: Sequence[CauseGroup], by: Actor, only: Collection[int] = ()) -> Done:
        """Start a preview for each flow of all that is chosen of it: a flow has one run at a time."""
        refused: list[Refused] = []
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
                refused += [Refused(group, code=error.code, facts=error.facts) for group in groups]
                keys[flow] = []
        return Done(sum(len(set(some)) for some in keys.values()), tuple(refused), tuple(begun))

    def _sources(self, group: CauseGroup, there: Collection[int]) -> list[str]:
        issues = [one for one in self._exceptions.every(group.of, IssueState.OPEN) if one.id in there]
        return [key for keys in self._exceptions.sources(group.flow, issues).values() for key in keys]

    def _each(
        self,
        chosen: Sequence[CauseGroup],
        state: IssueState,
        only: Collection[int],
        act: Callable[[IssueGroupKey, Collection[int]], object],
    ) -> Done:
        records = 0
        refused: list[Refused] = []
        for group in chosen:
            there = self._there(group, state, only, refused)
            if not there:
                continue
            try:
                act(group.of, there if only else ())
                records += len(there)
            except IntegrationError as error:
                refused.append(Refused(group, code=error.code, facts=error.facts))
        return Done(records, tuple(refused))

    def _there(
        self, group: CauseGroup, state: IssueState, only: Collection[int], refused: list[Refused]
    ) -> dict[int, str]:
        """Return the records of a cause that it can be done for, and note those for which it no longer can be."""
        found = {one.id: one.title for one in self._exceptions.every(group.of, state)}
        if not only:
            refused += [] if found else [Refused(group)]
            return found
        refused += [Refused(group, str(one)) for one in only if one not in found]
        return {one: title for one, title in found.items() if one in only}

"""State of the set-up: chosen flows, their questions with proposals, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, Reason
from integration.core.people import Actor, Right
from integration.core.system_roles import assigned_systems
from integration.flows.forms import MissingSetting, Proposal, Question, SetupContext
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, CodeList, FlowSettings
from integration.flows.spec import FlowSpec
from integration.services.connections.chosen_flows import ChosenFlows
from integration.services.connections.connections import Connections
from integration.services.connections.proposals import Proposals
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.tables import Tables
from integration.services.runs.flows import Flows
from integration.store.links import Links
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings

NO_CALENDARS: Mapping[str, Any] = MappingProxyType({})


def steps() -> tuple[str, ...]:
    """Return the steps of the set-up in order; the step of a system has the name of the system."""
    return (*assigned_systems(), "flows", "questions", "ready")


class State(StrEnum):
    """State of a question: without an answer, with a proposal, or answered by a person."""

    OPEN = "open"
    PROPOSED = "proposed"
    ANSWERED = "answered"


class PointSeverity(IntEnum):
    """Effect of a line of the readiness list on its flow; the most severe is first."""

    STOPS = 0  # the flow cannot run
    PARKS = 1  # it runs, and some records will wait for a person
    UNSEEN = 2  # it runs with our proposal, which nobody has confirmed
    DONE = 3


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question of a flow with its state."""

    flow: str
    question: Question
    state: State
    proposal: Proposal | None
    lack: MissingSetting | None
    unused: tuple[str, ...] = ()  # codes of its table that need no row for now

    @property
    def can_be_accepted(self) -> bool:
        """Whether the proposal can be accepted together with those of other questions."""
        return self.state is State.PROPOSED and not self.question.to_look_at

    @property
    def weight(self) -> PointSeverity:
        """The severity of the question for the flow."""
        if self.lack is not None:
            return PointSeverity.STOPS if self.lack.stops else PointSeverity.PARKS
        return PointSeverity.DONE if self.state is State.ANSWERED else PointSeverity.UNSEEN


@dataclass(frozen=True, slots=True)
class SetUpLine:
    """One line of the readiness list: its severity, and the step and question to which it leads."""

    weight: PointSeverity
    step: str
    asked: AskedQuestion | None = None


def question_of(spec: FlowSpec, name: str) -> Question:
    """Return a question by its name. Raises KeyError if the flow has no such question."""
    found = next((one for one in spec.questions if one.name == name), None)
    if found is None:
        raise KeyError(f"{spec.name} asks nothing called {name}")
    return found


def evaluate_questions(spec: FlowSpec, known: SetupContext) -> tuple[AskedQuestion, ...]:
    """Return the questions that arise under a flow's settings, with state, proposal and missing setting."""
    return tuple(
        _weighed(spec.name, one, known) for one in spec.questions if one.arises(known.settings) and one.wanted(known)
    )


def _weighed(flow: str, question: Question, known: SetupContext) -> AskedQuestion:
    lack, proposal, unused = question.lacks(known), _proposal(question, known), tuple(question.unused(known))
    is_answered = question.name in known.answered and not (lack and lack.stops)
    state = State.ANSWERED if is_answered else State.PROPOSED if proposal else State.OPEN
    return AskedQuestion(flow, question, state, proposal, lack, unused)


def _proposal(question: Question, known: SetupContext) -> Proposal | None:
    """Return our proposal. If somebody has set a different answer elsewhere, propose that answer."""
    proposal, now = question.propose(known), question.current_answer(known)
    usual = {} if question.table else {name: known.defaults.get(name) for name in question.settings}
    if now == usual or (proposal is not None and proposal.values == now):
        return proposal
    return None if question.table and question.lacks(known) else Proposal(now, Reason("proposed_as_set"))


def readiness(well: Mapping[str, bool], asked: Mapping[str, Sequence[AskedQuestion]]) -> tuple[SetUpLine, ...]:
    """Return the readiness list, most severe first.

    `well` has for each system whether it is connected and its check found nothing wrong; `asked` has the questions of
    the chosen flows.
    """
    lines = [SetUpLine(PointSeverity.DONE if well[system] else PointSeverity.STOPS, system) for system in well]
    lines.append(SetUpLine(PointSeverity.DONE if asked else PointSeverity.STOPS, "flows"))
    lines += [SetUpLine(one.weight, "questions", one) for questions in asked.values() for one in questions]
    return tuple(sorted(lines, key=lambda line: line.weight))


def completed_steps(well: Mapping[str, bool], asked: Mapping[str, Sequence[AskedQuestion]]) -> dict[str, bool]:
    """Return for each step whether it is done."""
    every = [one for questions in asked.values() for one in questions]
    steps = {
        **well,
        "flows": bool(asked),
        "questions": bool(every) and all(one.state is State.ANSWERED for one in every),
    }
    return {**steps, "ready": all(line.weight is not PointSeverity.STOPS for line in readiness(well, asked))}


class InstallationSetup:
    """The set-up of an installation. Answers are stored; what is missing is computed at each call."""

    def __init__(
        self,
        flows: Specs,
        lists: CodeLists,
        flow_service: Flows,
        tables: Tables,
        links: Links,
        rules: MappingStore,
        stored_settings: StoredSettings,
        chosen: ChosenFlows,
        connections: Connections,
        proposals: Proposals,
    ) -> None:
        """Store the dependencies. `chosen` stores the progress of the set-up."""
        self._flows = flows
        self._lists = lists
        self._flow_service = flow_service
        self._tables = tables
        self._rules = rules
        self._stored = stored_settings
        self._chosen = chosen
        self.chosen = chosen.chosen_flows  # the flows that are to run
        self._connections = connections
        self._proposals = proposals
        self._links = links
        self._refused: dict[tuple[str, str], Mapping[str, Any]] = {}  # the last refused answer of each question

    # ---- flows

    @requires(Right.SEE)
    def started(self) -> bool:
        """Return True if the chosen flows have been started."""
        return bool(self._chosen.record().get("started"))

    @requires(Right.SEE)
    def suggested(self) -> tuple[str, ...]:
        """Return the flows to preselect: the chosen ones, or else those that most shops want."""
        if "chosen" in self._chosen.record():
            return self.chosen()
        return self.chosen() or tuple(name for name, spec in self._flows.items() if spec.suggested)

    @requires(Right.ARRANGE)
    def choose(
        self, minutes: Mapping[str, int], by: Actor, calendars: Mapping[str, Any] = NO_CALENDARS
    ) -> frozenset[str]:
        """Store which flows are to run, each with its interval in minutes and its calendar.

        A flow that is not running begins with `start`; flows that are not chosen stop at once. Returns the flows with a
        change that waits for a second person.
        """
        waiting: set[str] = set()
        for flow, every in minutes.items():
            now = self._flow_service.settings(flow)
            asked = {"schedule_minutes": every, "calendar": calendars.get(flow, now.calendar.model_dump())}
            asked["on"] = self.started() or now.on
            if asked != now.model_dump(include=set(asked)) and self._flow_service.change(flow, asked, by).waiting:
                waiting.add(flow)
        self._chosen.keep({"chosen": list(minutes)}, by)
        for flow in self._flows.keys() - minutes.keys():
            if self._flow_service.settings(flow).on:
                self._flow_service.change(flow, {"on": False}, by)
        return frozenset(waiting)

    @requires(Right.ARRANGE)
    def start(self, by: Actor) -> frozenset[str]:
        """Let the chosen flows run by themselves from now on. Return those that wait for a second person."""
        off = [flow for flow in self.chosen() if not self._flow_service.settings(flow).on]
        waiting = [flow for flow in off if self._flow_service.change(flow, {"on": True}, by).waiting]
        self._chosen.keep({"started": True}, by)
        return frozenset(waiting)

    # ---- questions

    @requires(Right.SEE)
    def questions(self) -> dict[str, tuple[AskedQuestion, ...]]:
        """Return the questions of the chosen flows, evaluated with the current lists of both systems."""
        answered, tables = self._chosen.record().get("answered", {}), self._rules.tables()
        chosen = self.chosen()
        set_as = {flow: self._flow_service.settings(flow) for flow in chosen}
        lists = self._read(dict.fromkeys(each for flow in chosen for each in self._wanted(flow, set_as[flow])))
        found = {}
        for flow in chosen:
            settings, spec = set_as[flow], self._flows[flow]
            known = SetupContext(
                settings.model_dump(),
                type(settings)().model_dump(),
                tables,
                lambda listed: lists.get(listed, {}),
                answered.get(flow, ()),
                chosen,
                self._connections.prefix_in_use(flow) if spec.own_document_marks else {},
                self._is_booked(flow),
            )
            found[flow] = tuple(map(self._unrefused, evaluate_questions(spec, known)))
        return found

    def _is_booked(self, flow: str) -> bool:
        """Return True if something was booked by a flow, or by another one under the prefix that it sets."""
        under = {
            name: spec
            for name, spec in self._flows.items()
            if spec.own_document_marks and spec.own_document_marks.flow == flow
        }
        booking = {flow: self._flows[flow], **under}
        return any(
            self._links.any(name, *(stage.target for stage in spec.flow.stages if stage.write_once))
            for name, spec in booking.items()
        )

    def _wanted(self, flow: str, settings: FlowSettings) -> list[CodeList]:
        """Return the lists of the questions that arise for a flow. Other lists are not worth a call."""
        values = settings.model_dump()
        return [each for one in self._flows[flow].questions if one.arises(values) for each in one.lists]

    def _unrefused(self, one: AskedQuestion) -> AskedQuestion:
        """Return a question without a proposal that was refused when somebody accepted it."""
        refused = self._refused.get((one.flow, one.question.name))
        if one.proposal is None or refused is None or dict(one.proposal.values) != dict(refused):
            return one
        return replace(one, proposal=None, state=State.OPEN if one.state is State.PROPOSED else one.state)

    @requires(Right.SEE)
    def missing_setting(self, flow: str, name: str) -> MissingSetting | None:
        """Return what a flow lacks for one question; None if it does not arise, or cannot be evaluated now."""
        question, settings = question_of(self._flows[flow], name), self._flow_service.settings(flow)
        lists = self._read(question.lists)
        if len(lists) < len(question.lists) or not question.arises(settings.model_dump()):
            return None
        return question.lacks(SetupContext(settings.model_dump(), lists=lambda listed: lists[listed]))

    @requires(Right.ARRANGE)
    def answer(self, flow: str, name: str, values: Mapping[str, Any], by: Actor) -> tuple[str, ...]:
        """Store the answer to a question: settings, or the rows of its table.

        Returns the settings whose codes could not be verified. Raises ConfigurationError, with the name of the setting,
        for an unusable answer. The question then stays open, and the answer is not proposed again.
        """
        question = question_of(self._flows[flow], name)
        unchecked: tuple[str, ...] = ()
        try:
            if question.table:
                self._tables.save(question.table, values, by)
            else:
                unchecked = self._flow_service.change(flow, values, by).unchecked
        except ConfigurationError:
            self._refused[flow, name] = values
            raise
        self._refused.pop((flow, name), None)
        signs = self._flows[flow].own_document_marks
        if signs and signs.setting in values:  # another console may have taken the prefix since it was proposed
            self._connections.check(BOOKS.system)
        answered = {each: list(names) for each, names in self._chosen.record().get("answered", {}).items()}
        self._chosen.keep({"answered": {**answered, flow: sorted({*answered.get(flow, ()), name})}}, by)
        return unchecked

    @requires(Right.ARRANGE)
    def accept(self, by: Actor) -> None:
        """Accept all unambiguous answers and proposals. Those that cannot be used stay open."""
        self._proposals.fill_once(by.ref)
        for flow, questions in self.questions().items():
            for one in questions:
                if one.can_be_accepted and one.proposal is not None:
                    with suppress(ConfigurationError):
                        self.answer(flow, one.question.name, one.proposal.values, by)

    # ---- progress

    @requires(Right.SEE)
    def readiness(self) -> tuple[SetUpLine, ...]:
        """Return the readiness list, most severe first."""
        return readiness(self._connections.are_well(), self.questions())

    @requires(Right.SEE)
    def completed_steps(self) -> dict[str, bool]:
        """Return for each step whether it is done."""
        return completed_steps(self._connections.are_well(), self.questions())

    @requires(Right.SEE)
    def step(self) -> str:
        """Return the first step that is not done, or the last step if all are done."""
        is_done, every = self.completed_steps(), steps()
        return next((step for step in every if not is_done[step]), every[-1])

    @requires(Right.SEE)
    def goes_on(self) -> str:
        """Return the step at which an unfinished set-up continues; empty before it began, and once its flows run."""
        is_begun, chosen = bool(self._chosen.record()) or self._connections.is_entered(), self.chosen()
        runs = self.started() or (bool(chosen) and all(self._flow_service.settings(flow).on for flow in chosen))
        return self.step() if is_begun and not runs else ""

    # ---- lists of both systems

    def _read(self, wanted: Iterable[CodeList]) -> dict[CodeList, dict[str, str]]:
        """Return the current lists of both systems, without lists that cannot be read now."""
        well = self._connections.are_well()
        read = {listed: self._lists.readable(listed.system, listed.name) for listed in wanted if well[listed.system]}
        return {listed: codes for listed, codes in read.items() if codes is not None}

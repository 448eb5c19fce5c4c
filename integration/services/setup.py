"""State of the set-up: chosen flows, their questions with proposals, and missing settings."""

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
class QuestionState:
    """A question of a flow with its state."""

    flow: str
    question: Question
    state: State
    proposal: Proposal | None
    missing_setting: MissingSetting | None
    unused: tuple[str, ...] = ()  # codes of its table that need no row for now

    @property
    def can_be_accepted(self) -> bool:
        """True if the proposal can be accepted together with those of other questions."""
        return self.state is State.PROPOSED and not self.question.to_look_at

    @property
    def weight(self) -> PointSeverity:
        """The severity of the question for the flow."""
        if self.missing_setting is not None:
            return PointSeverity.STOPS if self.missing_setting.stops else PointSeverity.PARKS
        return PointSeverity.DONE if self.state is State.ANSWERED else PointSeverity.UNSEEN


@dataclass(frozen=True, slots=True)
class SetUpLine:
    """One line of the readiness list: its severity, and the step and question to which it leads."""

    weight: PointSeverity
    step: str
    question: QuestionState | None = None


def question_of(spec: FlowSpec, name: str) -> Question:
    """Return a question by its name. Raises KeyError if the flow has no such question."""
    question = next((candidate for candidate in spec.questions if candidate.name == name), None)
    if question is None:
        raise KeyError(f"{spec.name} has no question {name}")
    return question


def evaluate_questions(spec: FlowSpec, context: SetupContext) -> tuple[QuestionState, ...]:
    """Return the questions that arise under a flow's settings, with state, proposal and missing setting."""
    return tuple(
        _evaluate_question(spec.name, question, context)
        for question in spec.questions
        if question.arises(context.settings) and question.applies(context)
    )


def _evaluate_question(flow: str, question: Question, context: SetupContext) -> QuestionState:
    lack, proposal, unused = (
        question.find_missing(context),
        _proposal(question, context),
        tuple(question.unused(context)),
    )
    is_answered = question.name in context.answered and not (lack and lack.stops)
    state = State.ANSWERED if is_answered else State.PROPOSED if proposal else State.OPEN
    return QuestionState(flow, question, state, proposal, lack, unused)


def _proposal(question: Question, context: SetupContext) -> Proposal | None:
    """Return our proposal. If somebody has set a different answer elsewhere, propose that answer."""
    proposal, now = question.propose(context), question.current_answer(context)
    usual = {} if question.table else {name: context.defaults.get(name) for name in question.settings}
    if now == usual or (proposal is not None and proposal.values == now):
        return proposal
    return None if question.table and question.find_missing(context) else Proposal(now, Reason("proposed_as_set"))


def readiness(well: Mapping[str, bool], by_flow: Mapping[str, Sequence[QuestionState]]) -> tuple[SetUpLine, ...]:
    """Return the readiness list, most severe first.

    `well` has for each system whether it is connected and its check found nothing wrong; `by_flow` has the questions of
    each chosen flow.
    """
    lines = [SetUpLine(PointSeverity.DONE if well[system] else PointSeverity.STOPS, system) for system in well]
    lines.append(SetUpLine(PointSeverity.DONE if by_flow else PointSeverity.STOPS, "flows"))
    lines += [
        SetUpLine(asked_question.weight, "questions", asked_question)
        for questions in by_flow.values()
        for asked_question in questions
    ]
    return tuple(sorted(lines, key=lambda line: line.weight))


def completed_steps(well: Mapping[str, bool], by_flow: Mapping[str, Sequence[QuestionState]]) -> dict[str, bool]:
    """Return for each step whether it is done."""
    all_questions = [asked_question for questions in by_flow.values() for asked_question in questions]
    steps = {
        **well,
        "flows": bool(by_flow),
        "questions": bool(all_questions)
        and all(asked_question.state is State.ANSWERED for asked_question in all_questions),
    }
    return {**steps, "ready": all(line.weight is not PointSeverity.STOPS for line in readiness(well, by_flow))}


class InstallationSetup:
    """The set-up of an installation. Answers are stored; missing settings are computed at each call."""

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
        self._stored_settings = stored_settings
        self._chosen_flows = chosen
        self.chosen = chosen.chosen_flows  # the flows that are to run
        self._connections = connections
        self._proposals = proposals
        self._links = links
        self._refused_answers: dict[tuple[str, str], Mapping[str, Any]] = {}  # the last refused answer of each question

    # ---- flows

    @requires(Right.SEE)
    def started(self) -> bool:
        """Return True if the chosen flows have been started."""
        return bool(self._chosen_flows.record().get("started"))

    @requires(Right.SEE)
    def suggested(self) -> tuple[str, ...]:
        """Return the flows to preselect: the chosen ones, or else those that most shops want."""
        if "chosen" in self._chosen_flows.record():
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
        for flow, interval in minutes.items():
            now = self._flow_service.settings(flow)
            changes = {"schedule_minutes": interval, "calendar": calendars.get(flow, now.calendar.model_dump())}
            changes["on"] = self.started() or now.on
            if changes != now.model_dump(include=set(changes)) and self._flow_service.change(flow, changes, by).waiting:
                waiting.add(flow)
        self._chosen_flows.keep({"chosen": list(minutes)}, by)
        for flow in self._flows.keys() - minutes.keys():
            if self._flow_service.settings(flow).on:
                self._flow_service.change(flow, {"on": False}, by)
        return frozenset(waiting)

    @requires(Right.ARRANGE)
    def start(self, by: Actor) -> frozenset[str]:
        """Let the chosen flows run by themselves from now on. Return those that wait for a second person."""
        off = [flow for flow in self.chosen() if not self._flow_service.settings(flow).on]
        waiting = [flow for flow in off if self._flow_service.change(flow, {"on": True}, by).waiting]
        self._chosen_flows.keep({"started": True}, by)
        return frozenset(waiting)

    # ---- questions

    @requires(Right.SEE)
    def questions(self) -> dict[str, tuple[QuestionState, ...]]:
        """Return the questions of the chosen flows, evaluated with the current lists of both systems."""
        answered, tables = self._chosen_flows.record().get("answered", {}), self._rules.tables()
        chosen = self.chosen()
        set_as = {flow: self._flow_service.settings(flow) for flow in chosen}
        lists = self._read_lists(
            dict.fromkeys(code_list for flow in chosen for code_list in self._needed_lists(flow, set_as[flow]))
        )
        by_flow = {}
        for flow in chosen:
            settings, spec = set_as[flow], self._flows[flow]
            context = SetupContext(
                settings.model_dump(),
                type(settings)().model_dump(),
                tables,
                lambda code_list: lists.get(code_list, {}),
                answered.get(flow, ()),
                chosen,
                self._connections.prefix_in_use(flow) if spec.own_document_marks else {},
                self._is_booked(flow),
            )
            by_flow[flow] = tuple(map(self._without_refused_proposal, evaluate_questions(spec, context)))
        return by_flow

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

    def _needed_lists(self, flow: str, settings: FlowSettings) -> list[CodeList]:
        """Return the lists of the questions that arise for a flow. Other lists are not worth a call."""
        values = settings.model_dump()
        return [
            code_list
            for question in self._flows[flow].questions
            if question.arises(values)
            for code_list in question.lists
        ]

    def _without_refused_proposal(self, asked_question: QuestionState) -> QuestionState:
        """Return a question without a proposal that was refused when somebody accepted it."""
        refused = self._refused_answers.get((asked_question.flow, asked_question.question.name))
        if asked_question.proposal is None or refused is None or dict(asked_question.proposal.values) != dict(refused):
            return asked_question
        return replace(
            asked_question,
            proposal=None,
            state=State.OPEN if asked_question.state is State.PROPOSED else asked_question.state,
        )

    @requires(Right.SEE)
    def missing_setting(self, flow: str, name: str) -> MissingSetting | None:
        """Return the missing setting of one question; None if it does not arise or cannot be evaluated now."""
        question, settings = question_of(self._flows[flow], name), self._flow_service.settings(flow)
        lists = self._read_lists(question.lists)
        if len(lists) < len(question.lists) or not question.arises(settings.model_dump()):
            return None
        return question.find_missing(SetupContext(settings.model_dump(), lists=lambda code_list: lists[code_list]))

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
            self._refused_answers[flow, name] = values
            raise
        self._refused_answers.pop((flow, name), None)
        signs = self._flows[flow].own_document_marks
        if signs and signs.setting in values:  # another console may have taken the prefix since it was proposed
            self._connections.check(BOOKS.system)
        answered = {
            flow_name: list(names) for flow_name, names in self._chosen_flows.record().get("answered", {}).items()
        }
        self._chosen_flows.keep({"answered": {**answered, flow: sorted({*answered.get(flow, ()), name})}}, by)
        return unchecked

    @requires(Right.ARRANGE)
    def accept(self, by: Actor) -> None:
        """Accept all unambiguous answers and proposals. Those that cannot be used stay open."""
        self._proposals.fill_once(by.ref)
        for flow, questions in self.questions().items():
            for asked_question in questions:
                if asked_question.can_be_accepted and asked_question.proposal is not None:
                    with suppress(ConfigurationError):
                        self.answer(flow, asked_question.question.name, asked_question.proposal.values, by)

    # ---- progress

    @requires(Right.SEE)
    def readiness(self) -> tuple[SetUpLine, ...]:
        """Return the readiness list, most severe first."""
        return readiness(self._connections.are_working(), self.questions())

    @requires(Right.SEE)
    def completed_steps(self) -> dict[str, bool]:
        """Return for each step whether it is done."""
        return completed_steps(self._connections.are_working(), self.questions())

    @requires(Right.SEE)
    def step(self) -> str:
        """Return the first step that is not done, or the last step if all are done."""
        is_done, all_steps = self.completed_steps(), steps()
        return next((step for step in all_steps if not is_done[step]), all_steps[-1])

    @requires(Right.SEE)
    def unfinished_step(self) -> str:
        """Return the step at which an unfinished set-up continues; empty before it began, and once its flows run."""
        is_begun, chosen = bool(self._chosen_flows.record()) or self._connections.is_entered(), self.chosen()
        runs = self.started() or (bool(chosen) and all(self._flow_service.settings(flow).on for flow in chosen))
        return self.step() if is_begun and not runs else ""

    # ---- lists of both systems

    def _read_lists(self, code_lists: Iterable[CodeList]) -> dict[CodeList, dict[str, str]]:
        """Return the current lists of both systems, without lists that cannot be read now."""
        well = self._connections.are_working()
        answers = {
            code_list: self._lists.readable(code_list.system, code_list.name)
            for code_list in code_lists
            if well[code_list.system]
        }
        return {code_list: codes for code_list, codes in answers.items() if codes is not None}

"""How far the questions of the flows are: the answer we propose to each, and what is missing before they run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from integration.core.errors import Reason
from integration.flows.questions import Known, Lack, Proposal, Question
from integration.flows.spec import FlowSpec
from integration.flows.systems import BOOKS, TILL, Listed

STEPS = (BOOKS, TILL, "flows", "questions", "ready")
"""The steps of the set-up in their order."""


class State(StrEnum):
    """How far a question is: nobody knows the answer, we propose one, or a person has said so."""

    OPEN = "open"
    PROPOSED = "proposed"
    ANSWERED = "answered"


class Weight(IntEnum):
    """What a line of the readiness list means for the flow; what weighs most comes first."""

    STOPS = 0  # the flow cannot run
    PARKS = 1  # it runs, and some records will wait for a person
    UNSEEN = 2  # it runs as we propose; nobody has looked at it
    DONE = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a flow as it stands."""

    flow: str
    question: Question
    state: State
    proposal: Proposal | None
    lack: Lack | None

    @property
    def weight(self) -> Weight:
        """Return what it means for the flow."""
        if self.lack is not None:
            return Weight.STOPS if self.lack.stops else Weight.PARKS
        return Weight.DONE if self.state is State.ANSWERED else Weight.UNSEEN


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the readiness list: what it means, and the step and question it leads to."""

    weight: Weight
    step: str
    asked: Asked | None = None


def lists_of(spec: FlowSpec) -> tuple[Listed, ...]:
    """Return the lists from which the questions of a flow are answered."""
    return tuple(dict.fromkeys(each for question in spec.questions for each in question.lists))


def question_of(spec: FlowSpec, name: str) -> Question:
    """Return a question by its name. Raises KeyError when the flow has none of that name."""
    found = next((one for one in spec.questions if one.name == name), None)
    if found is None:
        raise KeyError(f"{spec.name} asks nothing called {name}")
    return found


def weigh(spec: FlowSpec, known: Known) -> tuple[Asked, ...]:
    """Return the questions that arise for a flow as it is set, each with its state, what we propose and what lacks."""
    return tuple(_weighed(spec.name, one, known) for one in spec.questions if one.arises(known.settings))


def _weighed(flow: str, question: Question, known: Known) -> Asked:
    lack, proposal = question.lacks(known), _proposal(question, known)
    if question.name in known.answered and not (lack and lack.stops):
        return Asked(flow, question, State.ANSWERED, proposal, lack)
    return Asked(flow, question, State.PROPOSED if proposal else State.OPEN, proposal, lack)


def _proposal(question: Question, known: Known) -> Proposal | None:
    """Return what we propose; an answer that somebody gave elsewhere is not talked out of."""
    proposal, now = question.propose(known), question.now(known)
    usual = {} if question.table else {name: known.defaults.get(name) for name in question.settings}
    if now == usual or (proposal is not None and proposal.values == now):
        return proposal
    return None if question.table and question.lacks(known) else Proposal(now, Reason("proposed_as_set"))


def readiness(well: Mapping[str, bool], asked: Mapping[str, Sequence[Asked]]) -> tuple[Line, ...]:
    """Return what is missing and what is there, what weighs most first.

    `well` says of each system whether it is connected and its check found nothing wrong; `asked` has the questions of
    the chosen flows.
    """
    lines = [Line(Weight.DONE if well[system] else Weight.STOPS, system) for system in well]
    lines.append(Line(Weight.DONE if asked else Weight.STOPS, "flows"))
    lines += [Line(one.weight, "questions", one) for questions in asked.values() for one in questions]
    return tuple(sorted(lines, key=lambda line: line.weight))


def done(well: Mapping[str, bool], asked: Mapping[str, Sequence[Asked]]) -> dict[str, bool]:
    """Return of each step whether it is done."""
    every = [one for questions in asked.values() for one in questions]
    steps = {
        **well, "flows": bool(asked), "questions": bool(every) and all(one.state is State.ANSWERED for one in every)
    }  # fmt: skip
    return {**steps, "ready": all(line.weight is not Weight.STOPS for line in readiness(well, asked))}

"""Branches of the till with their workplaces. An unreadable entry is returned as such and does not hide the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, element_text, qualified, require_shape
from integration.connectors.mplus.lists import unique_elements
from integration.core.records import WrongValueError


@dataclass(frozen=True, slots=True)
class TillBranch:
    """A branch with the names of its workplaces by number; the name of an unreadable workplace is empty.

    A branch with an error is unreadable: it has no name and no workplaces, and `raw` is its XML. Its number is empty if
    it has no readable one.
    """

    number: str
    name: str = ""
    workplaces: Mapping[str, str] = field(default_factory=dict)
    error: WrongValueError | None = None
    raw: str = ""


def read_branches(client: Client) -> list[TillBranch]:
    """Return the branches of the till. An unreadable branch with several numbers is returned once for each."""
    elements = unique_elements(client.read("getBranches").iter(qualified("branch")), _branch_number)
    return [branch for element in elements for branch in _decode_branch(element)]


def _decode_branch(element: Element) -> list[TillBranch]:
    numbers = _numbers(element, "branchNumber")
    try:
        require_shape(element, "Branch", records=False)
        codec.required_integer(element, "branchNumber")
    except WrongValueError as error:
        raw = codec.raw_elements(element)
        return [TillBranch(number, error=error, raw=raw) for number in numbers or [""]]
    return [TillBranch(numbers[0], element_text(element, "branchName"), _workplaces(element))]


def _workplaces(branch: Element) -> dict[str, str]:
    elements = branch.iterfind(f"{qualified('workplaces')}/{qualified('workplace')}")
    workplaces = {}
    for workplace in unique_elements(elements, _workplace_number):
        number = _workplace_number(workplace)
        if number is not None:
            workplaces[number] = _workplace_name(workplace)
    return workplaces


def _workplace_name(workplace: Element) -> str:
    try:
        require_shape(workplace, "Workplace")
    except WrongValueError:
        return ""
    return element_text(workplace, "workplaceName")


def _branch_number(branch: Element) -> str | None:
    return _only_number(branch, "branchNumber")


def _workplace_number(workplace: Element) -> str | None:
    return _only_number(workplace, "workplaceNumber")


def _only_number(element: Element, wire: str) -> str | None:
    """Return the number in a child, None if there is none or more than one."""
    numbers = _numbers(element, wire)
    return numbers[0] if len(numbers) == 1 else None


def _numbers(element: Element, wire: str) -> list[str]:
    """Return the different readable numbers in the children with this name."""
    texts = ((child.text or "").strip() for child in element.iterchildren(qualified(wire)))
    return list(dict.fromkeys(str(int(text)) for text in texts if text.isascii() and text.isdigit()))

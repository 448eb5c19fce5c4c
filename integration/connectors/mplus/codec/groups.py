"""Reads the tree of article groups from the till's XML, and builds the content of an update."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from integration.connectors.mplus.client import Element, qualified, require_shape
from integration.connectors.mplus.codec.values import if_readable, parse_flag, raw_elements, record_number
from integration.core.records import WrongValueError

DEEPEST = 100  # levels of nested groups
_WIRES = {
    "parent": "parentGroupNumber",
    "name": "name",
    "text": "text",
    "order": "sortOrder",
    "marker": "syncMarker",
    "image": "imageId",
    "deleted": "isDeleted",
}


@dataclass(frozen=True, slots=True)
class TillGroup:
    """An article group of the till in its tree. `parent` is `0` for a group at the top.

    A group with an error is unreadable, and `raw` is its XML. It has `?` with its place in the tree if its number is
    unreadable, and no name if its name is.
    """

    number: str
    parent: str
    name: str
    text: str
    order: str
    marker: str
    image: str = ""
    deleted: bool = False
    error: WrongValueError | None = field(default=None, compare=False)
    raw: str = field(default="", compare=False)


def decode_groups(answer: Element) -> list[TillGroup]:
    """Return all groups of the tree, without those marked as deleted. An unreadable group is returned with its error.

    Groups with one number that are equal are one group. If they differ, each of them is unreadable. Raises ValueError
    for a tree with more than DEEPEST levels.
    """
    copies_by_number: dict[str, list[TillGroup]] = {}
    elements: dict[str, list[Element]] = {}

    def walk(wrapper: Element, parent: str, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise ValueError("a tree without end")
        for element in wrapper.iterfind(qualified("articleGroups")):
            group = _decode_group(element, parent, f"?{len(copies_by_number)}")
            copies_by_number.setdefault(group.number, []).append(group)
            elements.setdefault(group.number, []).append(element)
            if not group.deleted:
                for children in element.iterfind(qualified("subGroupList")):
                    walk(children, group.number, depth + 1)

    for tree in answer.iterfind(qualified("articleGroupList")):
        walk(tree, "0")
    groups: list[TillGroup] = []
    for number, copies in copies_by_number.items():
        first, error = copies[0], _contradiction(copies)
        if error is not None or first.error is not None:
            raw = raw_elements(*elements[number])
            groups += [replace(group, error=group.error or error, raw=raw) for group in copies]
        elif not first.deleted:
            groups.append(first)
    return groups


def _contradiction(copies: Sequence[TillGroup]) -> WrongValueError | None:
    """Return the error of groups with the same number if they differ."""
    for name, wire in _WIRES.items():
        values = dict.fromkeys(str(getattr(group, name)) for group in copies)
        if len(values) > 1:
            return WrongValueError(wire, ", ".join(values))
    return next((group.error for group in copies if group.error is not None), None)


def _decode_group(element: Element, parent: str, place: str) -> TillGroup:
    """Return a group; `place` is the number of one whose number is unreadable."""
    error: WrongValueError | None = None
    number, deleted = if_readable(_number, element) or place, False
    try:
        require_shape(element, "ArticleGroup", records=False)
        _number(element)
        deleted = parse_flag(_only_text(element, "isDeleted").strip() or "false")
    except WrongValueError as wrong:
        error = wrong
    except ValueError:
        error = WrongValueError("isDeleted", _only_text(element, "isDeleted"))
    image = element.findtext(f"{qualified('image')}/{qualified('imageId')}") or ""
    name, text, order, marker = (_only_text(element, wire) for wire in ("name", "text", "sortOrder", "syncMarker"))
    return TillGroup(number, parent, name, text, order, marker, image, deleted=deleted, error=error)


def _number(element: Element) -> str:
    """Return the number of a group that has one number. Raises WrongValueError."""
    if not _only_text(element, "groupNumber"):
        raise WrongValueError("groupNumber", element.findtext(qualified("groupNumber")))
    return record_number(element, "groupNumber")


def _only_text(element: Element, wire: str) -> str:
    """Return the text of a child, empty if there are several with different texts."""
    texts = {child.text or "" for child in element.iterchildren(qualified(wire))}
    return texts.pop() if len(texts) == 1 else ""


def encode_group(group: TillGroup) -> dict[str, str]:
    """Return a group as the content of an update, complete, because the effect of omitted fields is not documented."""
    content = {"groupNumber": group.number, "name": group.name, "text": group.text}
    if group.order:
        content["sortOrder"] = group.order
    if group.image and group.image != "0":
        content["imageId"] = group.image
    return {**content, "parentGroupNumber": group.parent}

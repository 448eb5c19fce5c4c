"""Article groups: the tree as a flat list, and a group as an update takes it."""

from dataclasses import dataclass

from integration.connectors.mplus.client import Element, tag

DEEPEST = 100  # groups inside groups


@dataclass(frozen=True, slots=True)
class Group:
    """An article group of the till as it stands in the tree. `parent` is `0` for one at the top."""

    number: str
    parent: str
    name: str
    text: str
    order: str
    marker: str
    image: str = ""


def decode_groups(answer: Element) -> dict[str, Group]:
    """Return all groups of the tree by their numbers; what is marked as deleted is left out.

    Raises ValueError for a tree that is deeper than anybody sorts articles.
    """
    groups: dict[str, Group] = {}

    def walk(wrapper: Element | None, parent: str, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise ValueError("a tree without end")
        for each in wrapper.iterfind(tag("articleGroups")) if wrapper is not None else ():
            if each.findtext(tag("isDeleted")) in ("true", "1"):
                continue
            group = _decode_group(each, parent)
            groups[group.number] = group
            walk(each.find(tag("subGroupList")), group.number, depth + 1)

    walk(answer.find(tag("articleGroupList")), "0")
    return groups


def _decode_group(element: Element, parent: str) -> Group:
    def text(wire: str) -> str:
        return element.findtext(tag(wire)) or ""

    image = element.findtext(f"{tag('image')}/{tag('imageId')}") or ""
    return Group(str(int(text("groupNumber"))), parent, text("name"), text("text"), text("sortOrder"),
                 text("syncMarker"), image)  # fmt: skip


def encode_group(group: Group) -> dict[str, str]:
    """Return a group as an update takes it, complete, because what becomes of fields left out is not known."""
    content = {"groupNumber": group.number, "name": group.name, "text": group.text}
    if group.order:
        content["sortOrder"] = group.order
    if group.image and group.image != "0":
        content["imageId"] = group.image
    return {**content, "parentGroupNumber": group.parent}

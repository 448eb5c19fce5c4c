"""What identifies a till: its licence, branches and workplaces, and change numbers that only ever grow."""

from collections.abc import Iterator

from integration.connectors.mplus.client import Client, Element, qualified
from integration.core.errors import RejectedError
from integration.core.system_identity import SystemIdentity


def read_identity(client: Client) -> SystemIdentity:
    """Return the identity of a till, with three calls. A till that lacks the call for licences tells no licence."""
    branches = list(client.read("getBranches").iter(qualified("branch")))
    parts = {
        "branches": frozenset(f"{_text(one, 'branchNumber')} {_text(one, 'branchName')}" for one in branches),
        "workplaces": frozenset(place for one in branches for place in _workplaces(one)),
    }
    try:
        licence = client.read("getLicenseInformation")
    except RejectedError:  # the call is not known there, or not paid for
        pass
    else:
        company = " ".join(filter(None, (_text(licence, "companyName"), _text(licence, "city"))))
        parts |= {"company": _told(company), "licence": _told(_text(licence, "obscuredLicenseKey"))}
    return SystemIdentity(parts, _counters(client.read("getCurrentSyncMarkers")))


def _counters(answer: Element) -> dict[str, int]:
    """Return every change number of an answer by its name; a name that is unknown here counts as well."""
    found = {}
    for element in answer.iterchildren("*"):
        name, text = str(element.tag).rpartition("}")[2], (element.text or "").strip()
        if name.endswith("SyncMarker") and text.isascii() and text.isdigit():
            found[name] = int(text)
    return found


def _workplaces(branch: Element) -> Iterator[str]:
    number = _text(branch, "branchNumber")
    for place in branch.iterfind(f"{qualified('workplaces')}/{qualified('workplace')}"):
        yield f"{number}/{_text(place, 'workplaceNumber')} {_text(place, 'workplaceName')}"


def _told(text: str) -> frozenset[str]:
    return frozenset({text} if text else ())


def _text(element: Element, name: str) -> str:
    return (element.findtext(qualified(name)) or "").strip()

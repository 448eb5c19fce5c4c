"""Identity of a till: its licence, branches and workplaces, and numbers that only grow.

These are its change numbers, the number of its newest stock movement, and the versions of its interface and database.
"""

from integration.connectors.mplus.branches import read_branches
from integration.connectors.mplus.client import Client, Element, child_text
from integration.core.errors import RejectedError
from integration.core.system_identity import SystemIdentity

STOCK_NUMBER = "stockId"  # number of the newest stock movement
VERSION_STEP = 100_000  # larger than any part of a version


def read_identity(client: Client) -> SystemIdentity:
    """Return the identity of a till, with four calls. It has no licence if the till lacks the call for licences.

    Unreadable branches and workplaces are left out.
    """
    branches = [branch for branch in read_branches(client) if branch.error is None]
    parts = {
        "branches": frozenset(f"{branch.number} {branch.name}" for branch in branches),
        "workplaces": frozenset(
            f"{branch.number}/{number} {name}"
            for branch in branches
            for number, name in branch.workplaces.items()
            if name
        ),
    }
    try:
        licence = client.read("getLicenseInformation")
    except RejectedError:  # the call is unknown there, or not licensed
        pass
    else:
        company = " ".join(filter(None, (child_text(licence, "companyName"), child_text(licence, "city"))))
        parts |= {"company": _part_values(company), "licence": _part_values(child_text(licence, "obscuredLicenseKey"))}
    counters = _counters(client.read("getCurrentSyncMarkers")) | _versions(client.read("getApiVersion"))
    return SystemIdentity(parts, counters)


def _counters(answer: Element) -> dict[str, int]:
    """Return every change number of an answer by its name, including unknown names."""
    counters = {}
    for element in answer.iterchildren("*"):
        name, text = str(element.tag).rpartition("}")[2], (element.text or "").strip()
        if (name.endswith("SyncMarker") or name == STOCK_NUMBER) and _is_number(text):
            counters[name] = int(text)
    return counters


def _versions(answer: Element) -> dict[str, int]:
    """Return the versions of the interface and of the database, each as one number, without missing ones.

    An update raises them. A lower version is an earlier state of the till, or another till.
    """
    versions = {}
    for name, prefix in (("apiVersion", ""), ("databaseVersion", "database")):
        texts = [child_text(answer, _part_name(prefix, part)) for part in ("major", "minor", "revision")]
        if all(map(_is_number, texts)):
            major, minor, revision = map(int, texts)
            versions[name] = (major * VERSION_STEP + minor) * VERSION_STEP + revision
    return versions


def _part_name(prefix: str, part: str) -> str:
    return f"{prefix}{part.capitalize()}Number" if prefix else f"{part}Number"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _part_values(text: str) -> frozenset[str]:
    return frozenset({text} if text else ())

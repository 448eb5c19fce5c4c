"""Identity of a till: its licence, branches and workplaces, and numbers that only grow.

These are its change numbers, the number of its newest stock movement, and the versions of its interface and database.
"""

from integration.connectors.mplus.branches import read_branches
from integration.connectors.mplus.client import Client, Element, element_text
from integration.core.errors import RejectedError
from integration.core.system_identity import SystemIdentity

STOCK_NUMBER = "stockId"  # number of the newest stock movement
VERSION_STEP = 100_000  # larger than any part of a version


def read_identity(client: Client) -> SystemIdentity:
    """Return the identity of a till, with four calls.

    Unreadable branches and workplaces are left out, and so is the answer to a call that the till lacks or refuses.
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
    if (licence := _accepted_read(client, "getLicenseInformation")) is not None:
        company = " ".join(filter(None, (element_text(licence, "companyName"), element_text(licence, "city"))))
        parts |= {
            "company": _part_values(company),
            "licence": _part_values(element_text(licence, "obscuredLicenseKey")),
        }
    markers, version = _accepted_read(client, "getCurrentSyncMarkers"), _accepted_read(client, "getApiVersion")
    return SystemIdentity(parts, _counters(markers) | _versions(version))


def _accepted_read(client: Client, operation: str) -> Element | None:
    """Return the answer to a read, or None if the operation is unknown at the till or not licensed."""
    try:
        return client.read(operation)
    except RejectedError:
        return None


def _counters(answer: Element | None) -> dict[str, int]:
    """Return every change number of an answer by its name, including unknown names."""
    counters = {}
    for element in () if answer is None else answer.iterchildren("*"):
        name, text = str(element.tag).rpartition("}")[2], (element.text or "").strip()
        if (name.endswith("SyncMarker") or name == STOCK_NUMBER) and _is_number(text):
            counters[name] = int(text)
    return counters


def _versions(answer: Element | None) -> dict[str, int]:
    """Return the versions of the interface and of the database, each as one number, without missing ones.

    An update raises them. A lower version is an earlier state of the till, or another till.
    """
    versions: dict[str, int] = {}
    if answer is None:
        return versions
    for name, prefix in (("apiVersion", ""), ("databaseVersion", "database")):
        texts = [element_text(answer, _part_name(prefix, part)) for part in ("major", "minor", "revision")]
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

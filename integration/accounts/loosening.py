"""Decides which changes of settings let a flow do more without a person. With second limits these need two people.

| Setting | Looser | Stricter, needs nobody else |
|---|---|---|
| a brake | a higher number or percentage, or off | a lower one, or on |
| a second limit | a higher number, or none | a lower number, or one where there was none |
| `on`, `auto_approve`, `nightly_complete` | switched on | switched off |
| the timetable: `schedule_minutes`, `calendar` | every change | none: rarer runs make larger plans |

The percentage of a price brake decides which price jumps are counted: a higher one is looser. While the brake
is off, a second limit counts the jumps above the initial percentage.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from integration.core.guards import Limit
from integration.flows.settings import FlowSettings

SWITCHES = ("on", "auto_approve", "nightly_complete")
TIMETABLE = ("schedule_minutes", "calendar")
BRAKES = "brakes."


def is_looser(before: Limit | None, after: Limit | None) -> bool:
    """Return True if a limit allows more than the one before. None means no limit."""
    return before is not None and (after is None or after > before)


def loosened_settings(before: FlowSettings, after: FlowSettings) -> tuple[str, ...]:
    """Return the names of the settings that a change loosens, such as `on` and `brakes.changes`."""
    brakes = (BRAKES + name for name, limit in after.limits.items() if is_looser(before.limits[name], limit))
    switches = (name for name in SWITCHES if getattr(after, name) and not getattr(before, name))
    times = (name for name in TIMETABLE if getattr(after, name) != getattr(before, name))
    return (*switches, *times, *brakes)


def loosened_limits(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[str, ...]:
    """Return the codes of the second limits that a change loosens."""
    return tuple(code for code, limit in before.items() if is_looser(limit, after.get(code)))


def flat_values(settings: FlowSettings, names: Collection[str]) -> dict[str, Any]:
    """Return the settings with these names as JSON values. Brakes have the prefix `brakes.`."""
    values = settings.model_dump(mode="json")
    flat = {**values, **{BRAKES + name: limit for name, limit in values["brakes"].items()}}
    return {name: flat[name] for name in names if name in flat}


def with_values(settings: FlowSettings, values: Mapping[str, Any]) -> FlowSettings:
    """Return the settings with some values of `flat_values` applied."""
    return type(settings)(**{**settings.model_dump(mode="json"), **dict(nested_values(settings, values))})


def nested_values(settings: FlowSettings, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that values of `flat_values` change. Brakes come as one whole, with the unchanged ones."""
    yield from ((name, value) for name, value in values.items() if not name.startswith(BRAKES))
    if brakes := {name.removeprefix(BRAKES): value for name, value in values.items() if name.startswith(BRAKES)}:
        yield "brakes", {**settings.model_dump(mode="json")["brakes"], **brakes}

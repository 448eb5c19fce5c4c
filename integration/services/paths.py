"""Names of AccountView by their paths, as they are edited and found wrong: `objects.debtors.code`, `debtor.email`."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.settings import BusinessObject, Names
from integration.core.errors import ConfigurationError
from integration.words.validation import reason_of

FILE = "CONSOLE_ACCOUNTVIEW__NAMES"
SEVERAL = "objects.posting_history"  # codes alone; their tables are those of postings


def flat(names: Names) -> dict[str, str]:
    """Return every name by its path: `objects.debtors.code`, `debtor.email`, `order_reference_field`."""
    found = {}
    for group, value in dict(names).items():
        if not isinstance(value, BaseModel):
            found[group] = str(value)
            continue
        for name, inner in dict(value).items():
            if isinstance(inner, BusinessObject):
                found |= {f"{group}.{name}.{part}": text for part, text in dict(inner).items()}
            else:
                found[f"{group}.{name}"] = inner if isinstance(inner, str) else ",".join(one.code for one in inner)
    return found


def nested(names: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, Any]:
    """Return the names that are not as we take them without being told, as settings."""
    kept: dict[str, Any] = {}
    for path, value in names.items():
        if value == defaults[path]:
            continue
        *way, last = path.split(".")
        inner = kept
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = value
    for name, of in kept.get("objects", {}).items():
        if isinstance(of, dict):  # an object is one value: its code and tables belong together
            whole = {part: names[f"objects.{name}.{part}"] for part in BusinessObject.model_fields}
            kept["objects"][name] = whole
    if SEVERAL in names and names[SEVERAL] != defaults[SEVERAL]:
        tables = {part: names[f"objects.postings.{part}"] for part in ("table", "detail")}
        codes = [code.strip() for code in names[SEVERAL].split(",")]
        kept["objects"]["posting_history"] = [{"code": code, **tables} for code in codes if code]
    return kept


def checked(named: Mapping[str, Any], within: str = "") -> Names:
    """Return names as settings. Raises ConfigurationError with the path of the first that cannot be used."""
    try:
        return Names(**named)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        why = reason_of(first)
        raise ConfigurationError("setting_invalid", setting=f"{within}{path}", expected=why.code, **why.facts) from None


def read_file(file: Path) -> dict[str, Any]:
    """Return the names of a file. Raises ConfigurationError, naming the setting, for one that cannot be used."""
    try:
        body = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a file that is no TOML, or no text at all
        raise ConfigurationError("setting_invalid", setting=FILE, expected="expected_toml") from None
    checked(body, f"{FILE} ")
    return body


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return one value laid over another, group by group and name by name."""
    whole = dict(under)
    for name, value in over.items():
        below = whole.get(name)
        whole[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return whole


def paths_in(named: Mapping[str, Any], way: str = "") -> Iterator[str]:
    """Yield the path of every name that is given a value."""
    for name, value in named.items():
        if isinstance(value, dict):
            yield from paths_in(value, f"{way}{name}.")
        else:
            yield f"{way}{name}"

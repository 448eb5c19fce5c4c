"""What questions may call, as people are told of it."""

import re
from pathlib import Path

from integration.log import sql_allowlist

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "security.md"


def test_the_document_lists_every_function_by_its_kind() -> None:
    told = DOCUMENT.read_text(encoding="utf-8")
    listed = told[told.index("Functions of questions") : told.index("Whoever may ask sees the whole log")]
    kinds = [re.findall(r"\w+", part.partition(":")[2]) for part in listed.split("\n- ")[1:]]
    assert kinds == [sorted(names) for names in sql_allowlist.KINDS.values()]


def test_what_is_told_of_each_kind_is_of_it_and_says_how_many_there_are() -> None:
    told = sql_allowlist.well_known()
    assert told.keys() - {"count"} == sql_allowlist.KINDS.keys()
    assert all(set(told[kind].split(", ")) <= names for kind, names in sql_allowlist.KINDS.items())
    assert int(told["count"]) == len(set().union(*sql_allowlist.KINDS.values()))

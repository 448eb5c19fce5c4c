"""Functions that user queries may call, as the documents list them."""

import re
from pathlib import Path

import pytest

from integration.log import sql_allowlist

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "security.md"


def test_the_document_lists_every_function_by_its_kind() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text[text.index("Functions of user queries") : text.index("A person with the right to query the log")]
    kinds = [re.findall(r"\w+", part.partition(":")[2]) for part in section.split("\n- ")[1:]]
    assert kinds == [sorted(names) for names in sql_allowlist.KINDS.values()]


@pytest.mark.parametrize(
    ("refused", "kind", "suggestion"),
    [
        ("date_parse", "dates", "strptime"), ("str_to_date", "dates", "strptime"), ("dateadd", "dates", "date_add"),
        ("list_reduce", "lists", "list_reverse"), ("json_transform", "json", "json_keys"),
        ("stddevs", "totals", "stddev"),
    ],
)  # fmt: skip
def test_a_few_functions_of_the_same_kind_are_reported_instead_of_a_refused_one(
    refused: str, kind: str, suggestion: str
) -> None:
    few = sql_allowlist.suggested_functions(refused, is_table=False)
    assert suggestion in few
    assert set(few) <= sql_allowlist.KINDS[kind]
    assert len(few) <= 8


@pytest.mark.parametrize("refused", ["pg_read_file", "getenv", "hex", "lpad", "range", "sleep"])
def test_nothing_is_reported_instead_of_a_function_that_no_other_is_like(refused: str) -> None:
    assert sql_allowlist.suggested_functions(refused, is_table=False) == []


def test_where_a_table_is_read_from_those_that_give_one_are_reported() -> None:
    assert set(sql_allowlist.suggested_functions("read_csv", is_table=True)) <= sql_allowlist.TABLE_FUNCTIONS


def test_what_most_questions_need_is_listed() -> None:
    assert all(set(names) <= sql_allowlist.KINDS[kind] for kind, names in sql_allowlist.WELL_KNOWN.items())

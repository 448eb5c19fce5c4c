"""Rows of the log as cells of a CSV file."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from integration.core.untrusted_text import escape_formulas
from integration.log.harmless import harmless_rows
from tests.hostile import EVERY

TEXTS = st.text(st.sampled_from("=+-@＝ '\";\t\r\n\ufeff\u200b\u00a0a1\x00"), max_size=8)


@given(st.lists(TEXTS, max_size=20))
def test_arrow_writes_text_as_every_other_file_has_it(texts: list[str]) -> None:
    rows = pa.Table.from_pydict({"text": pa.array([*texts, *EVERY, None], pa.string())})
    assert harmless_rows(rows).to_pydict()["text"] == [*map(escape_formulas, [*texts, *EVERY]), None]


def test_numbers_and_moments_stay_what_they_are() -> None:
    rows = pa.Table.from_pydict({"ms": pa.array([-5], pa.int64()), "text": pa.array(["-5"], pa.string())})
    assert harmless_rows(rows).to_pydict() == {"ms": [-5], "text": ["'-5"]}

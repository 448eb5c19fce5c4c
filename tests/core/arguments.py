"""Arguments of functions, as tests of rules make them up."""

from decimal import Decimal

from hypothesis import strategies as st

TEXTS = st.text(min_size=1, max_size=8)


ARGS = st.one_of(
    TEXTS,
    st.booleans(),
    st.none(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20),
    st.integers(-(10**20), 10**20).map(Decimal),
    st.dates(),
    st.lists(TEXTS, max_size=2).map(tuple),
)

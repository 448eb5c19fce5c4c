"""What documents of the till become in AccountView, and why one of the choices is not there."""

# ruff: noqa: TID251 - pages speak to the browser

from dataclasses import dataclass

import streamlit as st

from pages.components.shared.inputs import Asking, Pick
from pages.components.shared.layout import note
from pages.components.shared.wording import text

INVOICE = "invoice"
WHERE = {"step": "accountview", "names": "true", "object": "trade_invoices"}
"""Where the object for trade invoices is named, in the address of the set-up."""


@dataclass(frozen=True, slots=True)
class Becoming(Pick):
    """One of a few options, of which trade invoices need an object that an installation may not have."""

    def draw(self, asking: Asking) -> None:
        """Draw it and take what is on screen into the draft."""
        possible, now = asking.app.names.invoices(), str(asking.draft.value(self.name))
        offered = [one for one in self.options if possible or one != INVOICE or one == now]
        with st.container(gap="xsmall"):
            chosen = st.selectbox(
                asking.label(self.name), offered, index=offered.index(now), key=asking.draft.key(self.name),
                format_func=lambda one: asking.option(self.words or self.name, one), help=asking.about(self.name),
            )  # fmt: skip
            asking.draft.put(self.name, chosen)
            if not possible:
                note(text("becomes_no_invoices"))
                if st.button(text("btn_name_invoices"), type="tertiary", icon=":material/label:", key="name_invoices"):
                    st.switch_page("pages/setup.py", query_params=WHERE)

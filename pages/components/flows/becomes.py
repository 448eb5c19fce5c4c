"""One of a few options, of which some need an object of the books that an installation may not have."""

import streamlit as st

from integration.flows.forms import Pick
from pages.components.shared.inputs import Asking, pick
from pages.components.shared.layout import note
from pages.components.shared.wording import text


def pick_with_objects(asking: Asking, shape: Pick) -> None:
    """Draw it and take what is on screen into the draft; what lacks its object leads to where that is named."""
    lacking = {option: name for option, name in shape.needs.items() if not asking.app.names.has_object(name)}
    if not lacking:
        pick(asking, shape)
        return
    with st.container(gap="xsmall"):
        pick(asking, shape, lacking)
        for name in lacking.values():
            note(text(f"no_object_{name}"))
            if st.button(text(f"btn_name_{name}"), type="tertiary", icon=":material/label:", key=f"name_{name}"):
                where = {"step": "accountview", "names": "true", "object": name}
                st.switch_page("pages/setup.py", query_params=where)

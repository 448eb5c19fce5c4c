"""The till as a target: the writes that it accepts."""

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.target import require_unchanged
from integration.core.errors import (
    RejectedError,
)
from integration.core.plan import Action, Change
from integration.core.records import Kind
from tests.builders import a_part
from tests.connectors.mplus.codec.elements import PRODUCT, the_product
from tests.fakes import Links


def test_a_record_of_another_kind_is_refused(connector: Mplus, links: Links) -> None:
    article = a_part("900101")
    change = Change(
        action=Action.CREATE, kind=Kind.ARTICLE, key="900101", title="900101", sources=(), desired=article,
        before=None, agreed=article,
    )  # fmt: skip
    with pytest.raises(RejectedError):
        connector.write(change, None, links, "t")
    with pytest.raises(RejectedError):
        connector.extract(Kind.ARTICLE)


@pytest.mark.parametrize("removed_text", ["<ns:syncMarker>9120</ns:syncMarker>", "<ns:syncMarker>9121</ns:syncMarker>"])
def test_a_record_that_does_not_say_its_marker_is_looked_at_whole_before_it_is_written_over(removed_text: str) -> None:
    original, now = (PRODUCT.replace(removed_text, "").replace(">blue<", f">{colour}<") for colour in ("blue", "red"))
    require_unchanged(etree.fromstring(original), etree.fromstring(original), codec.change_marker)
    with pytest.raises(RejectedError, match="target_changed_since_plan"):
        require_unchanged(etree.fromstring(now), etree.fromstring(original), codec.change_marker)
    require_unchanged(the_product(), the_product(), codec.change_marker)

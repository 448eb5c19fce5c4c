"""What the till takes as a target."""

import pytest

from integration.connectors.mplus.connector import Mplus
from integration.core.errors import (
    RejectedError,
)
from integration.core.plan import Action, Change
from integration.core.records import Kind
from tests.builders import a_part
from tests.fakes import Links


def test_a_record_of_another_kind_is_refused(connector: Mplus, links: Links) -> None:
    article = a_part("900101")
    change = Change(
        action=Action.CREATE, kind=Kind.ARTICLE, key="900101", title="900101", sources=(), wanted=article,
        before=None, agreed=article,
    )  # fmt: skip
    with pytest.raises(RejectedError):
        connector.write(change, None, links, "t")
    with pytest.raises(RejectedError):
        connector.extract(Kind.ARTICLE)

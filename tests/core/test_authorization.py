"""The right of a method: read from the method or its property, and checked for an actor at each call."""

from functools import partial

import pytest

from integration.core.authorization import require_right, requires, right_of
from integration.core.errors import NotAllowedError
from integration.core.people import Right, Role
from tests.people import make_actor


class Door:
    """A service with two members that people may use, and one that they may not."""

    @property
    @requires(Right.SEE)
    def is_open(self) -> bool:
        return True

    @requires(Right.RUN)
    def close(self) -> None:
        """Close it."""

    def lock(self) -> None:
        """Lock it."""


def test_the_right_of_a_member_is_read_from_it() -> None:
    assert [right_of(member) for member in (Door.is_open, Door.close, Door().close)] == [
        Right.SEE,
        Right.RUN,
        Right.RUN,
    ]
    assert right_of(requires(Right.REPAIR)(partial(Door().lock))) is Right.REPAIR
    assert [right_of(member) for member in (Door.lock, None, 3)] == [None, None, None]


def test_who_lacks_a_right_is_refused() -> None:
    require_right(make_actor("ann", Role.OPERATOR), Right.RUN)
    with pytest.raises(NotAllowedError):
        require_right(make_actor("ann", Role.VIEWER), Right.RUN)

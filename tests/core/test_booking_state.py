"""Where a document stands: only what is known not to be there may be booked."""

from integration.core.booking_state import BookingStage, BookingState


def test_what_is_booked_or_in_doubt_may_be_there_and_nothing_else() -> None:
    there = [one for one in BookingStage if BookingState("order-1", one).may_be_there]
    assert there == [BookingStage.BOOKED, BookingStage.DOUBTFUL]

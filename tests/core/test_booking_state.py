"""Booking states: only a document that is known to be absent may be booked."""

from integration.core.booking_state import BookingStage, BookingState


def test_what_is_booked_or_in_doubt_may_be_there_and_nothing_else() -> None:
    stages = [stage for stage in BookingStage if BookingState("order-1", stage).may_be_there]
    assert stages == [BookingStage.BOOKED, BookingStage.DOUBTFUL]

"""Events in words."""

from pages.components.shared.timeline import event_reason


def test_the_counts_of_an_event_add_up_and_none_is_zero() -> None:
    facts = {"read_count": "158", "planned": "119", "proven": "0", "in_doubt": "0", "skipped": "0", "parked": "39"}

    reason = event_reason({"event": "plan_ready", "flow": "days", "facts": facts})

    assert reason == "Read: 158 · To write: 119 · Parked: 39"

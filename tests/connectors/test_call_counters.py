"""Calls are counted by system and by result."""

from integration.connectors.call_counters import calls, count_call


def test_calls_are_counted_by_system_and_result() -> None:
    before = calls().get(("nobody", "2xx"), 0)
    count_call("nobody", "2xx")
    count_call("nobody", "2xx")
    assert calls()["nobody", "2xx"] == before + 2

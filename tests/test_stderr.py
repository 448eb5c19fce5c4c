"""What a process says on its standard error."""

from io import StringIO

from integration.stderr import Steady


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, f"No space left on device: {len(text)}")

    stream = Steady(Full())
    assert stream.write("a line") == 6
    stream.flush()

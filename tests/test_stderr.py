"""Output of a process on standard error."""

import io
import logging
import re
from contextlib import redirect_stderr

import structlog

from integration.core.untrusted_text import visible
from integration.process.standard_error import ErrorIgnoringStream, set_up_log
from tests.hostile import EVERY, harmful


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, f"No space left on device: {len(text)}")

    stream = ErrorIgnoringStream(Full())
    assert stream.write("a line") == 6
    stream.flush()


def test_no_line_of_the_log_is_made_by_what_it_speaks_of() -> None:
    for name in EVERY:
        output = io.StringIO()
        factory = logging.getLogRecordFactory()
        with redirect_stderr(output):
            set_up_log("debug")
            try:
                structlog.get_logger("test").warning(f"x {name}", key=name, several=[name])
                structlog.get_logger("test").error("bug", exc_info=ValueError(name))
                handler = logging.StreamHandler(output)
                logger = logging.getLogger("test.library")
                logger.addHandler(handler)
                logger.warning("of a library: %s", name, exc_info=ValueError(name))
                logger.removeHandler(handler)
            finally:
                logging.setLogRecordFactory(factory)
                structlog.reset_defaults()
        lines = output.getvalue().splitlines()
        assert harmful(output.getvalue()) == []
        assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT|  |of a library: ", line)] == []
        assert visible(name) in output.getvalue()

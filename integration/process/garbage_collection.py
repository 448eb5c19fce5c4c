"""Garbage collection for processes that load many modules and process many records."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (20_000, 20, 50)  # with the default of 700, collecting took 1/12 of a sync


@contextmanager
def frozen_imports() -> Iterator[None]:
    """Import modules in the block without collecting, and never scan them later. Collect less often from then on.

    Collecting among modules that stay took a third of the start of a command.
    """
    module_count = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if len(sys.modules) > module_count:
            gc.freeze()
            gc.set_threshold(*THRESHOLDS)

"""MplusKASSA as a connector: which calls make up looking, writing and checking."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import batched, chain
from typing import NoReturn

from integration.connectors.http import Line, side_by_side
from integration.connectors.mplus import codec
from integration.connectors.mplus.client import SYSTEM, Client, Element, tag
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.protocol import Finding, References
from integration.core.errors import (
    ConnectorError,
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
)
from integration.core.plan import Action, Change
from integration.core.records import Batch, Field, Held, Kind, Record, Written, same

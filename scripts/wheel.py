"""Tells the build of the wheel what the program needs: the lines of requirements.txt, where their reasons stand."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Requirements(MetadataHookInterface):
    """What hatchling asks for `dynamic` metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the requirements, without their reasons, into the metadata of the distribution."""
        lines = Path(self.root, "requirements.txt").read_text(encoding="utf-8").splitlines()
        texts = (line.partition("#")[0].strip() for line in lines)
        metadata["dependencies"] = [text for text in texts if text]

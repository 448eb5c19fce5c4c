"""Gives the build of the wheel its dependencies: the lines of requirements.txt, without their reasons."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Requirements(MetadataHookInterface):
    """Metadata hook of hatchling for `dynamic` dependencies."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies in the metadata of the distribution."""
        lines = Path(self.root, "requirements.txt").read_text(encoding="utf-8").splitlines()
        texts = (line.partition("#")[0].strip() for line in lines)
        metadata["dependencies"] = [text for text in texts if text]

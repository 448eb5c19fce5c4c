"""The process that makes a backup for the console: `python -m integration.backup`.

It reads one line of JSON from stdin, `{"file": ..., "passphrase": ...}`, and writes one: `{"key": ...}`, or the code
and facts of an error.
"""

import json
import sys
from pathlib import Path

from integration.backup.create import make
from integration.core.errors import IntegrationError
from integration.settings import load_settings


def main() -> int:
    """Make the backup and return the exit status."""
    request = json.loads(sys.stdin.readline())
    file = Path(request["file"])
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        manifest = make(load_settings(), file, request["passphrase"])
    except IntegrationError as error:
        answer: dict[str, object] = {"code": error.code, "facts": dict(error.facts)}
    except OSError as error:
        answer = {"code": "backup_not_written", "facts": {"file": str(file), "message": error.strerror or str(error)}}
    else:
        answer = {"key": bool(manifest.key)}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0 if "key" in answer else 1


if __name__ == "__main__":
    sys.exit(main())

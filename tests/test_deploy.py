"""Files in `deploy/`: linted if they cannot run here, and the steps of the image run as a script."""

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from integration.cli.commands import COMMANDS
from integration.settings import known_settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SETTINGS = {setting.name for setting in known_settings()}


def dockerfile() -> list[tuple[str, str]]:
    """Return the instructions of the image with their arguments, each on one line."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines.splitlines() if line.strip()]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_the_image_runs_as_nobody_in_particular_with_one_volume_and_a_look_at_its_health() -> None:
    steps = dockerfile()
    last = {name: value for name, value in steps if name != "RUN"}

    assert re.fullmatch(r"[1-9]\d*", last["USER"])
    assert (last["VOLUME"], last["ENTRYPOINT"], last["CMD"]) == ('["/data"]', '["sluis"]', '["console"]')
    assert "CONSOLE_DATA=/data" in last["ENV"].split()
    assert [name for name, _ in steps].index("USER") > max(at for at, (name, _) in enumerate(steps) if name == "RUN")
    assert "/healthz" in last["HEALTHCHECK"]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Answer every question with a status, at a port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (503, False)])
def test_the_look_at_its_health_tells_whether_it_is_well(status: int, is_well: bool) -> None:
    (look,) = [value for name, value in dockerfile() if name == "HEALTHCHECK"]
    program = yaml.safe_load(look.partition("CMD ")[2])
    with answering(status) as port:
        command = [sys.executable, *(argument.replace("8501", str(port)) for argument in program[1:])]
        process = subprocess.run(command, capture_output=True, check=False)

    assert (process.returncode == 0) is is_well


def sent_files() -> list[Path]:
    """Return the files that the build receives: those that the ignore list lets through."""
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    patterns = [rule[1:] for rule in rules if rule.startswith("!")]
    files = [
        file
        for pattern in patterns
        for file in ([ROOT / pattern] if (ROOT / pattern).is_file() else (ROOT / pattern).rglob("*"))
    ]
    return [file for file in files if file.is_file() and not fnmatch.fnmatch(file.as_posix(), "*/__pycache__/*")]


@pytest.mark.long
def test_the_steps_of_the_image_make_a_program_that_runs(tmp_path: Path) -> None:
    """All but those that take from a network: libraries, and packages of Debian."""
    for file in sent_files():
        to = tmp_path / "source" / file.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, to)
    steps = [step.strip() for name, value in dockerfile() if name == "RUN" for step in value.split("&&")]
    ours = [step for step in steps if "venv" in step or "wheel" in step]
    assert [step for step in steps if "--require-hashes" in step]
    assert len(ours) == 3
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }  # fmt: skip

    for step in ours:
        script = step.replace("/opt/sluis", f"{tmp_path}/opt").replace("/wheels", f"{tmp_path}/wheels")
        process = subprocess.run(  # noqa: S602 - a step of ours, as Docker would run it
            script, shell=True, cwd=tmp_path / "source", env=environment, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, f"{step}\n{process.stderr}"

    libraries = [folder for folder in sys.path if folder.endswith("site-packages")]
    result = subprocess.run(
        [str(tmp_path / "opt" / "bin" / "sluis"), "--version"], cwd=tmp_path, text=True, capture_output=True,
        check=False, env={**environment, "PYTHONPATH": os.pathsep.join(libraries)},
    )  # fmt: skip
    assert result.stdout.startswith("sluis "), result.stderr


def test_the_containers_may_write_nowhere_but_in_their_volumes() -> None:
    services = compose()["services"]

    for name in ("console", "worker"):
        service = services[name]
        assert (service["read_only"], service["cap_drop"], service["user"]) == (True, ["ALL"], "10001")
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - of a container
        assert set(service["command"]) <= COMMANDS.keys()
        assert {setting for setting in service["environment"] if setting.startswith("CONSOLE_")} <= SETTINGS
    assert services["console"]["volumes"] == ["data:/data"]
    assert services["caddy"]["network_mode"] == "service:console"
    assert [name for name, service in services.items() if "ports" in service] == ["console"]
    assert services["console"]["ports"] == ["443:443", "80:80"]  # and not that of the console


def test_every_value_that_compose_asks_for_stands_in_the_example() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")

    names = set(re.findall(r"\$\{(\w+)", text)) | set(
        re.findall(r"\{\$(\w+)\}", (DEPLOY / "Caddyfile").read_text("utf-8"))
    )
    assert names == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_service_of_systemd_is_one_and_is_hardened(tmp_path: Path) -> None:
    text = (DEPLOY / "sluis.service").read_text(encoding="utf-8")
    command = shlex.split(re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)[0])
    assert command[1] in COMMANDS
    assert {
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
        "User=sluis",
    } <= {*text.splitlines()}
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "sluis.service"
    unit.write_text(text.replace(command[0], "/bin/true"), encoding="utf-8")

    process = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)

    assert (process.returncode, process.stderr) == (0, "")


def test_the_service_of_windows_is_one_of_our_command() -> None:
    service = ET.parse(DEPLOY / "sluis-service.xml").getroot()  # noqa: S314 - ours

    assert (service.findtext("id"), service.findtext("executable", "").rsplit("\\", 1)[1]) == ("sluis", "sluis.exe")
    assert service.findtext("arguments") in COMMANDS
    ours = [
        variable.get("name", "") for variable in service.iter("env") if variable.get("name", "").startswith("CONSOLE_")
    ]
    assert (ours, set(ours) <= SETTINGS) == (["CONSOLE_DATA"], True)


@pytest.mark.parametrize(
    "name", ["Dockerfile", "compose.yaml", "Caddyfile", "Caddyfile.socket", "sluis-service.xml", "sluis.service"]
)
def test_what_nobody_tried_says_so(name: str) -> None:
    head = "\n".join((DEPLOY / name).read_text(encoding="utf-8").splitlines()[:4])

    assert re.search("[Nn]ot tried by us|not run by us", head)

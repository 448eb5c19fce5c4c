"""The lock files contain exactly the required packages with the hashes of all files."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
KINDS = ("requirements", "requirements-dev")
PYTHONS, SYSTEMS = ("3.11", "3.12", "3.13"), ("linux", "darwin", "win32")
MACHINES = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64", "x86_64"), "win32": ("AMD64",)}


def read_requirements(kind: str) -> list[Requirement]:
    """Return the requirements in a file, including those of the files that it includes."""
    requirements = []
    for line in (ROOT / f"{kind}.txt").read_text(encoding="utf-8").splitlines():
        text = line.partition(" #")[0].strip()
        if text.startswith("-r "):
            requirements += read_requirements(text.removeprefix("-r ").removesuffix(".txt").strip())
        elif text and not text.startswith("#"):
            requirements.append(Requirement(text))
    return requirements


def read_lock(kind: str) -> list[tuple[Requirement, list[str]]]:
    """Return each line of a lock file with its hashes."""
    text = (ROOT / f"{kind}.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(Requirement(line.partition(" --hash")[0].strip()), re.findall(r"--hash=(\S+)", line)) for line in lines]


def machines() -> list[dict[str, str]]:
    return [
        {
            "python_version": python, "python_full_version": f"{python}.7", "sys_platform": system,
            "platform_machine": machine, "platform_python_implementation": "CPython", "implementation_name": "cpython",
            "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
            "os_name": "nt" if system == "win32" else "posix", "extra": "",
        }
        for python in PYTHONS
        for system in SYSTEMS
        for machine in MACHINES[system]
    ]  # fmt: skip


def applies(marker: Marker | None, machine: dict[str, str]) -> bool:
    return marker is None or marker.evaluate(machine)


@pytest.mark.parametrize("kind", KINDS)
def test_every_requirement_is_locked_in_its_range_on_every_machine(kind: str) -> None:
    lock = read_lock(kind)
    for machine in machines():
        versions: dict[str, str] = {}
        for requirement, _ in lock:
            if applies(requirement.marker, machine):
                assert canonicalize_name(requirement.name) not in versions, requirement
                versions[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
        for requirement in read_requirements(kind):
            if applies(requirement.marker, machine):
                version = versions.get(canonicalize_name(requirement.name), "")
                assert version, f"{requirement} is not in {kind}.lock: run scripts/lock"
                assert requirement.specifier.contains(version, prereleases=True), requirement


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_one_version_with_the_hashes_of_its_files(kind: str) -> None:
    for requirement, hashes in read_lock(kind):
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes, requirement
        assert [digest for digest in hashes if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest)] == []


def test_what_runs_is_what_is_tested() -> None:
    run, tested = (
        {f"{requirement.name}{requirement.specifier}": hashes for requirement, hashes in read_lock(kind)}
        for kind in KINDS
    )
    assert {name for name, hashes in run.items() if tested.get(name) != hashes} == set()


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    """The set-up installs only with hashes: pip refuses a file that differs from the locked one."""
    assert "--require-hashes --only-binary :all:" in (ROOT / "scripts" / "setup").read_text(encoding="utf-8")
    wheel = tmp_path / "planted-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    lock = tmp_path / "planted.lock"
    lock.write_text(f"planted==1.0 --hash=sha256:{'0' * 64}\n")

    process = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-index", "--find-links", str(tmp_path),
         "--require-hashes", "--only-binary", ":all:", "-d", str(tmp_path / "got"), "-r", str(lock)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert process.returncode != 0
    assert "DO NOT MATCH THE HASHES" in process.stderr

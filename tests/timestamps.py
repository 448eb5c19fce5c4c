"""A time authority (RFC 3161) on loopback: real certificates, and stamps that OpenSSL makes."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.recording_server import listening

OPENSSL = shutil.which("openssl") or ""
_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[authority]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """A time authority: its address, its certificates, and its present behaviour."""

    address: str
    certificates: Path
    status: int = 200
    answers_with: bytes = b""  # in place of a stamp
    request_count: int = 0


def _openssl(*arguments: str) -> None:
    subprocess.run([OPENSSL, *arguments], check=True, capture_output=True)


def _certificates(folder: Path) -> None:
    for name in ("ca", "tsa"):
        (folder / f"{name}.cnf").write_text(_CONFIG.format(name=f"{name} of the tests", folder=folder))
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        of = ("-config", str(folder / f"{name}.cnf"), "-keyout", str(folder / f"{name}.key"))
        more: tuple[str, ...]
        if name == "ca":
            more = ("-x509", "-days", "30", "-extensions", "ca", "-out", str(folder / "ca.pem"))
        else:
            more = ("-out", str(folder / "tsa.csr"))
        _openssl("req", *key, *of, *more)
    signed = ("-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"), "-days", "30", "-CAcreateserial")
    how = ("-extfile", str(folder / "tsa.cnf"), "-extensions", "tsa")
    _openssl("x509", "-req", "-in", str(folder / "tsa.csr"), *signed, *how, "-out", str(folder / "tsa.pem"))


def _stamp(folder: Path, query: bytes) -> bytes:
    """Return the answer to a query."""
    (folder / "query").write_bytes(query)
    how = ("-config", str(folder / "tsa.cnf"), "-section", "authority", "-queryfile", str(folder / "query"))
    _openssl("ts", "-reply", *how, "-out", str(folder / "reply"))
    return (folder / "reply").read_bytes()


@contextmanager
def time_authority() -> Iterator[Authority]:
    """Run a time authority until the block ends."""
    if not OPENSSL:
        pytest.skip("openssl is not installed: apt-get install openssl")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _certificates(folder)

        class Handler(BaseHTTPRequestHandler):
            """Answers time stamp queries in order, one answer per query."""

            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                authority.request_count += 1
                body = authority.answers_with or _stamp(folder, query)
                self.send_response(authority.status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        with listening(Handler) as port:
            authority = Authority(f"http://127.0.0.1:{port}/stamp", folder / "ca.pem")
            yield authority

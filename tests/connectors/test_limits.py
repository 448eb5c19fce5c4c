"""The network route to a system: a proxy, and certificates of an authority of one's own."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.http import Gateway
from integration.connectors.limits import NetworkRoute, RateLimits
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusSettings
from integration.core.errors import InDoubtError, UnavailableError
from tests.fakes import MemoryTokenStore

HOST = "books.example"  # no name server knows it: what is answered came by the proxy
PASSWORD = "geh/eim&1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Authority:
    """A certificate authority that no other program trusts, as a file."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Netwerk van de winkel")])
        self.file = folder / "authority.pem"
        whole = x509.BasicConstraints(ca=True, path_length=None)
        self.file.write_bytes(self._sign_certificate(self._name, self._key.public_key(), whole).public_bytes(_PEM))

    def _sign_certificate(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, name, key, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())

    def server(self, host: str) -> ssl.SSLContext:
        """Return the TLS settings of a server of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        signed = self._sign_certificate(name, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self._folder / f"{host}.pem"
        plain = serialization.NoEncryption()
        secret = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain)
        file.write_bytes(signed.public_bytes(_PEM) + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


_PEM = serialization.Encoding.PEM


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port that does this with every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve_connection(line: socket.socket) -> None:
            with line, suppress(OSError):
                line.settimeout(10)
                handle(line)

        def serve() -> None:
            listener.settimeout(0.1)
            while not stop.is_set():
                with suppress(TimeoutError):
                    threading.Thread(target=serve_connection, args=(listener.accept()[0],), daemon=True).start()

        worker = threading.Thread(target=serve)
        worker.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            worker.join()


class Proxy:
    """A proxy that answers CONNECT: asks for credentials, refuses, or connects to the only server."""

    def __init__(self, server: int = 0, user: str = "", refusal: bytes = b"") -> None:
        self.asked: list[str] = []
        self._server = server
        self._credentials = base64.b64encode(user.encode()).decode()
        self._refusal = refusal

    def __call__(self, line: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(1)
        self.asked.append(head.split(b"\r\n")[0].decode())
        if self._credentials and f"Basic {self._credentials}" not in head.decode():
            line.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
        elif self._refusal:
            line.sendall(b"HTTP/1.1 " + self._refusal + b"\r\nContent-Length: 0\r\n\r\n")
        else:
            line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", self._server)) as upstream:
                back = threading.Thread(target=_copy_stream, args=(upstream, line), daemon=True)
                back.start()
                _copy_stream(line, upstream)
                back.join(5)


def _copy_stream(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def tls_handler(tls: ssl.SSLContext) -> Callable[[socket.socket], None]:
    def handle(line: socket.socket) -> None:
        with tls.wrap_socket(line, server_side=True) as safe:
            safe.recv(65_536)
            safe.sendall(OK)

    return handle


def gateway_on(route: NetworkRoute) -> Gateway:
    limits = RateLimits(in_flight=1, per_second=10_000, attempts=2)
    return Gateway(system="AccountView", host_shown=HOST, limits=limits, route=route)


def read(gateway: Gateway) -> bytes:
    return gateway.send("GET", f"https://{HOST}/api/v3", operation="read", repeatable=True).body


def test_a_proxy_leads_to_a_system_that_our_own_authority_vouches_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(tls_handler(authority.server(HOST))) as server:
        proxy = Proxy(server, f"winkel:{PASSWORD}")
        with serving(proxy) as port:
            address = f"http://winkel:geh%2Feim%261@127.0.0.1:{port}"
            with gateway_on(NetworkRoute(address, authority.file)) as gateway:
                assert read(gateway) == b"ok"
            assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]
            with (
                gateway_on(NetworkRoute(address)) as stranger,
                pytest.raises(UnavailableError, match="certificate_invalid"),
            ):
                read(stranger)


@pytest.mark.parametrize("credentials", ["", "winkel:verkeerd@"])
def test_a_proxy_that_wants_a_password_is_reported_as_such_and_asked_once(credentials: str) -> None:
    proxy = Proxy(user=f"winkel:{PASSWORD}")
    with serving(proxy) as port, gateway_on(NetworkRoute(f"http://{credentials}127.0.0.1:{port}")) as gateway:
        with pytest.raises(UnavailableError, match="proxy_login_needed") as caught:
            read(gateway)
        assert caught.value.facts["proxy"] == f"127.0.0.1:{port}"
        assert "verkeerd" not in str(caught.value)
    assert len(proxy.asked) == 1


def test_a_proxy_that_refuses_is_reported_with_what_it_said() -> None:
    with (
        serving(Proxy(refusal=b"403 Forbidden")) as port,
        gateway_on(NetworkRoute(f"http://127.0.0.1:{port}")) as gateway,
    ):
        with pytest.raises(UnavailableError, match="proxy_refused") as caught:
            read(gateway)
        assert (caught.value.facts["answer"], caught.value.facts["host"]) == ("HTTP 403", HOST)


def test_a_proxy_that_is_missing_is_reported_and_nothing_is_in_doubt() -> None:
    with serving(lambda _: None) as port:
        pass
    for proxy in (f"http://127.0.0.1:{port}", "http://no-such-proxy.invalid:3128"):
        with gateway_on(NetworkRoute(proxy)) as gateway:
            for repeatable in (True, False):
                with pytest.raises(UnavailableError, match="proxy_unreachable"):
                    gateway.send("POST", f"https://{HOST}/", operation="write", repeatable=repeatable)


def test_a_write_cut_behind_a_proxy_is_in_doubt(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    def cut(line: socket.socket) -> None:
        with authority.server(HOST).wrap_socket(line, server_side=True) as safe:
            safe.recv(65_536)

    with (
        serving(cut) as server,
        serving(Proxy(server)) as port,
        gateway_on(NetworkRoute(f"http://127.0.0.1:{port}", authority.file)) as gateway,
        pytest.raises(InDoubtError),
    ):
        gateway.send("POST", f"https://{HOST}/", operation="write", repeatable=False)


def test_what_a_proxy_is_given_is_a_secret() -> None:
    route = NetworkRoute(f"http://winkel:{PASSWORD.replace('/', '%2F')}@proxy.example:3128")
    assert (route.display_host, "eim" in repr(route)) == ("proxy.example:3128", False)
    with gateway_on(route) as gateway:
        assert gateway.masked(f"no {PASSWORD} for winkel") == "no *** for ***"


def test_the_check_of_both_systems_tells_what_the_proxy_does() -> None:
    with serving(Proxy(refusal=b"403 Forbidden")) as port:
        proxy = SecretStr(f"http://127.0.0.1:{port}")
        books = AccountView(
            AccountViewSettings(url=f"https://{HOST}/api/v3", proxy=proxy, attempts=1, company="1"), MemoryTokenStore()
        )
        till = Mplus(MplusSettings(url=f"https://{HOST}:1/", ident="i", secret=SecretStr("s"), proxy=proxy, attempts=1))
        for connector in (books, till):
            first = connector.check()[0]
            assert (first.name, first.cause) == ("host", "proxy_refused")
            connector.close()

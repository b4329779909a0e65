"""TLS in front of a site, with a certificate made for a name."""

import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.migrator.servers import KEY


def certificate(authority: Path, folder: Path, name: str) -> ssl.SSLContext:
    """Make a certificate for a host name, signed by the tests' own authority."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    openssl("req", *KEY, "-keyout", "site.key", "-out", "site.csr", "-subj", f"/CN={name}")
    (folder / "names").write_text(f"subjectAltName=DNS:{name}\n")
    openssl(
        "x509", "-req", "-in", "site.csr", "-CA", str(authority / "ca.pem"),
        "-CAkey", str(authority / "ca.key"), "-CAserial", "serial", "-CAcreateserial",
        "-days", "2", "-extfile", "names", "-out", "site.pem",
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "site.pem", folder / "site.key")
    return context


@contextmanager
def tls_front(context: ssl.SSLContext, address: str) -> Iterator[str]:
    """Pass connections on to host:port; yields https://host:port."""
    host, _, port = address.partition(":")

    class Front(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                context.wrap_socket(self.request, server_side=True) as secure,
                socket.create_connection((host, int(port))) as site,
            ):
                head = b""
                while b"\r\n\r\n" not in head and (block := secure.recv(65536)):
                    head += block
                site.sendall(head)
                while block := site.recv(65536):
                    secure.sendall(block)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            pass  # the client did not like the certificate

    with Server(("127.0.0.1", 0), Front) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()

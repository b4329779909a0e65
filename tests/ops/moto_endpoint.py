"""moto behind a port of this machine, for commands that run as processes of their own.

moto's own server needs packages that the project does not; what arrives here is sent on to the
address of the AWS service, which moto plays in this process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import requests
from moto import mock_aws

SCOPE = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/")
PASSED_ON = ("Authorization", "Content-Type", "X-Amz-Target", "X-Amz-Date")


class Handler(BaseHTTPRequestHandler):
    """Sends each request on to the service that its signature names."""

    def do_POST(self):
        self.pass_on()

    def do_GET(self):
        self.pass_on()

    def do_PUT(self):
        self.pass_on()

    def pass_on(self):
        region, service = SCOPE.search(self.headers["Authorization"]).groups()
        answer = requests.request(
            self.command,
            f"https://{service}.{region}.amazonaws.com{self.path}",
            data=self.rfile.read(int(self.headers.get("Content-Length", 0))),
            headers={name: self.headers[name] for name in PASSED_ON if name in self.headers},
            timeout=10,
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve on a free port until the block ends; yield the endpoint."""
    with mock_aws(), ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

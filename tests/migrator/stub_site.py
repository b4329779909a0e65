"""A site that answers what it is told, for tests of the checks that need no WordPress."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from core.domain.jobs import VerifyExpectation
from migrator.verification import verify_site

URL, FOREIGN = "https://shop.test", "old.dev.test"
PAGE = """<!doctype html><html><head><title>Shop</title>
<link rel="canonical" href="https://shop.test/">
<link rel="profile" href="http://gmpg.org/xfn/11">
<link rel="stylesheet" href="https://shop.test/style.css?ver=1">
<script src="/app.js"></script><style>body { background: url("/ok.png") }</style></head>
<body><p>Zoë&rsquo;s café — “open”</p><img src="//shop.test/a.jpg" srcset="/a.jpg 1x, /b.jpg 2x">
<img src="data:image/gif;base64,R0lGOD"><a href="http://elsewhere.test/">link</a></body></html>"""
FINE = {
    "/": PAGE,
    "/wp-json/": '{"name":"Shop"}',
    "/wp-json/wp/v2/pages": "[]",
    "/wp-json/wp/v2/posts": '[{"link":"https://shop.test/x"}]',
    "/wp-login.php": "<form>Log in</form>",
    "/wp-sitemap.xml": "<urlset/>",
    "/style.css": "body {}",
    "/app.js": "1;",
    "/a.jpg": "jpg",
    "/b.jpg": "jpg",
    "/ok.png": "png",
}


TYPES = {".css": "text/css", "p.js": "text/javascript", ".jpg": "image/jpeg", ".png": "image/png"}


class Stub:
    """A site that answers what it is told."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, str | bytes] = dict(FINE)
        self.status: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        self.methods: set[str] = set()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stub.methods.add(self.command)
                self.do_GET()

            def do_GET(self) -> None:
                stub.methods.add(self.command)
                path = self.path.split("?")[0]
                stub.asked.append(dict(self.headers))
                body = stub.pages.get(path, "not found")
                body = body if isinstance(body, bytes) else body.encode()
                self.send_response(stub.status.get(path, 200 if path in stub.pages else 404))
                self.send_header("Content-Type", TYPES.get(path[-4:], "text/html; charset=utf-8"))
                for name, value in stub.headers.get(path, {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.server.shutdown()
        self.server.server_close()

    def failed(self, **fields) -> dict[str, str]:
        checks = verify_site(
            URL, fields.pop("addresses", [self.address]),
            **({"public": False, "expected": VerifyExpectation(foreign_hosts=[FOREIGN])} | fields),
        )  # fmt: skip
        return {check.name: check.evidence for check in checks if not check.passed}

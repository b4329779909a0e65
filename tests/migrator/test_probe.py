"""The probe job sees what a visitor sees: every answer counts, and it stops when it must."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.migrator.servers import free_port


class Site:
    """A site whose answers can be changed while it is being probed."""

    def __init__(self) -> None:
        self.status = {"/": 200, "/shop": 200}
        self.pause = 0.0
        self.asked: list[tuple[str, str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = self.headers
                site.asked.append((self.path, headers["Host"], headers["X-Forwarded-Proto"]))
                time.sleep(site.pause)
                self.send_response(site.status[self.path])
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def probe(fleet, *addresses: str, **fields):
    return fleet.done(
        "probe",
        **{
            "siteUrl": "https://shop.test", "addresses": addresses, "windowSeconds": 0.5,
            "intervalSeconds": 0.05,
        } | fields,
    )  # fmt: skip


def test_a_healthy_site_is_requested_by_its_public_name_until_the_window_ends(fleet, site):
    facts = probe(fleet, site.address, paths=["/", "/shop"])
    assert 5 <= facts["requests"] <= 11
    assert facts["statuses"] == {"200": facts["requests"]}
    assert (facts["failures"], facts["endedEarly"], facts["firstFailure"]) == (0, False, None)
    assert 0.4 < facts["windowSeconds"] < 1.5
    assert set(site.asked) == {("/", "shop.test", "https"), ("/shop", "shop.test", "https")}


def test_latencies_are_those_of_the_answers(fleet, site):
    site.pause = 0.04
    facts = probe(fleet, site.address)
    assert 40 <= facts["latencyMedianMs"] <= facts["latencyP95Ms"] < 1000


def test_it_ends_at_the_first_failure_unless_more_are_allowed(fleet, site):
    site.status["/"] = 503
    facts = probe(fleet, site.address, windowSeconds=60)
    assert (facts["requests"], facts["failures"], facts["endedEarly"]) == (1, 1, True)
    assert facts["statuses"] == {"503": 1}
    assert facts["firstFailure"] == f"Request 1 at {site.address}: /: status 503."
    facts = probe(fleet, site.address, windowSeconds=60, failuresToEnd=3)
    assert (facts["requests"], facts["endedEarly"]) == (3, True)


def test_only_failures_in_a_row_end_it(fleet, site):
    site.status["/shop"] = 500
    facts = probe(fleet, site.address, paths=["/", "/shop"], failuresToEnd=2)
    assert not facts["endedEarly"]
    assert facts["failures"] > 2


def test_a_site_that_does_not_answer_is_seen_at_once_and_not_asked_again(fleet):
    begun = time.monotonic()
    facts = probe(fleet, f"127.0.0.1:{free_port()}", windowSeconds=60)
    assert time.monotonic() - begun < 5
    assert facts["statuses"] == {"no answer": 1}
    assert facts["endedEarly"]
    assert "no answer" in facts["firstFailure"]
    assert facts["latencyP95Ms"] == 0


def test_every_address_is_asked(fleet, site):
    facts = probe(fleet, site.address, f"127.0.0.1:{free_port()}", failuresToEnd=2)
    assert set(facts["statuses"]) == {"200", "no answer"}


def test_a_probe_of_nothing_is_refused(fleet):
    error = fleet.failed(
        "probe", siteUrl="https://shop.test", addresses=[], windowSeconds=1, intervalSeconds=1
    )
    assert "at least one address" in error.message

"""What the tests of this folder ask and wait with."""

import http.client
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass

from local.emulator import SYSTEM_PATH
from local.network import wait_for


@dataclass(frozen=True)
class Page:
    status: int
    headers: dict[str, str]
    text: str


class Browser:
    """Asks the front proxy."""

    def __init__(self, port, traffic=None):
        self.port = port
        self.traffic = traffic

    def get(self, host, path="/", method="GET", body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method, path, body, {"Host": host.replace("PORT", str(self.port)), **headers}
            )
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return Page(answer.status, {k.lower(): v for k, v in answer.getheaders()}, text)
        finally:
            connection.close()


@contextmanager
def ticking(watcher, seconds=0.1):
    """Let a watcher look again and again, as the supervisor does."""
    ended = threading.Event()
    errors = []

    def work():
        while not ended.wait(seconds):
            try:
                watcher.tick()
            except Exception as error:  # noqa: BLE001  (shown by the test)
                errors.append(error)
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield watcher
    finally:
        ended.set()
        thread.join()
        watcher.close()
    assert not errors


def eventually(condition, seconds=15):
    assert wait_for(condition, seconds=seconds), "it did not happen in time"


def run_php(layout, script, environment):
    finished = subprocess.run(
        ["php", "-d", f"openssl.cafile={layout.authority}", str(script)],
        env={"PATH": SYSTEM_PATH, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout

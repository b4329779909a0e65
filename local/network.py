"""Free loopback ports, and waiting until something answers on one."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Return different loopback ports that nobody listens on at this moment."""
    with ExitStack() as held:
        probes = [
            held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            for _ in range(number)
        ]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def answers(port: int) -> bool:
    """Tell whether a loopback port accepts connections."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_for(ready: Callable[[], bool], *, seconds: float, pause: float = 0.03) -> bool:
    """Ask until something is ready or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True

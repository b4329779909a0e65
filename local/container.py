"""Runs a module the way a container in the VPC would: load balancers' names resolve.

`python -m local.container MODULE ARGUMENTS...`. On AWS the load balancer's DNS name leads to it;
here the names listed in the environment lead to the front proxy's loopback port. The functions'
processes load this file too (local/build.py): their registry's name leads to the emulator. It
therefore imports nothing of this project.
"""

from __future__ import annotations

import os
import runpy
import socket
import sys
from typing import Any

LOOPBACK = "127.0.0.1"
NAMES_VARIABLE = "SITEFLEET_LOCAL_NAMES"
"""name=port,name=port"""


def main() -> None:
    """Run the module named by the first argument as the main program."""
    install()
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def install() -> None:
    """Let the names that the environment lists resolve."""
    resolve_names(parse_names(os.environ.get(NAMES_VARIABLE, "")))


def parse_names(text: str) -> dict[str, int]:
    """Return the ports by name."""
    pairs = (pair.rpartition("=") for pair in text.split(",") if pair)
    return {name.lower(): int(port) for name, _, port in pairs}


def resolve_names(names: dict[str, int]) -> None:
    """Let these names resolve to the loopback interface; all others as before."""
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        wanted = host.decode() if isinstance(host, bytes) else host
        local = names.get(wanted.lower().rstrip(".")) if isinstance(wanted, str) else None
        if local is None:
            return original(host, port, *rest, **named)
        return original(LOOPBACK, local, *rest, **named)

    socket.getaddrinfo = getaddrinfo


if __name__ == "__main__":
    main()

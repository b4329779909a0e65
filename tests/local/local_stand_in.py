"""Stands in for the migrator: writes down how it was started, then does what it was told."""

import json
import os
import socket
import sys
import time
from pathlib import Path

import boto3

from migrator.processes import running

if __name__ == "__main__":
    verb, out, *rest = sys.argv[1:]
    facts = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "caller": boto3.client("sts").get_caller_identity()["Arn"],
    }
    if rest:
        facts["address"] = socket.getaddrinfo(rest[0], 80, type=socket.SOCK_STREAM)[0][4]
    if verb == "program":
        with running(["sleep", "60"]) as program:
            Path(out).write_text(str(program.process.pid))
            program.finish()
    Path(out).write_text(json.dumps(facts))
    if verb == "sleep":
        time.sleep(60)
    sys.exit(3 if verb == "fail" else 0)

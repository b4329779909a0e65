"""Inputs that are nearly right: hypothesis changes what the corpus holds, in its own terms."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import strategies as st

from tests.fuzz.corpus import seeds
from tests.fuzz.targets import PLACES

ODD = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.1, float("nan"), float("inf")),
    *("", " ", "\0", "\ud800", "a" * 300, "../..", "{}", "[]", "null", "2026-13-01T00:00:00Z"),
    *([], {}, [[]], [None], {"": None}, {"proof": {"headers": {}}}, {"messageType": 1}),
    *("SITE_CREATION_REQUEST", "STEP_POLL", "bbws.sites", "aws.ecs", "prod", "DEV", "site-banana"),
]
"""What a part of a message may be instead."""
VALUES = [
    *("0", "-1", "1e400", "nan", "inf", "99999999999999999999", '""', '"\\u0000"', "[]", "{}"),
    *("true", "1979-05-27", "07:32:00", "[[1]]", '"*"', '"Africa/Johannesburg"', "0x10"),
    *('["a", "a"]', "0.5", "31536000", '"SITE_001"', "{ a = 1 }", "[0.0, -1.0]"),
]
"""What a setting of a policy may be instead."""
TOML = st.sampled_from(VALUES) | st.integers().map(str)


def paths(value, path=()):
    """Yield the way to each part of a message."""
    yield path
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            yield from paths(part, (*path, name))


def replaced(value, path, new):
    """Return a message with one part of it replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@cache
def known_messages(target):
    """Return the seeds of a target that are JSON, without what stands before it."""
    found = []
    for data in seeds(target):
        try:
            found.append((data[:1], json.loads(data[1 if target == "consumer" else 0 :])))
        except ValueError:
            continue
    return found


@st.composite
def messages(draw, target):
    """Draw a message of the corpus, up to two parts of which are something else."""
    known = known_messages(target)
    place, message = known[draw(st.integers(0, len(known) - 1))]
    for _ in range(draw(st.integers(0, 2))):
        ways = list(paths(message))
        path = ways[draw(st.integers(0, len(ways) - 1))]
        message = replaced(message, path, draw(st.sampled_from(ODD) | st.text(max_size=8)))
    body = json.dumps(message).encode()
    if target != "consumer":
        return body
    place = draw(st.just(place[0]) | st.integers(0, len(PLACES) - 1))
    return bytes([place]) + body


@st.composite
def policies(draw):
    """Draw a policy of which up to three settings are something else."""
    data = draw(st.sampled_from(seeds("policy")))
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        name, equals, _ = lines[at].partition(" = ")
        lines[at] = f"{name} = {draw(TOML)}" if equals else draw(st.sampled_from(lines))
    return "\n".join(lines).encode("utf-8", "surrogateescape")


@st.composite
def dumps(draw):
    """Draw a dump with bytes put in, taken out, or repeated."""
    data = draw(st.sampled_from(seeds("rewrite")))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(1, max(1, len(data))))
        put = draw(
            st.sampled_from([b"'", b'"', b"\\", b"(", b"),(", b";\n", b"https://site.dev", b"\0"])
            | st.sampled_from([b's:5:"', b"a:3:{", b"}", b"%2F%2Fsite.dev", b"/*!", b"\xff"])
            | st.binary(max_size=6)
        )
        data = data[:at] + put + data[at + draw(st.integers(0, 12)) :]
    return data


INPUTS = {
    "decode": messages("decode"),
    "consumer": messages("consumer"),
    "rewrite": dumps(),
    "policy": policies(),
}

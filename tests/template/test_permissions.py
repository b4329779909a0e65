"""Every right is one that a run on a machine has needed, or has its reason; the page says which."""

from __future__ import annotations

import json

from tests.template.permissions import KEPT, PAGE, granted, page, reason_of, stack_of, unproved
from tests.template.role_actions import NOT_ASKED

USED = json.loads(KEPT.read_text())


def test_no_right_is_superfluous_and_none_is_granted_twice():
    """A new right needs a run (`make prove-iam`), or its reason in role_actions.py."""
    assert unproved(USED, NOT_ASKED) == []


def test_a_right_that_nobody_needs_is_noticed():
    one = next(one for one in granted(stack_of("sit")) if reason_of(one, NOT_ASKED) is None)
    without = {key: found for key, found in USED.items() if key != one.key}
    assert unproved(without, NOT_ASKED) == [f"used by nobody: {one.key}"]
    idle = USED | {one.key: {**USED[one.key], "needed": False}}
    assert unproved(idle, NOT_ASKED) == [f"not refused without it: {one.key}"]


def test_the_page_is_current():
    assert PAGE.read_text() == page(USED, NOT_ASKED)


def test_every_reason_is_about_a_right_that_is_granted():
    every = list(granted(stack_of("sit")))
    names = {name for one in every for name in (f"{one.role}/{one.action}", one.role, one.action)}
    assert NOT_ASKED.keys() <= names

"""Which test needs which permission: what one acceptance run noted, held against the template.

    python -m tests.template.permissions read DECISIONS SPANS    (what `make prove-iam` ends with)
    python -m tests.template.permissions write                   (the page, from what is kept)

The emulator notes each decision (local/decision_log.py): the role, the statement that allowed it,
and that the same call is refused once that action is taken out of that statement. The scenarios
that were being told at that second name the test.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.template.stack import (
    CHECKOUT,
    REGION,
    Stack,
    as_list,
    expand,
    overrides,
    role_statements,
)

KEPT = Path(__file__).parent / "permissions_used.json"
PAGE = CHECKOUT / "docs" / "reference" / "permissions.md"
ENVIRONMENTS = ("dev", "sit", "prod")
MOST_TESTS = 2
WAKE_UPS = "WakeUpRole"
WORKFLOW_ROLES = ("PromotionRole", "CreationRole", "UpdateRole", "DeletionRole")
TESTS = {
    "story": "test_story.py",
    "worker_kills": "test_kills.py",
    "job_kills": "test_kills.py",
    "refusals": "test_refusals.py",
    "malformed_messages": "test_malformed.py",
    "repeats": "test_once.py",
    "clone": "test_story.py",
    "change": "test_change.py",
    "back": "test_back.py",
    "returned": "test_deletion.py",
    "approvals": "test_approvals.py",
    "changes": "test_updates.py",
    "rivals": "test_crowds.py",
    "codes": "test_codes.py",
    "breaking": "test_codes.py",
    "troubles": "test_codes.py",
    "letters": "tests/local/test_iam_letters.py",
    "swept": "tests/local/test_iam_sweeper.py",
    "failing changes": "tests/failures/test_every_change.py",
    "failing promotions": "tests/failures/test_every_step.py",
}
"""Scenario of the acceptance run -> the tests that ask for it."""

type Permission = tuple[str, str, str]
"""Role by its logical name, statement, action."""


@dataclass(frozen=True)
class Granted:
    """One action of one statement of one role."""

    role: str
    sid: str
    action: str
    resources: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.role}/{self.sid}/{self.action}"


def granted(stack: Stack) -> Iterator[Granted]:
    """Yield every permission of a stack, in order."""
    for name, role in sorted(stack.of_type("AWS::IAM::Role").items()):
        for statement in role_statements(role):
            for action in as_list(statement["Action"]):
                resources = tuple(as_list(statement["Resource"]))
                yield Granted(name, statement["Sid"], action, resources)


def stack_of(environment: str, template: Mapping[str, Any] | None = None) -> Stack:
    """Return an environment's stack."""
    return Stack(template or expanded(), overrides(environment))


def expanded() -> dict[str, Any]:
    """Return the template after SAM's transform, which asks for a region."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    return expand()


def read_run(decisions: Path, spans: Path) -> dict[str, Any]:
    """Return, for each permission that a run used, whether it was needed and by which tests."""
    template = expanded()
    names = {
        properties["RoleName"]: logical
        for environment in ENVIRONMENTS
        for logical, properties in stack_of(environment, template).of_type("AWS::IAM::Role").items()
    }
    told = [json.loads(line) for line in spans.read_text().splitlines()]
    used: dict[str, dict[str, Any]] = {}
    tests: dict[str, Counter[str]] = {}
    for line in decisions.read_text().splitlines():
        noted = json.loads(line)
        role = names.get(noted["role"])
        if role is None:
            continue
        key = f"{role}/{noted['sid']}/{noted['action']}"
        found = used.setdefault(key, {"needed": False})
        found["needed"] = found["needed"] or noted["needed"]
        tests.setdefault(key, Counter()).update(
            TESTS[span["scenario"]]
            for span in told
            if span["scenario"] in TESTS and span["from"] <= noted["at"] <= span["to"] + 1
        )
    for key, found in used.items():
        found["tests"] = [name for name, _ in tests[key].most_common(MOST_TESTS)]
    every = {one.key for name in ENVIRONMENTS for one in granted(stack_of(name, template))}
    return {key: found for key, found in sorted(used.items()) if key in every}


def page(used: Mapping[str, Any], not_asked: Mapping[str, str]) -> str:
    """Return docs/reference/permissions.md."""
    lines = [HEAD]
    role = ""
    for one in granted(stack_of("sit")):
        if one.role != role:
            role = one.role
            lines += ["", f"## {role}", "", "| action | on | needed by |", "|---|---|---|"]
        lines.append(f"| `{one.action}` | {_on(one)} | {_why(one, used, not_asked)} |")
    return "\n".join([*lines, ""])


HEAD = """\
# Permissions

Generated by `make prove-iam` and `python -m tests.template.permissions write`; a test keeps it
current. Every action of every role of the template, on what, and which acceptance tests were
running when it was used. For each of these, the emulator judged the very same call once more with
the action taken out of its statement, and refused it. What no run on one machine asks for says why
it is there."""


def unproved(used: Mapping[str, Any], not_asked: Mapping[str, str]) -> list[str]:
    """Return what nobody uses and nothing justifies, and what is allowed twice: a sentence each."""
    every = list(granted(stack_of("sit")))
    idle = [one.key for one in every if one.key in used and not used[one.key]["needed"]]
    superfluous = [
        one.key
        for one in every
        if one.key not in used and twin_of(one, used) is None and reason_of(one, not_asked) is None
    ]
    return [
        *(f"not refused without it: {key}" for key in idle),
        *(f"used by nobody: {key}" for key in superfluous),
    ]


def twin_of(one: Granted, used: Mapping[str, Any]) -> str | None:
    """Return the workflow's role that was seen to need what the wake-up function has as well.

    A wake-up runs the step that waits, of whichever workflow: what a step needs is shown by its own
    queue's role, and whether it was a wake-up or a poll that came first is chance.
    """
    if one.role != WAKE_UPS:
        return None
    keys = {role: f"{role}/{one.sid}/{one.action}" for role in WORKFLOW_ROLES}
    return next((role for role, key in keys.items() if used.get(key, {}).get("needed")), None)


def reason_of(one: Granted, not_asked: Mapping[str, str]) -> str | None:
    """Return why a permission is there that no run uses: by role and action, role, or action."""
    asked = (f"{one.role}/{one.action}", one.role, one.action)
    return next((not_asked[name] for name in asked if name in not_asked), None)


# --- inside ---------------------------------------------------------------------------------


def _on(one: Granted) -> str:
    return "<br>".join(f"`{_short(resource)}`" for resource in one.resources)


def _short(resource: str) -> str:
    """Leave out partition, region and account: they are the environment's own."""
    parts = resource.split(":", 5)
    return resource if len(parts) < len(["arn", "aws", "s3", "", "", "x"]) else parts[5]


def _why(one: Granted, used: Mapping[str, Any], not_asked: Mapping[str, str]) -> str:
    found = used.get(one.key)
    if found is None:
        twin = twin_of(one, used)
        as_twin = f"the same as {twin}: a wake-up runs the step that waits" if twin else None
        return as_twin or reason_of(one, not_asked) or "nobody"
    tests = ", ".join(f"`{name}`" for name in found["tests"])
    return tests or "a run on one machine, between what has a name"


def main() -> int:
    """Read a run, or write the page."""
    from tests.template.role_actions import NOT_ASKED  # noqa: PLC0415 - a table of its own

    match sys.argv[1:]:
        case ["read", decisions, spans]:
            used = read_run(Path(decisions), Path(spans))
            KEPT.write_text(json.dumps(used, indent=1) + "\n")
        case ["write"]:
            used = json.loads(KEPT.read_text())
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    PAGE.write_text(page(used, NOT_ASKED))
    needed = sum(found["needed"] for found in used.values())
    sys.stdout.write(f"{len(used)} permissions used, {needed} refused without.\n")
    told = unproved(used, NOT_ASKED)
    sys.stdout.writelines(f"{line}\n" for line in told)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())

"""Retries live in the adapters and end long before the step's deadline."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from core.adapters.aws.retries import MOST_WAIT_SECONDS, RETRY_SECONDS, briefly
from core.adapters.aws.session import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    TOTAL_ATTEMPTS,
)
from core.bootstrap import POLICY_FOLDER, load_policy
from core.domain.errors import TransientError
from core.settings import Settings

ROOT = Path(__file__).parents[2]
PRODUCT = ("core", "events", "handlers", "local", "migrator", "ops", "simulation")
POLICIES = sorted(path.stem for path in POLICY_FOLDER.glob("*.toml"))


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_tenacity_is_used_in_adapters_only_and_from_one_module():
    users = [
        str(path.relative_to(ROOT))
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*.py")
        if "tenacity" in imports_of(path)
    ]
    assert users == ["core/adapters/aws/retries.py"]


@pytest.mark.parametrize("name", POLICIES)
def test_a_retried_call_is_over_before_any_steps_deadline(name):
    policy = load_policy(name)
    deadlines = [policy.default_step, *policy.steps.values()]
    one_call = TOTAL_ATTEMPTS * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS)
    longest = RETRY_SECONDS + MOST_WAIT_SECONDS + one_call
    assert longest < min(step.deadline_seconds for step in deadlines)


def test_one_call_fits_into_a_function():
    one_call = TOTAL_ATTEMPTS * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS)
    assert one_call < Settings.model_fields["function_timeout_seconds"].default


def test_the_last_error_comes_out_after_the_attempts():
    tried = []

    def fail() -> None:
        tried.append(1)
        raise TransientError("again")

    with pytest.raises(TransientError, match="again"):
        briefly(TransientError, attempts=3)(fail)
    assert len(tried) == 3


def test_another_error_is_not_retried():
    tried = []

    def fail() -> None:
        tried.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        briefly(TransientError, attempts=3)(fail)
    assert len(tried) == 1

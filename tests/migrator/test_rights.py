"""A right that is tried: what passes by itself is waited for, what lacks is told at once."""

from __future__ import annotations

import pymysql
import pytest

from migrator.errors import JobFailure
from migrator.rights import tried


class Attempts:
    """Fails so many times, then proves something."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "It is there."


def test_a_database_that_restarts_is_waited_for():
    attempts = Attempts(
        JobFailure("The database did not accept it (error 2003).", retryable=True),
        pymysql.OperationalError(2013, "lost"),
    )
    check = tried("database reachable", attempts)
    assert (check.passed, check.evidence, attempts.made) == (True, "It is there.", 3)


def test_one_that_does_not_come_back_is_a_failed_check():
    gone = [JobFailure("Nobody listens (error 2003).", retryable=True) for _ in range(99)]
    attempts = Attempts(*gone)
    check = tried("database reachable", attempts, patience_seconds=1)
    assert (check.passed, check.evidence) == (False, "Nobody listens (error 2003).")
    assert attempts.made > 1


@pytest.mark.parametrize(
    ("error", "patience_seconds"),
    [
        (JobFailure("The secret names another user."), 20),
        (pymysql.OperationalError(1044, "denied"), 20),
        (JobFailure("The dump failed (exit code 2).", retryable=True), 0),
    ],
)
def test_what_lacks_is_told_at_once(error, patience_seconds):
    attempts = Attempts(error)
    assert not tried("a right", attempts, patience_seconds=patience_seconds).passed
    assert attempts.made == 1

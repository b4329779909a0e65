"""Backups of the target before anything changes: a database snapshot and a recovery point."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from core.ports.protection import Backup, BackupState
from events.vocabulary import ErrorCode

type Ensure = Callable[[str, Mapping[str, str]], Backup]


@dataclass(frozen=True, kw_only=True)
class _Kind:
    name: str
    """The key of its ARN in the step's facts."""
    wanted: bool
    ensure: Ensure


def back_up_target(context: StepContext) -> Outcome:
    """Start (or find) what policy asks for, wait for all of it, and record it by ARN."""
    name, tags = backup_name(context), Move(context).tags
    facts: dict[str, Json] = {"name": name}
    running: list[str] = []
    for kind in _kinds(context):
        if not kind.wanted:
            facts[kind.name] = None
            continue
        backup = kind.ensure(name, tags)
        if backup.state is BackupState.FAILED:
            return _failed(kind, name, backup)
        facts[kind.name] = backup.arn
        if backup.state is BackupState.RUNNING:
            context.ports.wake_ups.note_resource(backup.arn, context.operation.operation_id)
            running.append(f"{kind.name.replace('_', ' ')} {name} ({backup.reason or 'running'})")
    if running:
        return Wait(seconds=context.poll_seconds, why=f"the {' and the '.join(running)}")
    return Done(facts=facts)


def backup_name(context: StepContext) -> str:
    """Return the seeds' name, `{env}-{tenantId}-pre-promotion-{timestamp}`, and the operation.

    RDS allows letters, digits and single hyphens; the operation's first digits tell two sites of
    a tenant apart that are promoted in the same second.
    """
    operation = context.operation
    at = operation.step_since or context.now
    parts = (
        operation.environment.value,
        operation.tenant_id,
        "pre-promotion",
        f"{at:%Y%m%d%H%M%S}",
        operation.operation_id[:8],
    )
    return re.sub("-{2,}", "-", "-".join(parts))


BACK_UP_TARGET = Step(name="back_up_target", run=back_up_target)


def _kinds(context: StepContext) -> tuple[_Kind, ...]:
    policy, backups = context.policy.promotion_rules.backup, context.ports.backups
    return (
        _Kind(
            name="database_snapshot",
            wanted=policy.database,
            ensure=backups.ensure_database_snapshot,
        ),
        _Kind(
            name="recovery_point", wanted=policy.file_system, ensure=backups.ensure_recovery_point
        ),
    )


def _failed(kind: _Kind, name: str, backup: Backup) -> Failed:
    what = kind.name.replace("_", " ")
    return Failed(
        code=ErrorCode.SYS_001,
        why=f"The {what} {name} failed: {backup.reason or 'AWS gives no reason'}. Nothing was "
        "changed; see why, then send the promotion again.",
        details={"backup": backup.arn},
    )

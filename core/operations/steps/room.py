"""Room on the load balancer, asked before anything is built: its refusal comes late and costs."""

from __future__ import annotations

from core.engine.outcome import Failed
from core.engine.step import StepContext
from events.vocabulary import ErrorCode


def no_room(context: StepContext, level: int, *, has_rule: bool) -> Failed | None:
    """Return the failure of a release for which a level's load balancer has no room; None: it has.

    `has_rule`: the site has its own rule already, so that the release's preview rule is enough.
    """
    room = context.ports.load_balancer.room(level)
    shortage = room.shortage(rules=1 if has_rule else 2)
    if shortage is None:
        return None
    return Failed(
        code=ErrorCode.SYS_001,
        why=f"{shortage.why} Nothing was changed. {shortage.remedy}",
        details={"freeRules": room.rules, "freeTargetGroups": room.target_groups},
    )

"""What happens to the sites of dev while the tests wait: one story per site, each with failures.

All stories that the selected tests ask for run at once, in threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from events.vocabulary import OperationStatus
from tests.failures.cases import Case, fail, fail_and_go_on, seen
from tests.failures.changes import (
    PLUGGED,
    SUSPENSION,
    TENANTS,
    UPDATES,
    creation,
    deletion,
    made_up,
    restore,
    update,
)
from tests.failures.consumers import Worker
from tests.failures.machine import Machine
from tests.failures.target import State, Target

type Asked = Mapping[str, Collection[str]]
"""Kind of operation -> steps that are to fail."""
type Told = Iterator[tuple[tuple[str, str], Case]]
"""Kind and step, and what came of it."""
DISCARDS = "discard_backup"
"""The last step where nobody wants the backup: then nothing comes back."""


@dataclass(frozen=True, kw_only=True)
class Teller:
    """What a story needs."""

    machine: Machine
    worker: Worker
    asked: Asked

    def wants(self, *kinds: str) -> bool:
        return any(self.asked.get(kind) for kind in kinds)

    def done(self, body: dict[str, Any]) -> str:
        """Let an operation come to its end; return its id."""
        operation = self.worker.operate(body)
        assert operation.status is OperationStatus.COMPLETED, operation.failure
        return operation.operation_id

    def failed(self, kind: str, target: Target, ask: Callable[[], dict[str, Any]]) -> Told:
        """Let an operation fail at each step that is asked for."""
        steps = self.asked.get(kind, ())
        if steps:
            target.visit()
        before = target.state() if steps else {}
        for step in steps:
            yield (kind, step), fail(self.worker, target, before, ask(), step)


def creations(teller: Teller) -> Told:
    """A tenant's first site is not created: each time another one."""
    for step in teller.asked.get("creation", ()):
        name = step.replace("_", "-")
        target = teller.machine.target(name, "dev", TENANTS["creation"])
        before = target.state()
        yield ("creation", step), fail(teller.worker, target, before, made_up(target), step)


def contents(teller: Teller) -> Told:
    """What a site consists of is changed: its WordPress, its containers, its plugins."""
    kinds = {"wordpress": None, "containers": None, "plugins": PLUGGED}
    return _updates(teller, _site(teller, "quince", TENANTS["contents"]), kinds)


def addresses(teller: Teller) -> Told:
    """What a site answers is changed: it moves, it is suspended, it comes back."""
    kinds = {"domain": None, "suspension": None, "activation": SUSPENSION}
    return _updates(teller, _site(teller, "medlar", TENANTS["addresses"]), kinds)


def endings(teller: Teller) -> Told:
    """A site is deleted, and comes back from its backup.

    A deletion that stopped half-way is carried on; the site comes back for the next one.
    """
    target = teller.machine.target("loquat", "dev", TENANTS["endings"])
    never = target.state()
    target = _site(teller, "loquat", TENANTS["endings"])
    yield from teller.failed("deletion", target, lambda: deletion(target))
    onward = teller.asked.get("deletion, onward", ())
    backup_id = None
    for step in [step for step in onward if step != DISCARDS]:
        if backup_id is not None:
            teller.done(restore(target, backup_id))
        case = _carried_on(teller, target, never, step)
        backup_id = case.operation.operation_id
        yield ("deletion, onward", step), case
    if teller.wants("restore"):
        backup_id = backup_id or teller.done(deletion(target))
        yield from teller.failed("restore", target, lambda: restore(target, str(backup_id)))
    if DISCARDS in onward:
        if backup_id is not None:
            teller.done(restore(target, backup_id))
        yield ("deletion, onward", DISCARDS), _carried_on(teller, target, never, DISCARDS)


def neighbours(teller: Teller) -> Told:
    """A site is deleted whose name begins like that of another one."""
    tenant_id = TENANTS["neighbours"]
    gone, stays = (_site(teller, name, tenant_id) for name in ("damson", "damson-2"))
    stays.visit()
    before = stays.state()
    operation = teller.worker.operate(deletion(gone))
    yield ("neighbour", "deletion"), seen(stays, before, operation, "deletion")


STORIES: dict[Callable[[Teller], Told], tuple[str, ...]] = {
    creations: ("creation",),
    contents: ("wordpress", "containers", "plugins"),
    addresses: ("domain", "suspension", "activation"),
    neighbours: ("neighbour",),
    endings: ("deletion", "deletion, onward", "restore"),
}
"""Which kinds of failures each one tells of."""


def _site(teller: Teller, name: str, tenant_id: str) -> Target:
    """Create a site with the content of a real one."""
    target = teller.machine.target(name, "dev", tenant_id)
    teller.done(creation(target))
    teller.machine.edit(name, "content.php", tenant_id)
    return target


def _updates(teller: Teller, target: Target, kinds: Mapping[str, dict[str, Any] | None]) -> Told:
    """Let each kind of update fail; some need another one to have come to its end before."""
    for kind, needed in kinds.items():
        if needed is not None and teller.wants(kind):
            teller.done(update(target, needed))
        changes = UPDATES[kind]
        yield from teller.failed(kind, target, lambda changes=changes: update(target, changes))


def _carried_on(teller: Teller, target: Target, never: State, step: str) -> Case:
    body = deletion(target, keep=step != DISCARDS)
    return fail_and_go_on(teller.worker, target, never, body, step)

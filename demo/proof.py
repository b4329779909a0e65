"""What the demo proves: the promoted site is the same site, at its own address, without a trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.domain.operation import Operation
from demo.customer import OK, Customer, Visitor
from events.vocabulary import OperationStatus

GUID = re.compile(r'"guid":\{"rendered":"[^"]*"\}|<guid[^>]*>[^<]*</guid>')
"""WordPress' guid names a post for ever, also for feed readers: it is no address and stays."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    held: bool
    evidence: str


def prove(
    source: Visitor, target: Visitor, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Finding]:
    """Yield every finding; `before` and `after` are what look.php printed in source and target."""
    yield _same_values(source, target, before, after)
    yield _finding("serialized rows are readable", held=bool(after["seoReadable"]))
    pages = target.pages()
    answers = {path: target.get(path) for path in pages}
    bad = [f"{path}: {status}" for path, (status, _) in answers.items() if status != OK]
    yield Finding(
        what="every page of the sitemap answers 200",
        held=not bad,
        evidence="; ".join(bad) or f"{len(pages)} pages",
    )
    traces = [path for path, (_, text) in answers.items() if source.host in GUID.sub("", text)]
    yield Finding(
        what=f"no trace of {source.host} in pages, headers, REST, feeds (but for guid, an id)",
        held=not traces,
        evidence="; ".join(traces) or f"{len(pages)} pages searched",
    )
    yield _images(target, answers["/ripe-today/"][1] if "/ripe-today/" in answers else "")
    status, _ = source.get("/")
    yield _finding(f"{source.host} is unharmed", held=status == OK)


def kept_promise(customer: Customer, ended: Operation) -> Iterator[Finding]:
    """Yield what a customer saw of a release that went live and took itself back."""
    failed = customer.failed
    yield Finding(
        what="no request of a customer failed while prod switched and switched back",
        held=not failed and bool(customer.seen),
        evidence="; ".join(str(one.status) for one in failed[:5])
        or f"{len(customer.seen)} requests, each a whole page",
    )
    new, old = customer.editions
    yield Finding(
        what="the customer saw the old edition, the new one, and the old one again",
        held=customer.order == [old, new, old],
        evidence=" -> ".join(customer.order),
    )
    why = ended.failure.message if ended.failure else ""
    yield Finding(
        what="the broken release rolled itself back",
        held=ended.status is OperationStatus.ROLLED_BACK,
        evidence=why[:120],
    )


def _same_values(
    source: Visitor, target: Visitor, before: dict[str, Any], after: dict[str, Any]
) -> Finding:
    expected = json.loads(json.dumps(before).replace(source.host, target.host))
    different = [name for name in expected if expected[name] != after.get(name)]
    values = sum(1 for _ in _leaves(after))
    return Finding(
        what="content, options, widgets, plugin table equal the source's, with the own address",
        held=not different,
        evidence=f"different: {', '.join(different)}" if different else f"{values} values compared",
    )


def _images(target: Visitor, page: str) -> Finding:
    paths = re.findall(
        rf"https://{re.escape(target.host)}(/wp-content/uploads/[^\"' ]+\.jpg)", page
    )
    bad = [path for path in paths if target.get(path)[0] != OK]
    return Finding(
        what="the images of a page load",
        held=bool(paths) and not bad,
        evidence="; ".join(bad) or f"{len(paths)} images",
    )


def _finding(what: str, *, held: bool) -> Finding:
    return Finding(what=what, held=held, evidence="yes" if held else "no")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value

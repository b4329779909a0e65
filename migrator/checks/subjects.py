"""What the checks look at: a site from outside, as a visitor sees it, and a release from inside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.jobs import VerifyExpectation
from migrator.checks.page import PageContent
from migrator.checks.visits import Visitor
from migrator.wordpress import Options

if TYPE_CHECKING:
    from migrator.databases import Connection


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A site at one address, its front page, and what to compare it with."""

    visitor: Visitor
    content: PageContent
    """The front page, parsed."""
    expected: VerifyExpectation | None = None
    """None: a fresh site, or the source itself; it stands for its own."""
    discouraged: bool = False
    """Whether the site asks search engines to stay away; it has no sitemap then."""
    is_source: bool = False
    """Whether this is what others are compared with: its own broken texts are its own affair."""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """A release's database and files, and what to compare them with."""

    connection: Connection
    schema: str
    content_root: Path
    expected: VerifyExpectation | None = None

    @cached_property
    def options(self) -> Options:
        """WordPress' options."""
        return Options(self.connection, self.schema)

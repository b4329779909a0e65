"""The mail that the fleet sent on this machine: the emulator's SES delivers none, it keeps it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import ACCOUNTS, EnvironmentName
from local.errors import LocalError
from local.layout import Layout

FOLDER = "mail"


@dataclass(frozen=True, kw_only=True)
class KeptMail:
    """One mail, with its HTML in a file to be opened with a browser."""

    environment: EnvironmentName
    to: tuple[str, ...]
    subject: str
    text: str
    page: Path


def read_inbox(endpoint: str, layout: Layout) -> list[KeptMail]:
    """Return every mail of every environment, oldest first, and write the HTML of each to a file.

    Raises LocalError when the emulator does not answer.
    """
    folder = layout.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    messages = _messages(endpoint)
    found = [
        (message["Timestamp"], name, message)
        for name, account in ACCOUNTS.items()
        for message in messages.get(account.account_id, [])
    ]
    found.sort(key=lambda one: one[0])
    return [_kept(folder, name, message) for _, name, message in found]


def _kept(folder: Path, environment: EnvironmentName, message: dict[str, Any]) -> KeptMail:
    page = folder / f"{message['MessageId'].partition('@')[0]}.html"
    page.write_text(message["BodyHtml"] or "", encoding="utf-8")
    return KeptMail(
        environment=environment,
        to=tuple(message["To"]),
        subject=message["Subject"],
        text=message["BodyText"],
        page=page,
    )


def _messages(endpoint: str) -> dict[str, list[dict[str, Any]]]:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/ses/messages", timeout=5) as answer:  # noqa: S310 - loopback
            kept: dict[str, list[dict[str, Any]]] = json.load(answer)["messages"]
    except (urllib.error.URLError, OSError) as error:
        raise LocalError(f"The emulator at {endpoint} does not show its mail: {error}") from None
    return kept

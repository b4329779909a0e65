"""The one error of the one-machine runtime."""

from __future__ import annotations


class LocalError(Exception):
    """The machine cannot do what was asked; the message is a sentence that says what to do."""

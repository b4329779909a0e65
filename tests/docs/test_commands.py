"""What the documents tell people to type exists: commands, their flags, make targets."""

from __future__ import annotations

import re

import pytest
import typer
from pages import ROOT, pages

from events.sample_messages import sample_notification
from events.vocabulary import NotificationType
from ops.cli import app

_SITEFLEET = re.compile(r"(?:^|\s|\.venv/bin/)sitefleet((?: +[^\s|;&#`()]+)+)")
_MAKE = re.compile(r"(?:^|\s)make((?: +[A-Za-z][\w=-]*)+)")
_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def unknown(words):
    """Return what is wrong with a command line, or None; arguments themselves are not checked."""
    command = typer.main.get_command(app)
    ctx = typer.Context(command, info_name="sitefleet")
    flags = {flag for parameter in command.params for flag in parameter.opts}
    for word in words:
        if word.startswith("--"):
            known = flags | {flag for parameter in command.params for flag in parameter.opts}
            if word.partition("=")[0] not in known | {"--help"}:
                return f"{ctx.command_path} has no flag {word}"
        elif hasattr(command, "list_commands"):
            command = command.get_command(ctx, word)
            if command is None:
                return f"{ctx.command_path} has no command {word}"
            ctx = typer.Context(command, info_name=word, parent=ctx)
    return None


def sitefleet_lines(page):
    lines = [found for line in page.commands() for found in _SITEFLEET.findall(line)]
    return [line.split() for line in lines]


def test_sitefleet_commands_exist(page):
    problems = [unknown(words) for words in sitefleet_lines(page)]
    assert [problem for problem in problems if problem] == []


def test_make_targets_exist(page):
    words = [
        word
        for line in page.commands()
        for found in _MAKE.findall(line)
        for word in found.split()
        if "=" not in word
    ]
    assert sorted(set(words) - _TARGETS) == []


@pytest.mark.parametrize("kind", NotificationType)
def test_commands_of_notifications_exist(kind):
    email = sample_notification(kind).email().replace("...", "x")
    lines = [found.split() for found in _SITEFLEET.findall(email)]
    assert [problem for problem in map(unknown, lines) if problem] == []
    assert lines


def test_there_is_something_to_check():
    found = {words[0] for page in pages() for words in sitefleet_lines(page)}
    assert {"send", "promotions", "operations", "sites", "local"} <= found
    readme = pages()[0]
    typed = {target for line in readme.commands() for target in _MAKE.findall(line)}
    assert {" demo", " test", " prove", " build"} <= typed


@pytest.mark.parametrize(
    "line",
    ["fly", "operations fly", "send create.json --fly", "operations rollback x", "letters list"],
)
def test_what_does_not_exist_is_noticed(line):
    assert unknown(line.split()) is not None

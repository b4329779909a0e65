"""What the documents tell people to type exists: commands, their flags, make targets."""

from __future__ import annotations

import re
import shlex
from functools import cache

import pytest
import typer
from pages import ROOT, pages
from typer.exceptions import TyperException

from events.sample_messages import sample_notification
from events.vocabulary import NotificationType
from ops.cli import app

_SITEFLEET = re.compile(r"(?:^|\s|\.venv/bin/)sitefleet((?: +[^\s|;&#`()]+)+)")
_TYPED = re.compile(r"(?:^|[\s(]|\.venv/bin/)sitefleet (.+)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"<([\w ]+)>")
_MAKE = re.compile(r"(?:^|\s)make((?: +[A-Za-z][\w=-]*)+)")
_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def command_line():
    return typer.main.get_command(app)


def unknown(words):
    """Return what is wrong with a command line, or None; arguments themselves are not checked."""
    command = command_line()
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


def refused(words):
    """Return why the command line does not take these words, or None. Nothing is run."""
    name, command, words, ctx = "sitefleet", command_line(), list(words), None
    try:
        while True:
            ctx = command.make_context(name, list(words), parent=ctx)
            if not hasattr(command, "list_commands"):
                return None
            _, rest, _ = command.make_parser(ctx).parse_args(words)
            name, command, words = command.resolve_command(ctx, rest)
    except TyperException as error:
        return f"{' '.join(words)}: {error.format_message()}"


def typed(text):
    """Return the words of each command line in a shell block; a placeholder counts as a value."""
    found = _TYPED.findall(_PLACEHOLDER.sub("value", text.replace("\\\n", " ")))
    return [list(_words(line)) for line in found]


def _words(line):
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for word in lexer:
        if set(word) <= set("();<>|&"):
            return
        yield word


def sitefleet_lines(page):
    lines = [found for line in page.commands() for found in _SITEFLEET.findall(line)]
    return [line.split() for line in lines]


def test_sitefleet_commands_exist(page):
    problems = [unknown(words) for words in sitefleet_lines(page)]
    assert [problem for problem in problems if problem] == []


def test_whole_commands_are_taken_with_their_values(page):
    shell = [block.text for block in page.blocks if block.language == "sh"]
    problems = [refused(words) for text in shell for words in typed(text)]
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
    lines = typed(sample_notification(kind).email())
    assert [problem for problem in map(refused, lines) if problem] == []
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


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("dlq list --queue undeliverable", "'undeliverable' is not one of"),
        ("dlq list --env nowhere", "--env"),
        ("operations show --env sit", "Missing argument"),
        ("operations show <operationId> --env sit --reason", "--reason"),
        ("local up --fly", "--fly"),
    ],
)
def test_what_would_not_be_taken_is_noticed(line, why):
    [words] = typed(f"sitefleet {line} | less")
    assert why in refused(words)

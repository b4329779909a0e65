"""Every command is documented, and the page is what the code says."""

from __future__ import annotations

import sys

import pytest
import typer

from ops import reference
from ops.cli import app
from ops.errors import ExitCode
from ops.mounting import MOUNTED

COMMANDS = [
    "sitefleet send",
    "sitefleet promotions start",
    "sitefleet promotions list",
    "sitefleet promotions show",
    "sitefleet promotions plan",
    "sitefleet promotions evidence",
    "sitefleet promotions approve",
    "sitefleet promotions reject",
    "sitefleet promotions rollback",
    "sitefleet promotions report",
    "sitefleet operations list",
    "sitefleet operations show",
    "sitefleet operations cancel",
    "sitefleet operations retry",
    "sitefleet sites list",
    "sitefleet sites show",
    "sitefleet local up",
    "sitefleet local down",
    "sitefleet local status",
    "sitefleet local mail",
]


def every_command():
    root = typer.main.get_command(app)
    ctx = typer.Context(root, info_name="sitefleet", auto_envvar_prefix="SITEFLEET")
    return {its.command_path: (command, its) for command, its in reference.commands(root, ctx)}


def test_the_page_is_current():
    assert reference.main(["--check"]) == 0, "run `python -m ops.reference`"


def test_a_stale_page_is_noticed_and_repaired(tmp_path, capsys):
    page = tmp_path / "cli.md"
    assert reference.main(["--check"], page) == 1
    assert capsys.readouterr().err == "cli.md is stale: run `python -m ops.reference`.\n"
    assert reference.main([], page) == 0
    assert reference.main(["--check"], page) == 0


def test_every_command_is_there_and_has_a_text():
    found = every_command()
    assert set(COMMANDS) <= set(found)
    page = reference.PAGE.read_text()
    for path, (command, _) in found.items():
        assert f"## `{path}" in page
        assert command.help


def test_every_flag_is_documented_with_its_variable():
    page = reference.PAGE.read_text()
    for path, (command, its) in every_command().items():
        section = page.split(f"## `{path}")[1].split("\n## ")[0]
        for parameter in reference._parameters(command):
            if parameter.param_type_name == "argument" or _documented_at_the_top(path, parameter):
                continue
            assert parameter.help, (path, parameter.name)
            assert reference._flag(parameter) in section
            assert f"`{its.auto_envvar_prefix}_{parameter.name.upper()}`" in section


def _documented_at_the_top(path, parameter):
    return parameter.name in reference._common() and not path.startswith("sitefleet local")


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code):
    assert f"| {code.value} | {code.meaning} |" in reference.PAGE.read_text()


def test_help_works_everywhere(sitefleet):
    for path in ["sitefleet", *every_command()]:
        answer = sitefleet(*path.split()[1:], "--help")
        assert answer.code == 0
        assert "Usage: sitefleet" in answer.out


def test_without_the_one_machines_needs_the_rest_works(sitefleet, monkeypatch):
    monkeypatch.setitem(sys.modules, MOUNTED["local"].module, None)
    assert sitefleet("--help").code == 0
    answer = sitefleet("local", "up")
    assert answer.code == ExitCode.UNEXPECTED
    assert answer.err.startswith("The one-machine runtime cannot be loaded here")


def test_a_wrong_command_is_bad_input(sitefleet):
    assert sitefleet("banana").code == ExitCode.BAD_INPUT

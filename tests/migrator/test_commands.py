"""What operators type: dump, load, content and verify without a job."""

import io
import json
import sys

import pytest

from core.domain.errors import ConfigurationError
from migrator import logs
from migrator.__main__ import main
from migrator.configuration import Configuration
from tests.migrator.dumps import fill
from tests.migrator.fleet import USER_PASSWORD


@pytest.fixture
def here(fleet, monkeypatch):
    """The fleet's environment as this process's own, with a filled and an empty schema."""
    for name, value in fleet.environ().items():
        monkeypatch.setenv(name, value)
    source, target = (fleet.names.release(number).schema for number in (1, 2))
    for schema in (source, target):
        fleet.own_schema(schema)
    fill(fleet.database, source, fleet.names.database_user)
    return fleet, source, target


@pytest.mark.parametrize("name", ["site.sql", "site.sql.zst"])
def test_a_dump_in_a_file_is_loaded_and_rewritten(here, tmp_path, name):
    fleet, source, target = here
    secret, file = fleet.names.database_secret, str(tmp_path / name)
    assert main(["dump", "--secret", secret, "--schema", source, "--output", file]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    arguments = ["load", "--secret", secret, "--schema", target, "--input", file]
    assert main([*arguments, "--map", "https://shop.wpdev.test=https://x.test"]) == 0
    home = "SELECT option_value FROM wp_options WHERE option_name = 'home'"
    assert fleet.database.run(home, schema=target) == [("https://x.test",)]
    assert main(arguments) == 1  # not empty any more


def test_a_dump_goes_to_stdout_and_comes_from_stdin(here, capfdbinary, monkeypatch):
    fleet, source, target = here
    assert main(["dump", "--secret", fleet.names.database_secret, "--schema", source]) == 0
    sys.stdout.flush()
    text, said = capfdbinary.readouterr()
    assert text.rstrip().splitlines()[-1].startswith(b"-- Dump completed")
    assert b"8 rows of 4 tables" in said
    assert USER_PASSWORD.encode() not in said
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["load", "--secret", fleet.names.database_secret, "--schema", target]) == 0


def test_content_is_packed_listed_and_placed(here, scratch, capsys):
    site = scratch / "site"
    site.mkdir()
    (site / "a.txt").write_text("a")
    transfer, target = str(scratch / "transfer"), str(scratch / "placed")
    assert main(["content", "pack", "--transfer", transfer, str(site)]) == 0
    sha256 = capsys.readouterr().out.strip()
    assert main(["content", "place", "--transfer", transfer, "--sha256", sha256, target]) == 0
    capsys.readouterr()
    for folder in (str(site), target):
        assert main(["content", "manifest", folder]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert json.loads(first)["files"][0]["path"] == "a.txt"
    known = scratch / "known.json"
    known.write_text(first)
    assert main(["content", "pack", "--transfer", transfer, "--known", str(known), str(site)]) == 0
    assert "1 files, 0 packed" in capsys.readouterr().err


def test_verify_needs_a_job_or_an_address(here, capsys, monkeypatch):
    monkeypatch.setattr("migrator.checks.visits._PAUSE_SECONDS", 0)
    assert main(["verify"]) == 1
    assert "--url and --connect" in capsys.readouterr().err
    assert main(["verify", "--url", "https://x.test", "--connect", "127.0.0.1:9"]) == 1
    assert "FAIL page not empty" in capsys.readouterr().out


def test_rewrite_is_the_rewriter_s_own_command(capsys):
    with pytest.raises(SystemExit):
        main(["rewrite", "--help"])
    assert "--from" in capsys.readouterr().out


WRONG = {
    "no CA": ({}, "MIGRATOR_DATABASE_CA"),
    "a CA that is not there": ({"MIGRATOR_DATABASE_CA": "/none.pem"}, "MIGRATOR_DATABASE_CA"),
    "a word for TLS": ({"MIGRATOR_DATABASE_TLS": "no"}, "MIGRATOR_DATABASE_TLS"),
    "an environment": ({"MIGRATOR_ENVIRONMENT": "test"}, "MIGRATOR_ENVIRONMENT"),
}


@pytest.mark.parametrize(("environ", "name"), WRONG.values(), ids=WRONG)
def test_a_wrong_configuration_is_named(environ, name):
    with pytest.raises(ConfigurationError, match=name):
        Configuration.from_environ(environ).tls()


def test_tls_is_off_only_by_explicit_choice():
    assert not Configuration.from_environ({"MIGRATOR_DATABASE_TLS": "off"}).tls().verify
    with pytest.raises(ConfigurationError, match="MIGRATOR_SITES_TABLE"):
        Configuration().required("sites_table")


def test_a_direct_command_s_log_lines_have_the_same_fields(here, capsys):
    logs.bind_command("dump")
    main(["dump", "--secret", "none", "--schema", "x"])
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert line["step"] == "dump"
    assert "ResourceNotFoundException" in line["error"]
    assert {"operationId", "tenantId", "siteId", "attempt", "correlationId"} <= line.keys()

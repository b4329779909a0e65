"""Real dumps through the real clients: nothing lost, nothing half, no credential to be seen."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from migrator import dump as dump_module
from migrator import load as load_module
from migrator.databases import Credentials, Databases, count_rows, option_file
from migrator.dump import dump
from migrator.errors import JobFailure, Refusal
from migrator.load import load
from migrator.processes import Client, clean, find_client, sql_client
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.stream import Rewriter
from tests.migrator.dumps import AWKWARD, EMOJI, SERIALIZED, fill
from tests.migrator.fleet import USER_PASSWORD

ROWS = {"wp_empty": 0, "wp_options": 4, "wp_posts": 3, "wp_users": 1}


@pytest.fixture
def source(fleet):
    schema = fleet.names.release(1).schema
    fleet.own_schema(schema)
    fill(fleet.database, schema, fleet.names.database_user)
    return schema


@pytest.fixture
def target(fleet):
    schema = fleet.names.release(2).schema
    fleet.own_schema(schema)
    return schema


@pytest.fixture
def databases(fleet) -> Databases:
    return fleet.services().databases


@pytest.fixture
def site(fleet) -> Credentials:
    return fleet.site_credentials()


@pytest.fixture
def text(databases, site, source) -> bytes:
    chunks: list[bytes] = []
    report = dump(databases, site, source, chunks.append)
    assert report.rows == ROWS
    return b"".join(chunks)


def mapping(source: str, target: str) -> Rewriter:
    return Rewriter([OriginMapping.parse(source, target)])


def test_everything_arrives_and_addresses_are_rewritten(fleet, databases, site, text, target):
    rewriter = mapping("https://shop.wpdev.test", "https://longer-name.wpsit.test")
    report = load(databases, site, target, [text[:1000], text[1000:]], rewriter)

    with databases.connect(site, target) as connection:
        assert count_rows(connection, target) == report.rows == ROWS
    posts = fleet.database.run(
        "SELECT ID, post_content, picture, words FROM wp_posts", schema=target
    )
    assert posts[0][1:3] == (EMOJI, bytes(range(256)))
    assert posts[1][1:3] == (AWKWARD, None)
    assert posts[2][1:3] == ('{"u":"https:\\/\\/longer-name.wpsit.test\\/x"}', b"")
    options = dict(
        fleet.database.run("SELECT option_name, option_value FROM wp_options", schema=target)
    )
    assert options["home"] == "https://longer-name.wpsit.test"
    url = "https://longer-name.wpsit.test/a\\b c"
    assert options["widget"] == f'a:1:{{s:3:"url";s:{len(url)}:"{url}";}}'
    assert fleet.database.run("SELECT COUNT(*) FROM wp_latest", schema=target) == [(3,)]
    fleet.database.run("INSERT INTO wp_users VALUES (2, 'LOUD')", schema=target)
    users = fleet.database.run("SELECT user_login FROM wp_users ORDER BY ID", schema=target)
    assert users == [("zoë",), ("loud",)]


def test_routines_views_triggers_and_events_belong_to_the_site_s_user(
    fleet, databases, site, text, target
):
    assert b"DEFINER=`root`@`localhost`" in text
    load(databases, site, target, [text])
    definers = fleet.database.run(
        f"SELECT definer FROM information_schema.views WHERE table_schema = '{target}' UNION "
        f"SELECT definer FROM information_schema.triggers WHERE trigger_schema = '{target}' UNION "
        f"SELECT definer FROM information_schema.events WHERE event_schema = '{target}' UNION "
        f"SELECT definer FROM information_schema.routines WHERE routine_schema = '{target}'"
    )
    assert definers == [(f"{site.username}@%",)]


def test_a_dump_without_rewriting_is_byte_for_byte_the_same_site(
    databases, site, text, source, target
):
    load(databases, site, target, [text])
    again: list[bytes] = []
    dump(databases, site, target, again.append)

    def body(sql: bytes, schema: str) -> bytes:
        sql = re.sub(rb"DEFINER=`[^`]+`@`[^`]+`", b"DEFINER=*", sql.replace(schema.encode(), b"*"))
        return re.sub(rb"-- (Dump completed|Host).*", b"", sql)

    assert body(b"".join(again), target) == body(text, source)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_a_cut_dump_is_refused(databases, site, text, target, keep):
    cut = text[: text.rfind(b";\n", 0, max(int(len(text) * keep), 1000)) + 2]  # between statements
    with pytest.raises(JobFailure, match=r"Dump completed|refused the dump"):
        load(databases, site, target, [cut])


def test_a_dump_that_names_its_schema_is_refused(databases, site, text, target):
    with pytest.raises(Refusal, match="--databases"):
        load(databases, site, target, [b"CREATE DATABASE `elsewhere`;\nUSE `elsewhere`;\n" + text])


def test_a_dump_cannot_run_commands_or_reach_other_schemas(  # noqa: PLR0917 - fixtures
    fleet, databases, site, text, target, tmp_path
):
    mark = tmp_path / "ran"
    with pytest.raises(JobFailure):
        load(databases, site, target, [f"\\! touch {mark}\n".encode() + text])
    assert not mark.exists()
    fleet.database.run("CREATE DATABASE other_tenant", "CREATE TABLE other_tenant.t (a int)")
    with pytest.raises(JobFailure, match="1142"):
        load(databases, site, target, [b"INSERT INTO other_tenant.t VALUES (1);\n" + text])
    assert fleet.database.run("SELECT COUNT(*) FROM other_tenant.t") == [(0,)]


def test_collations_the_server_does_not_know_are_replaced(fleet, databases, site, target):
    text = (
        b"CREATE TABLE `c` (\n  `a` varchar(9) COLLATE utf8mb4_0900_ai_ci,\n"
        b"  `b` varchar(9) COLLATE utf8mb4_0900_as_cs\n) COLLATE=utf8mb4_0900_bin;\n"
        b"INSERT INTO `c` VALUES ('_0900_ai','y');\n"
        b"-- Dump completed\n"
    )
    load(databases, site, target, [text])
    columns = fleet.database.run(
        "SELECT column_name, collation_name FROM information_schema.columns "
        f"WHERE table_schema = '{target}' ORDER BY 1"
    )
    assert columns == [("a", "utf8mb4_unicode_520_ci"), ("b", "utf8mb4_bin")]
    assert fleet.database.run("SELECT a FROM c", schema=target) == [("_0900_ai",)]


def test_what_a_client_complains_about_is_short_and_holds_no_data(databases, site, text, target):
    bad = text.replace(b"(1,'zo", b"(1,'x' oops 'geheim@example.org' 'zo")
    assert bad != text
    with pytest.raises(JobFailure) as caught:
        load(databases, site, target, [bad])
    assert "ERROR 1064" in caught.value.message
    assert "geheim" not in caught.value.message
    assert len(caught.value.message) < 500
    assert not caught.value.retryable


def test_a_connection_that_is_lost_while_a_dump_is_loaded_is_tried_again(
    fleet, databases, site, text, target
):
    def broken_off():
        half = text.index(b"INSERT INTO `wp_posts`")
        yield text[:half]
        listed = f"SELECT id FROM information_schema.processlist WHERE user = '{site.username}'"
        while not (clients := fleet.database.run(listed)):
            time.sleep(0.01)
        fleet.database.run(*(f"KILL CONNECTION {number}" for (number,) in clients))
        yield text[half:]

    with pytest.raises(JobFailure, match=r"broke off \(exit code 1\): ERROR") as caught:
        load(databases, site, target, broken_off())
    assert caught.value.retryable


def test_a_client_that_is_killed_while_a_dump_is_loaded_is_tried_again(
    databases, site, text, target
):
    def killed():
        yield text[:100]
        pids = Path("/proc/thread-self/children").read_text().split()
        [client] = [p for p in pids if Path(f"/proc/{p}/comm").read_text() == "mariadb\n"]
        os.kill(int(client), signal.SIGKILL)
        yield text[100:]

    with pytest.raises(JobFailure, match=r"broke off \(exit code -9\)") as caught:
        load(databases, site, target, killed())
    assert caught.value.retryable


def test_stderr_is_cut_to_one_clean_line():
    noise = b"--------------\nINSERT INTO wp_users VALUES (1,'secret@example.org')" * 1000
    line = b"\nERROR 1064 (42000) at line 3: near 'secret''s text with pass' at line 1 \x1b[31m\n"
    assert clean(noise + line) == "ERROR 1064 (42000) at line 3: near '...'"
    goes_on = b"ERROR 1064 (42000) at line 3: near 'a\nERROR 17 of a customer: an error' at 1"
    assert clean(goes_on) == "ERROR 1064 (42000) at line 3: near '...'"
    assert clean(b"error: access for pw-1 denied", ["pw-1"]) == "error: access for *** denied"
    assert clean(b"") == "it printed nothing"


def test_a_server_with_a_foreign_certificate_is_refused(fleet, source):
    fleet.ca = fleet.database.foreign_ca
    databases = fleet.services().databases
    with pytest.raises(JobFailure, match="certificate was refused"):
        dump(databases, fleet.site_credentials(), source, lambda _: None)


@pytest.mark.parametrize("tls", ["verify", "off"])
def test_the_clients_verify_the_certificate_too(fleet, source, tls):
    fleet.ca, fleet.tls = fleet.database.foreign_ca, tls
    databases, site = fleet.services().databases, fleet.site_credentials()
    client = sql_client()
    with option_file(site, databases.tls, mariadb=client.mariadb) as descriptor:
        done = subprocess.run(
            [client.path, f"--defaults-file=/dev/fd/{descriptor}", "-Ne", "SELECT CURRENT_USER()"],
            pass_fds=[descriptor], capture_output=True, check=False,
        )  # fmt: skip
    if tls == "verify":
        assert b"certificate" in done.stderr
    else:
        assert done.stdout.strip() == f"{site.username}@%".encode()


def test_no_credential_is_an_argument_or_in_the_environment_of_a_client(  # noqa: PLR0917 - fixtures
    databases, site, text, target, source, tmp_path, monkeypatch
):
    log = tmp_path / "log"
    for name in ("mariadb-dump", "mariadb"):
        recorder = tmp_path / name
        recorder.write_text(
            f"#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/cmdline >> {log}\n"
            f"tr '\\0' '\\n' < /proc/$$/environ >> {log}\nexec /usr/bin/{name} \"$@\"\n"
        )
        recorder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    find_client.cache_clear()
    dump(databases, site, source, lambda _: None)
    load(databases, site, target, [text])
    find_client.cache_clear()
    seen = log.read_text()
    assert f"{tmp_path}/mariadb-dump" in seen
    assert "--defaults-file=/dev/fd/" in seen
    assert "LC_ALL=C.UTF-8" in seen
    assert USER_PASSWORD not in seen
    assert USER_PASSWORD not in repr(site)


def test_the_dump_fails_when_the_client_fails(databases, site, source, fleet):
    fleet.database.run(f"CREATE VIEW `{source}`.broken AS SELECT * FROM `{source}`.wp_empty")
    fleet.database.run(f"DROP TABLE `{source}`.wp_empty")
    with pytest.raises(JobFailure, match=r"exit code 2\): .*1356"):
        dump(databases, site, source, lambda _: None)


def test_an_empty_schema_is_not_dumped(databases, site, target):
    with pytest.raises(JobFailure, match="has no tables"):
        dump(databases, site, target, lambda _: None)


def test_options_are_given_only_to_clients_that_know_them():
    known = Client(path="mysqldump", mariadb=False, options=frozenset({"set-gtid-purged"}))
    arguments = dump_module.dump_arguments(known, 5, ["s_x"])
    assert "--set-gtid-purged=OFF" in arguments
    assert "--column-statistics=0" not in arguments
    assert arguments[1] == "--defaults-file=/dev/fd/5"
    assert not [item for item in arguments if item.startswith(("--databases", "-B", "--password"))]
    bare = load_module.load_arguments(Client(path="m", mariadb=False, options=frozenset()), 5, "s")
    assert "--sandbox" not in bare


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_the_option_file_has_no_name_and_is_closed_again(site, databases):
    before = descriptors()
    with option_file(site, databases.tls, mariadb=True) as descriptor:
        assert str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith("/memfd:")
        assert os.fstat(descriptor).st_mode & 0o777 == 0o600
    assert descriptors() == before


def test_the_serialized_text_of_these_tests_is_what_php_would_write():
    assert f"s:{len('https://shop.wpdev.test/a' + chr(92) + 'b c')}:" in SERIALIZED

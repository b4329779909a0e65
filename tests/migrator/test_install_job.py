from pathlib import Path

import pytest

from migrator.install import _core_of
from tests.migrator.fleet import USER_PASSWORD, WORDPRESS_PASSWORD


def install(fleet, **fields):
    return {
        "database": fleet.job_database(1), "contentRoot": fleet.names.release(1).content_root,
        "siteUrl": "https://shop.wpdev.test", "siteName": 'Zoë\'s "Shop" 🦆',
        "adminSecretId": fleet.names.admin_secret,
    } | fields  # fmt: skip


def schema(fleet) -> str:
    return fleet.names.release(1).schema


def test_a_fresh_site_has_what_the_request_asked_for(fleet):
    facts = fleet.done("install", **install(fleet, theme="twentytwentytwo"))
    assert facts["theme"] == "twentytwentytwo"
    options = dict(
        fleet.database.run("SELECT option_name, option_value FROM wp_options", schema=schema(fleet))
    )
    assert options["siteurl"] == options["home"] == "https://shop.wpdev.test"
    assert options["blogname"].replace("&#039;", "'").replace("&quot;", '"') == 'Zoë\'s "Shop" 🦆'
    assert options["permalink_structure"] == "/%postname%/"
    assert options["template"] == options["stylesheet"] == "twentytwentytwo"
    users = fleet.database.run("SELECT user_login, user_pass FROM wp_users", schema=schema(fleet))
    assert users[0][0] == "wpadmin"
    assert users[0][1].startswith("$P$")
    root = fleet.content(1)
    assert {path.name for path in root.iterdir()} == {"themes", "plugins", "uploads"}
    assert not [path for path in root.rglob("*") if path.is_symlink()]
    assert facts["files"] == sum(path.is_file() for path in root.rglob("*"))


def test_passwords_are_neither_arguments_nor_environment_of_php(
    fleet, tmp_path, monkeypatch, capfd
):
    log = tmp_path / "log"
    recorder = tmp_path / "php"
    recorder.write_text(
        f"#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/cmdline >> {log}\n"
        f"tr '\\0' '\\n' < /proc/$$/environ >> {log}\nexec /usr/bin/php \"$@\"\n"
    )
    recorder.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = fleet.run("install", **install(fleet))
    everything = log.read_text() + result.model_dump_json() + "".join(capfd.readouterr())
    assert "install.php" in everything
    assert WORDPRESS_PASSWORD not in everything
    assert USER_PASSWORD not in everything


def test_run_again_it_starts_from_nothing(fleet):
    first = fleet.done("install", **install(fleet))
    (fleet.content(1) / "stale.php").write_text("old")
    fleet.database.run("CREATE TABLE stale (a int)", schema=schema(fleet))
    assert fleet.done("install", **install(fleet)) == first
    assert not (fleet.content(1) / "stale.php").exists()


def test_a_theme_that_is_not_there_leaves_nothing(fleet):
    error = fleet.failed("install", **install(fleet, theme="nowhere"))
    assert error.code == "SITE_001"
    assert "is not part of this WordPress" in error.message
    assert schema(fleet) not in fleet.database.schemas()
    assert list(fleet.content(1).parent.iterdir()) == []


def test_an_installation_that_fails_leaves_nothing_and_says_why(fleet, monkeypatch, tmp_path):
    script = tmp_path / "install.php"
    script.write_text('<?php fwrite(STDERR, "PHP Fatal error: boom\\n"); exit(255);')
    monkeypatch.setattr("migrator.install._SCRIPT", script)
    assert "exit code 255" in (message := fleet.failed("install", **install(fleet)).message)
    assert "boom" in message
    script.write_text("<?php echo 'half';")
    assert "without its report" in fleet.failed("install", **install(fleet)).message
    assert schema(fleet) not in fleet.database.schemas()
    assert list(fleet.content(1).parent.iterdir()) == []


@pytest.mark.parametrize(("ca", "accepted"), [("ca", True), ("foreign_ca", False)])
def test_php_verifies_the_database_s_certificate(fleet, monkeypatch, ca, accepted):
    """The certificate that our own connections refuse is refused by PHP on its own, too."""
    path = getattr(fleet.database, ca)
    monkeypatch.setattr("migrator.install._settings", lambda _tls: {"openssl.cafile": str(path)})
    assert (fleet.run("install", **install(fleet)).error is None) is accepted
    assert (schema(fleet) in fleet.database.schemas()) is accepted


def test_the_core_of_the_version_that_will_serve_the_site_is_installed(fleet):
    facts = fleet.done("install", **install(fleet, wordpressVersion="6.1"))
    assert facts["wordpressVersion"].startswith("6.1")
    error = fleet.failed("install", **install(fleet, wordpressVersion="9.9"))
    assert error.code == "SYS_001"
    assert "has WordPress 6.1" in error.message
    assert "no 9.9" in error.message


def test_further_core_files_lie_beside_the_first_ones(tmp_path):
    for name, version in {"wordpress": "6.8.3", "wordpress-further": "6.5.2"}.items():
        includes = tmp_path / name / "wp-includes"
        includes.mkdir(parents=True)
        (includes / "version.php").write_text(f"<?php $wp_version = '{version}';")
    default = tmp_path / "wordpress"
    assert _core_of(default, "6.5") == tmp_path / "wordpress-further"
    assert _core_of(default, "6.8") == _core_of(default, None) == default


@pytest.mark.parametrize("secret", ['{"username": "x"}', "[]", "no json"])
def test_an_incomplete_admin_secret_is_refused_without_being_repeated(fleet, secret):
    fleet.clients["secretsmanager"].put_secret_value(
        SecretId=fleet.names.admin_secret, SecretString=secret
    )
    message = fleet.failed("install", **install(fleet)).message
    assert fleet.names.admin_secret in message
    assert secret not in message


def test_a_wordpress_without_themes_is_refused(fleet, scratch, monkeypatch):
    (scratch / "core/wp-content").mkdir(parents=True)
    monkeypatch.setattr(type(fleet), "environ", without_themes(fleet, scratch / "core"))
    assert "holds no theme" in fleet.failed("install", **install(fleet)).message


def without_themes(fleet, core: Path):
    environ = fleet.environ() | {"MIGRATOR_WORDPRESS_PATH": str(core)}
    return lambda _self: environ

"""Field notes that the jobs make impossible; each test shows too what happens without its part."""

import ast
import http.client
import shutil
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import boto3
import pytest

import migrator
from core.operations.promotion import STEPS
from tests.field_notes.plugins import CAPTION, POST, SOURCE, escaped, serialized
from tests.field_notes.shop import TARGET, import_fields, serving
from tests.migrator.fleet import WORDPRESS_PASSWORD

OLD, NEW = SOURCE.removeprefix("https://"), TARGET.removeprefix("https://")


@pytest.fixture
def again(shop):
    """Import the same dump once more, as release 3, with other fields; return a reader of it."""
    fleet = shop.fleet

    def run(release: int = 3, **fields):
        job = import_fields(fleet, shop.exported, release) | fields
        fleet.done("import", **job)
        return lambda *statements: fleet.database.run(
            *statements, schema=fleet.names.release(release).schema
        )

    yield run
    fleet.record(live=1)
    for release in (3, 4):
        fleet.done("drop-database", database=fleet.job_database(release))


def option(read, name: str) -> str:
    [(value,)] = read(f"SELECT option_value FROM wp_options WHERE option_name = '{name}'")
    return value


SEO = "SELECT permalink, graph FROM wp_seo_indexable"
BUILDER = "SELECT meta_value FROM wp_postmeta WHERE meta_key = '_builder_data'"


def test_old_domain_in_the_seo_plugin_s_own_table(shop, again):
    """Every table is rewritten, not those that WordPress itself knows."""
    assert shop.sql(SEO) == [(f"{TARGET}/", escaped({"@id": f"{TARGET}/#site"}))]
    assert (shop.imported["leftovers"], shop.imported["leftoverTables"]) == (0, [])
    assert again(mappings=[])(SEO) == [(f"{SOURCE}/", escaped({"@id": f"{SOURCE}/#site"}))]


def test_page_builder_content_in_serialized_php_and_escaped_json(shop, again):
    gallery = [{"url": f"{TARGET}/wp-content/uploads/garden.png", "caption": CAPTION}]
    logo = [{"image": {"url": f"{TARGET}/wp-content/uploads/logo.png"}}]
    assert option(shop.sql, "builder_gallery") == serialized(gallery)
    assert shop.sql(BUILDER) == [(escaped(logo),)]
    assert shop.imported["brokenValues"] == 0
    read = again(mappings=[])
    assert OLD in option(read, "builder_gallery")
    assert OLD in read(BUILDER)[0][0]


def test_sql_with_quotes(shop, monkeypatch):
    """Text that a shell or a quoting of our own would change arrives byte for byte."""
    assert shop.sql("SELECT post_content FROM wp_posts WHERE ID = 1") == [(POST,)]
    assert shells(Path(migrator.__file__).parent) == []


def shells(folder: Path) -> list[str]:
    """Return where a program is started through a shell."""
    return [
        f"{path.name}:{node.lineno}"
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (
            any(word.arg == "shell" for word in node.keywords)
            or ast.unparse(node.func) in {"os.system", "os.popen", "subprocess.getoutput"}
        )
    ]


def test_a_shell_would_be_found(tmp_path):
    (tmp_path / "a.py").write_text("import subprocess\nsubprocess.run('mysql -e x', shell=True)\n")
    assert shells(tmp_path) == ["a.py:2"]


def test_keys_that_are_bound_to_the_domain(shop, again):
    """The target's own key stays, though the source's database brings another one."""
    live = again(3)
    schema = shop.fleet.names.release(3).schema
    live("UPDATE wp_options SET option_value = 'key-of-sit' WHERE option_name LIKE 'recaptcha%'")
    kept = {"keepOptionsFrom": schema, "keptOptions": ["recaptcha_site_key"]}
    assert option(again(4, **kept), "recaptcha_site_key") == "key-of-sit"
    assert option(again(4), "recaptcha_site_key") == "key-of-dev"
    assert "recaptcha_site_key" in shop.census["domainBoundOptions"]


def test_administrators_of_the_target_are_not_replaced(shop, again, folder):
    """The people of the target can log in to the new release; those of the source cannot."""
    live = again(3)
    live(
        "UPDATE wp_users SET user_login = 'operator', user_pass = MD5('pass-of-sit')",
        "INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (1, 'own', 'of sit')",
    )
    fleet = shop.fleet
    fleet.record(live=3)
    shutil.copytree(shop.content, fleet.content(4))
    own = {"carriedFrom": fleet.names.release(3).schema, "carriedTables": ["users", "usermeta"]}
    read = again(4, **own)
    assert ("own", "of sit") in read("SELECT meta_key, meta_value FROM wp_usermeta")
    with serving(fleet, folder / "login", 4) as address:
        assert logs_in(address, "operator", "pass-of-sit")
        assert not logs_in(address, "wpadmin", WORDPRESS_PASSWORD)
        again(4)
        assert not logs_in(address, "operator", "pass-of-sit")
        assert logs_in(address, "wpadmin", WORDPRESS_PASSWORD)


def logs_in(address: str, user: str, password: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=30)
    with closing(connection):
        connection.request(
            "POST",
            "/wp-login.php",
            urlencode({"log": user, "pwd": password}),
            {
                "Host": NEW,
                "X-Forwarded-Proto": "https",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        answer = connection.getresponse()
        return answer.status == 302 and "/wp-admin/" in answer.headers["Location"]


TRANSFER = "transfer-of-somebody"


@pytest.fixture
def foreign_bucket(clients):
    """A bucket of another account, whose policy does not name this one."""
    client = clients["s3"].meta
    owner = boto3.client(
        "s3", aws_access_key_id="815856636111", aws_secret_access_key="test",
        region_name="af-south-1", endpoint_url=client.endpoint_url,
    )  # fmt: skip
    location = {"LocationConstraint": "af-south-1"}
    owner.create_bucket(Bucket=TRANSFER, CreateBucketConfiguration=location)
    yield {"bucket": TRANSFER, "key": "transfers/x"}
    owner.delete_bucket(Bucket=TRANSFER)
    owner.close()


def test_a_bucket_whose_policy_lacks_the_role(shop, foreign_bucket):
    """The census tries to write there; without it, the export would have found out."""
    fleet, name = shop.fleet, "transfer writable"
    rights = fleet.done("census", environment="dev", destination=foreign_bucket)["rights"]
    assert [check["name"] for check in rights if not check["passed"]] == [name]
    assert "AccessDenied" in next(c["evidence"] for c in rights if c["name"] == name)
    rights = fleet.done("census", environment="dev", destination=fleet.at("transfers/x"))["rights"]
    assert all(check["passed"] for check in rights)
    error = fleet.failed("export", environment="dev", release=1, destination=foreign_bucket)
    assert "AccessDenied" in error.message


def test_one_cache_invalidation_is_part_of_the_switch(shop):
    """Between the moment when visitors reach the release and the checks as they see it."""
    names = [step.name for step in STEPS]
    assert names.count("invalidate_cache") == 1
    switched, checked = names.index("update_dns"), names.index("check_after")
    assert names[switched + 1 : checked] == ["invalidate_cache"]


def test_caches_of_the_source_stay_behind(shop):
    assert (shop.fleet.content(1) / "cache" / "pages" / "front.html").is_file()
    assert not (shop.content / "cache").exists()
    assert (shop.content / "advanced-cache.php").is_file()

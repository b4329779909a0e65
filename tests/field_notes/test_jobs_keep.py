"""Field notes that the jobs make impossible; each test shows too what happens without its part."""

import ast
from pathlib import Path

import pytest

import migrator
from tests.field_notes.plugins import CAPTION, POST, SOURCE, escaped, serialized
from tests.field_notes.shop import TARGET, import_fields

OLD, NEW = SOURCE.removeprefix("https://"), TARGET.removeprefix("https://")


@pytest.fixture
def again(shop):
    """Import the same dump once more, as release 3, with other fields; return a reader of it."""
    fleet = shop.fleet

    def run(release: int = 3, **fields):
        job = import_fields(fleet, shop.exported, release) | fields
        fleet.done("import", **job)
        return lambda statement: fleet.database.run(
            statement, schema=fleet.names.release(release).schema
        )

    yield run
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


def test_caches_of_the_source_stay_behind(shop):
    assert (shop.fleet.content(1) / "cache" / "pages" / "front.html").is_file()
    assert not (shop.content / "cache").exists()
    assert (shop.content / "advanced-cache.php").is_file()

"""Dumps as a whole: what surrounds the rows, how rows are laid out, what stays."""

from __future__ import annotations

import pytest

from migrator.rewrite.origin import OriginError, OriginMapping
from migrator.rewrite.stream import Rewriter
from tests.migrator_rewrite.dumps import rewrite

HEADERS = {"known": b"-- MySQL dump 10.13\n\n", "unknown": b"SET NAMES utf8mb4;\n"}
U, V = b"https://site.dev", b"https://www.site-prod.example"


@pytest.fixture(params=sorted(HEADERS))
def header(request: pytest.FixtureRequest) -> bytes:
    """The fast scanner works on known dump programs, the exact lexer on all others."""
    return HEADERS[str(request.param)]


def moved(statements: bytes) -> bytes:
    """The statements with each `@U` as the source, then as the target."""
    return statements.replace(b"@U", V).replace(b"@K", U)


def given(statements: bytes) -> bytes:
    return statements.replace(b"@U", U).replace(b"@K", U)


STATEMENTS = {
    "column list": b"INSERT INTO `t` (`a`, `b)`) VALUES (1,'@U/x'),(2,'y');\n",
    "replace": b"REPLACE INTO `t` VALUES (1,'@U/x');\n",
    "insert ignore": b"INSERT  IGNORE INTO `t` VALUES (1,'@U/x');\n",
    "delayed": b"INSERT DELAYED IGNORE INTO `db`.`t` VALUES (1,'@U/x');\n",
    "lower case": b"insert into t values (1, '@U/x'), (2, 'y');\n",
    "spaces": b"INSERT INTO `t` (`a`,`b`) VALUES\n\t(1, '@U/x'),\n\t(2, '@U');\n",
    "rows on lines": b"INSERT INTO `t` VALUES\n(1,'@U/x'),\n(2,NULL),\n(3,'@U');\n",
    "several on a line": b"INSERT INTO t VALUES (1,'@U'); INSERT INTO t VALUES (2,'@U');\n",
    "double quotes": b'INSERT INTO t VALUES (1,"@U/it\'s"),(2,"@U"),(3,\'a\');\n',
    "doubled quotes": b"INSERT INTO t VALUES (1,'it''s @U ''q'''),(2,'''@U'''),(3,'');\n",
    "functions": b"INSERT INTO t VALUES (ST_GeomFromText('POINT(1 2)'),CONCAT('@U',(1),')'),3);\n",
    "on duplicate": b"INSERT INTO t VALUES (1,'@U') ON DUPLICATE KEY UPDATE b='@K';\n",
    "comment between rows": b"INSERT INTO t VALUES (1,'@U'),\n/* '@K */ (2,'@U');\n",
    "hex blob": b"INSERT INTO t VALUES (1,0x68747470733A2F2F736974652E646576,'@U');\n",
    "hex string": b"INSERT INTO t VALUES (1,x'68747470','@U'),(2,_binary '@K','@U');\n",
    "binary": b"INSERT INTO t VALUES (1,_binary '\\0@K\\'@K','@U'),(2,_utf8mb4'@U');\n",
    "numbers": b"INSERT INTO t VALUES (-1.5e-10,NULL,TRUE,'@U',b'1',DEFAULT);\n",
    "tab escapes": b"INSERT INTO t VALUES ('a:1:{i:0;s:18:\\\"\\t@U\\%\\\";}');\n",
    "no newline at end": b"INSERT INTO t VALUES (1,'@U')",
    "carriage returns": b"INSERT INTO t VALUES (1,'@U');\r\nINSERT INTO t VALUES (2,'@U');\r\n",
    "trailing backslash": b"INSERT INTO t VALUES ('a\\\\','@U\\\\'),('\\'','@U','\\\\\\'');\n",
    "value like rows": b"INSERT INTO t VALUES ('),(\\'','@U'),(',','@U'),('(','@U');\n",
    "semicolon": b"INSERT INTO t VALUES (';\\n','@U;');\n",
    "insert select": b"INSERT INTO t SELECT '@K' FROM x;\nINSERT INTO t VALUES ('@U');\n",
    "insert set": b"INSERT INTO t SET a='@K';\nINSERT INTO t VALUES ('@U');\n",
    "comments": b"-- it's @K\n# it's @K\n/* it's @K; */\nINSERT INTO t VALUES ('@U');\n",
    "default": b"CREATE TABLE `t` (\n  `a` text DEFAULT '@K'\n);\nINSERT INTO t VALUES ('@U');\n",
    "view": b"/*!50001 CREATE VIEW `v` AS select '@K' AS `x` */;\nINSERT INTO t VALUES ('@U');\n",
    "trigger": (
        b"DELIMITER ;;\n/*!50003 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN\n"
        b"INSERT INTO log VALUES ('@K');\nSET x = 'it''s';\nEND */;;\nDELIMITER ;\n"
        b"INSERT INTO t VALUES ('@U');\n"
    ),
    "event": b"DELIMITER $$\nCREATE EVENT e SET x='@K'$$\nDELIMITER ;\nREPLACE t VALUES ('@U');\n",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_only_the_values_change(name: str, header: bytes) -> None:
    statements = STATEMENTS[name]
    expected = header + moved(statements).replace(b"s:18:", b"s:%d:" % (18 + len(V) - len(U)))
    assert rewrite(header + given(statements))[0] == expected


@pytest.mark.parametrize(
    "kind", ["tinyblob", "blob", "mediumblob", "LONGBLOB", "binary(20)", "varbinary(255)"]
)
def test_binary_columns_stay(kind: str, header: bytes) -> None:
    data = header + given(
        f"CREATE TABLE `t` (`a` int, `b` {kind} NOT NULL, `c` text);\n".encode()
        + b"INSERT INTO `t` VALUES (1,'@K','@U'),(2,'a','@U'),(3,'@K','@U');\n"
    )
    got, report = rewrite(data)
    assert got.count(V) == 3
    assert got.replace(V, U) == data
    assert report.leftovers == {("t", "b", "blob"): 2}


@pytest.mark.parametrize("prefix", ["wp_", "wp_2_", "x", ""])
def test_guid_of_posts_stays_with_any_prefix(prefix: str, header: bytes) -> None:
    name = f"{prefix}posts".encode()
    create = b"CREATE TABLE `%s` (`ID` int, `guid` varchar(255), `v` text, KEY `g` (`guid`));\n"
    insert = b"INSERT INTO `%s` VALUES (1,'@K/?p=1','@U'),(2,'@K/?p=2','x');\n"
    data = given(header + create % name + insert % name)
    got, report = rewrite(data)
    assert got == moved(header + create % name + insert % name)
    assert report.leftovers == {(name.decode(), "guid", "guid"): 2}
    assert rewrite(data, keep_guid=False)[0] == data.replace(U, V)


def test_guid_of_another_table_is_a_url() -> None:
    create = b"CREATE TABLE `wp_rss` (`guid` text);\nINSERT INTO `wp_rss` VALUES ('@U/1');\n"
    assert rewrite(given(create))[0] == moved(create)


def test_guid_is_found_without_create_table(header: bytes) -> None:
    """A dump of data alone: the insert's column list or WordPress's own layout tells."""
    listed = b"INSERT INTO `wp_posts` (`guid`,`ID`,`post_title`) VALUES ('@K',1,'@U');\n"
    full = b"INSERT INTO `wp_posts` VALUES (" + b"'@U'," * 18 + b"'@K'," + b"'@U',0,'','');\n"
    for statement in (listed, full):
        assert rewrite(header + given(statement))[0] == header + moved(statement)


def test_generated_and_oddly_named_columns(header: bytes) -> None:
    data = (
        b"CREATE TABLE `t` (\n  `a,b` text COMMENT 'x, `y` blob',\n  `e` enum('a','b)'),\n"
        b"  `g` blob GENERATED ALWAYS AS (concat(`e`,',',`a,b`)) STORED,\n  `z` blob,\n"
        b"  CONSTRAINT `c` CHECK (`e` <> ','),\n  PRIMARY KEY (`e`)\n);\n"
        b"INSERT INTO `t` (`a,b`,`e`,`z`) VALUES ('@U','a','@K'),('@U','b','@K');\n"
    )
    assert rewrite(header + given(data))[0] == header + moved(data)


def test_line_feeds_inside_literals() -> None:
    """Some exporters write them raw; then no line start can be trusted."""
    data = (
        b"INSERT INTO t VALUES ('a\n(1,\\'@U\\n),\n-- @U\nINSERT INTO t VALUES (\\'@U'),('@U');\n"
    )
    assert rewrite(given(data))[0] == moved(data)


def test_modes_switch_the_escaping() -> None:
    data = (
        b"/*!40101 SET SQL_MODE='NO_BACKSLASH_ESCAPES' */;\n"
        b"INSERT INTO t VALUES ('C:\\','@U'),('a:1:{i:0;s:18:\"@U\\''\";}','\\');\n"
        b"/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\nINSERT INTO t VALUES ('\\'','@U');\n"
    )
    expected = moved(data).replace(b"s:18", b"s:31")
    assert rewrite(given(data))[0] == expected


@pytest.mark.parametrize("size", [1, 7, 1000, 65536])
def test_chunks_do_not_matter(size: int, header: bytes) -> None:
    data = header + b"".join(given(each) for each in STATEMENTS.values() if each[-1:] == b"\n")
    whole = rewrite(data)[0]
    assert rewrite(data, chunks=[size] * (len(data) // size))[0] == whole


def test_long_lines_and_values_stream(header: bytes) -> None:
    """An insert of many blocks in one line, with values longer than a block."""
    long = b"x" * 6_000_000
    rows = b",".join(b"(%d,'@U/%d','%s@U')" % (n, n, long if n == 5 else b"y") for n in range(10))
    data = header + b"INSERT INTO t VALUES " + rows + b"," + b",".join([rows] * 2) + b";\n"
    expected = moved(data)
    rewriter = Rewriter([OriginMapping.parse(U.decode(), V.decode())])
    source = given(data)
    blocks = range(0, len(source), 1 << 20)
    out = [rewriter.feed(source[at : at + (1 << 20)]) for at in blocks]
    assert b"".join([*out, rewriter.finish()]) == expected


def test_several_mappings_longest_first() -> None:
    pairs = [
        ("https://site.dev", "https://a.example"),
        ("https://site.dev/blog", "https://b.example"),
        ("https://cdn.site.dev", "https://c.example"),
    ]
    rewriter = Rewriter([OriginMapping.parse(*pair) for pair in pairs])
    data = b"-- MySQL dump\nINSERT INTO t VALUES ('%s/x %s/blog/x https://cdn.site.dev/x');\n" % (
        U,
        U,
    )
    got = rewriter.feed(data) + rewriter.finish()
    assert b"('https://a.example/x https://b.example/x https://c.example/x')" in got


@pytest.mark.parametrize(
    "address",
    ["site.dev", "ftp://site.dev", "https://", "https://u@site.dev", "https://site.dev/?x",
     "https://site.dev:x", "https://site.dev/a b", "https://[::1]"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(address: str) -> None:
    with pytest.raises(OriginError):
        OriginMapping.parse(address, "https://b.example")


def test_long_line_is_cut_between_rows_only(header: bytes) -> None:
    """Literals that look like the end of a row, where a block of a long line ends."""
    row = b"(1,'),(\\'),(','\\\\','@U/x ),(" + b"'),('),(,".replace(b"'", b"\\'") * 500 + b"')"
    data = header + b"INSERT INTO t VALUES " + b",".join([row] * 4000) + b";\n"
    assert len(data) > 20_000_000
    assert rewrite(given(data), chunks=[3_000_000] * 8)[0] == moved(data)

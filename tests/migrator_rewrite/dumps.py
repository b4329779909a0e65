"""Dumps for the tests: values laid out the way the dump programs do it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.stream import Rewriter

HERE = Path(__file__).parent
SOURCE, TARGET = "https://site.dev", "https://www.site-prod.example"
TYPES = {"longtext": "longtext", "blob": "longblob", "guid": "varchar(255)"}
LAYOUTS = ("mysql", "mariadb", "plain", "standard")

_PHP_PRELUDE = """
class Sample { private $cdn; protected $api; public $home;
  function __construct($u) { $this->cdn="$u/cdn"; $this->api="$u/api"; $this->home=$u; } }
$cases = json_decode(stream_get_contents(STDIN), true); $all = [];
foreach ($cases as $id => [$expression, $from, $to]) { $pair = [];
  foreach ([$from, $to] as $u) { $pair[] = base64_encode(eval("return $expression;")); }
  $all[$id] = $pair; }
echo json_encode($all);
"""


def php(code: str, stdin: str) -> str:
    """Run PHP; fails the test when there is none, a skip would hide it."""
    command = ["php", "-d", "error_reporting=0", "-d", "serialize_precision=-1", "-r", code]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def load_cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file with `source`, `target`, `before` and `after` filled in."""
    document = json.loads((HERE / name).read_text(encoding="utf-8"))
    cases: list[dict[str, Any]] = document["cases"]
    for case in cases:
        case["source"] = case.get("from", document["from"])
        case["target"] = case.get("to", document["to"])
    written = {c["id"]: [c["php"], c["source"], c["target"]] for c in cases if "php" in c}
    values = json.loads(php(_PHP_PRELUDE, json.dumps(written))) if written else {}
    for case in cases:
        if case["id"] in values:
            case["before"], case["after"] = map(base64.b64decode, values[case["id"]])
        else:
            case["before"], case["after"] = _bytes(case["input"]), _bytes(case["expected"])
    return cases


def _bytes(value: dict[str, Any] | None) -> bytes:
    if value is None:
        return b""
    if "b64" in value:
        return base64.b64decode(value["b64"])
    text = value.get("text") or "".join(part * count for part, count in value.get("rle", ()))
    return str(text).encode()


def literal(value: bytes | None, *, standard: bool = False) -> bytes:
    """A value as the dump programs write it; ``standard`` is NO_BACKSLASH_ESCAPES."""
    if value is None:
        return b"NULL"
    if standard:
        return b"'" + value.replace(b"'", b"''") + b"'"
    for old, new in (
        (b"\\", b"\\\\"), (b"'", b"\\'"), (b'"', b'\\"'), (b"\0", b"\\0"),
        (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\x1a", b"\\Z"),
    ):  # fmt: skip
        value = value.replace(old, new)
    return b"'" + value + b"'"


def dump(
    values: Iterable[bytes | None], *, column: str = "longtext", layout: str = "mysql"
) -> bytes:
    """A dump of one table `wp_posts` (id, value, note) with a row per value."""
    name = "guid" if column == "guid" else "v"
    rows = [
        b"(%d,%s,'x\\'),(')" % (at, literal(value))
        if layout != "standard"
        else b"(%d,%s,'x''),(')" % (at, literal(value, standard=True))
        for at, value in enumerate(values, 1)
    ]
    head = {
        "mysql": b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n",
        "mariadb": b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n",
        "plain": b"SET NAMES utf8mb4;\n",
        "standard": b"/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES' */;\n",
    }[layout]
    create = (
        "DROP TABLE IF EXISTS `wp_posts`;\n"
        "CREATE TABLE `wp_posts` (\n  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n"
        f"  `{name}` {TYPES[column]} DEFAULT NULL COMMENT 'a,b',\n"
        "  `note` varchar(20) DEFAULT '),(',\n  PRIMARY KEY (`id`),\n  KEY `v` (`id`,`note`)\n"
        ") ENGINE=InnoDB;\nLOCK TABLES `wp_posts` WRITE;\n"
    ).encode()
    between, first = (b",\n", b"\n") if layout == "mariadb" else (b",", b" ")
    insert = b"INSERT INTO `wp_posts` VALUES" + first + between.join(rows) + b";\n"
    return head + create + insert + b"UNLOCK TABLES;\n-- Dump completed on 2026-11-21\n"


def rewrite(
    data: bytes,
    *,
    source: str = SOURCE,
    target: str = TARGET,
    chunks: Sequence[int] = (),
    keep_guid: bool = True,
) -> tuple[bytes, RewriteReport]:
    """Rewrite a dump, fed in pieces of the given sizes (the rest in one)."""
    rewriter = Rewriter([OriginMapping.parse(source, target)], keep_guid=keep_guid)
    out, at = [], 0
    for size in chunks:
        out.append(rewriter.feed(data[at : at + size]))
        at += size
    out.append(rewriter.feed(data[at:]))
    out.append(rewriter.finish())
    return b"".join(out), rewriter.report

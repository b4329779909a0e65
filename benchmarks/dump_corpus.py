"""Writes a WordPress-like dump of any size, the same bytes for the same arguments."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

SOURCE = "https://site.dev"
BYTES_PER_URL = {"dense": 750, "sparse": 7500}
_LINE_BYTES = 1 << 20
_WORDS = [
    "site",
    "build",
    "theme",
    "plugin",
    "content",
    "release",
    "market",
    "garden",
    "coffee",
    "window",
    "river",
    "mountain",
    "reading",
    "morning",
    "quality",
    "service",
    "product",
    "delivery",
    "customer",
    "simple",
    "strong",
    "little",
]

_CREATE = """DROP TABLE IF EXISTS `{name}`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE `{name}` (
{columns}
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `{name}` WRITE;
/*!40000 ALTER TABLE `{name}` DISABLE KEYS */;
"""
_COLUMNS = {
    "wp_posts": (
        "ID:bigint(20) unsigned NOT NULL,post_author:bigint(20),post_date:datetime,"
        "post_date_gmt:datetime,post_content:longtext,post_title:text,post_excerpt:text,"
        "post_status:varchar(20),comment_status:varchar(20),ping_status:varchar(20),"
        "post_password:varchar(255),post_name:varchar(200),to_ping:text,pinged:text,"
        "post_modified:datetime,post_modified_gmt:datetime,post_content_filtered:longtext,"
        "post_parent:bigint(20),guid:varchar(255),menu_order:int(11),post_type:varchar(20),"
        "post_mime_type:varchar(100),comment_count:bigint(20)"
    ),
    "wp_postmeta": (
        "meta_id:bigint(20),post_id:bigint(20),meta_key:varchar(255),meta_value:longtext"
    ),
}


class Corpus:
    """Rows of posts and post meta with one source URL per ``bytes_per_url`` bytes."""

    def __init__(self, *, density: str, layout: str) -> None:
        self._random = random.Random(20261121)  # noqa: S311 - reproducible text, no secret
        self._step = BYTES_PER_URL[density]
        self._sep = ",\n" if layout == "mariadb" else ","
        self._first = "\n" if layout == "mariadb" else " "
        self._paragraphs = [self._prose() for _ in range(400)]
        self._due = 0.0
        self._id = 0

    def write(self, path: Path, size: int) -> None:
        """Write about ``size`` bytes: 55 percent posts, the rest post meta."""
        with path.open("wb") as sink:
            sink.write(b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n\n")
            sink.write(b"/*!40101 SET NAMES utf8mb4 */;\n\n")
            for name, share, row in (
                ("wp_posts", 0.55, self._post),
                ("wp_postmeta", 0.45, self._meta),
            ):
                for text in self._table(name, int(size * share), row):
                    sink.write(text.encode())
            sink.write(b"-- Dump completed on 2026-11-21  8:00:00\n")

    def _table(self, name: str, size: int, row: Callable[[], str]) -> Iterator[str]:
        columns = (each.split(":", 1) for each in _COLUMNS[name].split(","))
        lines = [f"  `{column}` {kind}" for column, kind in columns]
        yield _CREATE.format(name=name, columns=",\n".join(lines))
        while size > 0:
            rows, line = [], 0
            while line < min(_LINE_BYTES, size):
                rows.append(row())
                line += len(rows[-1])
            size -= line
            yield f"INSERT INTO `{name}` VALUES{self._first}{self._sep.join(rows)};\n"
        yield f"/*!40000 ALTER TABLE `{name}` ENABLE KEYS */;\nUNLOCK TABLES;\n\n"

    def _prose(self) -> str:
        words = self._random.choices(_WORDS, k=self._random.randint(40, 110))
        words[3] = '<strong class=\\"x\\">' + words[3] + "</strong>"
        if self._random.getrandbits(1):
            words[9] = "it\\'s"
        return "<!-- wp:paragraph -->\\n<p>" + " ".join(words) + ".</p>\\n<!-- /wp:paragraph -->"

    def _urls(self, size: float) -> int:
        """How many URLs are due after that many more bytes."""
        self._due += size / self._step
        count = int(self._due)
        self._due -= count
        return count

    def _post(self) -> str:
        self._id += 1
        number = self._id
        parts = self._random.choices(self._paragraphs, k=self._random.randint(3, 20))
        for _ in range(self._urls(sum(map(len, parts)) + 260)):
            at = self._random.randrange(len(parts))
            parts[at] += (
                f'<a href=\\"{SOURCE}/2026/{number}/\\">link</a>'
                if number % 3
                else f'<img src=\\"{SOURCE}/wp-content/uploads/{number}.jpg\\" alt=\\"\\" />'
            )
        date = "'2026-01-02 03:04:05'"
        guid = SOURCE if self._step == BYTES_PER_URL["dense"] else "https://other.example"
        return (
            f"({number},1,{date},{date},'{'\\n\\n'.join(parts)}','Post {number}','','publish',"
            f"'open','open','','post-{number}','','',{date},{date},'',0,'{guid}/?p={number}',0,"
            "'post','',0)"
        )

    def _meta(self) -> str:
        self._id += 1
        number, kind = self._id, self._id % 4
        url = f"{SOURCE}/wp-content/uploads/2026/{number}.jpg"
        if kind == 0:
            value = "".join(self._random.choices(self._paragraphs, k=2))
            value += url * self._urls(len(value) + 60)
        elif kind == 1:
            value = self._serialized(number, url)
        elif kind % 2 == 0:
            value = self._json(url)
        else:
            value = str(number)
            self._urls_skipped(40)
        return f"({number},{number // 4},'_meta_{kind}','{value}')"

    def _urls_skipped(self, size: int) -> None:
        self._due += size / self._step

    def _serialized(self, number: int, url: str) -> str:
        items: list[tuple[str, str | int]] = [("width", number), ("file", f"2026/{number}.jpg")]
        items += [("alt", "a \\'quoted\\' text")]
        items += [(f"size_{at}", f"photo-{number}-{at}.jpg") for at in range(12)]
        items += [(f"url_{at}", url) for at in range(self._urls(520))]
        text = "".join(_php(key) + _php(value) for key, value in items)
        return f"a:{len(items)}:{{{text}}}"

    def _json(self, url: str) -> str:
        escaped = url.replace("/", "\\\\/")
        texts = self._random.choices(_WORDS, k=60)
        items = [
            f'{{\\"id\\":\\"{at}\\",\\"text\\":\\"{word}\\"}}' for at, word in enumerate(texts)
        ]
        items += [f'{{\\"url\\":\\"{escaped}\\"}}'] * self._urls(sum(map(len, items)))
        return "[" + ",".join(items) + "]"


def _php(value: str | int) -> str:
    """serialize() of a scalar, its quotes escaped for SQL."""
    if isinstance(value, int):
        return f"i:{value};"
    return f's:{len(value.replace(chr(92), ""))}:\\"{value}\\";'


def main() -> None:
    """Write one corpus: FILE --megabytes N --density dense|sparse --layout mysql|mariadb."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--density", choices=sorted(BYTES_PER_URL), default="dense")
    parser.add_argument("--layout", choices=("mysql", "mariadb"), default="mysql")
    args = parser.parse_args()
    corpus = Corpus(density=args.density, layout=args.layout)
    corpus.write(args.file, args.megabytes * 1_000_000)
    print(f"{args.file}: {args.file.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()

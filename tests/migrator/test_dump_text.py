import collections
import random

import pytest

from migrator.dump_text import DumpText
from migrator.errors import JobFailure
from tests.migrator.dumps import MARIADB_FORMAT, MYSQL_FORMAT

ROWS = {
    "mariadb": (MARIADB_FORMAT, {"a": 3, "empty": 0, "g": 1}),
    "mysql": (MYSQL_FORMAT, {"a": 5, "empty": 0, "g": 1}),
}


def read(text: bytes, sizes) -> tuple[DumpText, bytes]:
    dump, out, at = DumpText(), b"", 0
    while at < len(text):
        size = next(sizes)
        out += b"".join(piece.text for piece in dump.feed(text[at : at + size]))
        at += size
    return dump, out + b"".join(piece.text for piece in dump.finish())


@pytest.mark.parametrize(("text", "rows"), ROWS.values(), ids=ROWS)
def test_rows_are_counted_whatever_the_chunks_are(text, rows):
    for seed in range(300):
        source = random.Random(seed)
        largest = source.choice([1, 2, 3, 7, 40, 400])
        dump, out = read(text, iter(lambda: source.randint(1, largest), 0))  # noqa: B023
        assert out == text
        assert dump.rows == rows
        assert dump.complete
        assert dump.size_bytes == len(text)


@pytest.mark.parametrize(("text", "_rows"), ROWS.values(), ids=ROWS)
def test_no_cut_dump_is_complete(text, _rows):
    for end in range(len(text) - len(b" on 2026-11-21  7:38:05\n")):
        dump, _ = read(text[:end], iter(lambda: 64, 0))
        assert not dump.complete


def test_the_mark_inside_a_value_is_not_the_end():
    dump, _ = read(b"INSERT INTO `a` VALUES\n(1,'x\n-- Dump completed", iter(lambda: 9, 0))
    assert not dump.complete


def test_something_else_is_refused_before_memory_runs_out():
    dump = DumpText()
    with pytest.raises(JobFailure, match="no dump of mysqldump"):
        collections.deque(map(dump.feed, [b"x" * (1 << 20)] * 20), maxlen=0)

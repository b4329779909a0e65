"""Dump, rewrite and load as one pipeline, next to plain `mariadb-dump | mariadb`, in one run.

    python benchmarks/pipeline.py [--megabytes 1000] [--runs 3]

A private MariaDB on a RAM disk, a table of posts with a URL about every 740 bytes; the ways take
turns, so that a busy machine is busy for all. Prints medians in MB/s of plain SQL, and the peak
memory of this process (the pipeline is Python; the clients and the server are not in it).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pydantic import SecretStr

from migrator import logs
from migrator.compression import Compressor, decompressed
from migrator.configuration import DatabaseTls
from migrator.databases import Credentials, Databases
from migrator.dump import dump
from migrator.load import load
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.stream import Rewriter
from migrator.run import peak_memory_bytes
from migrator.transfer import LocalFolder
from tests.migrator.servers import ADMIN_PASSWORD, Database, mariadb

SOURCE, TARGET = "bench_source", "bench_target"
ROW_BYTES = 14_900


class Pipelines:
    """The ways from one schema to the other."""

    def __init__(self, server: Database) -> None:
        self.server = server
        self.databases = Databases(None, DatabaseTls(verify=True, ca=server.ca))  # type: ignore[arg-type]  # no secret is asked for
        self.site = Credentials(
            host="127.0.0.1", port=server.port, username="adm", password=SecretStr(ADMIN_PASSWORD)
        )
        self.folder = LocalFolder(server.folder / "transfer")
        self.size_bytes = 0
        self.sha256 = ""

    def plain(self) -> None:
        """mariadb-dump | mariadb: what people do by hand; nothing is checked."""
        socket = [f"--socket={self.server.folder}/s", "--user=root"]
        dumping = subprocess.Popen(
            ["mariadb-dump", "--no-defaults", *socket, "--single-transaction", "--hex-blob",
             "--default-character-set=utf8mb4", SOURCE], stdout=subprocess.PIPE,
        )  # fmt: skip
        subprocess.run(
            ["mariadb", "--no-defaults", *socket, "--default-character-set=utf8mb4", TARGET],
            stdin=dumping.stdout, check=True,
        )  # fmt: skip
        dumping.wait()

    def export(self) -> None:
        """Dump, count, compress and hash into a file."""
        with self.folder.writer("dump.zst") as sink:
            compressor = Compressor(sink)
            report = dump(self.databases, self.site, SOURCE, compressor.write)
            compressor.close()
        self.size_bytes, self.sha256 = report.size_bytes, sink.digest.sha256

    def import_rewritten(self) -> None:
        """Read, verify, decompress, rewrite and load."""
        self._load(Rewriter([OriginMapping.parse("https://a.wpdev.test", "https://b.wpsit.test")]))

    def import_as_it_is(self) -> None:
        """The same without rewriting."""
        self._load(None)

    def both(self) -> None:
        """The whole way of a promotion: export, then import rewritten."""
        self.export()
        self.import_rewritten()

    def _load(self, rewriter: Rewriter | None) -> None:
        blocks = decompressed(self.folder.blocks("dump.zst", self.sha256))
        load(self.databases, self.site, TARGET, blocks, rewriter)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    logs.configure()
    with mariadb("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M") as server:
        _fill(server, args.megabytes)
        ways = Pipelines(server)
        ways.export()
        table = {
            "mariadb-dump | mariadb": ways.plain,
            "export (dump, count, zstd, sha256)": ways.export,
            "import (verify, rewrite, load)": ways.import_rewritten,
            "import without rewriting": ways.import_as_it_is,
            "export + import, one after the other": ways.both,
        }
        seconds: dict[str, list[float]] = {name: [] for name in table}
        for _ in range(args.runs):
            for name, way in table.items():
                seconds[name].append(_timed(server, way))
        _print(ways.size_bytes, seconds)


def _fill(server: Database, megabytes: int) -> None:
    rows = max(1, megabytes * 1_000_000 // ROW_BYTES)
    server.run(f"CREATE DATABASE {SOURCE}")
    server.run(
        f"CREATE TABLE {SOURCE}.wp_posts (ID int AUTO_INCREMENT PRIMARY KEY, "
        "post_content longtext, post_title varchar(200))",
        f"INSERT INTO {SOURCE}.wp_posts (post_content, post_title) SELECT REPEAT(CONCAT("  # noqa: S608
        "'<p class=\"x\">', SHA2(seq, 512), SHA2(seq + 1, 512), SHA2(seq + 2, 512), "
        "SHA2(seq + 3, 512), SHA2(seq + 4, 512), "
        "'</p><img src=\"https://a.wpdev.test/wp-content/uploads/', seq, '.jpg\"> '), 20), "
        f"CONCAT('Post ', seq) FROM seq_1_to_{rows}",
        schema=SOURCE,
    )


def _timed(server: Database, way: Callable[[], None]) -> float:
    server.run(f"DROP DATABASE IF EXISTS {TARGET}", f"CREATE DATABASE {TARGET}")
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def _print(size_bytes: int, seconds: dict[str, list[float]]) -> None:
    print(f"{size_bytes / 1e6:.0f} MB of SQL, median of {len(next(iter(seconds.values())))} runs")
    print(f"{'way':40}{'seconds':>10}{'MB/s':>8}")
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{name:40}{median:>10.1f}{size_bytes / 1e6 / median:>8.0f}")
    print(f"peak memory of this process: {peak_memory_bytes() / 1e6:.0f} MB")


if __name__ == "__main__":
    main()

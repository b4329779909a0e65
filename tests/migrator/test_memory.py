"""Memory stays flat: a dump of 300 MB goes through a process that never has 150 MB."""

import subprocess
import sys

from tests.migrator.servers import ROOT

SCRIPT = """
import sys
from migrator.run import peak_memory_bytes
from migrator.databases import Databases
from migrator.dump import dump
from migrator.load import load
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.stream import Rewriter
from migrator.compression import Compressor, decompressed
from migrator.transfer import LocalFolder, S3Folder
import boto3
from pathlib import Path
from migrator.configuration import Configuration
import os
services = boto3.client("secretsmanager")
print("before", peak_memory_bytes() / 1e6, file=sys.stderr)
databases = Databases(services, Configuration.from_environ(os.environ).tls())
site = databases.credentials(sys.argv[1])
folder = S3Folder(boto3.client("s3"), sys.argv[2], "big")
with folder.writer("dump.zst") as sink:
    compressor = Compressor(sink)
    report = dump(databases, site, sys.argv[3], compressor.write)
    compressor.close()
print("after dump", peak_memory_bytes() / 1e6, file=sys.stderr)
rewriter = Rewriter([OriginMapping.parse("https://a.wpdev.test", "https://b.wpsit.test")])
blocks = decompressed(folder.blocks("dump.zst", sink.digest.sha256))
load(databases, site, sys.argv[4], blocks, rewriter)
peak = peak_memory_bytes()
print("after load", peak / 1e6, file=sys.stderr)
print(report.size_bytes, sum(report.rows.values()), rewriter.report.replacements, peak)
"""


def test_a_dump_of_300_mb_is_dumped_uploaded_downloaded_rewritten_and_loaded_below_150_mb(
    remote_fleet,
):
    source, target = (remote_fleet.names.release(number).schema for number in (1, 2))
    for schema in (source, target):
        remote_fleet.own_schema(schema)
    remote_fleet.database.run(
        "CREATE TABLE wp_posts (ID int AUTO_INCREMENT PRIMARY KEY, post_content longtext)",
        "INSERT INTO wp_posts (post_content) SELECT CONCAT('see https://a.wpdev.test/', seq, ' ', "
        "REPEAT(CONCAT(MD5(seq), SHA2(seq, 512), ' '), 60)) FROM seq_1_to_30200",
        "INSERT INTO wp_posts (post_content) VALUES (REPEAT('one long value ', 700000))",
        schema=source,
    )
    script = [sys.executable, "-c", SCRIPT, remote_fleet.names.database_secret]
    done = subprocess.run(
        [*script, remote_fleet.bucket, source, target],
        env={"PATH": "/usr/bin:/bin"} | remote_fleet.environ() | remote_fleet.aws,
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    size, rows, replaced, peak = map(int, done.stdout.split()[-4:])
    assert size > 300e6
    assert (rows, replaced) == (30201, 30200)
    assert remote_fleet.database.run("SELECT COUNT(*) FROM wp_posts", schema=target) == [(30201,)]
    assert peak < 150e6, done.stderr.decode()

"""The acceptance client knows the contract and `up --json`, and nothing of this project."""

import ast
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.machine
HERE = Path(__file__).parent
ALLOWED = {*sys.stdlib_module_names, "boto3", "botocore", "pymysql", "pytest"}
SIBLING = "tests.acceptance"


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.name)
def test_it_imports_nothing_of_ours(path):
    foreign = [name for name in imports(path) if not name.startswith(SIBLING)]
    assert [name for name in foreign if name.partition(".")[0] not in ALLOWED] == []

"""The expanded template passes cfn-lint: property names, references, IAM actions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.template.stack import CHECKOUT


def test_the_expanded_template_has_no_finding(expanded, tmp_path):
    written = tmp_path / "expanded.json"
    written.write_text(json.dumps(expanded))
    # W1030: the empty default of SourceRoleArn is no ARN; HasSource keeps it from being used.
    # W3037 and W8001 would be false; they are not switched off, so that true ones show.
    finished = subprocess.run(
        [
            Path(sys.executable).parent / "cfn-lint",
            *("--region", "af-south-1"),
            *("--ignore-checks", "W1030", "--", written),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout


def test_the_template_is_small_enough_to_deploy(expanded):
    """CloudFormation takes 1 MB from S3 and 500 resources."""
    assert len(json.dumps(expanded)) < 500_000
    assert len(expanded["Resources"]) < 200
    assert len(expanded["Parameters"]) <= 200


def test_the_reference_page_lists_every_parameter_with_its_default(expanded):
    page = (CHECKOUT / "docs/reference/stack.md").read_text()
    for name, definition in expanded["Parameters"].items():
        default = definition.get("Default")
        shown = {None: "required", "": "empty"}.get(default, f"`{default}`")
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert row.split(" | ")[2] == shown, name

"""`python -m demo [--keep]`: the whole main job for real, on this machine."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from demo.story import Story
from local.errors import LocalError


def main() -> int:
    """Tell the story; return the exit code."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the machine running")
    arguments = parser.parse_args()
    console = Console()
    try:
        return Story(console).tell(keep=arguments.keep)
    except LocalError as error:
        console.print(f"[red]{error}[/red]")
        return 1


if __name__ == "__main__":
    sys.exit(main())

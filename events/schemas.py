"""Write, or check, what is generated from the models.

python -m events.schemas            writes docs/reference and events/samples
python -m events.schemas --check    says what is stale and ends with exit code 1
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from events.asyncapi import document
from events.json_schemas import standalone_schemas
from events.reference_pages import error_codes_page, messages_page
from events.sample_messages import samples

ROOT: Final = Path(__file__).resolve().parent.parent
_OWNED: Final = ("docs/reference/schemas", "events/samples")
"""Folders in which every .json file is generated."""


def generated() -> dict[str, str]:
    """The text of every generated file by its path below the project's root."""
    files = {
        f"docs/reference/schemas/{name}.json": _text(schema)
        for name, schema in standalone_schemas().items()
    }
    files["docs/reference/asyncapi.json"] = _text(document())
    files["docs/reference/error-codes.md"] = error_codes_page()
    files["docs/reference/messages.md"] = messages_page()
    files |= {f"events/samples/{name}.json": text for name, text in samples().items()}
    return files


def stale(root: Path) -> list[str]:
    """A sentence for every file below the root that is not as the models say."""
    files = generated()
    told = []
    for name, text in files.items():
        path = root / name
        if not path.is_file():
            told.append(f"{name} is missing.")
        elif path.read_text(encoding="utf-8") != text:
            told.append(f"{name} is stale.")
    return told + [f"{name} belongs to no message." for name in _strays(root, files)]


def write(root: Path) -> int:
    """Write every file and remove those of messages that are no more; return how many exist."""
    files = generated()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in _strays(root, files):
        (root / name).unlink()
    return len(files)


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """The command; the exit code is 1 when --check finds something stale."""
    parser = argparse.ArgumentParser(prog="python -m events.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; change nothing")
    if not parser.parse_args(arguments).check:
        sys.stdout.write(f"{write(root)} files written.\n")
        return 0
    told = stale(root)
    if told:
        sys.stderr.write("\n".join([*told, "Run: python -m events.schemas"]) + "\n")
        return 1
    sys.stdout.write("Everything generated is up to date.\n")
    return 0


# --- private -------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _strays(root: Path, files: dict[str, str]) -> list[str]:
    found = [path for folder in _OWNED for path in sorted((root / folder).glob("*.json"))]
    names = [path.relative_to(root).as_posix() for path in found]
    return [name for name in names if name not in files]


if __name__ == "__main__":
    raise SystemExit(main())

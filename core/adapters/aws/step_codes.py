"""Short codes for the steps of a stored plan.

Every claim and every commit writes the operation item, and DynamoDB bills writes by the kilobyte: a
promotion's plan alone would be almost half of one. A code is never given to another step; a step
without a code is stored by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "open_record": "0",
        "plan": "1",
        "survey_target": "2",
        "check_source": "3",
        "check_gates": "4",
        "request_approval": "5",
        "await_approval": "6",
        "lock_site": "7",
        "decide_again": "8",
        "back_up_target": "9",
        "reserve_release": "a",
        "prepare_secrets": "b",
        "export_source": "c",
        "import_database": "d",
        "create_access_point": "e",
        "place_content": "f",
        "install_wordpress": "g",
        "choose_image": "h",
        "replicate_image": "i",
        "start_release": "j",
        "check_before": "k",
        "record_dns": "l",
        "confirm_window": "m",
        "switch": "n",
        "cut_over": "o",
        "update_dns": "p",
        "invalidate_cache": "q",
        "check_after": "r",
        "monitor": "s",
        "retire_releases": "t",
        "complete": "u",
        "rest_former": "v",
        "schedule_looks": "w",
        "seal_record": "x",
        "take_site_over": "y",
        "choose_release": "z",
        "start_former": "A",
        "check_former": "B",
        "record_name": "C",
        "point_back": "D",
        "update_name": "E",
        "salvage_rows": "F",
        "check_back": "G",
        "record_rollback": "H",
        "rest_failed": "I",
        "check_live": "J",
        "await_window": "K",
        "prepare_network": "na",
        "remove_network": "nb",
        "apply_template": "w1",
        "change_theme": "w2",
        "uninstall_plugins": "w3",
        "install_plugins": "w4",
        "update_plugins": "w5",
        "configure_plugins": "w6",
        "enable_plugins": "w7",
        "disable_plugins": "w8",
        "survey_site": "ua",
        "start_service": "ub",
        "choose_containers": "uc",
        "start_trial": "ud",
        "check_trial": "ue",
        "roll_out": "uf",
        "remove_trial": "ug",
        "check_changed": "uh",
        "open_site": "ui",
        "close_site": "uj",
        "rest_service": "uk",
        "record_update": "ul",
        "claim_domain": "um",
        "ensure_certificate": "un",
        "attach_certificate": "uo",
        "close_for_move": "up",
        "switch_domain": "uq",
        "confirm_plan": "ap",
        "note_site": "da",
        "deprovision": "db",
        "rest_site": "dc",
        "back_up_site": "dd",
        "prove_backup": "de",
        "take_name_down": "df",
        "remove_services": "dg",
        "remove_data": "dh",
        "remove_secrets": "di",
        "mark_deleted": "dj",
        "discard_backup": "dk",
        "find_backup": "ra",
        "restore_database": "rb",
        "restore_content": "rc",
    }
)
_NAMES: Final = {code: name for name, code in CODES.items()}


def plan_text(plan: Sequence[str]) -> str:
    """Return a plan as it is stored."""
    return ",".join(CODES.get(name, name) for name in plan)


def plan_of(text: str) -> tuple[str, ...]:
    """Read a stored plan; one of an earlier version holds names."""
    return tuple(_NAMES.get(part, part) for part in text.split(","))

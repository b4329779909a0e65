"""What happens on which kind of job: one literal table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from migrator.backing_up import run_back_up
from migrator.census import run_census
from migrator.cut_over import run_cut_over
from migrator.exporting import run_export
from migrator.importing import run_import
from migrator.install import run_install
from migrator.placing import run_content
from migrator.probing import run_probe
from migrator.proving import run_prove_backup
from migrator.removal import (
    run_drop_database,
    run_remove_content,
    run_remove_scratch,
    run_remove_site,
    run_retire,
)
from migrator.salvage import run_salvage
from migrator.services import Services
from migrator.target_census import run_target_census
from migrator.verification import run_verify, run_verify_source
from migrator.wordpress_changes import run_change, run_take_back

type Facts = BaseModel | dict[str, object]
type Work = Callable[[Services, Any], Facts]

JOBS: dict[str, Work] = {
    "census": run_census,
    "target-census": run_target_census,
    "export": run_export,
    "import": run_import,
    "install": run_install,
    "content": run_content,
    "verify": run_verify,
    "verify-source": run_verify_source,
    "cut-over": run_cut_over,
    "salvage": run_salvage,
    "probe": run_probe,
    "drop-database": run_drop_database,
    "remove-content": run_remove_content,
    "retire": run_retire,
    "change-wordpress": run_change,
    "take-back-wordpress": run_take_back,
    "back-up": run_back_up,
    "prove-backup": run_prove_backup,
    "remove-scratch": run_remove_scratch,
    "remove-site": run_remove_site,
}
"""Kind of a JobDescription -> the function that does it and returns the kind's facts."""

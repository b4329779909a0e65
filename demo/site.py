"""Running a script inside a site, as `wp eval-file` would in its container."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import definitions
from local.cloud import Cloud
from local.layout import Layout

SCRIPTS = Path(__file__).parent
WEB_USER = 33


@dataclass(frozen=True, kw_only=True)
class RunningSite:
    """The newest service of a site in one environment."""

    cloud: Cloud
    layout: Layout
    site_key: str

    def run(self, script: str) -> dict[str, Any]:
        """Run one of the demo's PHP scripts with the container's environment; return its JSON."""
        definition = definitions.task_definition(self.cloud, self._task_definition())
        content = definitions.access_point_directory(self.cloud, self.layout, definition)
        environment = definitions.environment(self.cloud, definitions.container(definition))
        web_user = WEB_USER if os.geteuid() == 0 else None
        finished = subprocess.run(
            [
                *("php", "-d", f"openssl.cafile={self.layout.authority}"),
                *("-d", "display_errors=stderr", "--"),
                str(self.layout.served_core),
            ],
            input=(SCRIPTS / script).read_bytes(),
            env={
                **environment,
                "PATH": os.defpath,
                "WORDPRESS_CONTENT_DIR": str(content),
            },
            capture_output=True,
            check=False,
            user=web_user,
            group=web_user,
        )
        if finished.returncode != 0:
            raise RuntimeError(f"{script} failed: {finished.stderr.decode()[-2000:]}")
        found: dict[str, Any] = json.loads(finished.stdout)
        return found

    def _task_definition(self) -> str:
        cluster = f"bbws-cluster-{self.cloud.account.environment}"
        arns = self.cloud.ecs.list_services(cluster=cluster)["serviceArns"]
        services = self.cloud.ecs.describe_services(cluster=cluster, services=arns)["services"]
        mine = [s for s in services if f"-{self.site_key}-r" in s["serviceName"]]
        newest = max(mine, key=lambda s: int(s["serviceName"].rpartition("-r")[2]))
        return newest["taskDefinition"]

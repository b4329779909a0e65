"""A release's service, as the tests of its adapters ask for one."""

from __future__ import annotations

from core.domain.names import ReleaseNames
from core.ports.platform import ReleaseService

DIGEST = "sha256:" + "a" * 64
SECRETS = "arn:aws:secretsmanager:af-south-1:093646564004:secret"


def service_of(
    release: ReleaseNames, target_group_arn: str, tenant_group_id: str = "sg-0123456789abcdef0"
) -> ReleaseService:
    """Return what a release's containers are made of."""
    return ReleaseService(
        names=release,
        site_url="https://banana.wp.kimmyai.io",
        image_digest=DIGEST,
        database_secret_arn=f"{SECRETS}:db",
        salts_secret_arn=f"{SECRETS}:salts",
        access_point_id="fsap-0123456789abcdef0",
        target_group_arn=target_group_arn,
        tenant_group_id=tenant_group_id,
        tags={"Tenant": "tenant-1"},
    )

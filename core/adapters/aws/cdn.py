"""CloudFront: the distribution in front of a host, and what it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.domain.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront.type_defs import DistributionSummaryTypeDef

EVERYTHING: Final = "/*"
BUSY: Final = "TooManyInvalidationsInProgress"
GONE: Final = frozenset({"NoSuchInvalidation", "NoSuchDistribution"})


class CloudFrontCdn:
    """A distribution is found by its alias; CloudFront knows a repeated caller reference."""

    def __init__(self, *, clients: AwsClients) -> None:
        self._clients = clients

    def invalidate(self, host: str, reference: str) -> str | None:
        distribution = self._distribution(host)
        if distribution is None:
            return None
        with calling("CloudFront", f"distribution {distribution}"):
            try:
                answer = self._clients.cloudfront.create_invalidation(
                    DistributionId=distribution,
                    InvalidationBatch={
                        "Paths": {"Quantity": 1, "Items": [EVERYTHING]},
                        "CallerReference": reference,
                    },
                )
            except ClientError as error:
                if code_of(error) == BUSY:
                    raise TransientError(
                        f"Distribution {distribution} has too many invalidations under way.",
                        retry_after_seconds=60,
                    ) from error
                raise
        return f"{distribution}/{answer['Invalidation']['Id']}"

    def done(self, invalidation: str) -> bool:
        distribution, _, name = invalidation.partition("/")
        with calling("CloudFront", f"invalidation {invalidation}"):
            try:
                answer = self._clients.cloudfront.get_invalidation(
                    DistributionId=distribution, Id=name
                )
            except ClientError as error:
                if code_of(error) in GONE:
                    return True
                raise
        return answer["Invalidation"]["Status"].lower() == "completed"

    def _distribution(self, host: str) -> str | None:
        """Return the distribution with this very alias, else one with a wildcard over it."""
        wildcard = f"*.{host.partition('.')[2]}"
        by_wildcard: str | None = None
        with calling("CloudFront", f"the distribution of {host}"):
            pages = self._clients.cloudfront.get_paginator("list_distributions").paginate()
            for page in pages:
                for found in page["DistributionList"].get("Items", []):
                    aliases = _aliases(found)
                    if host in aliases:
                        return found["Id"]
                    by_wildcard = by_wildcard or (found["Id"] if wildcard in aliases else None)
        return by_wildcard


def _aliases(distribution: DistributionSummaryTypeDef) -> list[str]:
    return [alias.lower() for alias in distribution.get("Aliases", {}).get("Items", [])]

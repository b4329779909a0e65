"""Certificates of AWS Certificate Manager: found by their names, asked for with proof by DNS."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.domain.errors import TransientError
from core.ports.certificates import Certificate

if TYPE_CHECKING:
    from mypy_boto3_acm.type_defs import CertificateDetailTypeDef, DomainValidationTypeDef

OPERATION_TAG: Final = "Operation"
ISSUED: Final = "ISSUED"
PENDING: Final = "PENDING_VALIDATION"
GONE: Final = "ResourceNotFoundException"
IN_USE: Final = "ResourceInUseException"


class AcmCertificates:
    """A certificate is found by its first name, and looked at for the others."""

    def __init__(self, *, clients: AwsClients) -> None:
        self._clients = clients

    def find(self, names: tuple[str, ...]) -> Certificate | None:
        with calling("ACM", f"certificates of {names[0]}"):
            pages = self._clients.acm.get_paginator("list_certificates").paginate(
                CertificateStatuses=[ISSUED, PENDING]
            )
            arns = [
                found["CertificateArn"]
                for page in pages
                for found in page["CertificateSummaryList"]
                if found.get("DomainName", "").lower() in names
            ]
        fitting = [c for arn in arns if (c := self._describe(arn, names)) is not None]
        return next((c for c in fitting if c.issued), fitting[-1] if fitting else None)

    def request(
        self, names: tuple[str, ...], operation_id: str, tags: Mapping[str, str]
    ) -> Certificate:
        """ACM knows a repeated token for an hour; after that, `find` has found it before."""
        all_tags = {**tags, OPERATION_TAG: operation_id}
        with calling("ACM", f"a certificate for {names[0]}"):
            answer = self._clients.acm.request_certificate(
                DomainName=names[0],
                SubjectAlternativeNames=list(names),
                ValidationMethod="DNS",
                IdempotencyToken=_token(operation_id),
                Tags=[{"Key": key, "Value": value} for key, value in all_tags.items()],
            )
        made = self._describe(answer["CertificateArn"], names)
        if made is None:
            raise TransientError(f"The certificate for {names[0]} is not visible yet.")
        return made

    def delete(self, arn: str) -> None:
        with calling("ACM", f"certificate {arn}"):
            try:
                self._clients.acm.delete_certificate(CertificateArn=arn)
            except ClientError as error:
                if code_of(error) == IN_USE:
                    raise TransientError(
                        f"Certificate {arn} is still in use by a listener.", retry_after_seconds=30
                    ) from error
                if code_of(error) != GONE:
                    raise

    def _describe(self, arn: str, names: tuple[str, ...]) -> Certificate | None:
        """Return a certificate that has all of the names; None: another one, or gone."""
        with calling("ACM", f"certificate {arn}"):
            try:
                found = self._clients.acm.describe_certificate(CertificateArn=arn)["Certificate"]
                tags = self._clients.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
            except ClientError as error:
                if code_of(error) == GONE:
                    return None
                raise
        covered = {found["DomainName"], *found.get("SubjectAlternativeNames", [])}
        if not set(names) <= covered:
            return None
        operations = [tag.get("Value") for tag in tags if tag["Key"] == OPERATION_TAG]
        return Certificate(
            arn=arn,
            issued=found["Status"] == ISSUED,
            failure=_failure(found),
            operation_id=operations[0] if operations else None,
            proofs=tuple(
                proof
                for option in found.get("DomainValidationOptions", [])
                for proof in _proof(option)
            ),
        )


def _token(operation_id: str) -> str:
    """Return up to 32 word characters, as ACM wants them."""
    return hashlib.sha256(operation_id.encode()).hexdigest()[:32]


def _failure(found: CertificateDetailTypeDef) -> str | None:
    if found["Status"] in {ISSUED, PENDING}:
        return None
    return str(found.get("FailureReason", found["Status"]))


def _proof(option: DomainValidationTypeDef) -> list[str]:
    record = option.get("ResourceRecord")
    if record is None or option.get("ValidationStatus") == "SUCCESS":
        return []
    return [f"{record['Name']} {record['Type']} {record['Value']}"]

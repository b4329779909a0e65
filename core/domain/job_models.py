"""The parts that job descriptions and job results share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from events.formats import SiteId, TenantId


class JobModel(BaseModel):
    """Base of job descriptions and results: frozen, camelCase as JSON, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class ObjectLocation(JobModel):
    """One object, or one prefix, in S3."""

    bucket: str
    key: str


class Job(JobModel):
    """What every job carries."""

    operation_id: str
    step: str
    attempt: int
    tenant_id: TenantId
    site_id: SiteId
    correlation_id: str
    result: ObjectLocation
    """Where the JobResult goes."""


class Database(JobModel):
    """One release's database: where its credentials are, and its schema."""

    secret_id: str
    """Secret of the site: JSON with host, port, username, password."""
    schema_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class OriginMapping(JobModel):
    """One origin to replace, for example https://a.wpdev.example by https://a.wpsit.example."""

    source: Annotated[str, Field(pattern=r"^https?://")]
    target: Annotated[str, Field(pattern=r"^https?://")]


class Check(JobModel):
    """One check's verdict with the evidence a person needs to act on it."""

    name: str
    passed: bool
    evidence: str

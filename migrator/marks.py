"""Marks of a release: how it stood at its cut-over, and what is new or changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import ValidationError

from core.domain.job_facts import Marks
from migrator.databases import quoted, rows
from migrator.digests import sum_up_to
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from core.domain.job_models import ObjectLocation
    from migrator.databases import Connection
    from migrator.digests import Shape
    from migrator.services import Services


def read_marks(services: Services, location: ObjectLocation) -> Marks | None:
    """Return the marks kept at a location; None where there are none."""
    try:
        answer = services.s3.get_object(Bucket=location.bucket, Key=location.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    try:
        return Marks.model_validate_json(answer["Body"].read())
    except ValidationError:
        raise JobFailure(
            f"s3://{location.bucket}/{location.key} holds no marks of a release. Somebody has "
            "changed it; restore an earlier version of the object."
        ) from None


def write_marks(services: Services, location: ObjectLocation, marks: Marks) -> None:
    """Keep marks."""
    services.s3.put_object(
        Bucket=location.bucket,
        Key=location.key,
        Body=marks.model_dump_json(by_alias=True).encode(),
        ContentType="application/json",
    )


def above_mark(shape: Shape, marks: Marks) -> str | None:
    """Return the SQL condition of a table's rows that are new (alias t); None without a key."""
    high = marks.high_keys.get(shape.table)
    if high is None or not shape.has_integer_key:
        return None
    return f"t.{quoted(shape.key[0])} > {high:d}"


def new_rows(connection: Connection, schema: str, shape: Shape, marks: Marks) -> int:
    """Return how many rows a table has above its mark; without a key, how many more than then."""
    condition = above_mark(shape, marks) or "TRUE"
    count = int(
        rows(
            connection,
            f"SELECT COUNT(*) FROM {quoted(schema)}.{quoted(shape.table)} t WHERE {condition}",  # noqa: S608 - quoted
        )[0][0]
    )
    return count if condition != "TRUE" else max(0, count - marks.rows.get(shape.table, 0))


def older_rows_changed(connection: Connection, schema: str, shape: Shape, marks: Marks) -> bool:
    """Tell whether rows that a protected table had at its mark are not what they were."""
    known = marks.digests.get(shape.table)
    if known is None:
        return False
    high = marks.high_keys.get(shape.table) if shape.has_integer_key else None
    return str(sum_up_to(connection, schema, shape, high)) != known

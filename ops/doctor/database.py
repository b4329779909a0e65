"""Validations 4 to 12: the database, its secret, and the sites' cache."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from events.formats import Environment
from ops.doctor.model import Check, Evidence, Finding, bad, doubtful, good, judged
from ops.doctor.sources import Sources, named

CONNECTED: Final = (
    "a mysql client in the VPC: every plan of a promotion connects with the census job and tries "
    "its rights there"
)
NO_CACHE: Final = "there is no cache cluster {name}; the fleet itself needs none"

START: Final = {
    "cluster": "aws rds start-db-cluster --db-cluster-identifier {database_cluster}",
    "instance": "aws rds start-db-instance --db-instance-identifier {database_instance}",
}
ENCRYPT: Final = {
    "cluster": "aws rds copy-db-cluster-snapshot --kms-key-id <key> ... (then restore the copy)",
    "instance": "aws rds copy-db-snapshot --kms-key-id <key> ... (then restore the copy)",
}
BACK_UP: Final = {
    "cluster": "aws rds modify-db-cluster --db-cluster-identifier {database_cluster} "
    "--backup-retention-period 7 --apply-immediately",
    "instance": "aws rds modify-db-instance --db-instance-identifier {database_instance} "
    "--backup-retention-period 7 --apply-immediately",
}


def read_database(sources: Sources) -> Evidence:
    """Read the cluster, or the instance where there is no cluster."""
    found = sources.cluster_of_databases
    status = found.get("Status") or found.get("DBInstanceStatus")
    return {
        "kind": found["kind"],
        "status": status,
        "engine": f"{found.get('Engine')} {found.get('EngineVersion')}",
        "encrypted": bool(found.get("StorageEncrypted")),
        "retentionDays": int(found.get("BackupRetentionPeriod") or 0),
        "window": found.get("PreferredBackupWindow"),
    }


def judge_database(evidence: Evidence) -> Finding:
    """It is available."""
    kind, status = evidence["kind"], evidence["status"]
    if status != "available":
        return bad(f"the {kind} is {status or 'not there'}", START[kind])
    return good(f"{kind} available, {evidence['engine']}")


def judge_encryption(evidence: Evidence) -> Finding:
    """Its storage is encrypted."""
    if evidence["encrypted"]:
        return good("encrypted")
    return bad("its storage is not encrypted", ENCRYPT[evidence["kind"]])


def judge_backups(evidence: Evidence) -> Finding:
    """It is backed up automatically."""
    days = evidence["retentionDays"]
    if not days:
        return bad("automatic backups are off", BACK_UP[evidence["kind"]])
    return good(f"kept for {days} days, made at {evidence['window']} UTC")


def read_instances(sources: Sources) -> Evidence:
    """Read the instances of the cluster."""
    cluster = sources.settings().get("database_cluster")
    key = "DBInstances"
    if cluster:
        filters = [{"Name": "db-cluster-id", "Values": [cluster]}]
        found = sources.pages("rds", "describe_db_instances", key, Filters=filters)
    else:
        name = sources.setting("database_instance")
        found = sources.pages("rds", "describe_db_instances", key, DBInstanceIdentifier=name)
    instances = {
        one["DBInstanceIdentifier"]: {
            "status": one["DBInstanceStatus"],
            "zone": one.get("AvailabilityZone"),
            "multiZone": bool(one.get("MultiAZ")),
        }
        for one in found
    }
    return {"environment": sources.environment, "instances": instances}


def judge_instances(evidence: Evidence) -> Finding:
    """There is one, all are available, and in prod one zone may fail."""
    instances = evidence["instances"]
    if not instances:
        return bad("the cluster has no instance")
    problems = [
        f"{name} is {one['status']}"
        for name, one in instances.items()
        if one["status"] != "available"
    ]
    zones = sorted({str(one["zone"]) for one in instances.values()})
    spread = len(zones) > 1 or any(one["multiZone"] for one in instances.values())
    if evidence["environment"] == Environment.PROD and not spread:
        problems.append(f"all of it is in {named(zones)}")
    return judged(problems, f"{named(list(instances))} available, in {named(zones)}")


def read_secret(sources: Sources) -> Evidence:
    """Read about the administrator's secret, never its value."""
    arn = sources.setting("database_admin_secret")
    with calling("Secrets Manager", f"secret {arn}"):
        found = sources.client("secretsmanager").describe_secret(SecretId=arn)
    return {"name": found["Name"], "deleted": bool(found.get("DeletedDate"))}


def judge_secret(evidence: Evidence) -> Finding:
    """It is there."""
    if evidence["deleted"]:
        return bad(f"{evidence['name']} is marked for deletion")
    return good(f"{evidence['name']} is there (its value was not read)")


# --- cache ----------------------------------------------------------------------------------


def read_cache(sources: Sources) -> Evidence:
    """Read the platform's cache cluster of the plan's name, in the settled spelling.

    That there is none is no failure, as with all else: sites are well without.
    """
    name = f"bbws-redis-{sources.environment}"
    try:
        answer = sources.client("elasticache").describe_cache_clusters(
            CacheClusterId=name, ShowCacheNodeInfo=True
        )
    except ClientError as error:
        if code_of(error) in {"CacheClusterNotFound", "CacheClusterNotFoundFault"}:
            return {"name": name, "found": None}
        raise
    return {"name": name, "found": next(iter(answer["CacheClusters"]), None)}


def judge_cache(evidence: Evidence) -> Finding:
    """It is available."""
    found = evidence["found"]
    if found is None:
        return doubtful(NO_CACHE.format(name=evidence["name"]))
    status = found.get("CacheClusterStatus")
    problems = [] if status == "available" else [f"{evidence['name']} is {status}"]
    return judged(problems, f"available, {found.get('Engine')} {found.get('EngineVersion')}")


def judge_cache_endpoint(evidence: Evidence) -> Finding:
    """Its nodes have addresses."""
    if evidence["found"] is None:
        return doubtful(NO_CACHE.format(name=evidence["name"]))
    addresses = [
        address for node in evidence["found"].get("CacheNodes", []) if (address := _of(node))
    ]
    return good(named(addresses)) if addresses else bad("no node has an address")


def judge_cache_encryption(evidence: Evidence) -> Finding:
    """It is encrypted at rest and on the way."""
    found = evidence["found"]
    if found is None:
        return doubtful(NO_CACHE.format(name=evidence["name"]))
    problems = [
        text
        for text, key in (
            ("not encrypted at rest", "AtRestEncryptionEnabled"),
            ("not encrypted in transit", "TransitEncryptionEnabled"),
        )
        if not found.get(key)
    ]
    return judged(problems, "at rest and in transit")


def _of(node: dict[str, Any]) -> str | None:
    address = node.get("Endpoint", {}).get("Address")
    return None if address is None else str(address)


CHECKS: Final = (
    Check(
        number="4",
        title="database is available",
        read=read_database,
        judge=judge_database,
        fix=START["cluster"],
    ),
    Check(
        number="5",
        title="database instances",
        read=read_instances,
        judge=judge_instances,
        fix="aws rds reboot-db-instance --db-instance-identifier <instance>",
    ),
    Check(
        number="6",
        title="database encryption",
        read=read_database,
        judge=judge_encryption,
        fix=ENCRYPT["cluster"],
    ),
    Check(
        number="7",
        title="automatic backups",
        read=read_database,
        judge=judge_backups,
        fix=BACK_UP["cluster"],
    ),
    Check(
        number="8",
        title="database credentials",
        read=read_secret,
        judge=judge_secret,
        fix="aws secretsmanager restore-secret --secret-id {database_admin_secret}",
    ),
    Check(
        number="9",
        title="database connectivity",
        instead=CONNECTED,
        fix="sitefleet promotions start --dry-run --tenant-id <tenant> --site-id <site> "
        "--source <env> --target <env>",
    ),
    Check(
        number="10",
        title="cache is available",
        read=read_cache,
        judge=judge_cache,
        fix="aws elasticache describe-events --source-type cache-cluster",
    ),
    Check(
        number="11",
        title="cache endpoint",
        read=read_cache,
        judge=judge_cache_endpoint,
        fix="aws elasticache describe-cache-clusters --show-cache-node-info",
    ),
    Check(
        number="12",
        title="cache encryption",
        read=read_cache,
        judge=judge_cache_encryption,
        fix="aws elasticache create-replication-group --transit-encryption-enabled "
        "--at-rest-encryption-enabled ... (a cache is encrypted when it is made)",
    ),
)

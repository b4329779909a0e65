"""The environment's hosted zone on Route 53."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients
from core.domain.errors import NotFoundError, SitefleetError
from core.ports.platform import DnsRecord

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import LoadBalancerTypeDef
    from mypy_boto3_route53.type_defs import (
        ChangeTypeDef,
        ResourceRecordSetOutputTypeDef,
        ResourceRecordSetUnionTypeDef,
    )

CNAME_TTL_SECONDS: Final = 60


class Route53Dns:
    """Alias records to the load balancer; a CNAME that stood there before can be put back."""

    def __init__(
        self, *, clients: AwsClients, hosted_zone_id: str, load_balancer_of: Callable[[str], str]
    ) -> None:
        """`load_balancer_of` tells, for a host name, the ARN of the one that serves it."""
        self._clients = clients
        self._zone = hosted_zone_id
        self._load_balancer_of = load_balancer_of
        self._described: dict[str, LoadBalancerTypeDef] = {}

    def find(self, name: str) -> DnsRecord | None:
        found = self._find(name)
        return None if found is None else _record(name, found)

    def point_at_load_balancer(self, name: str) -> str | None:
        """UPSERT in one batch with the removal of a CNAME, which cannot stand beside an alias."""
        target = self._load_balancer(name)["DNSName"].lower()
        found = self._find(name)
        if found is not None and _record(name, found).target == target and found["Type"] == "A":
            return None
        return self._replace(found, self._set(DnsRecord(name=name, target=target)))

    def restore(self, name: str, record: DnsRecord | None) -> None:
        found = self._find(name)
        if record is not None:
            self._replace(found, self._set(record))
        elif found is not None:
            self._change([{"Action": "DELETE", "ResourceRecordSet": found}], name)

    def in_sync(self, change_id: str) -> bool:
        with calling("Route 53", f"change {change_id}"):
            answer = self._clients.route53.get_change(Id=change_id)
        return answer["ChangeInfo"]["Status"] == "INSYNC"

    # --- calls -----------------------------------------------------------------------------

    def _load_balancer(self, name: str) -> LoadBalancerTypeDef:
        arn = self._load_balancer_of(name)
        if arn not in self._described:
            with calling("ELB", f"load balancer {arn}"):
                answer = self._clients.elbv2.describe_load_balancers(LoadBalancerArns=[arn])
            if not answer["LoadBalancers"]:
                raise NotFoundError(f"There is no load balancer {arn}.")
            self._described[arn] = answer["LoadBalancers"][0]
        return self._described[arn]

    def _find(self, name: str) -> ResourceRecordSetOutputTypeDef | None:
        """Sets are listed in order of their names, so the first few hold the one asked for."""
        with calling("Route 53", f"hosted zone {self._zone}"):
            answer = self._clients.route53.list_resource_record_sets(
                HostedZoneId=self._zone, StartRecordName=name, MaxItems="10"
            )
        for found in answer["ResourceRecordSets"]:
            if _plain(found["Name"]) == name and found["Type"] in ("A", "CNAME"):
                return found
        return None

    def _replace(
        self, found: ResourceRecordSetOutputTypeDef | None, wanted: ResourceRecordSetUnionTypeDef
    ) -> str:
        changes: list[ChangeTypeDef] = []
        if found is not None and found["Type"] != wanted["Type"]:
            changes.append({"Action": "DELETE", "ResourceRecordSet": found})
        changes.append({"Action": "UPSERT", "ResourceRecordSet": wanted})
        return self._change(changes, wanted["Name"])

    def _change(self, changes: list[ChangeTypeDef], name: str) -> str:
        with calling("Route 53", f"record {name}"):
            answer = self._clients.route53.change_resource_record_sets(
                HostedZoneId=self._zone,
                ChangeBatch={"Comment": "sitefleet", "Changes": changes},
            )
        return answer["ChangeInfo"]["Id"]

    def _set(self, record: DnsRecord) -> ResourceRecordSetUnionTypeDef:
        if record.kind == "CNAME":
            return {
                "Name": record.name,
                "Type": "CNAME",
                "TTL": CNAME_TTL_SECONDS,
                "ResourceRecords": [{"Value": record.target}],
            }
        return {
            "Name": record.name,
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": record.zone_id
                or self._load_balancer(record.name)["CanonicalHostedZoneId"],
                "DNSName": record.target,
                "EvaluateTargetHealth": False,
            },
        }


def _record(name: str, found: ResourceRecordSetOutputTypeDef) -> DnsRecord:
    if "AliasTarget" in found:
        alias = found["AliasTarget"]
        target = _plain(alias["DNSName"]).removeprefix("dualstack.")
        return DnsRecord(name=name, target=target, zone_id=alias["HostedZoneId"])
    if found["Type"] == "CNAME":
        value = found["ResourceRecords"][0]["Value"]
        return DnsRecord(name=name, target=_plain(value), kind="CNAME")
    raise SitefleetError(
        f"The record {name} holds plain addresses, which the fleet did not put there: "
        "replace it by an alias or remove it."
    )


def _plain(name: str) -> str:
    return name.lower().rstrip(".")

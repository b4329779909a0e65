"""What could not be read, and what AWS says is not there: the two are apart."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from core.adapters.aws.errors import calling
from ops.reading import attempt

NOT_THERE = [
    *("InvalidSubnetID.NotFound", "InvalidVpcID.NotFound", "InvalidGroup.NotFound"),
    *("DBClusterNotFoundFault", "DBInstanceNotFound", "ResourceNotFoundException"),
    *("FileSystemNotFound", "ClusterNotFoundException", "RepositoryNotFoundException"),
    *("LoadBalancerNotFound", "TargetGroupNotFound", "NotFound", "CacheClusterNotFound"),
    *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
]
NOT_READ = ["AccessDenied", "Throttling", "InvalidParameterValue", "InternalError", "InvalidAction"]


def reading(code):
    error = ClientError({"Error": {"Code": code, "Message": "It is so."}}, "DescribeThings")

    def read():
        raise error

    return read


@pytest.mark.parametrize(("code", "absent"), [(c, c in NOT_THERE) for c in NOT_THERE + NOT_READ])
def test_what_aws_says_is_not_there_is_absent_and_nothing_else(code, absent):
    found = attempt(reading(code))
    assert found.absent is absent
    assert "DescribeThings" in found.why


def test_absence_is_seen_behind_the_fleets_own_errors():
    def read():
        with calling("ELB", "load balancer alb-1"):
            reading("LoadBalancerNotFound")()

    found = attempt(read)
    assert found.absent
    assert "load balancer alb-1" in found.why


def test_an_error_of_this_program_is_no_absence():
    assert not attempt(lambda: {}["NotFound"]).absent


def test_without_credentials_nothing_is_read_and_that_is_told_once():
    def read():
        with calling("SQS", "queue creation"):
            raise NoCredentialsError

    with pytest.raises(Exception, match="no AWS credentials"):
        attempt(read)

"""Certificates: found by their names, asked for once per operation, deleted."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from core.adapters.aws.certificates import AcmCertificates
from core.adapters.memory.certificates import MemoryCertificates
from core.domain.errors import TransientError
from core.ports.certificates import Certificates
from tests.contract.backends import Aws, Backend, Memory

NAMES = ("banana.example", "www.banana.example")
TAGS = {"Tenant": "tenant-1"}
PROVED = {"DomainName": NAMES[0], "ValidationStatus": "SUCCESS"}
ARN = "arn:aws:acm:af-south-1:093646564004:certificate/0a1b2c3d"


@pytest.fixture
def certificates(backend: Backend) -> Certificates:
    if isinstance(backend, Memory):
        return MemoryCertificates(backend.world)
    return AcmCertificates(clients=backend.clients)


def test_names_without_a_certificate_have_none(certificates: Certificates):
    assert certificates.find(NAMES) is None


def test_one_is_found_again_by_either_name(certificates: Certificates):
    first = certificates.request(NAMES, "operation-1", TAGS)
    found = certificates.find(NAMES)
    assert found is not None
    assert (found.arn, found.operation_id) == (first.arn, "operation-1")
    assert found.failure is None
    turned = certificates.find((NAMES[1], NAMES[0]))
    assert turned is not None
    assert turned.arn == first.arn


def test_a_repetition_asks_for_no_other(backend: Backend, certificates: Certificates):
    if backend.name == "emulator":
        pytest.skip("MiniStack makes another one for the same token")
    first = certificates.request(NAMES, "operation-1", TAGS)
    assert certificates.request(NAMES, "operation-1", TAGS).arn == first.arn
    assert certificates.request(NAMES, "operation-2", TAGS).arn != first.arn


def test_one_that_lacks_a_name_is_another_one(certificates: Certificates):
    certificates.request(NAMES[:1], "operation-1", TAGS)
    assert certificates.find(NAMES) is None


def test_deleting_twice_is_fine(certificates: Certificates):
    made = certificates.request(NAMES, "operation-1", TAGS)
    certificates.delete(made.arn)
    certificates.delete(made.arn)
    assert certificates.find(NAMES) is None


class TestAnswersOfAcm:
    """Answers that no stand-in gives."""

    def described(self, **changes: object) -> dict[str, object]:
        record = {"Name": "_a.banana.example.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
        option = {
            "DomainName": NAMES[0],
            "ValidationStatus": "PENDING_VALIDATION",
            "ResourceRecord": record,
        }
        certificate = {
            "CertificateArn": ARN,
            "DomainName": NAMES[0],
            "SubjectAlternativeNames": list(NAMES),
            "Status": "PENDING_VALIDATION",
            "DomainValidationOptions": [option],
            **changes,
        }
        return {"Certificate": certificate}

    def find(self, moto: Aws, described: dict[str, object]):
        with Stubber(moto.clients.acm) as acm:
            summary = {"CertificateArn": ARN, "DomainName": NAMES[0]}
            acm.add_response("list_certificates", {"CertificateSummaryList": [summary]})
            acm.add_response("describe_certificate", described)
            acm.add_response(
                "list_tags_for_certificate", {"Tags": [{"Key": "Tenant", "Value": "tenant-1"}]}
            )
            return AcmCertificates(clients=moto.clients).find(NAMES)

    def test_what_the_owner_has_to_do_is_told(self, moto: Aws):
        found = self.find(moto, self.described())
        assert (found.issued, found.failure, found.operation_id) == (False, None, None)
        assert found.proofs == ("_a.banana.example. CNAME _b.acm-validations.aws.",)

    def test_an_issued_one_needs_nothing_more(self, moto: Aws):
        found = self.find(moto, self.described(Status="ISSUED", DomainValidationOptions=[PROVED]))
        assert (found.issued, found.proofs) == (True, ())

    def test_one_that_failed_says_why(self, moto: Aws):
        found = self.find(moto, self.described(Status="FAILED", FailureReason="CAA_ERROR"))
        assert (found.issued, found.failure) == (False, "CAA_ERROR")

    def test_one_in_use_is_deleted_later(self, moto: Aws):
        with Stubber(moto.clients.acm) as acm:
            acm.add_client_error("delete_certificate", "ResourceInUseException")
            with pytest.raises(TransientError, match="in use"):
                AcmCertificates(clients=moto.clients).delete(ARN)

"""Whose signature a proof carries: the twin and an emulator that checks signatures say the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.credentials import Credentials

from core.adapters.aws.caller_identity import StsCallerIdentity
from core.adapters.memory.caller_identity import Caller, MemoryCallerIdentity, sign
from core.adapters.system import SystemClock
from core.domain.errors import RefusedError, TransientError
from core.domain.proof import (
    ALLOWED_HEADERS,
    ProofBinding,
    ProofDecision,
    StsEndpoint,
    check_proof,
)
from core.ports.decisions import CallerIdentity
from events.formats import Environment
from events.vocabulary import ErrorCode
from ops.proof import signed_proof
from tests.contract.backends import REGION
from tests.contract.emulator import running_emulator

ACCOUNT = "093646564004"
BINDING = ProofBinding(
    operation_id="550e8400-e29b-41d4-a716-446655440000",
    plan_hash=f"sha256:{'a' * 64}",
    decision=ProofDecision.APPROVE,
    role="TECH_LEAD",
    environment=Environment.PROD,
)


@dataclass(frozen=True, kw_only=True)
class Person:
    arn: str
    credentials: Credentials


@dataclass(frozen=True, kw_only=True)
class Place:
    identity: CallerIdentity
    endpoint: StsEndpoint
    people: dict[str, Person]

    def proof(self, name: str = "tech-lead", binding: ProofBinding = BINDING) -> dict[str, str]:
        url = self.endpoint.url if self.endpoint.url.startswith("http:") else None
        return signed_proof(
            self.people[name].credentials, REGION, url, binding, SystemClock().now()
        )


@pytest.fixture(scope="module")
def endpoint_with_iam() -> Iterator[str]:
    with running_emulator(enforce_iam=True) as endpoint:
        yield endpoint


@pytest.fixture(params=["memory", "emulator"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return memory_place()
    return emulator_place(request.getfixturevalue("endpoint_with_iam"))


def memory_place() -> Place:
    callers = [
        Caller(
            arn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
            access_key_id=f"AKIA{number:016d}",
            secret_access_key=f"secret-of-{name}",
        )
        for number, name in enumerate(["tech-lead", "operations-lead"])
    ]
    return Place(
        identity=MemoryCallerIdentity(callers),
        endpoint=StsEndpoint.of_region(REGION),
        people={
            caller.arn.rpartition("/")[2]: Person(
                arn=caller.arn,
                credentials=Credentials(caller.access_key_id, caller.secret_access_key),
            )
            for caller in callers
        },
    )


def emulator_place(url: str) -> Place:
    iam = boto3.client(
        "iam",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )
    people = {name: make_user(iam, name) for name in ("tech-lead", "operations-lead")}
    endpoint = StsEndpoint.of_one_machine(REGION, url)
    return Place(identity=StsCallerIdentity(endpoint), endpoint=endpoint, people=people)


def make_user(iam, name: str) -> Person:
    try:
        arn = iam.create_user(UserName=name)["User"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Person(arn=arn, credentials=Credentials(key["AccessKeyId"], key["SecretAccessKey"]))


def refusal(place: Place, headers: dict[str, str]) -> str:
    with pytest.raises(RefusedError) as refused:
        place.identity.ask(headers)
    assert refused.value.code is ErrorCode.PROM_003
    assert not any(value in refused.value.message for value in headers.values())
    return refused.value.message


class TestWhoSigned:
    def test_the_signer_is_named_whoever_shows_the_proof(self, place: Place):
        for name, person in place.people.items():
            assert place.identity.ask(place.proof(name)) == person.arn

    def test_what_the_command_line_signs_passes_the_check_of_its_headers(self, place: Place):
        check_proof(
            place.proof(), binding=BINDING, endpoint=place.endpoint, now=SystemClock().now()
        )

    def test_the_twin_and_the_sdk_sign_alike(self, place: Place):
        person = place.people["tech-lead"]
        caller = Caller(
            arn=person.arn,
            access_key_id=person.credentials.access_key,
            secret_access_key=person.credentials.secret_key,
        )
        now = SystemClock().now()
        url = place.endpoint.url if place.endpoint.url.startswith("http:") else None
        assert sign(caller, BINDING, place.endpoint, now) == signed_proof(
            person.credentials, REGION, url, BINDING, now
        )

    @pytest.mark.parametrize("name", sorted(BINDING.headers))
    def test_a_changed_header_is_refused(self, place: Place, name: str):
        assert "SignatureDoesNotMatch" in refusal(place, {**place.proof(), name: "CHANGED"})

    def test_a_changed_date_is_refused(self, place: Place):
        proof = place.proof()
        date = proof["x-amz-date"]
        changed = f"{date[:-2]}{(int(date[-2]) + 1) % 10}Z"
        assert "SignatureDoesNotMatch" in refusal(place, {**proof, "x-amz-date": changed})

    def test_another_ones_signature_is_refused(self, place: Place):
        mine, other = place.proof("tech-lead"), place.proof("operations-lead")
        key = place.people["operations-lead"].credentials.access_key
        own = place.people["tech-lead"].credentials.access_key
        forged = mine["authorization"].replace(own, key)
        assert "SignatureDoesNotMatch" in refusal(place, {**other, "authorization": forged})

    def test_an_unknown_key_is_refused(self, place: Place):
        own = place.people["tech-lead"].credentials.access_key
        proof = place.proof()
        proof["authorization"] = proof["authorization"].replace(own, "AKIAUNKNOWN000000000")
        assert "not valid" in refusal(place, proof)


class TestRoleSessions:
    def test_a_session_is_named_with_its_session_name(self, endpoint_with_iam: str):
        place = emulator_place(endpoint_with_iam)
        session = Credentials(*assumed(endpoint_with_iam, "operation-lead-session"))
        proof = signed_proof(session, REGION, place.endpoint.url, BINDING, SystemClock().now())
        check_proof(proof, binding=BINDING, endpoint=place.endpoint, now=SystemClock().now())
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/bbws-tech-lead/operation-lead-session"
        assert place.identity.ask(proof) == arn

    def test_a_session_without_its_token_is_refused(self, endpoint_with_iam: str):
        place = emulator_place(endpoint_with_iam)
        key, secret, _ = assumed(endpoint_with_iam, "session-2")
        bare = Credentials(key, secret)
        proof = signed_proof(bare, REGION, place.endpoint.url, BINDING, SystemClock().now())
        assert "not valid" in refusal(place, proof)


def assumed(url: str, session: str) -> tuple[str, str, str]:
    clients = partial(
        boto3.client,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",
    )
    iam, role = clients("iam"), "bbws-tech-lead"
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        f'"Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}}}]}}'
    )
    try:
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
    given = clients("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=session
    )["Credentials"]
    return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]


# --- what only an answer made by hand can show -----------------------------------------------

PROOF = sign(
    Caller(arn="arn", access_key_id=f"AKIA{0:016d}", secret_access_key="secret"),
    BINDING,
    StsEndpoint.of_region(REGION),
    datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
)
GOOD = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<GetCallerIdentityResult><Arn>arn:aws:iam::093646564004:user/a&amp;b/lead</Arn>"
    "<UserId>AIDA</UserId><Account>093646564004</Account></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
)


@contextmanager
def answering(status: int, body: str, **headers: str) -> Iterator[tuple[StsCallerIdentity, list]]:
    """An STS that says what a test wants; yields what was sent to it, too."""
    requests: list[tuple[str, dict[str, str], bytes]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            sent = {name.lower(): value for name, value in self.headers.items()}
            requests.append((self.path, sent, self.rfile.read(length)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield StsCallerIdentity(StsEndpoint.of_one_machine(REGION, url)), requests
        finally:
            server.shutdown()
            thread.join()


def error(code: str, message: str = "") -> str:
    inside = f"<Code>{code}</Code><Message>{message}</Message>"
    return f"<ErrorResponse><Error>{inside}</Error></ErrorResponse>"


def test_the_request_is_fixed_and_only_listed_headers_travel():
    with answering(200, GOOD) as (identity, requests):
        identity.ask({**PROOF, "Cookie": "a", "X-Amz-Target": "b", "Host": "elsewhere"})
    [(path, sent, body)] = requests
    assert (path, body) == ("/", b"Action=GetCallerIdentity&Version=2011-06-15")
    assert sent["host"].startswith("127.0.0.1:")
    assert set(sent) - ALLOWED_HEADERS == {"accept-encoding", "user-agent"}


def test_an_arn_is_read_with_its_entities():
    with answering(200, GOOD) as (identity, _):
        assert identity.ask(PROOF) == "arn:aws:iam::093646564004:user/a&b/lead"


def test_a_redirect_is_not_followed():
    with answering(307, "", Location="http://127.0.0.1:1/") as (identity, requests):
        with pytest.raises(TransientError, match="307"):
            identity.ask(PROOF)
        assert len(requests) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
        (400, "Throttling"),
        (429, "Anything"),
        (408, "RequestTimeout"),
    ],
)
def test_what_passes_is_tried_again(status: int, code: str):
    with (
        answering(status, error(code)) as (identity, _),
        pytest.raises(TransientError, match=f"{code}\\.$"),
    ):
        identity.ask(PROOF)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (403, "SignatureDoesNotMatch", "changed after it was signed"),
        (403, "InvalidClientTokenId", "not valid"),
        (403, "ExpiredToken", "have expired"),
        (400, "RequestExpired", "have expired"),
        (400, "IncompleteSignature", "not valid"),
    ],
)
def test_what_aws_refuses_is_refused_without_its_words(status: int, code: str, says: str):
    leak = f"The canonical string should have been {PROOF['authorization']}"
    with answering(status, error(code, leak)) as (identity, _):
        with pytest.raises(RefusedError, match=says) as refused:
            identity.ask(PROOF)
        assert PROOF["authorization"] not in str(refused.value)
        assert code in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>Welcome</html>",
        "<html><Arn>arn:aws:iam::093646564004:user/lead</Arn></html>",
        GOOD.replace("arn:aws:iam::093646564004:user/a&amp;b/lead", "lead"),
        GOOD.replace("</Arn>", "</Arn><Arn>arn:aws:iam::093646564004:user/cto</Arn>"),
        GOOD.replace("a&amp;b", "&#10;"),
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" + GOOD,
    ],
)
def test_an_answer_that_is_not_stss_names_nobody(body: str):
    with (
        answering(200, body) as (identity, _),
        pytest.raises(TransientError, match="does not speak as STS"),
    ):
        identity.ask(PROOF)


def test_silence_is_tried_again():
    endpoint = StsEndpoint.of_one_machine(REGION, "http://127.0.0.1:1")
    with pytest.raises(TransientError, match="did not answer whose proof"):
        StsCallerIdentity(endpoint).ask(PROOF)

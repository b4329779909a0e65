"""Which fleet a command talks to, and what it says when nobody is there."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.adapters.memory.clock import ManualClock, SeededIds
from core.domain.errors import ConfigurationError
from core.domain.proof import StsEndpoint, check_proof
from events.formats import Environment
from local.cloud import ACCOUNTS, SECRET_KEY
from local.layout import Layout
from local.localhost_names import SUFFIX
from ops.connection import Connection
from ops.desk import Desk
from ops.errors import ExitCode
from ops.one_machine import LOCALHOST, find_one_machine, state_file
from ops.place import CREDENTIAL_VARIABLES, Options, Place, choose_place
from ops.signing import prove, signer_of
from tests.ops.conftest import REGION, make_platform
from tests.ops.moto_endpoint import serving
from tests.ops.promotion_records import AWAITING, PLANNED, REQUEST
from tests.ops.records import COMPLETED, DONE_ALL, ID, at
from tests.ops.test_promotions_decide import BINDING

AGAIN = "Run the command again with --debug to see where."
ROOT = Path(__file__).resolve().parents[2]


def state(endpoint="http://127.0.0.1:1"):
    return {
        "endpoint": endpoint,
        "region": REGION,
        "proxy": "http://127.0.0.1:8080",
        "accounts": {
            name: {
                "accountId": account.account_id,
                "accessKeyId": account.account_id,
                "secretAccessKey": SECRET_KEY,
            }
            for name, account in ACCOUNTS.items()
        },
        "people": {"sit": {"dev-lead": PERSON}},
    }


PERSON = {
    "arn": "arn:aws:iam::815856636111:user/dev-lead",
    "accessKeyId": "AKIAABCDEFGHIJKLMNOP",
    "secretAccessKey": "secret-of-the-dev-lead",
}
"""As `local up` writes the people of its accounts."""


@pytest.fixture
def home(tmp_path):
    return {"SITEFLEET_HOME": str(tmp_path / "home")}


@pytest.fixture
def up(home):
    """Write the runtime's state file as `local up` does."""

    def write(document):
        path = state_file(home)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return home

    return write


def test_the_state_file_is_where_the_runtime_writes_it(home):
    assert state_file(home) == Layout.from_environ(home).state_file
    assert state_file({}) == Layout.from_environ({}).state_file


def test_without_a_runtime_it_is_aws(home):
    place = choose_place(Options(profile="ops"), home, find_one_machine(home))
    assert place == Place(region=None, profile="ops")


def test_the_runtime_that_is_up_is_used(up):
    environ = up(state())
    place = choose_place(Options(), environ, find_one_machine(environ))
    assert (place.is_one_machine, place.endpoint_url) == (True, "http://127.0.0.1:1")
    assert place.key(Environment.SIT).access_key_id == ACCOUNTS["sit"].account_id


@pytest.mark.parametrize("variable", CREDENTIAL_VARIABLES)
def test_credentials_in_the_environment_mean_aws(up, variable):
    environ = {**up(state()), variable: "x"}
    assert not choose_place(Options(), environ, find_one_machine(environ)).is_one_machine


@pytest.mark.parametrize(
    ("options", "is_one_machine"),
    [
        (Options(profile="ops"), False),
        (Options(endpoint_url="http://127.0.0.1:9"), False),
        (Options(endpoint_url="http://127.0.0.1:1/"), True),
        (Options(region="eu-west-1"), True),
    ],
)
def test_flags_decide(up, options, is_one_machine):
    environ = up(state())
    place = choose_place(options, environ, find_one_machine(environ))
    assert place.is_one_machine is is_one_machine


@pytest.mark.parametrize("document", ["{", "[]", '{"endpoint": "x"}'])
def test_a_broken_state_file_says_what_to_do(up, document):
    environ = up(document)
    with pytest.raises(ConfigurationError, match="Run `sitefleet local down`, then"):
        find_one_machine(environ)


def test_secrets_are_in_no_text(up):
    machine = find_one_machine(up({**state(), "accounts": {"dev": _keys("hush")}}))
    assert "hush" not in repr(machine)
    with pytest.raises(ConfigurationError, match="has no account prod"):
        Place(region=None, machine=machine).key(Environment.PROD)


def _keys(secret):
    return {"accessKeyId": "536580886816", "secretAccessKey": secret}


def test_a_browser_on_this_machine_finds_the_site(up):
    machine = find_one_machine(up(state()))
    assert LOCALHOST == SUFFIX
    assert machine.browser_url("https://banana.wpsit.kimmyai.io") == (
        "http://banana.wpsit.localhost:8080/"
    )


def test_the_region_is_the_platforms_unless_something_says_otherwise(monkeypatch):
    def region(place):
        return Connection(place, Environment.SIT).region

    assert region(Place(region=None)) == "af-south-1"
    assert region(Place(region="eu-west-1")) == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert region(Place(region=None)) == "eu-north-1"


# --- errors become sentences ---------------------------------------------------------------


def test_nobody_at_the_endpoint(up, sitefleet):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
        up(state(endpoint))
        answer = sitefleet("sites", "list", "--env=sit")
    assert (answer.code, answer.out) == (ExitCode.UNEXPECTED, "")
    assert answer.err.splitlines() == [
        f"Using the one-machine runtime at {endpoint}.",
        f"Nothing answers at {endpoint}; is the one-machine runtime up? sitefleet local up",
    ]


def test_no_credentials(sitefleet):
    answer = sitefleet("sites", "list", "--env=sit")
    assert answer.code == ExitCode.UNEXPECTED
    assert answer.err == (
        "There are no AWS credentials. Name a profile (--profile or AWS_PROFILE), or start the "
        "one-machine runtime: sitefleet local up\n"
    )


def test_an_unknown_profile(sitefleet):
    answer = sitefleet("--profile=banana", "sites", "list", "--env=sit")
    assert answer.code == ExitCode.BAD_INPUT
    assert "The config profile (banana) could not be found" in answer.err


def test_an_environment_that_is_not_deployed(cloud, sitefleet):
    answer = sitefleet("operations", "show", ID, "--env=prod")
    assert answer.code == ExitCode.UNEXPECTED
    assert "Is the stack of --env deployed in the account of these credentials?" in answer.err
    assert "Traceback" not in answer.err
    assert "do-not-print-me" not in answer.err


def test_the_flag_before_the_command_wins_over_the_variable(cloud, sitefleet):
    cloud.store(COMPLETED, *DONE_ALL)
    assert sitefleet("--env=sit", "operations", "show", ID, SITEFLEET_ENV="prod").code == 0
    assert sitefleet("--env=prod", "operations", "show", ID, "--env=sit").code == 0
    assert sitefleet("operations", "show", ID, "--env=banana").code == ExitCode.BAD_INPUT


def test_what_nobody_foresaw_is_a_sentence_and_with_debug_a_trace(cloud, sitefleet, monkeypatch):
    def broken(*_):
        raise RuntimeError("banana")

    monkeypatch.setattr("core.adapters.aws.operations.DynamoOperations.get", broken)
    answer = sitefleet("operations", "show", ID, "--env=sit")
    assert (answer.code, answer.err) == (
        ExitCode.UNEXPECTED,
        f"Something unexpected happened (RuntimeError). {AGAIN}\n",
    )


def test_an_interrupted_watch_says_that_the_operation_goes_on(cloud, sitefleet, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("core.adapters.aws.operations.DynamoOperations.get", interrupt)
    answer = sitefleet("operations", "show", ID, "--env=sit", "--watch")
    assert answer.code == ExitCode.INTERRUPTED
    assert answer.err.startswith("Interrupted. What was sent goes on")


# --- as a process --------------------------------------------------------------------------


@pytest.fixture
def server():
    with serving() as endpoint:
        yield endpoint


def process(environ, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from ops.cli import main; main()", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**environ, "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
        timeout=60,
    )


def test_one_machine_end_to_end(server, up):
    environ = up(state(server))
    keys = {"aws_access_key_id": "536580886816", "aws_secret_access_key": SECRET_KEY}
    for environment in ACCOUNTS:
        make_platform(environment, endpoint_url=server, **keys)
    place = choose_place(Options(), environ, find_one_machine(environ))
    store = Connection(place, Environment.SIT).operations
    store.accept(COMPLETED, "{}")
    for record in DONE_ALL:
        store.prepare(record)

    ended = process(environ, "operations", "show", ID, "--watch")
    assert (ended.returncode, ended.stderr.splitlines()) == (
        0,
        [
            f"Using the one-machine runtime at {server}.",
            "In a browser on this machine: http://banana.wpsit.localhost:8080/",
        ],
    )
    assert "COMPLETED after 2 min 5 s: It is done and checked." in ended.stdout

    unknown = process(environ, "operations", "show", "banana")
    assert unknown.returncode == ExitCode.NOT_FOUND
    assert "There is no operation banana in dev, sit, prod." in unknown.stderr

    sent = process(
        environ,
        *("promotions", "start", "--tenant-id=tenant-1", "--site-id=site-1", "--json"),
        *("--source=dev", "--target=sit"),
    )
    assert (sent.returncode, json.loads(sent.stdout)["queue"]) == (0, "promotion")


def test_on_one_machine_a_person_is_named(server, up):
    environ = up(state(server))
    keys = {"aws_access_key_id": "815856636111", "aws_secret_access_key": SECRET_KEY}
    make_platform("sit", endpoint_url=server, **keys)
    place = choose_place(Options(), environ, find_one_machine(environ))
    connection = Connection(place, Environment.SIT)
    connection.operations.accept(AWAITING, REQUEST)
    connection.operations.prepare(next(r for r in PLANNED if r.step == "plan"))
    decide = ("promotions", "approve", ID, "--env=sit", "--role=TECH_LEAD", "--yes")

    nobody = process(environ, *decide)
    assert nobody.returncode == ExitCode.BAD_INPUT
    assert nobody.stderr.splitlines()[-1] == (
        "Say who you are: --as one of dev-lead. These are the people of the one-machine runtime "
        "in sit. Nothing was sent."
    )
    stranger = process(environ, *decide, "--as=banana")
    assert "There is no banana here: --as one of dev-lead." in stranger.stderr

    signer = signer_of(connection, "dev-lead")
    assert signer.credentials.access_key == PERSON["accessKeyId"]
    assert PERSON["secretAccessKey"] not in repr(signer)
    clock = ManualClock(at(600))
    desk = Desk(Options(env=Environment.SIT), environ, clock, SeededIds(), clock.advance)
    headers = prove(desk, connection, signer, BINDING).headers
    endpoint = StsEndpoint.of_one_machine(REGION, server)
    check_proof(headers, binding=BINDING, endpoint=endpoint, now=at(600))

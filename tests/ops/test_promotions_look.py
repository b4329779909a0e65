"""`promotions list`, `show` and `plan`: the whole printed output."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.job_models import Check
from core.domain.operation import Failure
from events.vocabulary import OperationStatus, OperationType
from ops.desk import Desk
from ops.errors import ExitCode
from ops.picture import Line
from ops.place import Options
from ops.promotion.blocks import lines_of
from ops.promotion.next_step import next_safe_command
from ops.promotion.plan import plan_blocks
from ops.promotion.records import read_promotion
from ops.promotion.standing import standing_lines
from tests.ops.promotion_records import (
    AWAITING,
    BASE_ID,
    DECISION,
    PLAN_HASH,
    PLANNED,
    REQUEST,
    census,
    facts,
    gate_round,
    store_promotion,
)
from tests.ops.records import COMPLETED, ID, RUNNING, STALLED, at

APPROVE = f"sitefleet promotions approve {ID} --env sit --role OPERATIONS_LEAD"
REJECT = f'sitefleet promotions reject {ID} --env sit --role OPERATIONS_LEAD --comment "..."'
CANCEL = (
    "  Nothing is live yet; a cancel takes back what was made: sitefleet operations cancel "
    f'{ID} --env sit --reason "..."'
)
VERDICTS = gate_round()["round"]["verdicts"]
GATES = "\n".join(
    [
        "Gates: 11 of 11 pass, decided at 2026-11-21T08:00:19Z",
        "  GATE                VERDICT  WHY",
        *(f"  {verdict['name']:<18}  pass     {verdict['why']}" for verdict in VERDICTS),
        "",
    ]
)
APPROVALS = f"""\
Approvals
  roles    TECH_LEAD, OPERATIONS_LEAD
  missing  OPERATIONS_LEAD
  expires  2026-11-23T08:00:20Z
  ROLE       PERSON  DECISION  WHEN                  AS                                    COMMENT
  TECH_LEAD  thabo   approved  2026-11-21T08:05:00Z  arn:aws:iam::815856636111:user/thabo  Looked at it with QA.
  {APPROVE}
  {REJECT}
"""  # noqa: E501 - as wide as it is printed
WAY_BACK = f"""\
Way back
  host              banana.wpsit.kimmyai.io
  live release      2
  kept releases     1, 2
  rule arn          arn:rule
  target group arn  arn:tg-r2
  dns target        none
  RELEASE  STATUS      BUILT                 OPERATION
  r1       SUPERSEDED  2026-11-21T08:00:00Z  22222222-2222-4222-8222-222222222222
  r2       LIVE        2026-11-21T08:00:00Z  {BASE_ID}  where the way back leads
{CANCEL}
"""
PLAN = f"""\
SITE_PROMOTION dev -> sit of site-1 (tenant-1): Banana Shop
  operation      {ID}
  plan hash      {PLAN_HASH}
  requested by   jane.doe@example.com
  accepted       2026-11-21T08:00:00Z
  change ticket  CHG-7

Source and target
              SOURCE dev r3                    TARGET sit r2
  WordPress   6.8.1                            6.7.2                         differs
  PHP         8.2.12                           8.2.12
  theme       storefront                       storefront
  permalinks  /%postname%/                     /%postname%/
  image       sha256:22                        sha256:11                     differs
  address     https://banana.wpdev.kimmyai.io  banana.wpsit.kimmyai.io
  database    3 tables, 1,619 rows, 12 MiB     4 tables, 1,634 rows, 11 MiB
  content     2,104 files, 52 MiB              50 MiB
  posts       9 page:publish, 2 post:draft     9 page:publish, 2 post:draft

Active plugins (2)
  PLUGIN                       SOURCE  TARGET
  hello/hello.php              -       1.7     no longer active
  seo/seo.php                  4.1     -       new in the target
  woocommerce/woocommerce.php  9.4.0   9.3.1   differs

Tables (3), 402 URLs to replace
  TABLE         SOURCE ROWS  TARGET ROWS  URLS
  wp_old        -            5            0     only in the target: not in the new release
  wp_options    412          398          14
  wp_posts      1,204        1,190        388
  wp_wc_orders  3            41           0     protected: carried over from the target, 7 new rows, older rows changed

Content: 2,104 files, 52 MiB
  FOLDER   SIZE
  uploads  50 MiB
  themes   2 MiB

Options of the environment
  kept as the target has them: admin_email, blog_public
  maps_api_key comes from the source and looks bound to its domain: give the target a key of its own there, or keep the one it has (--protect-option maps_api_key).
  recaptcha_site_key looks bound to a domain: check by hand that its value fits the target.

Changed in the target since its release went live
  wp_wc_orders: 7 new rows, older rows changed

Selection and protection
  tables that travel   all
  folders that travel  uploads, themes
  tables protected     wp_newsletter
  folders protected    none
  options protected    none
  Protected beside what the policy protects anyway.

Rights: 2 tried
  Every right that the work needs was tried and is there.

Source tested: all 2 passed
  CHECK             EVIDENCE
  front page  pass  200, 14,200 bytes
  assets      pass  31 of 31 load

{GATES}
{APPROVALS}
{WAY_BACK}"""  # noqa: E501 - as wide as it is printed
SHOW = f"""\
SITE_PROMOTION of site-1 (tenant-1) in sit: AWAITING_APPROVAL, 10 min 0 s
operation {ID}, requested by jane.doe@example.com

  done     open_record          1.0 s
  done     plan                 3.0 s
  done     survey_target        2.0 s
  done     check_source          10 s
  done     check_gates          3.0 s
  waiting  await_approval  9 min 40 s  OPERATIONS_LEAD to approve the plan
  next     lock_site
  next     cut_over
  next     complete

Waits in await_approval
  for                 OPERATIONS_LEAD to approve the plan
  since               2026-11-21T08:00:20Z
  expires             2026-11-23T08:00:20Z
  looked at again by  2026-11-21T08:20:00Z

{GATES}
{APPROVALS}
Releases
  source       r3 in dev
  live before  r2
  this one     none yet
  live now     r2

{WAY_BACK}
Next safe command
  sitefleet promotions plan {ID} --env sit
"""


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def records(cloud):
    """Read a stored promotion as the commands do."""

    def read(stored=AWAITING, *more, **kwargs):
        store_promotion(cloud, stored, *more, **kwargs)
        connection = Desk.of(Options(env="sit"), {"AWS_ACCESS_KEY_ID": "x"}).connection()
        return read_promotion(connection, stored)

    return read


# --- plan -----------------------------------------------------------------------------------


def test_the_plan_can_be_read_before_anyone_approves(cloud, sitefleet):
    store_promotion(cloud)
    answer = sitefleet("promotions", "plan", ID)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == PLAN


def test_differences_have_a_colour_where_there_are_colours(records):
    lines = lines_of(plan_blocks(records()))
    [wordpress] = [line for line in lines if line.text.startswith("  WordPress")]
    [php] = [line for line in lines if line.text.startswith("  PHP")]
    assert (wordpress.style, php.style) == ("bold yellow", "")


def test_the_plan_as_json_has_the_whole_census(cloud, sitefleet):
    store_promotion(cloud)
    document = sitefleet("promotions", "plan", ID, "--json").json
    assert document["planHash"] == PLAN_HASH
    assert document["census"]["replacements"] == {"wp_options": 14, "wp_posts": 388}
    assert document["target"]["newRows"] == {"wp_wc_orders": 7, "wp_comments": 0}
    assert document["wayBack"]["kept_releases"] == [1, 2]
    assert document["missingRoles"] == ["OPERATIONS_LEAD"]
    assert [block["title"] for block in document["report"]][1] == "Source and target"


def test_a_missing_right_and_a_failed_check_stand_out(records):
    denied = {"name": "s3:PutObject", "passed": False, "evidence": "AccessDenied"}
    failed = Check(name="assets", passed=False, evidence="theme.css is 404")
    counted = census().model_copy(update={"rights": []})
    plan = {
        "census": {**counted.model_dump(mode="json", by_alias=True), "rights": [denied]},
        "plan_hash": PLAN_HASH,
    }
    read = replace(
        records(),
        steps=(facts("plan", 1, 4, plan),),
        checks={"check_source": [failed]},
    )
    lines = lines_of(plan_blocks(read))
    assert Line(text="  source  s3:PutObject  AccessDenied", style="bold red") in lines
    assert Line(text="  assets  FAIL  theme.css is 404", style="bold red") in lines


def test_a_first_promotion_says_that_nothing_is_live(cloud, sitefleet):
    plan = next(record for record in PLANNED if record.step == "plan")
    cloud.store(AWAITING, plan, request=REQUEST)
    out = sitefleet("promotions", "plan", ID).out
    assert "TARGET sit (nothing live)" in out
    assert "Nothing is live in the target: this is the site's first release there." in out


def test_a_census_of_another_version_is_not_guessed(cloud, sitefleet):
    odd = facts("plan", 1, 4, {"census": {"rows": 7}, "plan_hash": PLAN_HASH})
    cloud.store(AWAITING, odd, request=REQUEST)
    out = sitefleet("promotions", "plan", ID).out
    assert "The stored census is of another version of the fleet; this one cannot read it." in out


def test_without_a_plan_there_is_nothing_to_read(cloud, sitefleet):
    cloud.store(RUNNING)
    answer = sitefleet("promotions", "plan", ID)
    assert (answer.code, answer.err) == (
        ExitCode.BAD_INPUT,
        (
            f"Operation {ID} has no plan yet: it is IN_PROGRESS at export_source. Look at it: "
            f"sitefleet promotions show {ID} --env sit --watch\n"
        ),
    )


# --- show -----------------------------------------------------------------------------------


def test_show_tells_where_it_stands_and_whom_it_waits_for(records):
    lines = standing_lines(records(), at(600))
    assert "\n".join(line.text for line in lines) + "\n" == SHOW


def test_show_prints_it(cloud, sitefleet):
    store_promotion(cloud)
    answer = sitefleet("promotions", "show", ID)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith(SHOW[SHOW.index("Waits in") :])


def test_show_as_json_has_timeline_and_decision(cloud, sitefleet):
    store_promotion(cloud)
    document = sitefleet("promotions", "show", ID, "--json").json
    assert document["waitingFor"] == "OPERATIONS_LEAD to approve the plan"
    assert document["expiresAt"] == "2026-11-23T08:00:20.000Z"
    assert document["nextCommand"] == f"sitefleet promotions plan {ID} --env sit"
    assert [row["step"] for row in document["steps"]][5] == "await_approval"


def test_show_with_watch_ends_with_the_exit_code_of_the_outcome(cloud, sitefleet):
    store_promotion(cloud, replace(COMPLETED, plan=AWAITING.plan))
    answer = sitefleet("promotions", "show", ID, "--watch")
    assert answer.code == ExitCode.COMPLETED
    assert f'sitefleet promotions rollback {ID} --env sit --reason "..."' in answer.out


def test_an_approval_of_another_plan_is_told_apart(records):
    old = replace(DECISION, plan_hash=f"sha256:{'cd' * 32}", proof_digest="d0")
    read = records(decisions=(old,))
    text = "\n".join(line.text for line in lines_of(plan_blocks(read)))
    assert read.missing_roles == ("TECH_LEAD", "OPERATIONS_LEAD")
    assert "thabo   approved another plan" in text
    assert "An approval of another plan counts for nothing: the plan has changed since." in text


def test_the_state_of_each_part_is_shown_when_the_way_back_failed(records):
    parts = {"pointer": "r3", "recordedLive": "r2", "releases": {"r2": "LIVE"}}
    failure = Failure(
        code="SYS_001", message="ECS did not answer.", step="cut_over", details={"parts": parts}
    )
    stuck = replace(AWAITING, status=OperationStatus.ROLLBACK_FAILED, failure=failure)
    text = [line.text for line in standing_lines(records(stuck), at(600))]
    begin = text.index("State of each part")
    assert text[begin : begin + 4] == [
        "State of each part",
        "  pointer       r3",
        "  recordedLive  r2",
        "  releases r2   LIVE",
    ]
    assert text[-1] == f'  sitefleet operations retry {ID} --env sit --reason "..."'


@pytest.mark.parametrize(
    ("stored", "command"),
    [
        (AWAITING, f"sitefleet promotions plan {ID} --env sit"),
        (RUNNING, f"sitefleet promotions show {ID} --env sit --watch"),
        (STALLED, f'sitefleet operations retry {ID} --env sit --reason "..."'),
        (COMPLETED, f"sitefleet promotions report {ID} --env sit"),
        (
            replace(COMPLETED, operation_type=OperationType.SITE_ROLLBACK),
            "sitefleet sites show site-1 --tenant-id tenant-1 --env sit",
        ),
        (
            replace(COMPLETED, status=OperationStatus.ROLLED_BACK),
            f"sitefleet promotions evidence {ID} --env sit",
        ),
    ],
)
def test_there_is_always_a_next_safe_command(records, stored, command):
    assert next_safe_command(replace(records(), operation=stored)) == command


@pytest.mark.parametrize("command", ["show", "plan", "rollback"])
def test_what_is_no_promotion_is_not_shown_as_one(cloud, sitefleet, command):
    cloud.store(replace(COMPLETED, operation_type=OperationType.SITE_CREATION))
    flags = {"rollback": ["--reason=x"]}.get(command, [])
    answer = sitefleet("promotions", command, ID, *flags)
    assert (answer.code, answer.err) == (
        ExitCode.BAD_INPUT,
        (
            f"Operation {ID} is a SITE_CREATION, not a promotion. Look at it: sitefleet "
            f"operations show {ID} --env sit\n"
        ),
    )

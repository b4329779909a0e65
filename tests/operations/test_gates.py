"""The step that decides the gates: evidence gathered through ports, stored and recomputed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.domain.census import Census
from core.domain.gate_verdicts import GateName, Verdict
from core.domain.gates import GateRound, recompute
from core.domain.job_models import Check
from core.domain.names import SiteNames
from core.engine.outcome import Done, Failed, Wait
from core.operations.steps.gates import await_window, check_gates, confirm_window, decide_gates
from events.formats import Environment
from events.vocabulary import ErrorCode
from simulation.requests import SITE, TENANT

LIVE = SiteNames(environment=Environment.SIT, tenant_id=TENANT, site_id=SITE).release(1).service
PASS, OPEN = Verdict.PASS, Verdict.INCONCLUSIVE
DEV_GROUP = {
    "TargetGroup": "targetgroup/wp-banana-r1/0123456789abcdef",
    "LoadBalancer": "app/bbws-wp-internal-alb-dev/0123456789abcdef",
}


def round_of(outcome):
    return GateRound.model_validate(outcome.facts["round"])


def census_of(stage):
    return Census.model_validate(stage.facts["plan"]["census"])


def with_census(stage, **changes):
    census = census_of(stage).model_copy(update=changes)
    stage.facts["plan"] = {**stage.facts["plan"], "census": census.model_dump(mode="json")}


def test_a_healthy_source_passes_and_the_round_is_stored(stage):
    outcome = stage.run(check_gates)
    assert isinstance(outcome, Done)
    stored = round_of(outcome)
    assert {verdict.verdict for verdict in stored.verdicts} == {PASS}
    assert recompute(stored) == stored.verdicts
    assert stored.evidence.change_ticket == "CHG0012345"
    assert stored.thresholds.policy_version == stage.policy.version


def test_the_sources_metrics_are_read_in_the_operations_name(stage):
    stage.run(check_gates)
    assert set(stage.source.role_sessions) == {"0f1e2d3c-0000-5000-8000-000000000001"}


def test_the_look_back_is_the_policys(stage):
    health = round_of(stage.run(check_gates)).evidence.health
    assert health.look_back.end - health.look_back.start == timedelta(hours=24)
    assert health.look_back.period_seconds == 300
    assert health.heartbeats == 288
    assert health.target_group.requests == 288 * 60


class TestCriticalLines:
    """Of the release that is promoted. Whatever its neighbours log closes their own way only."""

    FATAL = "PHP Fatal error:  Uncaught Error: Call to undefined function banana()"

    def logged(self, stage, service, hours_ago=1.0, text=FATAL):
        stage.source.site_logs.setdefault(f"{service}/wordpress/1", []).append(
            (stage.now - timedelta(hours=hours_ago), text)
        )

    def lively(self, stage):
        for hour in range(24):
            self.logged(stage, LIVE, hour + 0.5, '10.0.0.1 - "GET /wp-login.php HTTP/1.1" 200')

    @pytest.mark.parametrize(
        "other",
        [
            "tenant-other-wordpress-0123456789ab-r1",
            LIVE + "0",
            LIVE + "-trial",
            "x" + LIVE,
            LIVE[:-1] + "2",
        ],
    )
    def test_of_another_site_or_release_do_not_count(self, stage, other):
        self.lively(stage)
        self.logged(stage, other)
        outcome = stage.run(check_gates)
        assert isinstance(outcome, Done)
        log = round_of(outcome).evidence.critical_log
        assert (log.lines, log.heartbeats, log.unread) == (0, 24, "")
        assert log.log == f"/aws/ecs/bbws-sit/sites, streams {LIVE}/..."

    def test_of_its_own_fail(self, stage):
        self.lively(stage)
        self.logged(stage, LIVE)
        failed = stage.run(check_gates)
        assert failed.details == {"gates": ["critical_log_lines"]}
        assert "1 critical log line in 24 h in sit; at most 0 are allowed" in failed.why
        assert f"Read the site's log in sit (/aws/ecs/bbws-sit/sites, streams {LIVE}/...)" in (
            failed.why
        )

    def test_older_ones_do_not_count(self, stage):
        self.lively(stage)
        self.logged(stage, LIVE, hours_ago=24.1)
        assert isinstance(stage.run(check_gates), Done)

    def test_most_hours_of_the_look_back_must_have_a_line(self, stage):
        for hour in range(20):
            self.logged(stage, LIVE, hour + 0.5, "quiet")
        failed = stage.run(check_gates)
        assert failed.details == {"gates": ["critical_log_lines"]}
        assert "Lines of the site's log are there for 20 periods of the look-back, and 21 are" in (
            failed.why
        )


@pytest.mark.parametrize(("errors", "outcome"), [(4, Done), (5, Failed)])
def test_server_errors_of_the_sources_release_are_counted(stage, errors, outcome):
    stage.metric(
        "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", (-600, errors), world=stage.source,
        **DEV_GROUP,
    )  # fmt: skip
    assert isinstance(stage.run(check_gates), outcome)


def test_errors_of_two_functions_are_added_and_their_time_is_told(stage):
    for role in ("promotion", "notifier"):
        name = f"sit-bbws-async-processor-{role}"
        stage.metric("AWS/Lambda", "Errors", (-60, 3), world=stage.source, FunctionName=name)
    failed = stage.run(check_gates)
    assert failed.code is ErrorCode.PROM_002
    assert failed.details == {"gates": ["source_errors"]}
    assert failed.why.startswith(
        "1 of 11 gates stop this promotion; nothing was changed. source_errors (fail): 6 errors in "
        "24 h in sit (sit-bbws-async-processor-promotion 3, sit-bbws-async-processor-notifier 3)"
    )
    assert "the gate passes from 2026-11-25 19:35 UTC on" in failed.why
    assert round_of(failed).of(GateName.SOURCE_ERRORS).verdict is Verdict.FAIL


class TestMissingMetrics:
    """Each of these is inconclusive, and an inconclusive gate stops the promotion."""

    def inconclusive(self, stage):
        failed = stage.run(check_gates)
        assert isinstance(failed, Failed)
        assert failed.code is ErrorCode.PROM_002
        found = round_of(failed).stopping
        assert {verdict.verdict for verdict in found} == {OPEN}
        return [verdict.name for verdict in found]

    def test_of_the_load_balancer(self, stage):
        stage.metric("AWS/ApplicationELB", "HealthyHostCount", world=stage.source, **DEV_GROUP)
        assert self.inconclusive(stage) == [GateName.SOURCE_ERRORS]

    def test_of_answers_to_requests_that_came(self, stage):
        stage.metric(
            "AWS/ApplicationELB", "HTTPCode_Target_2XX_Count", world=stage.source, **DEV_GROUP
        )
        assert self.inconclusive(stage) == [GateName.SOURCE_ERRORS]

    def test_of_the_functions(self, stage):
        name = "sit-bbws-async-processor-sweeper"
        stage.metric("AWS/Lambda", "Invocations", world=stage.source, FunctionName=name)
        assert self.inconclusive(stage) == [GateName.SOURCE_ERRORS, GateName.SOURCE_THROTTLES]

    def test_of_the_log(self, stage):
        stage.source.site_logs = {f"{LIVE}/wordpress/1": []}
        assert self.inconclusive(stage) == [GateName.CRITICAL_LOG_LINES]

    def test_of_a_log_that_cannot_be_read(self, stage):
        stage.source.site_logs_unread = "The log group /aws/ecs/bbws-sit/sites does not exist."
        assert self.inconclusive(stage) == [GateName.CRITICAL_LOG_LINES]

    def test_of_the_database(self, stage):
        stage.metric("AWS/RDS", "VolumeBytesUsed", DBClusterIdentifier="bbws-aurora-prod")
        assert self.inconclusive(stage) == [GateName.DATABASE_STORAGE]

    def test_a_census_that_does_not_know_its_target_group(self, stage):
        with_census(stage, target_group_arn=None)
        assert self.inconclusive(stage) == [GateName.SOURCE_ERRORS]

    def test_a_census_that_tried_no_right(self, stage):
        with_census(stage, rights=[])
        assert self.inconclusive(stage) == [GateName.PERMISSIONS]

    def test_checks_that_did_not_run(self, stage):
        del stage.facts["check_source"]
        assert self.inconclusive(stage) == [GateName.SOURCE_TESTED]

    def test_no_database_in_the_policy(self, stage):
        stage.promotion_rules("gates", database_cluster="")
        assert self.inconclusive(stage) == [GateName.DATABASE_STORAGE]


def test_a_function_that_was_never_called_has_no_errors(stage):
    for metric in ("Invocations", "Errors", "Throttles"):
        stage.metric(
            "AWS/Lambda", metric, world=stage.source, FunctionName="sit-bbws-async-processor-update"
        )
    assert isinstance(stage.run(check_gates), Done)


class TestCapacity:
    def test_an_aurora_cluster_has_its_limit_less_what_it_uses(self, stage):
        used = 128 * 2**40 - 1_000_000
        stage.metric(
            "AWS/RDS", "VolumeBytesUsed", (-70, 0), (-10, used),
            DBClusterIdentifier="bbws-aurora-prod",
        )  # fmt: skip
        failed = stage.run(check_gates)
        assert failed.details == {"gates": ["database_storage"]}
        assert round_of(failed).evidence.capacity.free_storage_bytes == 1_000_000

    def test_an_instance_says_itself_what_is_free(self, stage):
        stage.promotion_rules("gates", database_cluster="", database_instance="bbws-prod")
        stage.metric(
            "AWS/RDS", "FreeStorageSpace", (-5, 3_000_000), DBInstanceIdentifier="bbws-prod"
        )
        capacity = round_of(stage.run(check_gates)).evidence.capacity
        assert capacity.free_storage_bytes == 3_000_000
        assert capacity.storage_metric == "FreeStorageSpace of bbws-prod"

    def test_the_load_balancer_is_nearly_full(self, stage):
        stage.world.rule_quota = 9
        assert stage.run(check_gates).details == {"gates": ["rule_priorities"]}

    def test_its_target_groups_are_counted_whatever_its_rules(self, stage):
        stage.world.rule_quota, stage.world.target_group_quota = 1000, 9
        failed = stage.run(check_gates)
        assert failed.details == {"gates": ["rule_priorities"]}
        assert round_of(failed).evidence.capacity.free_target_groups == 9
        assert "9 more target groups" in failed.why


class TestRights:
    def test_one_that_is_denied_by_the_simulation(self, stage):
        stage.world.denied_actions = {"elasticloadbalancing:CreateTargetGroup"}
        failed = stage.run(check_gates)
        assert failed.details == {"gates": ["permissions"]}
        assert "elasticloadbalancing:CreateTargetGroup on arn:" in failed.why

    def test_one_that_a_job_tried_in_vain(self, stage):
        with_census(
            stage, rights=[Check(name="write to the transfer", passed=False, evidence="403")]
        )
        assert "write to the transfer: 403" in stage.run(check_gates).why

    def test_the_rule_is_asked_about_where_there_is_one(self, live):
        live.world.denied_actions = {"elasticloadbalancing:ModifyRule"}
        assert live.run(check_gates).details == {"gates": ["permissions"]}


class TestWindow:
    def test_a_closed_one_is_noted_and_stops_nothing(self, stage):
        stage.now += timedelta(hours=10)
        outcome = stage.run(check_gates)
        assert isinstance(outcome, Done)
        assert outcome.facts["window"].startswith("The window is closed.")
        assert round_of(outcome).of(GateName.MAINTENANCE_WINDOW).verdict is Verdict.FAIL

    def test_it_is_waited_for_to_the_second(self, stage):
        stage.now += timedelta(hours=10)
        waiting = stage.run(await_window)
        assert isinstance(waiting, Wait)
        # Thursday 22:00 in Johannesburg is 20:00 UTC.
        assert stage.now + timedelta(seconds=waiting.seconds) == stage.now.replace(
            day=26, hour=20, minute=0
        )
        assert "It next opens for long enough on Thursday 2026-11-26 22:00" in waiting.why

    def test_an_open_one_is_not_waited_for(self, stage):
        assert stage.run(await_window) is None

    def test_an_emergency_does_not_wait(self, stage):
        stage.now += timedelta(hours=10)
        stage.payload = {"emergency": {"incidentId": "INC0004711"}}
        assert stage.run(await_window) is None
        assert round_of(stage.run(check_gates)).evidence.incident_id == "INC0004711"

    def test_one_that_never_opens_is_a_failure(self, stage):
        stage.now += timedelta(hours=10)
        day = timedelta(days=1)
        outcome = await_window(stage.context(), needed_seconds=day.total_seconds())
        assert isinstance(outcome, Failed)

    @pytest.mark.parametrize(
        ("minutes_left", "outcome"),
        # Hold 20 s, drain 15 s, monitor 900 s, rollback 900 s.
        [(30.6, Done), (30.5, Wait)],
    )
    def test_before_the_switch_less_is_needed(self, stage, minutes_left, outcome):
        end = stage.now.replace(day=25, hour=0, minute=0)
        stage.now = end - timedelta(minutes=minutes_left)
        assert isinstance(stage.run(confirm_window), outcome)


def test_decided_again_everything_is_asked_anew(stage):
    first = stage.run(check_gates)
    assert isinstance(first, Done)
    stage.world.denied_actions = {"s3:PutObject"}
    stage.now += timedelta(hours=1)
    newer = census_of(stage).model_copy(update={"rights": []})
    again = decide_gates(stage.context(), newer)
    assert isinstance(again, Failed)
    assert round_of(again).decided_at == stage.now
    assert round_of(again).evidence.permissions.tried_in_source == ()

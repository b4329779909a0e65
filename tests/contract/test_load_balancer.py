"""LoadBalancer: target groups and the rules that point at them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.stub import Stubber

from core.adapters.aws import listener_rules
from core.adapters.aws.listener_rules import ListenerRules, free_priority
from core.adapters.aws.load_balancer import ElbLoadBalancer, preview_host
from core.adapters.memory.load_balancer import MemoryLoadBalancer
from core.adapters.memory.sites import MemorySites
from core.adapters.memory.world import World
from core.adapters.site_networks import SiteNetwork, SiteNetworks
from core.domain.errors import NotFoundError, SitefleetError, TransientError
from core.domain.names import ReleaseNames
from core.domain.room import Room
from core.domain.suspended_page import LIMIT, PAGE
from core.ports.platform import ListenerRule, LoadBalancer
from tests.contract.backends import Aws, Backend, Memory

TAGS = {"Tenant": "tenant-1"}
HOST = "banana.wp.kimmyai.io"


class Network:
    """A VPC with a load balancer and a listener, as the platform has them."""

    def __init__(self, aws: Aws) -> None:
        ec2 = aws.clients._session.client("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        self.vpc_id = subnets[0]["VpcId"]
        self.subnet_ids = tuple(subnet["SubnetId"] for subnet in subnets[:2])
        self.site_group_id, self.job_group_id = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc_id)[
                "GroupId"
            ]
            for name in ("sites", "jobs")
        )
        balancer = aws.clients.elbv2.create_load_balancer(
            Name="bbws-wp-internal-alb-prod",
            Subnets=[subnet["SubnetId"] for subnet in subnets[:2]],
            Scheme="internal",
        )["LoadBalancers"][0]
        self.arn, self.dns_name = balancer["LoadBalancerArn"], balancer["DNSName"]
        answer = {"MessageBody": "no such site", "StatusCode": "404"}
        self.listener_arn = aws.clients.elbv2.create_listener(
            LoadBalancerArn=self.arn,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": answer}],
        )["Listeners"][0]["ListenerArn"]

    def adapter(self, aws: Aws) -> ElbLoadBalancer:
        return ElbLoadBalancer(
            clients=aws.clients,
            networks=SiteNetworks(MemorySites(World()), [self.place]),
        )

    @property
    def place(self) -> SiteNetwork:
        return SiteNetwork(
            vpc_id=self.vpc_id,
            subnet_ids=self.subnet_ids,
            security_group_ids=(self.site_group_id,),
            job_security_group_ids=(self.job_group_id,),
            load_balancer_arn=self.arn,
            listener_arn=self.listener_arn,
            database_endpoint="db.example:3307",
        )


@pytest.fixture
def balancer(backend: Backend) -> LoadBalancer:
    if isinstance(backend, Memory):
        return MemoryLoadBalancer(backend.world)
    return Network(backend).adapter(backend)


@pytest.fixture
def group(balancer: LoadBalancer, release: ReleaseNames) -> str:
    return balancer.ensure_target_group(release, TAGS)


class TestTargetGroups:
    def test_ensuring_twice_finds_the_same_one(self, balancer, release: ReleaseNames, group: str):
        assert balancer.ensure_target_group(release, TAGS) == group
        assert balancer.ensure_target_group(release.site.release(3), TAGS) != group

    def test_deleting_twice_is_fine(self, balancer, release: ReleaseNames, group: str):
        balancer.delete_target_group(release)
        balancer.delete_target_group(release)
        assert balancer.ensure_target_group(release, TAGS) != group


class TestRules:
    def test_a_host_without_a_rule_has_none(self, balancer: LoadBalancer):
        assert balancer.find_rule(HOST) is None
        balancer.delete_rule(HOST)

    def test_a_rule_is_made_once(self, balancer: LoadBalancer, group: str):
        rule = balancer.create_rule(HOST, group, TAGS)
        assert (rule.host, rule.target_group_arn) == (HOST, group)
        assert balancer.create_rule(HOST, group, TAGS) == rule
        assert balancer.find_rule(HOST) == rule

    def test_two_rules_have_two_priorities(self, balancer: LoadBalancer, group: str):
        first = balancer.create_rule(HOST, group, TAGS)
        second = balancer.create_rule("apple.wp.kimmyai.io", group, TAGS)
        assert first.priority != second.priority

    def test_the_pointer_moves_and_moves_back(self, balancer, release: ReleaseNames, group: str):
        other = balancer.ensure_target_group(release.site.release(3), TAGS)
        rule = balancer.create_rule(HOST, group, TAGS)
        moved = balancer.point_rule(rule, other)
        assert moved == replace(rule, target_group_arn=other)
        assert balancer.find_rule(HOST) == moved
        assert balancer.point_rule(moved, other) == moved
        assert balancer.point_rule(moved, group) == rule

    def test_a_rule_that_is_gone_cannot_be_moved(self, balancer: LoadBalancer, group: str):
        rule = balancer.create_rule(HOST, group, TAGS)
        balancer.delete_rule(HOST)
        balancer.delete_rule(HOST)
        with pytest.raises(NotFoundError, match=HOST):
            balancer.point_rule(rule, group)

    def test_a_rule_answers_by_itself_and_leads_to_the_site_again(
        self, balancer: LoadBalancer, group: str
    ):
        rule = balancer.create_rule(HOST, group, TAGS)
        closed = balancer.answer_rule(rule, "closed")
        assert closed == replace(rule, target_group_arn="")
        assert balancer.find_rule(HOST) == closed
        assert balancer.answer_rule(closed, "closed") == closed
        assert balancer.point_rule(closed, group) == rule == balancer.find_rule(HOST)

    def test_a_rule_that_answers_is_deleted_by_its_host(self, balancer: LoadBalancer, group: str):
        rule = balancer.create_rule(HOST, group, TAGS)
        balancer.answer_rule(rule, "closed")
        balancer.delete_rule(HOST)
        assert balancer.find_rule(HOST) is None
        with pytest.raises(NotFoundError, match=HOST):
            balancer.answer_rule(rule, "closed")


class TestDomains:
    NAMES = ("banana.example", "www.banana.example")

    def test_a_rule_takes_further_names_and_another_target_at_once(
        self, balancer: LoadBalancer, release: ReleaseNames, group: str
    ):
        other = balancer.ensure_target_group(release.site.release(3), TAGS)
        rule = balancer.create_rule(HOST, group, TAGS)
        led = balancer.lead_rule(rule, self.NAMES, other)
        assert led == replace(rule, aliases=self.NAMES, target_group_arn=other)
        for name in (HOST, *self.NAMES):
            assert balancer.find_rule(name) == led
        assert balancer.point_rule(led, group).aliases == self.NAMES
        assert balancer.lead_rule(led, (), group) == rule
        assert balancer.find_rule(self.NAMES[0]) is None

    def test_a_listener_has_further_certificates(self, backend: Backend):
        if backend.name == "emulator":
            pytest.skip("MiniStack's listeners have one certificate; local/ adds the others")
        balancer = _with_quota(backend, 100)
        arn = "arn:aws:acm:af-south-1:093646564004:certificate/0a1b2c3d"
        assert not balancer.has_certificate(HOST, arn)
        for _ in range(2):
            balancer.attach_certificate(HOST, arn)
        assert balancer.has_certificate(HOST, arn)
        for _ in range(2):
            balancer.detach_certificate(HOST, arn)
        assert not balancer.has_certificate(HOST, arn)


def test_what_the_rule_of_a_suspended_site_answers(moto: Aws, release: ReleaseNames):
    """MiniStack by itself cannot read a page with markup back; local/emulator_listeners.py can."""
    balancer = Network(moto).adapter(moto)
    rule = balancer.create_rule(HOST, balancer.ensure_target_group(release, TAGS), TAGS)
    balancer.answer_rule(rule, PAGE)
    [stored] = moto.clients.elbv2.describe_rules(RuleArns=[rule.arn])["Rules"]
    [action] = stored["Actions"]
    assert action["Type"] == "fixed-response"
    assert action["FixedResponseConfig"] == {
        "StatusCode": "503",
        "ContentType": "text/html",
        "MessageBody": PAGE,
    }
    assert len(PAGE) <= LIMIT


class TestAtOnce:
    def test_rules_made_by_many_threads_have_priorities_of_their_own(
        self, aws: Aws, release: ReleaseNames
    ):
        balancer = Network(aws).adapter(aws)
        group = balancer.ensure_target_group(release, TAGS)
        hosts = [f"site-{number}.wp.kimmyai.io" for number in range(12)]
        with ThreadPoolExecutor(len(hosts)) as pool:
            made = list(pool.map(lambda host: balancer.create_rule(host, group, TAGS), hosts))
        standing = [balancer.find_rule(host) for host in hosts]
        assert [rule.host for rule in made] == hosts
        assert len({rule.priority for rule in standing if rule}) == len(hosts)

    def test_rules_that_want_the_same_priority_end_with_one_each(
        self, aws: Aws, release: ReleaseNames, monkeypatch: pytest.MonkeyPatch
    ):
        """The hosts' own starting points are taken away, so that all of them meet."""
        monkeypatch.setattr(
            listener_rules,
            "free_priority",
            lambda _, taken: next(n for n in range(1, 100) if n not in taken),
        )
        balancer = Network(aws).adapter(aws)
        group = balancer.ensure_target_group(release, TAGS)
        hosts = [f"site-{number}.wp.kimmyai.io" for number in range(6)]
        with ThreadPoolExecutor(len(hosts)) as pool:
            list(pool.map(lambda host: made_in_the_end(balancer, host, group), hosts))
        priorities = [rule.priority for host in hosts if (rule := balancer.find_rule(host))]
        assert len(set(priorities)) == len(hosts)


def made_in_the_end(balancer: ElbLoadBalancer, host: str, group: str) -> ListenerRule:
    """A lost race is a TransientError: the step comes again."""
    for _ in range(20):
        try:
            return balancer.create_rule(host, group, TAGS)
        except TransientError:
            continue
    raise AssertionError(f"{host} never got its rule.")


class TestQuota:
    def test_every_release_and_every_site_takes_a_rule(
        self, backend: Backend, release: ReleaseNames
    ):
        balancer = _with_quota(backend, 3)
        assert balancer.room(1) == Room(rules=3, target_groups=100)
        group = balancer.ensure_target_group(release, TAGS)
        balancer.create_rule(HOST, group, TAGS)
        assert balancer.room(1) == Room(rules=1, target_groups=99)

    def test_there_are_never_less_than_none(self, backend: Backend, release: ReleaseNames):
        balancer = _with_quota(backend, 0)
        balancer.create_rule(HOST, balancer.ensure_target_group(release, TAGS), TAGS)
        assert balancer.room(1).rules == 0

    def test_rules_of_the_load_balancer_s_other_listeners_count(self, aws: Aws):
        network = Network(aws)
        other = aws.clients.elbv2.create_listener(
            LoadBalancerArn=network.arn,
            Protocol="HTTP",
            Port=8080,
            DefaultActions=[
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
            ],
        )["Listeners"][0]["ListenerArn"]
        aws.clients.elbv2.create_rule(
            ListenerArn=other,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/health"]}],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
        )
        assert network.adapter(aws).room(1) == Room(rules=99, target_groups=100)

    def test_a_target_group_counts_once_wherever_it_is_named(self, moto: Aws):
        """Two rules lead to one group, a weighted one to two, the default action to another."""
        network = Network(moto)

        def leading(*arns: str, **rule: object) -> dict[str, object]:
            weighted = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": 1} for arn in arns]}
            return {"Actions": [{"Type": "forward", "ForwardConfig": weighted}], **rule}

        first = {"Actions": [{"Type": "forward", "TargetGroupArn": "arn:a"}]}
        pages = [[first, first], [leading("arn:a", "arn:b"), leading("arn:c", IsDefault=True)]]
        listener = {"Listeners": [{"ListenerArn": network.listener_arn}]}
        with Stubber(moto.clients.elbv2) as elb:
            elb.add_response("describe_listeners", listener)
            elb.add_response("describe_rules", {"Rules": pages[0], "NextMarker": "2"})
            elb.add_response("describe_rules", {"Rules": pages[1]})
            room = network.adapter(moto).room(1)
        assert room == Room(rules=97, target_groups=97)

    def test_each_level_has_its_own(self, moto: Aws, release: ReleaseNames):
        shared = Network(moto)
        shared.adapter(moto).ensure_target_group(release, TAGS)
        own = moto.clients.elbv2.create_load_balancer(
            Name="level2", Subnets=list(shared.place.subnet_ids), Scheme="internal"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        places = [shared.place, replace(shared.place, level=2, load_balancer_arn=own)]
        networks = SiteNetworks(MemorySites(World()), places)
        balancer = ElbLoadBalancer(clients=moto.clients, networks=networks)
        assert balancer.room(1).releases == 99
        assert balancer.room(2).releases == 100


def _with_quota(backend: Backend, quota: int) -> LoadBalancer:
    if isinstance(backend, Memory):
        backend.world.rule_quota = quota
        return MemoryLoadBalancer(backend.world)
    network = Network(backend)
    return ElbLoadBalancer(
        clients=backend.clients,
        networks=SiteNetworks(MemorySites(World()), [network.place]),
        rule_quota=quota,
    )


def test_the_address_has_host_and_port(balancer: LoadBalancer):
    host, _, port = balancer.address().rpartition(":")
    assert host
    assert port.isdigit()


class TestPreview:
    """What ECS and health checks need: a target group that a listener uses from the start."""

    def test_a_target_group_has_a_rule_of_its_own_for_its_whole_life(
        self, aws: Aws, release: ReleaseNames
    ):
        balancer = Network(aws).adapter(aws)
        group = balancer.ensure_target_group(release, TAGS)
        balancer.ensure_target_group(release, TAGS)
        rule = balancer.find_rule(preview_host(release))
        assert rule is not None
        assert rule.target_group_arn == group
        balancer.delete_target_group(release)
        assert balancer.find_rule(preview_host(release)) is None

    def test_its_health_is_checked_where_php_and_database_are_needed(
        self, aws: Aws, release: ReleaseNames
    ):
        group = Network(aws).adapter(aws).ensure_target_group(release, TAGS)
        [found] = aws.clients.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
        assert (found["TargetType"], found["HealthCheckPath"]) == ("ip", "/wp-login.php")


class TestPriorities:
    def test_two_hosts_start_at_different_places(self):
        assert free_priority("a.example", set()) != free_priority("b.example", set())

    def test_a_taken_priority_is_passed_over(self):
        first = free_priority(HOST, set())
        second = free_priority(HOST, {first})
        assert second == first % 50_000 + 1

    def test_a_full_listener_is_said_so(self):
        with pytest.raises(SitefleetError, match="taken"):
            free_priority(HOST, set(range(1, 50_001)))

    def test_a_priority_lost_three_times_is_tried_later(self, moto: Aws):
        rules = ListenerRules(clients=moto.clients, listener_arn="arn:listener")
        with Stubber(moto.clients.elbv2) as stub:
            for _ in range(3):
                stub.add_response("describe_rules", {"Rules": []})
                stub.add_client_error("create_rule", "PriorityInUse", http_status_code=400)
            with pytest.raises(TransientError, match=HOST):
                rules.create(HOST, "arn:group", [{"Key": "Name", "Value": HOST}])

    def test_whoever_sees_another_rule_with_its_priority_gives_way(self, moto: Aws):
        def rule(arn: str, host: str, priority: int) -> dict[str, object]:
            return {
                "RuleArn": arn,
                "Priority": str(priority),
                "Conditions": [{"Field": "host-header", "Values": [host]}],
                "Actions": [{"Type": "forward", "TargetGroupArn": "arn:group"}],
            }

        taken = free_priority(HOST, set())
        other = free_priority(f"{HOST}#0", {taken})
        rules = ListenerRules(clients=moto.clients, listener_arn="arn:listener")
        made, rival = rule("arn:a", HOST, taken), rule("arn:b", "rival.example", taken)
        moved = rule("arn:a", HOST, other)
        with Stubber(moto.clients.elbv2) as stub:
            stub.add_response("describe_rules", {"Rules": []})
            stub.add_response("create_rule", {"Rules": [made]})
            stub.add_response("describe_rules", {"Rules": [made, rival]})
            wanted = [{"RuleArn": "arn:a", "Priority": other}]
            stub.add_response("set_rule_priorities", {"Rules": [moved]}, {"RulePriorities": wanted})
            stub.add_response("describe_rules", {"Rules": [moved, rival]})
            found = rules.create(HOST, "arn:group", [{"Key": "Name", "Value": HOST}])
            stub.assert_no_pending_responses()
        assert found == ListenerRule(
            arn="arn:a", host=HOST, target_group_arn="arn:group", priority=other
        )

"""The front proxy's own answers, bodies in both directions, and the load balancer's metrics."""

import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from local_probes import eventually

from core.domain.suspended_page import PAGE
from local.localhost_names import browser_name, is_text
from local.routing import environment_of, matching_rule

pytestmark = pytest.mark.machine


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(" ".join(f"{k}={v}" for k, v in sorted(self.headers.items())).encode())

    def do_POST(self):
        self.reply(self.rfile.read(int(self.headers["Content-Length"])))

    def reply(self, body):
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def echo(maker, proxy):
    """A target that answers with what it got, at echo.wpsit.kimmyai.io."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    pieces = maker.pieces
    cloud, platform = pieces.clouds["sit"], pieces.platforms["sit"]
    group = cloud.elbv2.create_target_group(Name="echo", Protocol="HTTP", Port=80, TargetType="ip")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    cloud.elbv2.register_targets(
        TargetGroupArn=arn, Targets=[{"Id": "127.0.0.1", "Port": server.server_port}]
    )
    for name in ("echo", "norule"):
        record = {
            "Name": f"{name}.wpsit.kimmyai.io",
            "Type": "CNAME",
            "TTL": 60,
            "ResourceRecords": [{"Value": platform.load_balancer_dns}],
        }
        cloud.route53.change_resource_record_sets(
            HostedZoneId=platform.hosted_zone_id,
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        )
    for name in ("echo", "norecord"):
        cloud.elbv2.create_rule(
            ListenerArn=platform.listener_arn,
            Priority=len(name),
            Conditions=[{"Field": "host-header", "Values": [f"{name}.wpsit.kimmyai.io"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
    yield "echo.wpsit.kimmyai.io"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("host", "status", "sentence"),
    [
        ("nobody.example.org", 404, "belongs to no environment"),
        ("norecord.wpsit.kimmyai.io", 404, "has no record"),
        ("norule.wpsit.kimmyai.io", 404, "has no rule"),
        ("echo.wpdev.kimmyai.io", 404, "has no record"),
    ],
)
def test_what_leads_nowhere_is_answered_with_a_sentence(echo, proxy, host, status, sentence):
    page = proxy.get(host)
    assert (page.status, sentence in page.text) == (status, True)


def test_the_target_sees_the_public_host_and_that_tls_ended_before_it(echo, proxy):
    text = proxy.get(echo).text
    assert f"Host={echo}" in text
    assert "X-Forwarded-Proto=https" in text
    assert "X-Forwarded-For=127.0.0.1" in text


def test_a_client_cannot_claim_another_protocol(echo, proxy):
    assert "X-Forwarded-Proto=https" in proxy.get(echo, **{"X-Forwarded-Proto": "http"}).text


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_bodies_arrive_whole(echo, proxy, size):
    assert proxy.get(echo, "/", "POST", "x" * size).text == "x" * size


def test_a_chunked_body_arrives_whole(echo, proxy):
    assert proxy.get(echo, "/", "POST", iter([b"one", b"two"])).text == "onetwo"


def test_a_connection_serves_several_requests(echo, proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
    for _ in range(3):
        connection.request("GET", "/", headers={"Host": echo})
        assert connection.getresponse().read()
    connection.close()


def test_nonsense_is_a_bad_request(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_the_load_balancers_metrics_reach_cloudwatch(echo, proxy, pieces):
    assert proxy.get(echo, "/broken").status == 500
    cloud = pieces.clouds["sit"]

    def errors():
        proxy.traffic.publish(pieces.clouds)
        listed = cloud.cloudwatch.list_metrics(
            Namespace="AWS/ApplicationELB", MetricName="HTTPCode_Target_5XX_Count"
        )["Metrics"]
        return [{d["Name"]: d["Value"].split("/")[0] for d in m["Dimensions"]} for m in listed]

    eventually(lambda: {"LoadBalancer": "app", "TargetGroup": "targetgroup"} in errors())


def test_a_rule_that_answers_by_itself_is_answered_with_its_page(echo, proxy, pieces):
    cloud, platform = pieces.clouds["sit"], pieces.platforms["sit"]
    rules = cloud.elbv2.describe_rules(ListenerArn=platform.listener_arn)["Rules"]
    rule = matching_rule(rules, echo)
    response = {"StatusCode": "503", "ContentType": "text/html", "MessageBody": PAGE}
    cloud.elbv2.modify_rule(
        RuleArn=rule["RuleArn"],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": response}],
    )
    try:
        answer = proxy.get(echo)
        assert (answer.status, answer.text) == (503, PAGE)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    finally:
        cloud.elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=rule["Actions"])
    assert proxy.get(echo).status == 200


def test_rules_match_by_priority_and_pattern():
    def rule(priority, value, name):
        return {
            "Priority": priority,
            "RuleArn": name,
            "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": [value]}}],
        }

    rules = [
        {"Priority": "default", "RuleArn": "default", "Conditions": []},
        rule("20", "a.example.org", "late"),
        rule("3", "A.example.org", "early"),
        rule("1", "*.example.com", "wildcard"),
    ]
    assert matching_rule(rules, "a.example.org")["RuleArn"] == "early"
    assert matching_rule(rules, "b.example.com")["RuleArn"] == "wildcard"
    assert matching_rule(rules, "nobody.example.org") is None


def test_names():
    assert environment_of("a.wp.kimmyai.io") == "prod"
    assert environment_of("a.b.wp.kimmyai.io") is None
    assert browser_name("banana.wp.localhost:80").public_host == "banana.wp.kimmyai.io"
    assert browser_name("localhost:80") is None
    assert browser_name("banana.other.localhost") is None
    assert is_text("application/rss+xml; charset=UTF-8")
    assert not is_text("image/png")


def test_texts_are_rewritten_plain_escaped_and_encoded():
    name = browser_name("banana.wpdev.localhost:81")
    public = "banana.wpdev.kimmyai.io"
    text = f'https://{public}/a https:\\/\\/{public}\\/b https%3A%2F%2F{public}%2Fc "//{public}/d"'
    assert name.outgoing(text) == (
        "http://banana.wpdev.localhost:81/a http:\\/\\/banana.wpdev.localhost:81\\/b "
        'http%3A%2F%2Fbanana.wpdev.localhost%3A81%2Fc "//banana.wpdev.localhost:81/d"'
    )
    assert name.incoming("http://banana.wpdev.localhost:81/wp-admin/").startswith(
        f"https://{public}"
    )

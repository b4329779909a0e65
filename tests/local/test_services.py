"""ECS services become PHP containers behind the front proxy, with a real WordPress."""

import os
import signal
from pathlib import Path

import pytest
from local_probes import eventually, ticking

from core.adapters.aws.site_logs import PATTERN
from local.services import ServiceWatcher
from local.site_logs import SiteLogs

pytestmark = pytest.mark.machine
GROUP = "/aws/ecs/bbws-dev/sites"


@pytest.fixture(scope="module")
def watcher(pieces):
    cloud = pieces.clouds["dev"]
    cloud.logs.create_log_group(logGroupName=GROUP)
    site_logs = SiteLogs(cloud)
    running = ServiceWatcher(
        cloud, pieces.platforms["dev"].cluster, pieces.layout, pieces.processes, site_logs
    )
    with ticking(running), ticking(site_logs):
        yield running


@pytest.fixture(scope="module")
def banana(maker, watcher):
    release = maker.release("banana", 1, title="Banana one")
    maker.start(release)
    eventually(lambda: maker.healthy(release))
    return release, maker.publish(release, 10)


def leader_of(pieces, service):
    return next(r for r in pieces.processes.all() if service in r.name)


def test_the_front_page_is_the_site_with_https_links(banana, proxy):
    page = proxy.get("banana.wpdev.kimmyai.io")
    assert page.status == 200
    assert "<title>Banana one</title>" in page.text
    assert "https://banana.wpdev.kimmyai.io/wp-includes/" in page.text
    assert "http://banana.wpdev.kimmyai.io" not in page.text


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/wp-json/", 200, "application/json"),
        ("/wp-login.php", 200, "text/html"),
        ("/wp-sitemap.xml", 200, "application/xml"),
        ("/wp-includes/css/dist/block-library/style.min.css", 200, "text/css"),
        ("/wp-content/themes/twentytwentythree/style.css", 200, "text/css"),
        ("/hello-world/", 200, "text/html"),
        ("/no-such-page/", 404, "text/html"),
        ("/wp-config.php", 403, "text/html"),
        ("/.htaccess", 404, "text/html"),
        ("/wp-content/uploads/shell.php", 403, "text/html"),
    ],
)
def test_pages_files_and_refusals(banana, proxy, path, status, kind):
    page = proxy.get("banana.wpdev.kimmyai.io", path)
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (status, kind)


def test_the_administration_asks_for_a_login_over_https(banana, proxy):
    page = proxy.get("banana.wpdev.kimmyai.io", "/wp-admin/")
    assert page.status == 302
    assert page.headers["location"].startswith("https://banana.wpdev.kimmyai.io/wp-login.php")


def test_a_login_posts_a_form_and_gets_secure_cookies(banana, proxy):
    page = proxy.get(
        "banana.wpdev.kimmyai.io",
        "/wp-login.php",
        "POST",
        "log=site-admin&pwd=password&testcookie=1",
        **{
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": "wordpress_test_cookie=WP%20Cookie%20check",
        },
    )
    assert page.status == 302
    assert "/wp-admin/" in page.headers["location"]
    assert "secure" in page.headers["set-cookie"].lower()


def test_a_browser_sees_the_site_under_its_localhost_name(banana, proxy):
    page = proxy.get("banana.wpdev.localhost:PORT", **{"Accept-Encoding": "gzip"})
    local = f"http://banana.wpdev.localhost:{proxy.port}"
    assert page.status == 200
    assert f"{local}/wp-includes/" in page.text
    assert "banana.wpdev.kimmyai.io" not in page.text


def test_redirects_and_cookies_stay_on_the_localhost_name(banana, proxy):
    page = proxy.get("banana.wpdev.localhost:PORT", "/wp-admin/")
    local = f"http://banana.wpdev.localhost:{proxy.port}"
    assert page.headers["location"].startswith(f"{local}/wp-login.php?redirect_to=http%3A%2F%2F")
    login = proxy.get("banana.wpdev.localhost:PORT", "/wp-login.php")
    assert "secure" not in login.headers["set-cookie"].lower()


def test_what_a_container_prints_is_in_the_log_of_its_task_definition(banana, maker, pieces, proxy):
    release, _ = banana
    assert proxy.get("banana.wpdev.kimmyai.io", "/wp-login.php").status == 200
    logs = maker.cloud.logs

    def lines(**pattern):
        streams = logs.describe_log_streams(
            logGroupName=GROUP, logStreamNamePrefix="tenant-1-wordpress-banana/wordpress/"
        )["logStreams"]
        names = [stream["logStreamName"] for stream in streams]
        return logs.filter_log_events(logGroupName=GROUP, logStreamNames=names, **pattern)["events"]

    eventually(lambda: any("/wp-login.php" in line["message"] for line in lines()))
    mine = next(r for r in pieces.processes.all() if release.service in r.name)
    with Path(mine.log).open("a") as output:
        output.write("PHP Fatal error: first\nCRITICAL second\nhalf a line of CRITICAL")
    eventually(lambda: len(lines(filterPattern=PATTERN)) == 2)
    texts = [line["message"] for line in lines(filterPattern=PATTERN)]
    assert texts == ["PHP Fatal error: first", "CRITICAL second"]


def test_a_modified_rule_moves_the_very_next_request(banana, maker, proxy):
    first, rule = banana
    second = maker.release("banana", 2, title="Banana two")
    maker.start(second)
    eventually(lambda: maker.healthy(second))
    assert "Banana one" in proxy.get(first.host).text
    for _ in range(5):
        maker.point(rule, second)
        assert "Banana two" in proxy.get(first.host).text
        maker.point(rule, first)
        assert "Banana one" in proxy.get(first.host).text


def test_a_killed_container_is_replaced(banana, maker, pieces, proxy):
    release, _ = banana
    before = maker.healthy(release)
    os.killpg(leader_of(pieces, release.service).pid, signal.SIGKILL)
    eventually(lambda: maker.healthy(release) not in ([], before))
    assert proxy.get(release.host).status == 200


def test_scaling_up_and_to_nothing_and_deleting(maker, watcher, pieces, proxy):
    release = maker.release("cherry", 1, title="Cherry")
    maker.start(release)
    maker.publish(release, 20)
    eventually(lambda: len(maker.healthy(release)) == 1)
    change = maker.cloud.ecs.update_service
    cluster = maker.platform.cluster
    change(cluster=cluster, service=release.service, desiredCount=2)
    eventually(lambda: len(maker.healthy(release)) == 2)
    change(cluster=cluster, service=release.service, desiredCount=0)
    eventually(lambda: not maker.healthy(release))
    page = proxy.get(release.host)
    assert (page.status, "No container of cherry" in page.text) == (503, True)
    change(cluster=cluster, service=release.service, desiredCount=1)
    eventually(lambda: len(maker.healthy(release)) == 1)
    maker.cloud.ecs.delete_service(cluster=cluster, service=release.service, force=True)
    eventually(lambda: not maker.healthy(release))
    eventually(lambda: not any(release.service in r.name for r in pieces.processes.all()))


def test_a_new_task_definition_rolls_without_a_gap(banana, maker, proxy):
    release, _ = banana
    old = maker.cloud.ecs.describe_task_definition(taskDefinition=release.task_definition)
    definition = old["taskDefinition"]
    definition["containerDefinitions"][0]["environment"].append({"name": "NEW", "value": "1"})
    newer = maker.cloud.ecs.register_task_definition(
        family=definition["family"],
        networkMode="awsvpc",
        containerDefinitions=definition["containerDefinitions"],
        volumes=definition["volumes"],
    )["taskDefinition"]["taskDefinitionArn"]
    before = maker.healthy(release)
    maker.cloud.ecs.update_service(
        cluster=maker.platform.cluster, service=release.service, taskDefinition=newer
    )
    statuses = set()

    def replaced():
        statuses.add(proxy.get(release.host).status)
        return len(maker.healthy(release)) == 1 and maker.healthy(release) != before

    eventually(replaced)
    assert statuses == {200}


def test_a_service_whose_secret_is_missing_is_never_healthy(maker, watcher):
    release = maker.release("durian", 1, title="Durian")
    secret = "bbws/dev/durian-1/salts"
    maker.cloud.secretsmanager.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    maker.start(release)
    with pytest.raises(AssertionError):
        eventually(lambda: maker.healthy(release), seconds=3)
    maker.cloud.ecs.delete_service(
        cluster=maker.platform.cluster, service=release.service, force=True
    )

"""A site is created in dev and promoted to sit; a client hears of it and visits both."""

import json
import re
import time

import pytest

pytestmark = pytest.mark.machine
ENDS = (("dev", "SITE_CREATION_COMPLETE"), ("sit", "SITE_PROMOTION_COMPLETE"))


def run_of(story, environment):
    return story.created if environment == "dev" else story.promoted


@pytest.mark.parametrize(("environment", "event_type"), ENDS)
def test_a_subscribed_queue_hears_of_the_end_exactly_once(world, story, environment, event_type):
    run = run_of(story, environment)
    topic = world.completions[environment]
    topic.wait_for_operation(run.operation_id, event_type)
    time.sleep(2)
    heard = [n for n in topic.about(story.site_id) if n["operationId"] == run.operation_id]
    assert [n["body"]["eventType"] for n in heard] == [event_type]


@pytest.mark.parametrize(("environment", "event_type"), ENDS)
def test_the_notification_has_exactly_five_attributes(world, story, environment, event_type):
    run = run_of(story, environment)
    told = world.completions[environment].wait_for_operation(run.operation_id, event_type)
    assert told["MessageAttributes"] == {
        "eventType": {"Type": "String", "Value": event_type},
        "environment": {"Type": "String", "Value": environment},
        "tenantId": {"Type": "String", "Value": "tenant-1"},
        "severity": {"Type": "String", "Value": "info"},
        "outcome": {"Type": "String", "Value": "succeeded"},
    }


@pytest.mark.parametrize(("environment", "event_type"), ENDS)
def test_the_notification_says_what_where_and_how_long(world, story, environment, event_type):
    run = run_of(story, environment)
    body = world.completions[environment].wait_for_operation(run.operation_id, event_type)["body"]
    assert {"eventType", "eventId", "correlationId", "timestamp", "payload"} == set(body)
    assert body["correlationId"] == run.request["correlationId"]
    assert body["eventId"] == run.end["detail"]["metadata"]["eventId"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["timestamp"])
    payload = body["payload"]
    assert payload["siteId"] == story.site_id
    assert (payload["tenantId"], payload["environment"]) == ("tenant-1", environment)
    assert (payload["status"], payload["operationId"]) == ("COMPLETED", run.operation_id)
    assert payload["siteUrl"] == f"https://banana.wp{environment}.kimmyai.io"
    assert 1 < payload["durationSeconds"] < 300


def test_the_filter_policy_lets_nothing_else_through(world, story):
    """The promotion's start is announced too, but not to a queue that asked for completions."""
    started = world.notifications["sit"].wait_for(story.site_id, "SITE_PROMOTION_STARTED")
    assert started["MessageAttributes"]["outcome"]["Value"] == "started"
    heard = [json.loads(m["Body"]) for m in world.completions["sit"].messages]
    types = {n["MessageAttributes"]["eventType"]["Value"] for n in heard}
    assert types == {"SITE_PROMOTION_COMPLETE"}


@pytest.mark.parametrize("environment", ["dev", "sit"])
def test_the_site_answers_under_its_own_name(story, environment):
    pages = getattr(story, environment)
    origin = f"https://banana.wp{environment}.kimmyai.io"
    assert {path: page.status for path, page in pages.items()} == dict.fromkeys(pages, 200)
    assert re.search("Banana bread &(amp|#038); more", pages["/"].text)
    assert "First article" in pages["/"].text
    assert origin in pages["/"].text
    rest = pages["/wp-json/"].json
    assert (rest["url"], rest["home"], rest["name"]) == (origin, origin, "Banana bread &amp; more")
    assert f"<loc>{origin}/wp-sitemap-posts-post-1.xml</loc>" in pages["/wp-sitemap.xml"].text
    assert f"<loc>{origin}/first-article/</loc>" in pages["/wp-sitemap-posts-post-1.xml"].text
    canonical = f'<link rel="canonical" href="{origin}/sample-page/" />'
    assert canonical in pages["/sample-page/"].text


def test_sit_holds_no_trace_of_the_host_in_dev(story):
    traces = [path for path, page in story.sit.items() if "wpdev" in page.everything.lower()]
    assert traces == []


def test_the_content_of_dev_is_in_sit(world, story):
    """The article's text, its link and its picture; only wp_posts.guid keeps the old name."""
    articles = world.browser.get(story.promoted.url, "/wp-json/wp/v2/posts").json
    article = next(a for a in articles if a["slug"] == "first-article")
    picture = story.picture.replace("wpdev", "wpsit")
    assert picture in article["content"]["rendered"]
    assert "🍰" in article["content"]["rendered"]
    article.pop("guid")
    assert "wpdev" not in json.dumps(article)
    path = picture.removeprefix(story.promoted.url)
    answers = [world.browser.get(run.url, path) for run in (story.created, story.promoted)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body


def test_a_name_that_nobody_has_is_not_answered_by_a_site(world, story):
    assert world.browser.get("https://no-such-site.wpsit.kimmyai.io").status == 404


def test_a_clone_has_its_own_urls_and_the_same_content(world, story, clone):
    assert clone.status == "COMPLETED"
    assert clone.url == "https://banana-copy.wpdev.kimmyai.io"
    pages = {path: world.browser.get(clone.url, path) for path in story.dev}
    assert {path: page.status for path, page in pages.items()} == dict.fromkeys(pages, 200)
    assert [p for p, page in pages.items() if "banana.wpdev" in page.everything] == []
    assert "First article" in pages["/"].text
    assert pages["/wp-json/"].json["url"] == clone.url
    copied = world.browser.get(clone.url, story.picture.removeprefix(story.created.url))
    assert (copied.status, copied.body[:4]) == (200, b"\x89PNG")
    original = world.browser.get(story.created.url, "/wp-json/").json["url"]
    assert original == story.created.url

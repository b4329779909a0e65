"""A live site is changed: what visitors read meanwhile, and what is left behind."""

import pytest

from tests.acceptance.updates import ORIGINS

pytestmark = pytest.mark.machine


def test_a_suspended_site_answers_503_with_a_page_and_has_no_container(changes):
    assert changes.suspended.status == "COMPLETED"
    page = changes.page_of_suspended
    assert page.status == 503
    assert "<h1>This site is suspended</h1>" in page.text
    assert changes.containers_of_suspended == [0]


def test_an_activated_site_is_there_again_with_everything(changes):
    assert changes.activated.status == "COMPLETED"
    assert changes.page_of_activated.status == 200
    assert "The cherry shop" in changes.page_of_activated.text


def test_another_image_and_more_containers_replace_the_former_ones(changes):
    assert changes.renewed.status == "COMPLETED"
    [service] = changes.services
    assert service["desiredCount"] == 2
    site, release, *_ = changes.records
    assert (site["version"], site["desiredCount"]) == ("5", "2")
    assert [image.partition("@")[2] for image in changes.images] == [release["imageDigest"]]
    assert changes.page_of_renewed.status == 200


def test_visitors_saw_no_error_while_the_containers_were_replaced(changes):
    pages = [page for visits in changes.visits for page in visits.pages]
    assert [error for visits in changes.visits for error in visits.errors] == []
    assert {page.status for page in pages} == {200}


def test_an_image_that_does_not_become_healthy_is_taken_back(changes):
    """The containers of the former image served all the while, and no trial is left."""
    error = changes.crashed.data["error"]
    assert (changes.crashed.status, error["code"]) == ("FAILED", "SYS_001")
    assert "do not become healthy" in error["message"]
    assert len(changes.services) == len(changes.images) == 1


def test_an_image_that_is_not_offered_changes_nothing(changes):
    assert changes.refused.status == "FAILED"
    error = changes.refused.data["error"]
    assert error["code"] == "SITE_002"
    assert "no-such-image" in error["message"]
    assert changes.records[0]["version"] == "5"


def test_a_site_moves_to_the_domain_of_its_customer(changes):
    assert (changes.moved.status, changes.moved.url) == ("COMPLETED", ORIGINS[0])
    apex, twin, platform = changes.pages_of_moved.values()
    assert apex.status == 200
    assert ORIGINS[0] in apex.text
    assert "wpdev" not in apex.everything
    for page in (twin, platform):
        assert (page.status in {200, 301}, ORIGINS[0] in page.everything) == (True, True)

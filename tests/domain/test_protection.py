"""Which tables and folders a promotion leaves alone: policy and request, expanded."""

import pytest

from core.domain.errors import RefusedError
from core.domain.promotion_policy import ProtectionPolicy
from core.domain.protection import matches, protection_of, within
from events.payloads import SitePromotionPayload

POLICY = ProtectionPolicy(
    tables=("users", "forms", "bookings"),
    folders=("uploads/invoices",),
    groups={"users": ("users", "usermeta"), "forms": ("gf_entry*",), "orders": ("wc_orders*",)},
)


def payload(**fields) -> SitePromotionPayload:
    return SitePromotionPayload.model_validate(
        {
            "siteId": "site-a", "tenantId": "tenant-1", "sourceEnvironment": "dev",
            "targetEnvironment": "sit",
        } | fields
    )  # fmt: skip


def protection(*, has_live_release: bool = True, **fields):
    return protection_of(POLICY, payload(**fields), has_live_release=has_live_release)


def test_groups_stand_for_their_patterns_and_other_names_for_themselves():
    assert protection().tables == ("users", "usermeta", "gf_entry*", "bookings")


def test_the_request_protects_beyond_the_policy():
    found = protection(
        protect={"tables": ["orders", "users"], "folders": ["uploads/own"], "options": ["x_key"]}
    )
    assert found.tables == ("users", "usermeta", "gf_entry*", "bookings", "wc_orders*")
    assert found.folders == ("uploads/invoices", "uploads/own")
    assert found.kept_options(["admin_email", "x_key"]) == ("admin_email", "x_key")


def test_everything_travels_unless_a_part_is_selected():
    assert protection().travelling_tables is None
    assert not protection().carries_missing_tables
    part = protection(selection={"database": ["posts", "orders"], "content": ["themes"]})
    assert part.travelling_tables == ("posts", "wc_orders*")
    assert part.travelling_folders == ("themes",)
    assert part.carries_missing_tables


def test_nothing_is_protected_without_a_promotion():
    assert protection_of(POLICY, None, has_live_release=True).tables == ()


@pytest.mark.parametrize(
    ("selection", "field"),
    [
        ({"database": ["posts"]}, "selection.database"),
        ({"content": ["themes"]}, "selection.content"),
    ],
)
def test_a_part_needs_a_live_release_for_the_rest(selection, field):
    with pytest.raises(RefusedError, match="no live release") as caught:
        protection(has_live_release=False, selection=selection)
    assert caught.value.code == "SITE_001"
    assert list(caught.value.details) == [field]


@pytest.mark.parametrize(
    "selection",
    [
        {"database": ["users"]},
        {"database": ["posts", "wp_usermeta"]},
        {"database": ["wp_gf_entry_meta"]},
        {"content": ["uploads/invoices/2026"]},
    ],
)
def test_selecting_what_is_protected_is_refused(selection):
    with pytest.raises(RefusedError, match="Nothing of it would travel"):
        protection(selection=selection)


def test_the_first_promotion_brings_what_would_be_protected():
    found = protection(has_live_release=False)
    assert found.travelling_tables is None


@pytest.mark.parametrize(
    ("table", "pattern", "fits"),
    [
        ("wp_users", "users", True),
        ("wp_users", "wp_users", True),
        ("wp_users", "user", False),
        ("wp_users2", "users", False),
        ("wp_wc_orders_meta", "wc_orders*", True),
        ("wp_my_wc_orders", "wc_orders*", False),
        ("bookings", "bookings", True),
        ("WP_USERS", "users", False),
    ],
)
def test_a_pattern_fits_a_whole_name_or_what_follows_the_prefix(table, pattern, fits):
    assert matches(table, [pattern], "wp_") is fits


def test_a_folder_holds_what_lies_in_it_and_not_its_namesakes():
    assert within("uploads/invoices/a.pdf", ["uploads/invoices"])
    assert within("uploads/invoices", ["uploads/invoices"])
    assert not within("uploads/invoices-old/a.pdf", ["uploads/invoices"])

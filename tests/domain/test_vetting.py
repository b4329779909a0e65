"""Vetting: pure rules over the catalogue's items."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.catalogue import Package, Plugin, PluginVersion, Vulnerability
from core.domain.errors import RefusedError
from core.domain.versions import Version
from core.domain.vetting import (
    FORBIDDEN_OPTIONS,
    Surroundings,
    choose,
    require_no_conflict,
    require_settable,
)
from events.payloads import PluginRef

PACKAGE = Package(key="plugins/x.zip", sha256="a" * 64)
PARTS = st.lists(
    st.one_of(st.integers(0, 30).map(str), st.sampled_from(["beta", "rc1", "alpha", "dev", "a2"])),
    min_size=1,
    max_size=4,
)
VERSIONS = st.tuples(st.integers(0, 9).map(str), PARTS).map(lambda v: ".".join([v[0], *v[1]]))
PLAIN = st.lists(st.integers(0, 20), min_size=1, max_size=3).map(lambda p: ".".join(map(str, p)))


def plugin(*versions: str, **fields: object) -> Plugin:
    releases = tuple(PluginVersion(version=v, package=PACKAGE) for v in versions)
    return Plugin(slug="x", versions=releases, **fields)


@given(st.lists(st.tuples(VERSIONS, VERSIONS), min_size=30, max_size=30))
@settings(max_examples=5, deadline=None)
def test_versions_are_ordered_as_php_orders_them(pairs):
    """WordPress itself compares with version_compare: another order would vet another version."""
    listed = ",".join(f"version_compare('{one}', '{other}')" for one, other in pairs)
    done = subprocess.run(
        ["php", "-n", "-r", f"echo json_encode([{listed}]);"], capture_output=True, check=True
    )
    expected = [int(part) for part in done.stdout.decode().strip("[]").split(",")]
    ours = [(Version(a) > Version(b)) - (Version(a) < Version(b)) for a, b in pairs]
    assert ours == expected


@given(st.lists(PLAIN, min_size=1, max_size=6, unique=True), PLAIN, st.booleans())
def test_what_is_chosen_is_never_vulnerable_and_nothing_newer_was_safe(versions, fixed, beginning):
    weakness = Vulnerability(
        identifier="CVE-1", introduced_in=None if beginning else "3", fixed_in=fixed
    )
    known = plugin(*versions, vulnerabilities=(weakness,))
    safe = [version for version in versions if not weakness.affects(version)]
    if not safe:
        with pytest.raises(RefusedError) as refused:
            choose(PluginRef(slug="x"), known, Surroundings())
        assert refused.value.code == "PLUG_003"
        return
    chosen = choose(PluginRef(slug="x"), known, Surroundings()).release.version
    assert chosen in safe
    assert all(Version(other) <= Version(chosen) for other in safe)


@given(PLAIN, PLAIN)
def test_a_named_version_is_kept_or_refused_never_exchanged(wanted, fixed):
    known = plugin(wanted, "99", vulnerabilities=(Vulnerability(identifier="C", fixed_in=fixed),))
    ask = PluginRef(slug="x", version=wanted)
    if Version(wanted) < Version(fixed):
        with pytest.raises(RefusedError, match=r"known vulnerabilities: C\. Ask for 99"):
            choose(ask, known, Surroundings())
    else:
        assert choose(ask, known, Surroundings()).release.version == wanted


SLUGS = ("a", "b", "c", "d")
MAPPING = st.fixed_dictionaries({s: st.sets(st.sampled_from(SLUGS), max_size=2) for s in SLUGS})


@given(MAPPING, st.sets(st.sampled_from(SLUGS)), st.sets(st.sampled_from(SLUGS)))
def test_a_conflict_is_found_whichever_side_tells_it(conflicts, arriving, present):
    catalogue = {s: Plugin(slug=s, conflicts=tuple(c)) for s, c in conflicts.items()}
    pairs = {frozenset((one, two)) for one, others in conflicts.items() for two in others}
    clash = any(
        one != two and frozenset((one, two)) in pairs
        for one in arriving
        for two in arriving | present
    )
    if not clash:
        require_no_conflict(arriving, present, catalogue)
        return
    with pytest.raises(RefusedError) as refused:
        require_no_conflict(arriving, present, catalogue)
    assert refused.value.code == "PLUG_004"


def test_what_stands_on_the_site_already_is_not_judged_again():
    pair = {"a": Plugin(slug="a", conflicts=("b",)), "b": None, "c": Plugin(slug="c")}
    require_no_conflict({"c"}, {"a", "b"}, pair)


def test_a_version_for_a_newer_php_is_passed_over_and_the_refusal_says_what_is_needed():
    old = PluginVersion(version="1.0", package=PACKAGE, minimum_php="8.0")
    new = PluginVersion(version="2.0", package=PACKAGE, minimum_php="8.4")
    known = Plugin(slug="x", versions=(old, new))
    around = Surroundings(php="8.2.12")
    assert choose(PluginRef(slug="x"), known, around).release.version == "1.0"
    with pytest.raises(RefusedError, match=r"x 2\.0 needs PHP 8\.4 or newer, and this is PHP 8"):
        choose(PluginRef(slug="x", version="2.0"), known, around)
    with pytest.raises(RefusedError, match="no other version of it fits"):
        choose(PluginRef(slug="x"), Plugin(slug="x", versions=(new,)), around)


@pytest.mark.parametrize("name", [*sorted(FORBIDDEN_OPTIONS), "wp_user_roles", "blog7_user_roles"])
def test_options_that_would_move_the_site_or_hand_it_over_are_refused(name):
    with pytest.raises(RefusedError, match=name):
        require_settable({"harmless", name}, "The configuration of x")


def test_options_of_a_plugin_may_be_set():
    require_settable({"notice_banner_text", "home_page_title"}, "The configuration of x")

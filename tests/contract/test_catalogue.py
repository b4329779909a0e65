"""Catalogue: templates and plugins, read only."""

from __future__ import annotations

import pytest

from core.adapters.aws.catalogue import DynamoCatalogue, item_of
from core.adapters.memory.catalogue import MemoryCatalogue
from core.domain.catalogue import (
    IncludedPlugin,
    Package,
    Plugin,
    PluginVersion,
    Template,
    Vulnerability,
)
from core.domain.errors import ConfigurationError
from core.ports.catalogue import Catalogue
from tests.contract.backends import Backend, Memory

PACKAGE = Package(key="plugins/banner-1.2.0.zip", sha256="a" * 64)
BANNER = Plugin(
    slug="banner",
    versions=(
        PluginVersion(version="1.2.0", package=PACKAGE, minimum_wordpress="6.0", minimum_php="8.1"),
    ),
    vulnerabilities=(Vulnerability(identifier="CVE-1", fixed_in="1.1.0"),),
    conflicts=("ribbon",),
)
BLOCKED = Plugin(slug="miner", blocklisted="it uses visitors' processors")
STARTER = Template(
    template_id="Starter_1",
    theme="starter",
    plugins=(IncludedPlugin(slug="banner"),),
    package=Package(key="templates/starter.zip", sha256="b" * 64),
    minimum_wordpress="6.1",
    options={"blogdescription": "New", "posts_per_page": 5, "comment_registration": True},
)


@pytest.fixture
def catalogue(backend: Backend) -> Catalogue:
    if isinstance(backend, Memory):
        backend.world.plugins.update({"banner": BANNER, "miner": BLOCKED})
        backend.world.templates["Starter_1"] = STARTER
        return MemoryCatalogue(backend.world)
    table = backend.make_table("sites")
    for entry in (BANNER, BLOCKED, STARTER):
        item = {**item_of(entry), "addedBy": {"S": "the plugins service"}}
        backend.clients.dynamodb.put_item(TableName=table, Item=item)
    return DynamoCatalogue(backend.clients.dynamodb, table_name=table, bucket="bbws-templates-prod")


def test_a_plugin_is_read_with_all_that_is_known_of_it(catalogue: Catalogue):
    assert catalogue.plugin("banner") == BANNER
    assert catalogue.plugin("miner") == BLOCKED


def test_a_template_is_read_with_all_it_brings(catalogue: Catalogue):
    assert catalogue.template("Starter_1") == STARTER


def test_what_nobody_has_vetted_is_none(catalogue: Catalogue):
    assert catalogue.plugin("unknown") is None
    assert catalogue.template("unknown") is None


def test_a_package_lies_in_the_templates_bucket(catalogue: Catalogue):
    location = catalogue.location(PACKAGE)
    assert (location.bucket, location.key) == ("bbws-templates-prod", PACKAGE.key)


def test_an_item_that_is_wrong_is_named(aws: Backend):
    assert not isinstance(aws, Memory)
    table = aws.make_table("sites")
    item = {"PK": {"S": "PLUGIN#x"}, "SK": {"S": "METADATA"}, "slug": {"S": "../x"}}
    aws.clients.dynamodb.put_item(TableName=table, Item=item)
    with pytest.raises(ConfigurationError, match=r"PLUGIN#x .* is wrong: slug"):
        DynamoCatalogue(aws.clients.dynamodb, table_name=table, bucket="b").plugin("x")

"""The payload of each request, and the rules that a payload alone can tell.

A rule that needs the world (does the site exist, is the path allowed) is the domain's.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from events.formats import (
    BackupId,
    Domain,
    Environment,
    ExtensionVersion,
    Folder,
    HumanText,
    ImageTag,
    OperationId,
    OptionName,
    PluginSlug,
    ProductVersion,
    SiteId,
    SiteName,
    Subdomain,
    TableName,
    TemplateId,
    TenantId,
    ThemeSlug,
    TicketId,
    WireModel,
)
from events.vocabulary import SiteStatus

_LIST: Final = 500
"""The most entries a list of a request may have."""


def needs(field: str, sentence: str) -> PydanticCustomError:
    """A cross-field rule that is not met, told on the field that the sender has to give."""
    return PydanticCustomError("needs", "{problem}", {"problem": sentence, "field": field})


class Payload(WireModel):
    """Base of all payloads."""


class SitePayload(Payload):
    """A payload that names its site."""

    site_id: SiteId
    tenant_id: TenantId


# --- creation and update -------------------------------------------------------------------


class PluginRef(WireModel):
    """A plugin, and which version of it (default: the newest that passes vetting)."""

    slug: PluginSlug
    version: ExtensionVersion | None = None


def _plugin_from_slug(value: object) -> object:
    return {"slug": value} if isinstance(value, str) else value


Plugin = Annotated[
    PluginRef,
    BeforeValidator(_plugin_from_slug, json_schema_input_type=PluginSlug | PluginRef),
]
"""`"woocommerce"` is short for `{"slug": "woocommerce"}`."""
Plugins = Annotated[tuple[Plugin, ...], Field(max_length=_LIST)]
Slugs = Annotated[tuple[PluginSlug, ...], Field(max_length=_LIST)]
OptionValues = Annotated[dict[OptionName, JsonValue], Field(min_length=1, max_length=_LIST)]


class SiteConfiguration(WireModel):
    """What a site is made of; what is left out comes from the template or the defaults."""

    wordpress_version: ProductVersion | None = None
    php_version: ProductVersion | None = None
    plugins: Plugins | None = None
    theme: ThemeSlug | None = None


class SiteCreationPayload(SitePayload):
    """A site to make."""

    site_name: SiteName
    subdomain: Subdomain
    environment: Environment
    template_id: TemplateId | None = None
    isolation_level: Annotated[StrictInt, Field(ge=1, le=3)] | None = Field(
        None, description="1, 2 or 3; the tenant's tier decides when it is left out."
    )
    configuration: SiteConfiguration = Field(default_factory=SiteConfiguration)
    clone_from: SiteId | None = Field(None, description="A site of the same tenant to copy.")


class PluginChanges(WireModel):
    """Changes to plugins: what goes is uninstalled first, then the fields in this order."""

    install: Plugins = ()
    update: Plugins = ()
    configure: Annotated[dict[PluginSlug, OptionValues], Field(max_length=_LIST)] = Field(
        default_factory=dict, description="Per plugin, the options to set, as JSON data."
    )
    enable: Slugs = ()
    disable: Slugs = ()
    uninstall: Slugs = ()


class Scale(WireModel):
    """The size of the running site; what is left out stays."""

    desired_count: Annotated[StrictInt, Field(ge=1, le=50)] | None = None
    cpu_units: Annotated[StrictInt, Field(ge=256, le=16384)] | None = None
    memory_mib: Annotated[StrictInt, Field(ge=512, le=122880)] | None = None


class SiteChanges(WireModel):
    """What to change; at least one of these says something."""

    configuration: SiteConfiguration | None = None
    domain: Domain | None = None
    template_id: TemplateId | None = None
    plugins: PluginChanges | None = None
    theme: ThemeSlug | None = None
    image_tag: ImageTag | None = None
    scale: Scale | None = None
    status: Literal[SiteStatus.SUSPENDED, SiteStatus.ACTIVE] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not any(_says_something(part) for _, part in self):
            raise needs("", "an update needs at least one change")
        return self


def _says_something(part: object) -> bool:
    return part != type(part)() if isinstance(part, WireModel) else part is not None


class Override(WireModel):
    """Why a read-only production site has to change all the same; needs approval."""

    reason: HumanText


class SiteUpdatePayload(SitePayload):
    """Changes to a site."""

    changes: SiteChanges
    expected_version: Annotated[StrictInt, Field(ge=0, le=2**53)] | None = Field(
        None, description="The site record's version that the sender has seen."
    )
    override: Override | None = None


# --- deletion and restore ------------------------------------------------------------------


class SiteDeletionPayload(SitePayload):
    """A site to delete, softly, after its backup is proved."""

    reason: HumanText
    retain_backup: StrictBool = True


class SiteRestorePayload(SitePayload):
    """A deleted or damaged site to build anew from a backup."""

    backup_id: BackupId


# --- promotion -----------------------------------------------------------------------------

Tables = Annotated[tuple[TableName, ...], Field(min_length=1, max_length=_LIST)]
Folders = Annotated[tuple[Folder, ...], Field(min_length=1, max_length=_LIST)]


def _all_or_list(value: object) -> str:
    return "list" if isinstance(value, list | tuple) else "all"


class Selection(WireModel):
    """Which part of the source travels: everything, or the tables and folders named."""

    database: Annotated[
        Annotated[Literal["all"], Tag("all")] | Annotated[Tables, Tag("list")],
        Discriminator(_all_or_list),
    ] = "all"
    content: Annotated[
        Annotated[Literal["all"], Tag("all")] | Annotated[Folders, Tag("list")],
        Discriminator(_all_or_list),
    ] = "all"


class Protection(WireModel):
    """What of the live target is carried over, beyond what the policy protects."""

    tables: Annotated[tuple[TableName, ...], Field(max_length=_LIST)] = ()
    options: Annotated[tuple[OptionName, ...], Field(max_length=_LIST)] = ()
    folders: Annotated[tuple[Folder, ...], Field(max_length=_LIST)] = ()


class Emergency(WireModel):
    """The incident that makes a promotion urgent."""

    incident_id: TicketId


class SiteCheckPayload(SitePayload):
    """A live site to look at."""

    promotion_id: OperationId | None = Field(
        None, description="The promotion after which the fleet looks again by itself."
    )
    after_hours: Annotated[float, Field(ge=0, le=720)] | None = None


class SitePromotionPayload(SitePayload):
    """A site to promote; whether the path is allowed is the domain's rule (SITE_006)."""

    source_environment: Environment
    target_environment: Environment
    change_ticket: TicketId | None = Field(None, description="Required when the target is prod.")
    dry_run: StrictBool = False
    selection: Selection = Field(default_factory=Selection)
    protect: Protection = Field(default_factory=Protection)
    emergency: Emergency | None = None

    @model_validator(mode="after")
    def _prod_has_a_ticket(self) -> Self:
        if self.target_environment is Environment.PROD and self.change_ticket is None:
            raise needs("changeTicket", "a promotion to prod needs a change ticket")
        return self

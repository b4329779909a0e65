"""Every error code the fleet gives, in one table.

What it means, whether the fleet tries again by itself, and what the reader can do;
docs/reference/error-codes.md is generated from here.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class ErrorCode(StrEnum):
    """A code of the platform's public design 2.6; the name is the wire value."""

    SITE_001 = "SITE_001"
    SITE_002 = "SITE_002"
    SITE_003 = "SITE_003"
    SITE_004 = "SITE_004"
    SITE_005 = "SITE_005"
    SITE_006 = "SITE_006"
    TEMP_001 = "TEMP_001"
    TEMP_002 = "TEMP_002"
    PLUG_001 = "PLUG_001"
    PLUG_002 = "PLUG_002"
    PLUG_003 = "PLUG_003"
    PLUG_004 = "PLUG_004"
    WP_001 = "WP_001"
    WP_002 = "WP_002"
    SYS_001 = "SYS_001"
    PROM_001 = "PROM_001"
    PROM_002 = "PROM_002"
    PROM_003 = "PROM_003"
    PROM_004 = "PROM_004"
    PROM_005 = "PROM_005"

    @property
    def meaning(self) -> str:
        """What went wrong, as a sentence."""
        return ERROR_CODES[self].meaning

    @property
    def retryable(self) -> bool:
        """True when the fleet itself tries the step again before it gives up."""
        return ERROR_CODES[self].retryable

    @property
    def suggestion(self) -> str:
        """What the reader can do, when the failure says nothing more exact."""
        return ERROR_CODES[self].suggestion


class ErrorCodeEntry(NamedTuple):
    """One row of the table."""

    meaning: str
    suggestion: str
    retryable: bool = False


ERROR_CODES: Final[Mapping[ErrorCode, ErrorCodeEntry]] = MappingProxyType(
    {
        ErrorCode.SITE_001: ErrorCodeEntry(
            "The request is not valid.",
            "Correct the fields that are named and send the request again.",
        ),
        ErrorCode.SITE_002: ErrorCodeEntry(
            "The site, operation, release or backup does not exist here.",
            "Check the id, the tenant and the environment of the queue it was sent to.",
        ),
        ErrorCode.SITE_003: ErrorCodeEntry(
            "The subdomain is taken.",
            "Choose another subdomain, or delete the site that holds it.",
        ),
        ErrorCode.SITE_004: ErrorCodeEntry(
            "The tenant has used up its quota of sites.",
            "Raise the tenant's quota or delete a site, then send the request again.",
        ),
        ErrorCode.SITE_005: ErrorCodeEntry(
            "The site's status does not allow this change.",
            "Look at the site's status; wait for the running operation or undo the suspension.",
        ),
        ErrorCode.SITE_006: ErrorCodeEntry(
            "The promotion path is not allowed.",
            "Promote dev to sit, then sit to prod; nothing is promoted out of prod.",
        ),
        ErrorCode.TEMP_001: ErrorCodeEntry(
            "The template does not exist.", "Check the templateId against the template list."
        ),
        ErrorCode.TEMP_002: ErrorCodeEntry(
            "The template does not fit this WordPress or PHP version.",
            "Choose a template made for the site's versions, or change the versions.",
        ),
        ErrorCode.PLUG_001: ErrorCodeEntry(
            "The plugin does not exist.", "Check the plugin's slug and version."
        ),
        ErrorCode.PLUG_002: ErrorCodeEntry(
            "The plugin is on the blocklist.", "Choose another plugin; the list is policy."
        ),
        ErrorCode.PLUG_003: ErrorCodeEntry(
            "The plugin version has a known vulnerability.",
            "Ask for a version in which it is fixed.",
        ),
        ErrorCode.PLUG_004: ErrorCodeEntry(
            "The plugin conflicts with another one.",
            "Disable or uninstall the other plugin first.",
        ),
        ErrorCode.WP_001: ErrorCodeEntry(
            "WordPress answered with an error.",
            "It was tried several times; look at the site's own log, then retry the operation.",
            retryable=True,
        ),
        ErrorCode.WP_002: ErrorCodeEntry(
            "WordPress did not answer in time.",
            "It was tried several times; check that the site is up, then retry the operation.",
            retryable=True,
        ),
        ErrorCode.SYS_001: ErrorCodeEntry(
            "Something inside the fleet or in AWS failed.",
            "It was tried several times; look at the step's evidence, then retry the operation.",
            retryable=True,
        ),
        ErrorCode.PROM_001: ErrorCodeEntry(
            "A promotion is already running on this site.",
            "Wait until it has ended, or cancel it.",
        ),
        ErrorCode.PROM_002: ErrorCodeEntry(
            "A promotion gate is not satisfied.",
            "Look at the gate's evidence, repair the cause, and ask for the promotion again.",
        ),
        ErrorCode.PROM_003: ErrorCodeEntry(
            "The approval was refused or has expired.",
            "Settle the reason with the approver and ask for the promotion again.",
        ),
        ErrorCode.PROM_004: ErrorCodeEntry(
            "The promotion took longer than its deadline.",
            "Look at the step it stands at and what that waits for; then retry it, or cancel it.",
        ),
        ErrorCode.PROM_005: ErrorCodeEntry(
            "The tenant's state does not allow a promotion.",
            "Bring the tenant to an active state, then ask for the promotion again.",
        ),
    }
)

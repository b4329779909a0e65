"""Options that look like keys bound to a domain: names only, no value ever leaves the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.databases import quoted, rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from migrator.databases import Connection

_NAMES = (
    "recaptcha|hcaptcha|turnstile|captcha.*key|site_?key|secret_?key|api_?key|license_?key"
    "|client_?(id|secret)|maps.*key|(publishable|merchant)_?key"
)
"""As plugins call them: the key belongs to the domain it was issued for."""
_VALUES = "(^|[^A-Za-z0-9_-])6L[A-Za-z0-9_-]{38}($|[^A-Za-z0-9_-])"
"""A reCAPTCHA key, wherever a plugin keeps it (wpcf7 has it within a serialized array)."""


def domain_bound_options(
    connection: Connection, schema: str, prefix: str, kept: Collection[str] = ()
) -> list[str]:
    """Return the names of such options that are not among the kept ones; transients are left out.

    A key whose value is empty is none.
    """
    found = rows(
        connection,
        f"SELECT option_name FROM {quoted(schema)}.{quoted(prefix + 'options')} "  # noqa: S608 - quoted
        "WHERE option_value <> '' AND option_name NOT LIKE %s AND option_name NOT LIKE %s "
        "AND (LOWER(option_name) REGEXP %s OR option_value REGEXP %s) ORDER BY option_name",
        r"\_transient\_%",
        r"\_site\_transient\_%",
        _NAMES,
        _VALUES,
    )
    return [str(name) for (name,) in found if name not in kept]

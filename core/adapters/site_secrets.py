"""What the secrets of a site consist of; the same in Secrets Manager and in its memory twin."""

from __future__ import annotations

from typing import Final

ADMIN_USER: Final = "site-admin"
"""User name of the WordPress administrator that the platform keeps for itself."""

SALT_NAMES: Final = (
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
)
"""The eight constants of wp-config.php."""

SALT_LENGTH: Final = 64
"""As long as the ones that WordPress generates."""

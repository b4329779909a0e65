"""Accounts: whose credentials these are."""

from __future__ import annotations

from core.adapters.aws.accounts import StsAccounts
from core.adapters.memory.accounts import MemoryAccounts
from tests.contract.backends import Backend, Memory


def test_the_account_is_the_credentials(backend: Backend):
    if isinstance(backend, Memory):
        assert MemoryAccounts(backend.world).current() == "093646564004"
    else:
        assert StsAccounts(clients=backend.clients).current() == backend.account_id


def test_the_sources_clients_are_in_the_sources_account(aws: Backend):
    clients = aws.source_account().clients("operation-1")
    assert StsAccounts(clients=clients).current() == aws.source_account_id

"""The base of all policy data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PolicyModel(BaseModel):
    """Base of policy data: frozen, unknown keys refused (a misspelt key must not be ignored)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Seconds = Annotated[int, Field(ge=0)]

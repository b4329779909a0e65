"""The base of all policy data."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_SECONDS: Final = 10 * 365 * 86_400
"""Ten years. A duration of a policy that is longer is a slip, and would break whoever adds it to
a date."""
_UNITS: Final = {"_seconds": 1, "_hours": 3_600, "_days": 86_400}


class PolicyModel(BaseModel):
    """Base of policy data: frozen, unknown keys refused (a misspelt key must not be ignored)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _durations_end(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, value in values.items():
                _check_duration(str(name), value)
        return values


def _check_duration(name: str, value: Any) -> None:
    seconds = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), None)
    if seconds is None:
        return
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, int | float) and not abs(one) * seconds <= MOST_SECONDS:
            raise ValueError(f"{name} is {one}: no duration may be longer than ten years.")


Seconds = Annotated[int, Field(ge=0)]

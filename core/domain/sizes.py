"""How large a container may be: the pairs of CPU and memory that Fargate runs (Linux).

Source: the ECS developer guide, "Task CPU and memory" of Fargate tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.domain.errors import RefusedError
from events.vocabulary import ErrorCode

_GIB: Final = 1024
_MEMORY: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {
        256: (512, _GIB, 2 * _GIB),
        512: tuple(range(_GIB, 4 * _GIB + 1, _GIB)),
        1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
        2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
        4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
        8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
        16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
    }
)
"""CPU units -> the memory in MiB that goes with them."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """CPU and memory of one container."""

    cpu_units: int
    memory_mib: int


PLATFORM_SIZE: Final = Size(cpu_units=512, memory_mib=1024)
"""What a site has that was never scaled."""


def sized(cpu_units: int | None, memory_mib: int | None, base: Size = PLATFORM_SIZE) -> Size:
    """Return a size in which what is left out stays as in `base`."""
    return Size(
        cpu_units=base.cpu_units if cpu_units is None else cpu_units,
        memory_mib=base.memory_mib if memory_mib is None else memory_mib,
    )


def check_size(size: Size) -> None:
    """Refuse a pair that no container can have (SITE_001)."""
    fitting = _MEMORY.get(size.cpu_units)
    if fitting is None:
        known = ", ".join(str(units) for units in _MEMORY)
        raise RefusedError(
            ErrorCode.SITE_001,
            f"A container cannot have {size.cpu_units} CPU units; it can have {known}.",
        )
    if size.memory_mib not in fitting:
        raise RefusedError(
            ErrorCode.SITE_001,
            f"{size.cpu_units} CPU units go with {fitting[0]} to {fitting[-1]} MiB of memory in "
            f"steps of {fitting[1] - fitting[0]}, not with {size.memory_mib}. Change both.",
        )

"""Sizes that Fargate runs, and what is said of those that it does not."""

import pytest

from core.domain.errors import RefusedError
from core.domain.sizes import PLATFORM_SIZE, Size, check_size, sized


@pytest.mark.parametrize(
    ("cpu", "memory"), [(256, 512), (512, 1024), (1024, 8192), (4096, 30720), (16384, 122880)]
)
def test_what_fits_passes(cpu, memory):
    check_size(Size(cpu_units=cpu, memory_mib=memory))


@pytest.mark.parametrize(
    ("cpu", "memory", "said"),
    [
        (300, 512, "can have 256, 512, 1024"),
        (512, 512, "go with 1024 to 4096 MiB of memory in steps of 1024, not with 512"),
        (1024, 2500, "not with 2500"),
        (8192, 17408, "in steps of 4096"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(cpu, memory, said):
    with pytest.raises(RefusedError, match=said):
        check_size(Size(cpu_units=cpu, memory_mib=memory))


def test_what_is_left_out_stays():
    assert sized(None, None) == PLATFORM_SIZE
    assert sized(1024, None, Size(cpu_units=256, memory_mib=2048)) == Size(
        cpu_units=1024, memory_mib=2048
    )

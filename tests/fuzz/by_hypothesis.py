"""`python -m tests.fuzz.by_hypothesis TARGET INPUTS SEED`: messages, files and dumps nearly right.

Prints what became of the inputs as JSON; a failure is hypothesis's own, with the smallest input.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter

import structlog
from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.strategies import INPUTS
from tests.fuzz.targets import TARGETS, limited


def main() -> None:
    """Draw and check."""
    target, inputs, chosen_seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    became: Counter[str] = Counter()

    @seed(chosen_seed)
    @settings(
        max_examples=inputs, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(data=INPUTS[target])
    def answered(data: bytes) -> None:
        with limited():
            became[TARGETS[target](data)] += 1

    answered()
    sys.stdout.write(json.dumps(became) + "\n")


if __name__ == "__main__":
    main()

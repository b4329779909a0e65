"""Reading several parts at once; a part that cannot be read is unknown and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError, NoCredentialsError

from core.adapters.aws.errors import code_of
from ops.edge import sentence_of
from ops.wording import one_line

MOST_AT_ONCE: Final = 12
_NOT_THERE: Final = (
    *("NotFound", "NotFoundFault", "NotFoundException"),
    *("NonExistentQueue", "QueueDoesNotExist"),
)
"""How AWS' codes end that say so: InvalidSubnetID.NotFound, DBClusterNotFoundFault, ..."""
_REFUSED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """What stands in the place of a part that could not be read."""

    why: str
    absent: bool = False
    """Whether AWS says that it is not there: that is known, for whoever asks whether it is."""


type Part[T] = T | Unknown
type Read[T] = Callable[[], T]


def read_parts[T](reads: Mapping[str, Read[T]]) -> dict[str, Part[T]]:
    """Call all of them side by side; the answers, by name, in the given order.

    Clients that the calls use are made before: a session makes one client at a time.
    """
    if not reads:
        return {}
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(reads))) as pool:
        answers = pool.map(attempt, reads.values())
        return dict(zip(reads, answers, strict=True))


def attempt[T](read: Read[T]) -> Part[T]:
    """Return what a call returns, or why it could not.

    Raises what came of having no credentials: without them nothing can be read.
    """
    try:
        return read()
    except Exception as error:
        if _behind(error, NoCredentialsError) is not None:
            raise
        return Unknown(why=why_of(error), absent=_is_absence(error))


def why_of(error: Exception) -> str:
    """Return the reason in one line: what AWS answered, or the sentence of the error."""
    here = _answer_behind(error)
    if here is not None and code_of(here) in _REFUSED:
        return f"no permission for {here.operation_name}"
    if here is not None and here is error:
        said = here.response.get("Error", {}).get("Message", "")
        return one_line(f"{here.operation_name}: {code_of(here)} {said}")
    return one_line(sentence_of(error))


# --- inside ---------------------------------------------------------------------------------


def _is_absence(error: Exception) -> bool:
    answer = _answer_behind(error)
    return answer is not None and code_of(answer).endswith(_NOT_THERE)


def _answer_behind(error: Exception) -> ClientError | None:
    return _behind(error, ClientError)


def _behind[Cause: BaseException](error: Exception, kind: type[Cause]) -> Cause | None:
    here: BaseException | None = error
    while here is not None and not isinstance(here, kind):
        here = here.__cause__
    return here

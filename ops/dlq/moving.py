"""Letters that a person moves: put aside, corrected, put back from a file."""

from __future__ import annotations

from dataclasses import replace

from core.domain.errors import NotFoundError
from core.domain.letter_reading import open_letter, original_attributes, read_letter
from core.domain.letters import Attribute, Box, Letter, Origin, RawLetter
from core.domain.replays import Fate
from core.letter_room import LetterRoom
from core.replay.desk import Foretold
from core.replay.outgoing import corrected, moved, parked
from events.decode import DecodeError, decode
from ops.dlq.holding import Hold
from ops.errors import BadInputError

IMPORTED_BY = "importedBy"
_TAKEN = (
    "Somebody has taken the letter {0} while it was corrected: it is replayed, moved or looked at. "
    "Nothing was sent. Look what became of it: sitefleet dlq show {0}"
)


def park(room: LetterRoom, hold: Hold, *, reason: str, by: str) -> int:
    """Put the letters that are held aside; return how many there still were.

    Each is sent to the parking queue before it is deleted here.
    """
    done = 0
    for letter in hold.each():
        room.letters.send(Box.PARKED, parked(letter, reason=reason, by=by))
        room.letters.delete([letter.raw])
        done += 1
    return done


def foretell_corrected(
    room: LetterRoom, letter: Letter, body: str, queue: Origin | None
) -> Foretold:
    """Return what will become of a corrected message; raises BadInputError if it is refused."""
    try:
        decode(body)
    except DecodeError as error:
        lines = [f"The fleet would refuse this body: {error.reason}."]
        lines += [f"  {field.field}: {field.problem}" for field in error.field_errors]
        raise BadInputError("\n".join(lines)) from error
    own = original_attributes(letter.raw)
    alone = replace(letter.raw, body=body, attributes=_plain(own), source=None)
    read = read_letter(open_letter(alone))
    origin = queue or letter.origin or read.origin
    if origin is None:
        raise BadInputError(
            "Nothing tells which queue the corrected message belongs on: say --queue."
        )
    [foretold] = room.desk.foretell([replace(read, origin=origin)])
    if foretold.forecast.fate is Fate.REFUSED:
        raise BadInputError(f"The fleet would refuse it: {foretold.forecast.sentence}")
    return foretold


def send_corrected(
    room: LetterRoom, hold: Hold, foretold: Foretold, *, reason: str, by: str
) -> str:
    """Send the corrected message, then put the letter that is held aside; return the new id.

    Raises NotFoundError when somebody has taken the letter while it was corrected.
    """
    origin, letter = foretold.letter.origin, hold.get(foretold.letter.message_id)
    if origin is None:
        raise BadInputError("There is no queue to send it to.")
    if letter is None:
        raise NotFoundError(_TAKEN.format(foretold.letter.message_id))
    message_id = room.letters.send(origin, corrected(letter, foretold.letter.raw.body))
    park(room, hold, reason=f"Corrected as {message_id}: {reason}", by=by)
    return message_id


def put_back(room: LetterRoom, raw: RawLetter, *, by: str) -> str:
    """Put a letter from a file into the queue that it lay in; return its new id."""
    return room.letters.send(raw.box, moved(raw, {IMPORTED_BY: by}))


def _plain(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """The sender's attributes, none of which makes a letter of the fleet of it."""
    return {n: a for n, a in attributes.items() if n not in {"reason", "RULE_ARN", "originQueue"}}

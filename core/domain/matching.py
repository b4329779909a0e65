"""Who stands for which role: as many roles as possible, each by a person of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def distinct_people(candidates: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return role -> person for as many roles as possible, nobody twice.

    A maximum bipartite matching (augmenting paths): giving each role the first free person would
    leave roles open that another choice could have filled.
    """
    role_of: dict[str, str] = {}
    for role in candidates:
        _find_place(role, candidates, role_of, seen=set())
    chosen = {role: person for person, role in role_of.items()}
    return {role: chosen[role] for role in candidates if role in chosen}


def _find_place(
    role: str, candidates: Mapping[str, Collection[str]], role_of: dict[str, str], *, seen: set[str]
) -> bool:
    for person in candidates[role]:
        if person in seen:
            continue
        seen.add(person)
        current = role_of.get(person)
        if current is None or _find_place(current, candidates, role_of, seen=seen):
            role_of[person] = role
            return True
    return False

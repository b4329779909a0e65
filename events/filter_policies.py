"""SNS filter policies over message attributes: read, and applied as SNS applies them. Pure.

Only what a policy over attributes of type String can say. Rules of AWS: within an attribute any
condition is enough, all attributes have to agree, `$or` needs one of its branches; at most five
attribute names and 150 combinations of values; comparisons know upper and lower case.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_KEYS: Final = 5
MOST_COMBINATIONS: Final = 150
MOST_BYTES: Final = 256 * 1024
LARGEST_NUMBER: Final = 10**9
OR: Final = "$or"
_LEAST_BRANCHES: Final = 2
_COMPARISONS: Final = {"=", "<", "<=", ">", ">="}
_TEXT_OPERATORS: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard", "cidr")
OPERATORS: Final = (*_TEXT_OPERATORS, "anything-but", "numeric", "exists")

type Attributes = Mapping[str, str]


class FilterPolicyError(ValueError):
    """SNS would not take this policy; `problems` are sentences."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One entry of an attribute's list."""

    written: str
    """As it stands in the policy."""
    accepts: Callable[[str | None], bool]
    """Tells of a value, or of its absence (None)."""
    exact: str | None = None
    """The text that is asked for, where it is an exact one."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Attribute -> its conditions, and the branches of each `$or`."""

    conditions: Mapping[str, tuple[Condition, ...]]
    alternatives: tuple[Policy, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every attribute that it looks at, in branches too."""
        inner = (branch.names for branch in self.alternatives)
        return frozenset(self.conditions).union(*inner)

    @property
    def combinations(self) -> int:
        """Numbers of values multiplied; of an `$or`, those of its branches added."""
        own = math.prod(len(found) for found in self.conditions.values())
        if not self.alternatives:
            return own
        return own * sum(branch.combinations for branch in self.alternatives)

    @property
    def numbers(self) -> list[tuple[str, str]]:
        """Return every attribute and condition that only a number can meet."""
        own = [
            (name, condition.written)
            for name, conditions in self.conditions.items()
            for condition in conditions
            if condition.accepts is _never
        ]
        return own + [found for branch in self.alternatives for found in branch.numbers]

    def exact_texts(self) -> Iterator[tuple[str, str]]:
        """Yield every attribute and text that has to be equal."""
        for name, conditions in self.conditions.items():
            yield from ((name, c.exact) for c in conditions if c.exact is not None)
        for branch in self.alternatives:
            yield from branch.exact_texts()


def read_policy(text: str) -> Policy:
    """Read a policy; raises FilterPolicyError with everything that is wrong in it."""
    if len(text.encode()) > MOST_BYTES:
        raise FilterPolicyError([f"The policy is longer than {MOST_BYTES // 1024} KB."])
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FilterPolicyError([f"The policy is no JSON: {error}."]) from None
    problems: list[str] = []
    policy = _policy(document, "The policy", problems)
    if len(policy.names) > MOST_KEYS:
        problems.append(
            f"It names {len(policy.names)} attributes ({', '.join(sorted(policy.names))}); "
            f"SNS takes {MOST_KEYS}."
        )
    if policy.combinations > MOST_COMBINATIONS:
        problems.append(
            f"Its values make {policy.combinations} combinations (their numbers multiplied); "
            f"SNS takes {MOST_COMBINATIONS}. Use a prefix, or anything-but, or another attribute."
        )
    if problems:
        raise FilterPolicyError(problems)
    return policy


def why_not(policy: Policy, attributes: Attributes) -> list[str]:
    """Return why a message is not received, one sentence for each attribute; empty: it is."""
    reasons = [
        _reason(name, conditions, attributes.get(name))
        for name, conditions in policy.conditions.items()
        if not any(condition.accepts(attributes.get(name)) for condition in conditions)
    ]
    if policy.alternatives:
        branches = [why_not(branch, attributes) for branch in policy.alternatives]
        if all(branches):
            told = "; nor ".join(" and ".join(branch) for branch in branches)
            reasons.append(f"no branch of {OR} agrees: {told}")
    return reasons


# --- reading --------------------------------------------------------------------------------


def _policy(document: Any, where: str, problems: list[str]) -> Policy:
    if not isinstance(document, dict) or not document:
        problems.append(f"{where} has to be an object of attributes, as {_EXAMPLE}.")
        return Policy(conditions={})
    conditions = {}
    alternatives: tuple[Policy, ...] = ()
    for name, value in document.items():
        if name == OR and _is_alternatives(value):
            alternatives = tuple(
                _policy(branch, f"Branch {number} of {OR}", problems)
                for number, branch in enumerate(value, 1)
            )
        else:
            conditions[name] = _conditions(name, value, problems)
    return Policy(conditions=conditions, alternatives=alternatives)


_EXAMPLE: Final = '{"outcome": ["failed"]}'


def _is_alternatives(value: Any) -> bool:
    """SNS reads `$or` as an operator only over two objects of attributes; else it is a name."""
    return (
        isinstance(value, list)
        and len(value) >= _LEAST_BRANCHES
        and all(isinstance(one, dict) and not set(one) & set(OPERATORS) for one in value)
    )


def _conditions(name: str, value: Any, problems: list[str]) -> tuple[Condition, ...]:
    if isinstance(value, dict):
        problems.append(
            f"{name} is an object; a policy over message attributes is not nested. "
            f'Write a list: "{name}": ["value"].'
        )
        return ()
    if not isinstance(value, list) or not value:
        problems.append(f'{name} has to be a list that is not empty, as "{name}": ["value"].')
        return ()
    found = [_condition(name, one, problems) for one in value]
    return tuple(condition for condition in found if condition is not None)


def _condition(name: str, value: Any, problems: list[str]) -> Condition | None:
    written = json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        # Of the attributes' own types, these are values of a String.Array only.
        return Condition(written=written, accepts=lambda text: text == written)
    if isinstance(value, str):
        return Condition(written=written, accepts=lambda text: text == value, exact=value)
    if isinstance(value, int | float):
        _check_number(name, value, problems)
        return Condition(written=written, accepts=_never)
    if not isinstance(value, dict) or len(value) != 1:
        problems.append(f"{name}: {written} is neither a value nor one operator with its value.")
        return None
    [(operator, argument)] = value.items()
    problem, accepts = _operator(operator, argument)
    if problem is not None:
        problems.append(f"{name}: {problem}")
        return None
    return Condition(written=written, accepts=accepts)


def _never(_text: str | None) -> bool:
    """A number never equals an attribute of type String."""
    return False


def _operator(operator: str, argument: Any) -> tuple[str | None, Callable[[str | None], bool]]:
    if operator in _TEXT_OPERATORS:
        return _text_operator(operator, argument)
    if operator == "exists":
        wrong = None if isinstance(argument, bool) else "exists takes true or false."
        return wrong, lambda text: (text is not None) is argument
    if operator == "anything-but":
        return _anything_but(argument)
    if operator == "numeric":
        return _numeric_problem(argument), _never
    known = ", ".join(OPERATORS)
    return f"{operator!r} is no operator of SNS; there are: {known}.", _never


def _text_operator(operator: str, argument: Any) -> tuple[str | None, Callable[[str | None], bool]]:
    if not isinstance(argument, str) or not argument:
        return f"{operator} takes a text that is not empty.", _never
    matches = _MATCHERS[operator]
    if operator == "cidr":
        try:
            ipaddress.ip_network(argument, strict=False)
        except ValueError:
            return f"{argument!r} is no range of IP addresses.", _never
    return None, lambda text: text is not None and matches(text, argument)


def _anything_but(argument: Any) -> tuple[str | None, Callable[[str | None], bool]]:
    if isinstance(argument, dict) and len(argument) == 1:
        [(operator, inner)] = argument.items()
        if operator not in _TEXT_OPERATORS:
            return f"anything-but cannot hold {operator!r}.", _never
        problem, accepts = _text_operator(operator, inner)
        return problem, lambda text: text is not None and not accepts(text)
    excluded = argument if isinstance(argument, list) else [argument]
    texts = all(isinstance(one, str) for one in excluded)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in excluded)
    if not excluded or not (texts or numbers):
        return "anything-but takes texts, or numbers, or one operator such as prefix.", _never
    return None, lambda text: text is not None and text not in excluded


def _numeric_problem(argument: Any) -> str | None:
    wrong = 'numeric takes comparisons, as ["=", 1] or [">", 0, "<=", 100].'
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        return wrong
    signs, numbers = argument[::2], argument[1::2]
    if not all(sign in _COMPARISONS for sign in signs) or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
    ):
        return wrong
    large = [number for number in numbers if abs(number) > LARGEST_NUMBER]
    return f"numbers reach from -10^9 to 10^9; {large[0]} does not fit." if large else None


def _check_number(name: str, value: float, problems: list[str]) -> None:
    if abs(value) > LARGEST_NUMBER:
        problems.append(f"{name}: numbers reach from -10^9 to 10^9; {value} does not fit.")


def _in_network(text: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _like(text: str, pattern: str) -> bool:
    parts = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(parts, text, re.DOTALL) is not None


_MATCHERS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": lambda text, wanted: text.lower() == wanted.lower(),
    "wildcard": _like,
    "cidr": _in_network,
}


# --- telling --------------------------------------------------------------------------------


def _reason(name: str, conditions: Sequence[Condition], value: str | None) -> str:
    wanted = " or ".join(condition.written for condition in conditions)
    if value is None:
        return f"it has no {name}; wanted: {wanted}"
    return f"{name} is {value}; wanted: {wanted}"

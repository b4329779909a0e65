"""Templates of mail: mustache, in both forms, with every variable known and filled.

The first line of the text is the subject. Of mustache only `{{name}}`, sections (`{{#name}}`,
`{{^name}}`) and their ends are allowed: nothing that leaves a value unescaped in HTML, and nothing
that loads another file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pystache import Renderer, parse  # type: ignore[import-untyped]

from core.domain.errors import ConfigurationError

_TAG: Final = re.compile(r"{{(.*?)}}+", re.DOTALL)
_ALLOWED: Final = re.compile(r"([#^/]?)\s*([A-Za-z]+)\s*")
_SUBJECT: Final = "Subject: "

type Values = Mapping[str, str | bool | None]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A mail's content."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True)
class MailTemplate:
    """One mail in both forms; raises ConfigurationError when it cannot be used."""

    name: str
    html: str
    text: str
    """Its first line is `Subject: ...`."""
    known: Collection[str]
    """The names of every variable that will be given."""

    def __post_init__(self) -> None:
        """A template that would fail at the customer's mail fails at the load instead."""
        for form, text in (("html", self.html), ("txt", self.text)):
            for name in _names(text, f"{self.name}.{form}"):
                if name not in self.known:
                    raise ConfigurationError(
                        f"{self.name}.{form} has the variable {name}, which nothing fills. Known "
                        f"are: {', '.join(sorted(self.known))}."
                    )
        if not self.text.startswith(_SUBJECT):
            raise ConfigurationError(f"{self.name}.txt does not begin with `{_SUBJECT}...`.")

    def render(self, values: Values) -> Rendered:
        """Fill the variables; raises ConfigurationError when one that is shown has no value."""
        subject, _, text = self._filled("txt", self.text, values, _Plain).partition("\n")
        return Rendered(
            subject=" ".join(subject.removeprefix(_SUBJECT).split()),
            html=self._filled("html", self.html, values, _Escaping),
            text=f"{text.strip()}\n",
        )

    def _filled(self, form: str, text: str, values: Values, renderer: type[_Escaping]) -> str:
        try:
            return str(renderer(missing_tags="strict").render(parse(text), dict(values)))
        except _EmptyError as error:
            raise ConfigurationError(
                f"{self.name}.{form} shows a variable that has no value here. Put it into a "
                "section of its own name."
            ) from error


# --- private -------------------------------------------------------------------------------


class _EmptyError(Exception):
    """A variable that is shown has no value."""


class _Escaping(Renderer):  # type: ignore[misc]
    """For HTML: every value is escaped; a value that is no text is an error, not `None`."""

    def str_coerce(self, val: Any) -> str:
        raise _EmptyError(val)


class _Plain(_Escaping):
    """For plain text, where there is nothing to escape."""

    def __init__(self, missing_tags: str) -> None:
        super().__init__(missing_tags=missing_tags, escape=str)


def _names(text: str, where: str) -> Iterator[str]:
    """Return the name in every tag; the library itself forgives a section that never ends."""
    open_sections: list[str] = []
    for tag in _TAG.findall(text):
        allowed = _ALLOWED.fullmatch(tag)
        if allowed is None:
            raise ConfigurationError(
                f"{where} has the tag {{{{{tag}}}}}; only variables and sections are allowed."
            )
        kind, name = allowed.groups()
        if kind == "/" and (not open_sections or open_sections.pop() != name):
            raise ConfigurationError(f"{where} ends the section {name}, which is not open there.")
        if kind in {"#", "^"}:
            open_sections.append(name)
        yield name
    if open_sections:
        raise ConfigurationError(f"{where} does not end the section {open_sections[-1]}.")

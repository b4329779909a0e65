"""Lexical rules of SQL dumps as compiled patterns, for both ways of escaping in literals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from migrator.rewrite.tables import QUALIFIED_NAME

_FLAGS = re.DOTALL
_BACKTICKED = rb"`[^`]*+`"
_COMMENT = rb"/\*.*?\*/|--(?=[\s])[^\n]*+|#[^\n]*+"

INSERT_HEAD = re.compile(
    rb"(?:INSERT|REPLACE)(?:\s+(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE))*+(?:\s+INTO)?\s+"
    rb"(" + QUALIFIED_NAME + rb")\s*(\((?:[^()`]|" + _BACKTICKED + rb")*+\))?\s*VALUES?\s*(?=\()",
    re.IGNORECASE | re.DOTALL,
)
INSERT_WORD = re.compile(rb"(?:INSERT|REPLACE)\b", re.IGNORECASE)
CREATE_TABLE_WORD = re.compile(
    rb"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?TABLE\b", re.IGNORECASE
)
DELIMITER = re.compile(rb"DELIMITER[ \t]+(\S+)[ \t]*\r?(?:\n|\Z)", re.IGNORECASE)
DELIMITER_END = re.compile(rb"\n[ \t]*DELIMITER[ \t]+;[ \t]*\r?(?:\n|\Z)", re.IGNORECASE)
BLANK = re.compile(rb"\s+")
ROW_GAP = re.compile(rb"(?:[\s,]++|/\*.*?\*/|--\s[^\n]*+\n)+", _FLAGS)
SQL_MODE = re.compile(rb"SQL_MODE\s*=\s*(?:'([^']*)'|@)", re.IGNORECASE)
INTRODUCER = re.compile(rb"(_binary|[xb])?\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Grammar:
    """Patterns that depend on whether a backslash escapes inside literals."""

    backslash: bool
    literal: re.Pattern[bytes]
    """One literal; its quote is its first byte."""
    row: re.Pattern[bytes]
    """One parenthesised row."""
    rows: re.Pattern[bytes]
    """As many complete rows as follow one another, with the commas between them."""
    value: re.Pattern[bytes]
    """One value within a row, up to and including the comma or parenthesis behind it."""
    begun: re.Pattern[bytes]
    """The same as far as it is complete: up to a literal that goes on beyond the text."""
    statement: re.Pattern[bytes]
    """Anything up to and including the semicolon that ends it."""


@cache
def grammar(*, backslash: bool) -> Grammar:
    """The compiled grammar, made once per mode."""
    single = rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'" if backslash else rb"'(?:[^']++|'')*+'"
    double = rb'"(?:[^"\\]++|\\.|"")*+"' if backslash else rb'"(?:[^"]++|"")*+"'
    literal = rb"(?:" + single + rb"|" + double + rb")"
    nested = rb"\((?:[^'\"()]++|" + literal + rb")*+\)"
    nested = rb"\((?:[^'\"()]++|" + literal + rb"|" + nested + rb")*+\)"
    item = rb"(?:[^'\"(),]++|" + literal + rb"|" + nested + rb")*+"
    row = rb"\((?:[^'\"()]++|" + literal + rb"|" + nested + rb")*+\)"
    statement = (
        rb"(?:[^'\"`;/#-]++|"
        + literal
        + rb"|"
        + _BACKTICKED
        + rb"|"
        + _COMMENT
        + rb"|/(?!\*)|-(?!-\s))*+;"
    )
    return Grammar(
        backslash=backslash,
        literal=re.compile(literal, _FLAGS),
        row=re.compile(row, _FLAGS),
        rows=re.compile(rb"(?:" + row + rb"\s*+,\s*+)++", _FLAGS),
        value=re.compile(item + rb"[,)]", _FLAGS),
        begun=re.compile(item, _FLAGS),
        statement=re.compile(statement, _FLAGS),
    )

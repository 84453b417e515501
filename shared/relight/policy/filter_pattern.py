"""What a CloudWatch Logs filter pattern for JSON events means, so that two spellings of it can be compared.

The grammar: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html. Whitespace, the order
of the terms, needless parentheses, repetitions and quotation marks do not change what a pattern matches.
"""

from __future__ import annotations

import re
from functools import lru_cache

# A term, or (operator, what it joins): "&&" binds more tightly than "||".
Meaning = str | tuple[str, frozenset["Meaning"]]

TOKEN = re.compile(r'\s*(?:(?P<sign>&&|\|\||[()])|(?P<word>(?:"(?:\\.|[^"\\])*"|%[^%]*%|(?!&&|\|\|)[^\s()"%])+))')
COMPARED = re.compile(r"(?P<selector>\$[^\s=!<>]+)\s*(?P<operator>!=|<=|>=|=|<|>)\s*(?P<value>.+)", re.DOTALL)


class _UnreadableError(Exception):
    """A pattern that is none for JSON events."""


@lru_cache(maxsize=1024)
def meaning(pattern: str) -> Meaning:
    """What a pattern matches, comparable; of one that cannot be read, its own text."""
    text = pattern.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return " ".join(text.split())
    try:
        return _Reader(text[1:-1]).read()
    except (_UnreadableError, RecursionError):  # nobody nests so deeply but to do harm
        return " ".join(text.split())


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)

    def read(self) -> Meaning:
        found = self._joined("||")
        if self._tokens:
            raise _UnreadableError(self._tokens[0])
        return found

    def _joined(self, operator: str) -> Meaning:
        parts = [self._part(operator)]
        while self._tokens and self._tokens[0] == operator:
            self._tokens.pop(0)
            parts.append(self._part(operator))
        return _join(operator, parts)

    def _part(self, operator: str) -> Meaning:
        return self._joined("&&") if operator == "||" else self._single()

    def _single(self) -> Meaning:
        if self._tokens and self._tokens[0] == "(":
            self._tokens.pop(0)
            inner = self._joined("||")
            if not self._tokens or self._tokens.pop(0) != ")":
                raise _UnreadableError("a parenthesis is not closed")
            return inner
        words = []
        while self._tokens and self._tokens[0] not in ("&&", "||", "(", ")"):
            words.append(self._tokens.pop(0))
        if not words:
            raise _UnreadableError("a term is missing")
        return _term(" ".join(words))


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while text[place:].strip():
        token = TOKEN.match(text, place)
        if token is None:
            raise _UnreadableError(text[place:])
        found.append(token["sign"] or token["word"])
        place = token.end()
    return found


def _join(operator: str, parts: list[Meaning]) -> Meaning:
    """Parts that are themselves joined by the same operator are no different from parts of the whole."""
    flat: set[Meaning] = set()
    for part in parts:
        flat |= part[1] if isinstance(part, tuple) and part[0] == operator else {part}
    return next(iter(flat)) if len(flat) == 1 else (operator, frozenset(flat))


def _term(text: str) -> str:
    """``$.eventName = CreateVpc``, whatever its spaces and quotation marks; keywords in capitals."""
    compared = COMPARED.fullmatch(text)
    if compared is None:
        selector, _, rest = text.partition(" ")
        return f"{selector} {rest.upper()}".strip()
    value = compared["value"].strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return f"{compared['selector']} {compared['operator']} {value}"

"""Tables in Markdown, and their places in a document."""

from __future__ import annotations

import re
from collections.abc import Iterable


class MissingMarkersError(Exception):
    """The document has no place for a table."""


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; whatever is in a cell stays in it."""
    lines = (header, tuple("---" for _ in header), *rows)
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def placed(text: str, name: str, content: str) -> str:
    """The text with that between its markers of that name. Raises MissingMarkersError."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise MissingMarkersError(f"the document needs one {begin} and, after it, one {end}")
    head, _, rest = text.partition(begin)
    return f"{head}{begin}\n\n{content}\n\n{end}{rest.partition(end)[2]}"


def _cell(text: str) -> str:
    """One line, with nothing in it that would end the cell or be taken for a tag."""
    plain = re.sub(r"<(?!br>)", "&lt;", text)
    return re.sub(r"\s+", " ", plain).strip().replace("|", "\\|")

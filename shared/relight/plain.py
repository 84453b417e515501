"""Text that came from outside, made safe to stand on a line among others."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text on one line: control, format and separator characters, and lone surrogates, are spelled out."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)

"""Whether a pattern of IAM's matches any of the names that have a shape: what a Deny in a policy really concerns.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
"""

from __future__ import annotations

# What may stand in each place of a name, and whether it may stand there any number of times, also none.
Shape = tuple[tuple[str, bool], ...]
# In bytes; no object's ARN is longer (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
LONGEST = 1_200


def shape(*parts: str | tuple[str, bool]) -> Shape:
    """Literal text, and places as a shape has them, one after another."""
    return tuple(place for part in parts for place in ([(c, False) for c in part] if isinstance(part, str) else [part]))


def overlap(pattern: str, names: Shape) -> bool:
    """Whether a pattern with * and ? matches a name of that shape.

    Both are read side by side, place by place, on each way that is open: what is asked of a place is only whether some
    character suits both. The work is at most the product of their lengths.
    """
    while "**" in pattern:
        pattern = pattern.replace("**", "*")
    if len(pattern.replace("*", "")) > LONGEST:
        return False
    seen: set[tuple[int, int]] = set()
    ways = [(0, 0)]
    while ways:
        here, there = way = ways.pop()
        if way == (len(pattern), len(names)):
            return True
        if way in seen:
            continue
        seen.add(way)
        wanted = pattern[here : here + 1]
        characters, repeated = names[there] if there < len(names) else ("", False)
        if wanted == "*":
            ways.append((here + 1, there))
        if repeated:
            ways.append((here, there + 1))
        if characters and wanted and (wanted in "*?" or wanted in characters):
            ways.append((here + (wanted != "*"), there + (not repeated)))
    return False

"""A filter of OData v2, rewritten token by token into the version 4 that a stranger's grammar reads.

https://www.odata.org/documentation/odata-version-2-0/overview/ (6. Primitive Data Types)
"""

import re

from local.simulators.filters import bad_request

_TOKEN = re.compile(
    r"(?P<blank>\s+)"
    r"|(?P<typed>[A-Za-z]+)'(?P<text>(?:[^']|'')*)'"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?P<suffix>[LlMmDdFf]?)(?![\w.:-])"
    r"|(?P<name>[A-Za-z_][\w/]*)"
    r"|(?P<sign>[(),])"
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)T00:00(?::00(?:\.0+)?)?")
_TIME = re.compile(r"PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})S)?")
_LATER = {"contains", "in", "has"}
"""Words of version 4."""


def as_v4(text: str) -> str:
    """The same condition in version 4; refused with 400 where it is not of version 2."""
    tokens: list[str] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise bad_request(f"Invalid token detected at position {place} of {text}")
        tokens.append(_token(match, text))
        place = match.end()
    return "".join(_turned(tokens))


def _token(match: re.Match[str], text: str) -> str:
    if match["typed"] is not None:
        return _typed(match["typed"], match["text"], text)
    if match["number"] is not None:
        return str(match["number"])
    if match["name"] in _LATER:
        raise bad_request(f"{match['name']} is not part of OData version 2: {text}")
    return match[0]


def _typed(kind: str, inside: str, text: str) -> str:
    if kind == "datetimeoffset" and _INSTANT.fullmatch(inside):
        return inside
    if kind == "datetime" and (day := _DAY.fullmatch(inside)):
        return day[1]
    if kind == "time" and (time := _TIME.fullmatch(inside)):
        return ":".join(f"{int(part or 0):02}" for part in time.groups())
    if kind == "guid":
        return inside
    raise bad_request(f"{kind}'{inside}' is no literal that this service can compare with: {text}")


def _turned(tokens: list[str]) -> list[str]:
    """`substringof(part, text)` is `contains(text, part)` today."""
    turned = list(tokens)
    for place, word in enumerate(tokens):
        if word == "substringof":
            words = [where for where in range(place + 1, len(tokens)) if not tokens[where].isspace()][:5]
            if [tokens[where] for where in words[::2]] != ["(", ",", ")"]:
                raise bad_request("substringof takes a text and a property")
            turned[place] = "contains"
            turned[words[1]], turned[words[3]] = tokens[words[3]], tokens[words[1]]
    return turned

"""Regular expressions in rules: what Java, which runs them, and Python, which checks them, understand alike.

A pattern that Java refuses would fail every run, and one that takes a group again and again may take for ever, or all of the
stack, over a single long text. Such patterns are refused when the contract is compiled.
"""

from __future__ import annotations

import re

LONGEST = 1000
REPEATED = 1000
TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<set>\[\^?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?:)?)|(?P<close>\))"
    r"|(?P<repeat>[*+?]|\{\d+(?:,\d*)?\})[+?]?|(?P<or>\|)|(?P<odd>[{\[])|(?P<plain>.)",
    re.DOTALL,
)
ESCAPES = re.compile(r"\\(?:[dDwWsSbB]|[^A-Za-z0-9])")


def problem(pattern: str) -> str | None:
    """What is wrong with a pattern, None where nothing is."""
    if len(pattern) > LONGEST:
        return f"is longer than {LONGEST} characters"
    groups: list[bool] = []  # of each open group, whether it may match one text in several ways
    before, several = "", False
    for token in TOKEN.finditer(pattern):
        kind, text = token.lastgroup or "", token[0]
        if found := _odd(before, kind, text) or _repeated(before, kind, text, several=several):
            return found
        if kind == "open":
            groups.append(False)
        elif kind == "close" and groups:
            several = groups.pop()
            groups[-1:] = [several or groups[-1]] if groups else []
        elif groups and (kind == "or" or (kind == "repeat" and not re.fullmatch(r"\{\d+\}.?", text))):
            groups[-1] = True
        before = kind
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is no regular expression: {error}"
    return None


def _odd(before: str, kind: str, text: str) -> str | None:
    """What Java reads otherwise than Python does, or not at all."""
    if before == "open" and kind == "repeat":
        return f"({text}...: of the groups that begin with (? only (?: is taken"
    if kind == "odd":
        return f"{text} begins nothing: write \\{text}"
    escapes = re.findall(r"\\.", text, re.DOTALL) if kind == "set" else [text] if kind == "escape" else []
    for escape in escapes:
        if not ESCAPES.fullmatch(escape) or (kind == "set" and escape in (r"\b", r"\B")):
            return f"{escape} is not taken"
    if kind == "set" and ("[" in text[1:].replace(r"\[", "") or "&&" in text or text in ("[]", "[^]")):
        return f"{text}: write \\[ and \\] for brackets, \\& for an ampersand"
    return None


def _repeated(before: str, kind: str, text: str, *, several: bool) -> str | None:
    """What is wrong with a repetition; `several`: the group before it may match one text in several ways."""
    if kind != "repeat":
        return None
    if max((int(number) for number in re.findall(r"\d+", text)), default=0) > REPEATED:
        return f"{text} repeats more than {REPEATED} times"
    if before != "close" or text.startswith("?"):
        return None
    if several or text[0] in "*+" or re.match(r"\{\d+,\}", text):
        return f"{text} behind a group: repeat a set ([...]), or say how often and leave | * + ? out of the group"
    return None

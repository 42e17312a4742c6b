"""Faults of a page: its rows and its next link are not what they should be."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import unquote_plus, urljoin

from local.simulators.faults.faces import Face
from local.simulators.faults.kinds import Kind, Met, one_of
from local.simulators.messages import Response


class Number(str):
    """A number with all its digits, as it stood in the page."""


@dataclass
class Page:
    """An answer with rows, to be changed."""

    face: Face
    response: Response
    document: Any = field(init=False)

    def __post_init__(self) -> None:
        self.document = json.loads(self.response.body, parse_float=Number, parse_int=Number)

    @classmethod
    def of(cls, face: Face, response: Response) -> "Page | None":
        """The page that an answer is, or None."""
        if response.status != 200 or "json" not in response.content_type:
            return None
        page = cls(face, response)
        return page if isinstance(page._at(face.records), list) else None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows themselves."""
        found: list[dict[str, Any]] = self._at(self.face.records)
        return found

    @property
    def link(self) -> str | None:
        """Where the next page is."""
        found = self._at(self.face.link)
        return None if found is None else str(found)

    @link.setter
    def link(self, link: str) -> None:
        holder = self.document
        for name in self.face.link[:-1]:
            holder = holder.setdefault(name, {})
        holder[self.face.link[-1]] = link

    @property
    def answer(self) -> Response:
        """The answer with this page in it."""
        return replace(self.response, body=_text(self.document).encode("utf-8", "surrogatepass"))

    def _at(self, way: tuple[str, ...]) -> Any:
        found = self.document
        for name in way:
            found = found.get(name) if isinstance(found, dict) else None
        return found


type Spoil = Callable[[Met, Page], Page]


_BOUNDS = (
    re.compile(r'(?: lt | < |"LT", "value": )([^\s)&,}]+)'),
    re.compile(r'(?: ge | >= |"GTE", "value": |updated_from=)([^\s)&,}]+)'),
)
"""Bounds of a query that all pages of one reading have in common: the upper ones, where it has none the lower ones."""
_POSITION = re.compile(r' gt | > |"GT"|skiptoken=|/query(?:All)?/|[?&]page=(?!1(?:&|$))|[?&]offset=(?!0(?:&|$))')
"""What tells that a page is not the first one of its reading."""


def duplicate_page(met: Met, page: Page) -> Page:
    """The page before comes once more in the place of this one: of the same reading, for who could tell it from another's?"""
    before: dict[str, Response] = met.memory
    asked = unquote_plus(met.request.target + met.request.body.decode("utf-8", "replace"))
    reading = " ".join((met.series, *(_BOUNDS[0].findall(asked) or _BOUNDS[1].findall(asked))))
    earlier = before.get(reading) if _POSITION.search(asked) else None
    if met.strikes and earlier is not None:
        return Page(met.face, earlier)
    before[reading] = page.response
    return page


def repeated_token(met: Met, page: Page) -> Page:
    """The next link is the one of the page before."""
    links: dict[str, str] = met.memory
    earlier = links.get(met.series)
    if met.strikes and earlier is not None:
        page.link = earlier
    elif page.link is not None:
        links[met.series] = page.link
    return page


def foreign_links(met: Met, page: Page) -> Page:
    """Next links are absolute, and name another `host`."""
    if page.link is not None:
        page.link = str(met.settings["host"]) + urljoin(met.request.path, page.link)
    return page


def renamed_links(met: Met, page: Page) -> Page:
    """Next links are under the `name` that another version of OData has for them."""
    return _moved(page, str(met.settings["name"]))


def unknown_continuation(met: Met, page: Page) -> Page:
    """Next links are under a `name` of the server's own (with dots: inside of objects)."""
    return _moved(page, str(met.settings["name"]))


def _moved(page: Page, name: str) -> Page:
    """The page with its next link at the root, or in an object there."""
    link = page.link
    if link is None:
        return page
    holder = page.document
    for inner in page.face.link[:-1]:
        holder = holder[inner]
    del holder[page.face.link[-1]]
    *around, last = [name] if name in LINK_NAMES else name.split(".")
    holder = page.document
    for outer in around:
        holder = holder.setdefault(outer, {})
    holder[last] = link
    return page


def numbers_as_strings(met: Met, page: Page) -> Page:
    """Numbers come as strings."""
    del met
    page.rows[:] = [_quoted(row) for row in page.rows]
    return page


def held_back_items(met: Met, page: Page) -> Page:
    """No row brings more than `items` items of a kind along; a next link of their own leads to the others."""
    most = int(met.settings["items"])
    for row in page.rows:
        for name, value in list(row.items()):
            nested = value.get("results") if isinstance(value, dict) else value
            if not isinstance(nested, list) or len(nested) <= most:
                continue
            del nested[most:]
            holder, label = (value, "__next") if isinstance(value, dict) else (row, f"{name}@odata.nextLink")
            holder[label] = f"{met.series.rpartition('/')[2]}/{name}?$skip={most}"
    return page


def null_values(met: Met, page: Page) -> Page:
    """One row of a page has null in `field`, whatever the source's types say."""
    name = met.settings["field"]
    holders = [row for row in page.rows if name in row]
    if holders:
        met.rng.choice(holders)[name] = None
    return page


def _quoted(value: Any) -> Any:
    match value:
        case dict():
            return {name: _quoted(each) for name, each in value.items()}
        case list():
            return [_quoted(each) for each in value]
        case Number():
            return str.__str__(value)
        case _:
            return value


def _text(value: Any) -> str:
    """A document as JSON text, numbers with all their digits."""
    match value:
        case dict():
            return f"{{{','.join(f'{encode_basestring(name)}:{_text(each)}' for name, each in value.items())}}}"
        case list():
            return f"[{','.join(map(_text, value))}]"
        case Number():
            return str.__str__(value)
        case str():
            return encode_basestring(value)
        case _:
            return json.dumps(value)


_LINKED = ("odata_v4", "odata_v2", "salesforce")
LINK_NAMES = ("@odata.nextLink", "odata.nextLink", "@nextLink", "__next")
_OWN_NAMES = ("nextPage", "continuationToken", "paging.next", "meta.Next-Cursor")

PAGE: dict[str, Kind[Spoil]] = {
    "duplicate_page": Kind(duplicate_page, "detectable", "rows", watchful=True),
    "repeated_token": Kind(repeated_token, "detectable", "rows", watchful=True),
    "foreign_links": Kind(foreign_links, "quiet", "rows", {"host": "http://backend.example:8000"}, faces=_LINKED),
    "renamed_links": Kind(
        renamed_links,
        "quiet",
        "rows",
        {"name": "@nextLink"},
        one_of("name", *LINK_NAMES),
        faces=_LINKED,
        draw=lambda rng: {"name": rng.choice(LINK_NAMES)},
    ),
    "unknown_continuation": Kind(
        unknown_continuation,
        "detectable",
        "rows",
        {"name": "nextPage"},
        faces=_LINKED,
        draw=lambda rng: {"name": rng.choice(_OWN_NAMES)},
    ),
    "numbers_as_strings": Kind(numbers_as_strings, "quiet", "rows", faces=_LINKED),
    "held_back_items": Kind(
        held_back_items, "detectable", "rows", {"items": 1}, faces=("odata_v4", "odata_v2"), draw=None
    ),
    "null_values": Kind(null_values, "detectable", "rows", {"field": ""}, draw=None),
}

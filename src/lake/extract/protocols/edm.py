"""What a service says of itself in `$metadata`: entity sets with their fields and collections, of OData v2 to v4.

Version 4: https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html; version 2, to whose attributes
SAP adds its own: https://wiki.scn.sap.com/wiki/display/EmTech/SAP+Annotations+for+OData+Version+2.0. Namespaces of the elements
differ from server to server; their local names do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from lake.extract.errors import MalformedAnswer
from lake.extract.protocols.dialect import SourceField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from xml.etree.ElementTree import Element

MOST_BYTES: Final = 32 * 1024 * 1024
MOST_ELEMENTS: Final = 400_000
MOST_DEPTH: Final = 64
MOST_PRECISION: Final = 38

type Facets = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type: fields by name, the key's names in order, collections (navigation → name of their type)."""

    name: str
    fields: dict[str, SourceField]
    key: tuple[str, ...]
    collections: dict[str, str]


@dataclass(frozen=True, slots=True)
class Model:
    """A service: entity types by their full names, entity sets (set → full name of its type)."""

    types: dict[str, EntityType]
    sets: dict[str, str]

    def of_set(self, name: str) -> EntityType | None:
        """The type of an entity set; None where there is none of this name."""
        return self.types.get(self.sets.get(name, ""))


def read_model(body: bytes) -> Model:
    """The model in a `$metadata` document; raises MalformedAnswer.

    Bodies are bounded, so is what stands in them; document types and entities are refused.
    """
    schemas = [element for element in _document(body) if _local(element) == "Schema"]
    if not schemas:
        raise MalformedAnswer("the metadata holds no schema")
    return _Reader(schemas).model()


def _document(body: bytes) -> Iterator[Element]:
    """All elements, each when it is whole."""
    if len(body) > MOST_BYTES:
        raise MalformedAnswer(f"the metadata has {len(body)} bytes, at most {MOST_BYTES} are read")
    depth = count = 0
    try:
        for event, element in iterparse(BytesIO(body), events=("start", "end"), forbid_dtd=True):
            if event == "end":
                depth -= 1
                yield element
                continue
            depth, count = depth + 1, count + 1
            if depth > MOST_DEPTH or count > MOST_ELEMENTS:
                raise MalformedAnswer(f"the metadata is deeper than {MOST_DEPTH} or has over {MOST_ELEMENTS} elements")
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise MalformedAnswer(f"the metadata is no XML that can be read: {error or type(error).__name__}") from None


class _Reader:
    """Schemas to a model: names resolved, base types joined in."""

    def __init__(self, schemas: list[Element]) -> None:
        self.aliases = {schema.get("Alias", ""): schema.get("Namespace", "") for schema in schemas}
        self.elements: dict[str, dict[str, Element]] = {}
        self.labels: dict[str, str] = {}
        for schema in schemas:
            for element in schema:
                kind, name = _local(element), f"{schema.get('Namespace', '')}.{element.get('Name', '')}"
                self.elements.setdefault(kind, {})[name] = element
                if kind == "Annotations" and (label := _label(element)):
                    self.labels[self._full(element.get("Target", ""))] = label
        self.done: dict[str, EntityType] = {}

    def model(self) -> Model:
        """Every entity type and set."""
        containers = self.elements.get("EntityContainer", {}).values()
        sets = {
            element.get("Name", ""): self._full(element.get("EntityType", ""))
            for container in containers
            for element in container
            if _local(element) == "EntitySet"
        }
        return Model({name: self._type(name, ()) for name in self.elements.get("EntityType", {})}, sets)

    def _type(self, name: str, below: tuple[str, ...]) -> EntityType:
        if name in self.done:
            return self.done[name]
        element = self.elements.get("EntityType", {}).get(name)
        if element is None or name in below or len(below) > MOST_DEPTH:
            raise MalformedAnswer(f"the metadata has no entity type {name!r}, or it is derived from itself")
        parent = EntityType(name, {}, (), {})
        if base := element.get("BaseType"):
            parent = self._type(self._full(base), (*below, name))
        key = parent.key or tuple(part.get("Name", "") for child in element if _local(child) == "Key" for part in child)
        fields = parent.fields | {
            child.get("Name", ""): self._field(name, child) for child in element if _local(child) == "Property"
        }
        collections = parent.collections | {
            child.get("Name", ""): target
            for child in element
            if _local(child) == "NavigationProperty" and (target := self._collection(child)) is not None
        }
        fields |= {part: replace(fields[part], key=True, nullable=False) for part in key if part in fields}
        self.done[name] = EntityType(name, fields, key, collections)
        return self.done[name]

    def _field(self, owner: str, element: Element) -> SourceField:
        name = element.get("Name", "")
        facets = {_bare(key): value for key, value in element.attrib.items()}
        kind = facets.get("Type", "")
        definition = self.elements.get("TypeDefinition", {}).get(self._full(kind))
        if definition is not None:
            kind = definition.get("UnderlyingType", "")
            facets = {_bare(key): value for key, value in definition.attrib.items()} | facets
        text = facets.get("label") or _label(element) or self.labels.get(f"{owner}/{name}") or ""
        word = plan_type(kind, facets)
        is_enum = self._full(kind) in self.elements.get("EnumType", {})
        return SourceField(
            name=name,
            type="string" if is_enum else word,
            nullable=facets.get("Nullable", "true").lower() != "false",
            description=text,
            form=FORMS.get((kind, (word or "").partition("(")[0])),
        )

    def _collection(self, element: Element) -> str | None:
        """The type that a navigation leads to many of; None where it leads to one at most."""
        kind = element.get("Type", "")
        if kind.startswith("Collection("):
            return self._full(kind.removeprefix("Collection(").removesuffix(")"))
        association = self.elements.get("Association", {}).get(self._full(element.get("Relationship", "")))
        for end in () if association is None else association:
            if _local(end) == "End" and end.get("Role") == element.get("ToRole") and end.get("Multiplicity") == "*":
                return self._full(end.get("Type", ""))
        return None

    def _full(self, name: str) -> str:
        """A qualified name (perhaps with a path behind it) with its namespace in full."""
        head, slash, path = name.partition("/")
        space, dot, last = head.rpartition(".")
        return f"{self.aliases.get(space, space) if space else space}{dot}{last}{slash}{path}"


def plan_type(kind: str, facets: Facets) -> str | None:
    """The plan's word for a type; without digits (`decimal`, `timestamp`) where the source does not say how many; None for
    what the lake has no type for (structures, collections, binary floating point)."""
    reader = TYPES.get(kind)
    return None if reader is None else reader(facets)


def _decimal(facets: Facets) -> str | None:
    precision, scale = facets.get("Precision", ""), facets.get("Scale", "0")
    if not precision.isdecimal() or not scale.isdecimal():
        return "decimal"
    return f"decimal({precision},{scale})" if int(scale) <= int(precision) <= MOST_PRECISION else None


def _instant(facets: Facets) -> str:
    precision = facets.get("Precision", "")
    return f"timestamp({precision})" if precision.isdecimal() and len(precision) == 1 else "timestamp"


def _v2_instant(facets: Facets) -> str:
    """Version 2's type of dates and of stamps without offset: SAP says which of both by an annotation."""
    return "date" if facets.get("display-format") == "Date" else "timestamp(3)"


def _always(word: str) -> Callable[[Facets], str | None]:
    return lambda _: word


TYPES: Final[Mapping[str, Callable[[Facets], str | None]]] = {
    "Edm.String": _always("string"),
    "Edm.Guid": _always("string"),
    "Edm.Binary": _always("string"),
    "Edm.Duration": _always("string"),
    "Edm.Boolean": _always("boolean"),
    **{f"Edm.{name}": _always("int64") for name in ("Byte", "SByte", "Int16", "Int32", "Int64")},
    "Edm.Decimal": _decimal,
    "Edm.Date": _always("date"),
    "Edm.Time": _always("time"),
    "Edm.TimeOfDay": _always("time"),
    "Edm.DateTime": _v2_instant,
    "Edm.DateTimeOffset": _instant,
}

FORMS: Final[Mapping[tuple[str, str], str]] = {
    ("Edm.Guid", "string"): "guid",
    ("Edm.DateTime", "timestamp"): "odata_datetime",
}
"""By type here and in the plan: how values are compared that are not compared as their plan's type usually is."""


def _label(element: Element) -> str | None:
    """The label among annotations, else the description: by the ends of the terms' names, whatever their vocabulary's alias."""
    for term in (".Label", ".Description"):
        for child in element:
            if _local(child) == "Annotation" and child.get("Term", "").endswith(term) and child.get("String"):
                return child.get("String")
    return None


def _local(element: Any) -> str:
    return _bare(str(element.tag))


def _bare(name: str) -> str:
    return name.rpartition("}")[2]

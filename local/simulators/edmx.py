"""A service's `$metadata` as EDMX.

https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html
"""

from xml.etree import ElementTree as Xml

from local.simulators.schema import Entity, Field, children

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"
_TYPES = {
    "string": "Edm.String",
    "boolean": "Edm.Boolean",
    "decimal": "Edm.Decimal",
    "date": "Edm.Date",
    "time": "Edm.TimeOfDay",
    "instant7": "Edm.DateTimeOffset",
}


def metadata(service: str, entities: tuple[Entity, ...]) -> bytes:
    """The document of one service."""
    Xml.register_namespace("edmx", _EDMX)
    Xml.register_namespace("", _EDM)
    document = Xml.Element(f"{{{_EDMX}}}Edmx", Version="4.0")
    services = Xml.SubElement(document, f"{{{_EDMX}}}DataServices")
    # A service's version (`;v=0002`) is no part of a namespace.
    namespace = f"com.sap.gateway.srvd_a2x.{service.lower().partition(';')[0]}"
    schema = Xml.SubElement(services, f"{{{_EDM}}}Schema", Namespace=namespace)
    for entity in entities:
        _entity_type(schema, namespace, entity)
    container = Xml.SubElement(schema, f"{{{_EDM}}}EntityContainer", Name="EntityContainer")
    for entity in entities:
        _entity_set(container, namespace, entity)
    return bytes(Xml.tostring(document, encoding="utf-8", xml_declaration=True))


def _entity_type(schema: Xml.Element, namespace: str, entity: Entity) -> None:
    kind = Xml.SubElement(schema, f"{{{_EDM}}}EntityType", Name=entity.type_name)
    key = Xml.SubElement(kind, f"{{{_EDM}}}Key")
    for name in entity.key:
        Xml.SubElement(key, f"{{{_EDM}}}PropertyRef", Name=name)
    for field in entity.fields:
        Xml.SubElement(kind, f"{{{_EDM}}}Property", _property(field))
    for child in children(entity):
        Xml.SubElement(
            kind,
            f"{{{_EDM}}}NavigationProperty",
            Name=str(child.navigation),
            Type=f"Collection({namespace}.{child.type_name})",
        )


def _property(field: Field) -> dict[str, str]:
    attributes = {"Name": field.name, "Type": _TYPES[field.kind]}
    if not field.nullable:
        attributes["Nullable"] = "false"
    if field.kind == "string":
        attributes["MaxLength"] = str(field.size)
    if field.kind == "decimal":
        attributes |= {"Precision": str(field.size), "Scale": str(field.scale)}
    if field.kind == "instant7":
        attributes["Precision"] = "7"
    if field.kind == "time":
        attributes["Precision"] = "0"
    return attributes


def _entity_set(container: Xml.Element, namespace: str, entity: Entity) -> None:
    kind = f"{namespace}.{entity.type_name}"
    made = Xml.SubElement(container, f"{{{_EDM}}}EntitySet", Name=entity.set_name, EntityType=kind)
    for child in children(entity):
        path, target = str(child.navigation), child.set_name
        Xml.SubElement(made, f"{{{_EDM}}}NavigationPropertyBinding", Path=path, Target=target)

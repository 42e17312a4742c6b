"""A service's `$metadata` as EDMX of OData v2, with SAP's annotations.

https://www.odata.org/documentation/odata-version-2-0/overview/ ("Entity Data Model"); attributes of the namespace `sap`:
https://wiki.scn.sap.com/wiki/display/EmTech/SAP+Annotations+for+OData+Version+2.0
"""

import re
from xml.etree import ElementTree as Xml

from local.simulators.schema import Entity, Field, children

_EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
_EDM = "http://schemas.microsoft.com/ado/2008/09/edm"
_SERVICES = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
_SAP = "http://www.sap.com/Protocols/SAPData"
_TYPES = {
    "string": "Edm.String",
    "boolean": "Edm.Boolean",
    "decimal": "Edm.Decimal",
    "date": "Edm.DateTime",
    "time": "Edm.Time",
    "instant7": "Edm.DateTimeOffset",
}


def metadata(service: str, entities: tuple[Entity, ...]) -> bytes:
    """The document of one service."""
    for prefix, namespace in (("edmx", _EDMX), ("", _EDM), ("m", _SERVICES), ("sap", _SAP)):
        Xml.register_namespace(prefix, namespace)
    document = Xml.Element(f"{{{_EDMX}}}Edmx", Version="1.0")
    services = Xml.SubElement(document, f"{{{_EDMX}}}DataServices", {f"{{{_SERVICES}}}DataServiceVersion": "2.0"})
    schema = Xml.SubElement(services, f"{{{_EDM}}}Schema", {"Namespace": service, f"{{{_SAP}}}schema-version": "1"})
    for entity in entities:
        _entity_type(schema, service, entity)
    pairs = [(entity, child) for entity in entities for child in children(entity)]
    for entity, child in pairs:
        _association(schema, service, entity, child)
    container = Xml.SubElement(schema, f"{{{_EDM}}}EntityContainer", {"Name": f"{service}_Entities"})
    container.set(f"{{{_SERVICES}}}IsDefaultEntityContainer", "true")
    for entity in entities:
        kind = f"{service}.{entity.type_name}"
        Xml.SubElement(container, f"{{{_EDM}}}EntitySet", Name=entity.set_name, EntityType=kind)
    for entity, child in pairs:
        name = _relation(entity, child)
        made = Xml.SubElement(
            container, f"{{{_EDM}}}AssociationSet", Name=f"{name}Set", Association=f"{service}.{name}"
        )
        Xml.SubElement(made, f"{{{_EDM}}}End", EntitySet=entity.set_name, Role=f"FromRole_{name}")
        Xml.SubElement(made, f"{{{_EDM}}}End", EntitySet=child.set_name, Role=f"ToRole_{name}")
    return bytes(Xml.tostring(document, encoding="utf-8", xml_declaration=True))


def _entity_type(schema: Xml.Element, service: str, entity: Entity) -> None:
    kind = Xml.SubElement(schema, f"{{{_EDM}}}EntityType", Name=entity.type_name)
    key = Xml.SubElement(kind, f"{{{_EDM}}}Key")
    for name in entity.key:
        Xml.SubElement(key, f"{{{_EDM}}}PropertyRef", Name=name)
    for field in entity.fields:
        Xml.SubElement(kind, f"{{{_EDM}}}Property", _property(field))
    for child in children(entity):
        name = _relation(entity, child)
        Xml.SubElement(
            kind,
            f"{{{_EDM}}}NavigationProperty",
            Name=str(child.navigation),
            Relationship=f"{service}.{name}",
            FromRole=f"FromRole_{name}",
            ToRole=f"ToRole_{name}",
        )


def _association(schema: Xml.Element, service: str, entity: Entity, child: Entity) -> None:
    name = _relation(entity, child)
    made = Xml.SubElement(schema, f"{{{_EDM}}}Association", Name=name)
    for end, role, many in ((entity, "From", "1"), (child, "To", "*")):
        kind = f"{service}.{end.type_name}"
        Xml.SubElement(made, f"{{{_EDM}}}End", Type=kind, Multiplicity=many, Role=f"{role}Role_{name}")


def _relation(entity: Entity, child: Entity) -> str:
    return f"assoc_{entity.set_name}_{child.navigation}"


def _property(field: Field) -> dict[str, str]:
    attributes = {"Name": field.name, "Type": _TYPES[field.kind]}
    if not field.nullable:
        attributes["Nullable"] = "false"
    match field.kind:
        case "string":
            attributes["MaxLength"] = str(field.size)
        case "decimal":
            attributes |= {"Precision": str(field.size), "Scale": str(field.scale)}
        case "date":
            attributes |= {"Precision": "0", f"{{{_SAP}}}display-format": "Date"}
        case "time":
            attributes["Precision"] = "0"
        case "instant7":
            attributes["Precision"] = "7"
    attributes[f"{{{_SAP}}}label"] = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", field.name)
    return attributes

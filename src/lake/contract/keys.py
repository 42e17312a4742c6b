"""The keys of the Open Data Contract Standard: which are read, which are for people, which are refused.

What is read stands in docs/contracts.md, key by key. What is for people may stand in a contract and changes nothing.
"""

from __future__ import annotations

from typing import Final

DESCRIBING: Final = {"id", "tags", "customProperties", "authoritativeDefinitions"}
"""Keys that the standard has nearly everywhere. Custom properties are read where `READ` says so."""

READ: Final = {
    "contract": {"apiVersion", "kind", "id", "name", "version", "team", "schema", "slaProperties", "customProperties"},
    "team": {"name", "members"},
    "member": {"username", "role"},
    "table": {"name", "physicalName", "description", "properties", "quality", "relationships", "customProperties"},
    "field": {"name", "physicalName", "physicalType", "required", "primaryKey", "primaryKeyPosition", "classification"}
    | {"description", "logicalType", "logicalTypeOptions", "enum", "quality", "relationships", "customProperties"},
    "enum": {"value"},
    "quality": {"name", "type", "severity", "description", "metric", "arguments", "mustBe", "unit", "query"}
    | {"engine", "implementation"},
    "relationship": {"id", "type", "from", "to"},
    "sla": {"property", "value", "unit", "element"},
    "custom": {"property", "value", "vendor"},
}

FOR_PEOPLE: Final = {
    "contract": {"status", "description", "domain", "tenant", "dataProduct", "support", "price", "contractCreatedTs"}
    | {"context", "servers", "roles"},
    "team": {"description"},
    "member": {"name", "description", "dateIn", "dateOut", "replacedByUsername"},
    "table": {"businessName", "deprecated", "synonyms", "logicalType", "physicalType", "dataGranularityDescription"}
    | {"context"},
    "field": {"businessName", "deprecated", "synonyms", "semanticType", "examples", "criticalDataElement"}
    | {"transformSourceObjects", "transformLogic", "transformDescription"},
    "enum": {"label", "description"},
    "quality": {"dimension", "method", "businessImpact"},
    "relationship": set[str](),
    "sla": {"driver", "description"},
    "custom": {"description"},
}

FLAT = "fields are flat; items are tables of their own"
LOOKED_AT = "rules are looked at whenever rows arrive"
ROW_RULE = "only `mustBe: 0` is supported: a rule says of each row whether it is good"
REFUSED: Final = {
    "contract": {"slaDefaultElement": "say `element` at the property"},
    "team": {},
    "member": {},
    "table": {},
    "field": {
        "unique": "a key is never doubled; of other fields a row alone does not show it",
        "partitioned": "say `partition` in the custom property `curated`",
        "partitionKeyPosition": "say `partition` in the custom property `curated`",
        "encryptedName": "nothing is encrypted by field",
        "properties": FLAT,
        "items": FLAT,
        "map": FLAT,
    },
    "enum": {},
    "quality": {
        "rule": "say `metric`",
        "schedule": LOOKED_AT,
        "scheduler": LOOKED_AT,
        "mustNotBe": ROW_RULE,
        "mustBeGreaterThan": ROW_RULE,
        "mustBeGreaterOrEqualTo": ROW_RULE,
        "mustBeLessThan": ROW_RULE,
        "mustBeLessOrEqualTo": ROW_RULE,
        "mustBeBetween": ROW_RULE,
        "mustNotBeBetween": ROW_RULE,
    },
    "relationship": {},
    "sla": {
        "valueExt": "latency has one value",
        "scheduler": "the stack's schedules say when sources are read",
        "schedule": "the stack's schedules say when sources are read",
    },
    "custom": {},
}
"""Keys that promise what nobody keeps, with what to do instead."""

"""State machine definitions in YAML, as AWS takes them and `sam deploy` uploads them; the emulator reads JSON only."""

import json
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners


def as_json(definition: str) -> str:
    """The definition as JSON text; what is JSON already stays as it is."""
    try:
        json.loads(definition)
    except ValueError:
        return json.dumps(yaml.safe_load(definition))
    return definition


def install() -> None:
    resolve = provisioners._sfn_definition

    def definition(props: dict[str, Any]) -> str:
        return as_json(resolve(props))

    provisioners._sfn_definition = definition

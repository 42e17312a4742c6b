"""What the marts are made of, as one digest. Used by the job that builds them and by the function that plans a run."""

import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable


class ModelsMissing(Exception):
    """The package was built without the marts' SQL."""


def models(package: Traversable | None = None) -> dict[str, str]:
    """The SQL texts that were built into a package (else this one), by mart; raises ModelsMissing where there are none."""
    folder = (package or files("lake.analytics")) / "sql"
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else []
    found = {entry.name[:-4]: entry.read_text("utf-8") for entry in entries if entry.name.endswith(".sql")}
    if not found:
        raise ModelsMissing("the package `lake` holds no SQL models: the build copies glue/analytics/*.sql into it")
    return found


def digest(through: Mapping[str, int], models: Mapping[str, str]) -> str:
    """SHA-256 over how far each entity is curated and over the marts' SQL.

    An entity that was never curated counts the same whether it is missing or stands at 0.
    """
    begun = {entity: number for entity, number in through.items() if number > 0}
    hashes = {name: hashlib.sha256(sql.encode()).hexdigest() for name, sql in models.items()}
    canonical = json.dumps({"through": begun, "models": hashes}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()

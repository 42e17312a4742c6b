"""Arguments of a job, as Glue hands them over."""

from collections.abc import Iterable, Sequence


class GlueArgumentError(Exception):
    """An argument that the script asks for was not given."""


def getResolvedOptions(args: Sequence[str], options: Iterable[str]) -> dict[str, str]:  # noqa: N802 (Glue's name)
    """The values of the named arguments, full names only.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-get-resolved-options.html
    """
    given = _pairs(list(args)[1:])
    wanted = list(options)
    missing = [name for name in wanted if name not in given]
    if missing:
        raise GlueArgumentError("the following arguments are required: " + ", ".join(f"--{name}" for name in missing))
    return {name: given[name] for name in wanted}


def _pairs(words: list[str]) -> dict[str, str]:
    """`--name value` and `--name=value` as a dictionary; a name without a value has an empty one."""
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, has_value, value = word.removeprefix("--").partition("=")
            found[name] = value if has_value else ""
        elif name:
            found[name] = word
            name = ""
    return found

"""From contracts to plans: pure functions, all mistakes of a contract found in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lake.contract.collisions import check_collisions
from lake.contract.curated import curated_of
from lake.contract.errors import ContractError, Findings
from lake.contract.extraction import check_protocol, check_rules, cursor_of, deletes_of, instant_of, seconds
from lake.contract.fields import fields_of
from lake.contract.head import check_head, check_unread, freshness_of, owner_of
from lake.contract.odcs import ChildSpec, CuratedSpec, ExtractionSpec, SourceSpec, mistakes_of
from lake.contract.plan import NO_CURSOR, Child, Plan, SourcePlan
from lake.contract.raw_columns import with_columns
from lake.contract.relationships import relationships_of
from lake.contract.rest_rules import rest_of
from lake.contract.rules import checks_of, rows_of

if TYPE_CHECKING:
    from open_data_contract_standard.model import CustomProperty, OpenDataContractStandard, SchemaObject

    from lake.contract.plan import Field
    from lake.contract.strict import Strict


def compile_source(file: str, raw: dict[str, Any]) -> tuple[SourceSpec, SourcePlan]:
    """A source.yaml as its checked form and its plan; raises ContractError."""
    try:
        spec = SourceSpec.model_validate(raw)
    except ValidationError as error:
        raise ContractError(mistakes_of(file, "", error)) from None
    return spec, SourcePlan(
        source=spec.source,
        protocol=spec.protocol,
        description=spec.description,
        base_path=spec.base_path,
        auth=spec.auth.type,
        token_path=spec.auth.token_path,
        params=dict(spec.params),
        daily_requests=spec.limits.daily_requests,
        max_retries=spec.limits.max_retries,
        max_retry_after_s=spec.limits.max_retry_after_s,
        timeout_s=spec.limits.timeout_s,
        concurrency=spec.limits.concurrency,
        version=spec.version,
        auth_header=spec.auth.header,
        client_auth=spec.auth.client_auth or "post",
        scope=spec.auth.scope,
        token_url=spec.auth.token_url,
        daily_share=spec.limits.daily_share,
        requests_per_second=spec.limits.requests_per_second,
        parallel_windows=spec.limits.parallel_windows,
        rest=spec.rest.model_dump(by_alias=True, exclude_none=True) if spec.rest else None,
    )


def compile_contract(file: str, contract: OpenDataContractStandard, source: SourceSpec) -> Plan:
    """A contract as its plan; raises ContractError with all mistakes."""
    found = Findings(file, [])
    objects = contract.schema_ or []
    entity = contract.id or ""
    check_head(found, contract, source.source)
    check_unread(found, contract)
    owner = owner_of(found, contract)
    if not objects:
        found.add("schema", "is empty: the first object is the entity, each further one a child")
        raise ContractError(found.mistakes)
    spec = _custom(found, "customProperties", contract.customProperties, "extraction", ExtractionSpec)
    kept = _custom(found, "customProperties", contract.customProperties, "curated", CuratedSpec, optional=True)
    fields, key = fields_of(found, objects[0], "schema[0]")
    children = tuple(
        _child(found, child, f"schema[{position}]", source.source, key, fields)
        for position, child in enumerate(objects[1:], start=1)
    )
    checks = checks_of(found, objects[0], "schema[0]", rows_of(fields, children))
    if spec is None:
        raise ContractError(found.mistakes)
    check_rules(found, spec, source)
    check_protocol(found, source, spec, fields, children)
    cursor = cursor_of(found, spec.cursor, fields) if spec.cursor else NO_CURSOR
    fields, children = with_columns(fields, children, key)
    plan = Plan(
        entity=entity,
        source=source.source,
        name=contract.name or "",
        version=contract.version or "",
        major=int((contract.version or "0").partition(".")[0] or 0) if not found.mistakes else 0,
        description=objects[0].description or "",
        path=objects[0].physicalName or "",
        key=key,
        fields=fields,
        children=children,
        cursor=cursor,
        deletes=tuple(deletes_of(found, n, deletes, fields) for n, deletes in enumerate(spec.deletes)),
        checks=checks,
        filter=spec.filter,
        initial_from=instant_of(found, spec.initial.from_),
        page_size=spec.page_size,
        overlap_s=seconds(spec.overlap or source.clock.overlap),
        settle_lag_s=seconds(spec.settle_lag or source.clock.settle_lag),
        freshness_s=freshness_of(found, contract, fields),
        full_refresh_s=seconds(spec.full_refresh.every) if spec.full_refresh else None,
        window_s=seconds(spec.initial.window) if spec.initial.window else None,
        paging=spec.paging.mode,
        result_cap=spec.paging.result_cap,
        rest=rest_of(found, spec, source, cursor, fields, len(key)),
        curated=curated_of(found, kept or CuratedSpec(), fields, key),
        relationships=relationships_of(found, objects, source.source),
        owner=owner,
        rows_may_shift=spec.paging.rows_may_shift is not None,
        count_ignored=spec.count.ignored if spec.count else None,
    )
    check_collisions(found, plan)
    if found.mistakes:
        raise ContractError(found.mistakes)
    return plan


def _custom[T: Strict](
    found: Findings,
    path: str,
    properties: list[CustomProperty] | None,
    name: str,
    model: type[T],
    *,
    optional: bool = False,
) -> T | None:
    for position, item in enumerate(properties or []):
        if item.property == name:
            try:
                return model.model_validate(item.value)
            except ValidationError as error:
                found.mistakes += mistakes_of(found.file, f"{path}[{position}].value", error)
                return None
    if not optional:
        found.add(path, f"lacks the property `{name}`")
    return None


def _child(
    found: Findings, table: SchemaObject, path: str, source: str, parent: tuple[str, ...], above: tuple[Field, ...]
) -> Child:
    fields, key = fields_of(found, table, path)
    spec = _custom(found, f"{path}.customProperties", table.customProperties, "child", ChildSpec)
    parent_key = tuple(spec.parent_key) if spec else ()
    if spec and (len(parent_key) != len(parent) or not set(parent_key) <= set(key)):
        found.add(
            f"{path}.customProperties", f"parent_key must name the child's {len(parent)} columns of the parent's key"
        )
    return Child(
        entity=f"{source}.{table.name}",
        name=table.name or "",
        field=spec.navigation if spec else "",
        path=table.physicalName or "",
        key=key,
        parent_key=parent_key,
        description=table.description or "",
        fields=fields,
        checks=checks_of(found, table, path, rows_of(fields, (), above)),
        filter=spec.filter if spec else None,
    )

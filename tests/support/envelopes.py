"""An envelope of OData v2, and a plan of what it holds."""

from __future__ import annotations

import pyarrow as pa

from lake.raw.envelope import Envelope
from tests.support.plans import plan

PLAN = plan({"Text": "string", "Count": "int64", "Amount": "decimal(7,2)"}, items={"Text": "string", "Count": "int64"})
METADATA = pa.struct([pa.field("uri", pa.string()), pa.field("type", pa.string())])
V2 = Envelope(
    records="d.results",
    next_link="d.__next",
    beside={"d.__count": pa.string()},
    annotations={"__metadata": METADATA},
    annotation_mark="__metadata",
    items="results",
)

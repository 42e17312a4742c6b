"""Items that a contract leaves out stay at the source: social security numbers among a partner's tax numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.raw_lake import RawLake, Source

PARTNER = "erp.business_partner"


def test_a_social_security_number_never_leaves_the_source(raw_lake: RawLake, erp: Source) -> None:
    partner = {
        "BusinessPartner": "0009990001",
        "BusinessPartnerCategory": "1",
        "IsMarkedForArchiving": False,
        "to_BusinessPartnerTax": [
            {"BPTaxType": "US0", "BPTaxNumber": "12-3456789"},
            {"BPTaxType": "US1", "BPTaxNumber": "078-05-1120"},
        ],
    }
    erp.control.insert(PARTNER, partner)
    erp.control.advance(hours=1)
    raw_lake.run(PARTNER)
    landed = raw_lake.newest(PARTNER)[("0009990001",)]
    assert [item["BPTaxType"] for item in landed["to_BusinessPartnerTax"]] == ["US0"]
    assert {row["BPTaxType"] for row in erp.rows("A_BusinessPartnerTaxNumber")} >= {"US0", "US1"}
    assert "078-05-1120" not in repr(raw_lake.versions(PARTNER))

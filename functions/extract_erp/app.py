"""Reads what changed at the ERP."""

from lake.extract.handler import handler_for

handler = handler_for("erp")

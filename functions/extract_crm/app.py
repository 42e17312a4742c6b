"""Reads what changed at the CRM."""

from lake.extract.handler import handler_for

handler = handler_for("crm")

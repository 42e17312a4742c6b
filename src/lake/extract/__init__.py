"""Extraction: reading what changed at a source, and landing it in raw."""

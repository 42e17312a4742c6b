"""Marts: SQL models over the curated tables, rebuilt whole when what they are made of has changed."""

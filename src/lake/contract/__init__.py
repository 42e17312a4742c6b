"""Contracts: what describes an entity, and the plan that it compiles to."""

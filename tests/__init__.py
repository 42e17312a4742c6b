"""The tests; a package of their own, for a library brings one of the same name."""

"""Raw: what the source sent, lossless and immutable."""

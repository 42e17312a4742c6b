"""Raw loads into typed, validated tables of current rows, deletions and quarantine."""

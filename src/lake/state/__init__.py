"""State: what extraction remembers between invocations, in one DynamoDB table."""

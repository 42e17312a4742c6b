"""The part of Glue's own library that our jobs use; on AWS the service brings it."""

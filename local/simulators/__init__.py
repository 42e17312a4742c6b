"""A CRM and an ERP that answer over HTTP from SQLite, on a clock that only their control API moves."""

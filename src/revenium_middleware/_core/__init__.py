"""Values and rules every other floor stands on; nothing here knows a provider, HTTP or SQLite."""

"""The conflict store: PostgreSQL, embedded or given, and every statement sent to it."""

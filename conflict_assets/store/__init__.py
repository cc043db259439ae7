"""Where conflicts live: PostgreSQL, embedded or given, and every statement sent to it."""

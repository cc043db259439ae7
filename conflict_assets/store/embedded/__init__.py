"""The PostgreSQL that starts by itself when no URL is set."""

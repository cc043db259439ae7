"""How settings are named, read from files, and checked."""

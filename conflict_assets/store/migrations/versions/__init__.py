"""One migration a module; the SQL lies beside it."""

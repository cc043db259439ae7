"""What people read as text: log lines, tables, values in words, and files that are written whole."""

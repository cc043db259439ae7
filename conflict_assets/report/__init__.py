"""What people look at: log lines, pictures and totals."""

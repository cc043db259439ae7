"""From the columns of any frame to arrays of known types."""

"""Read the columns of any frame into arrays of known types."""

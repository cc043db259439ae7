"""The lists in the pages that are written from the code: `make generated` writes them, and a test finds stale ones."""

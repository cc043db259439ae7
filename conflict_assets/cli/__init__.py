"""The command line, `conflict-assets`: a file for each command."""

"""The exit codes of the command line. 0 means that all went well."""

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

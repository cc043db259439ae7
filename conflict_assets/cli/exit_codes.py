"""What the exit codes of the command line mean; 0 is that all went well."""

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

"""The module that makes a forkserver ready for steps.

Only a forkserver may import it, since it sets signals.
"""

import signal

from conflict_assets.automation.garbage_collection import collect_as_usual
from conflict_assets.automation.orphans import end_with_the_command
from conflict_assets.automation.step_imports import import_all

import_all()
collect_as_usual()
end_with_the_command()
# The server is started with interrupts ignored, but the steps that are forked from it must handle them. They ignore a
# closed terminal: the command, which gets that signal too, ends them in order.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

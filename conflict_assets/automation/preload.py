"""The module that makes a forkserver ready for steps.

Only a forkserver may import it, since it sets signals.
"""

from conflict_assets.automation.garbage_collection import collect_as_usual
from conflict_assets.automation.orphans import end_with_the_command
from conflict_assets.automation.step_imports import import_all
from conflict_assets.automation.step_signals import handle_signals_of_steps

import_all()
collect_as_usual()
end_with_the_command()
handle_signals_of_steps()

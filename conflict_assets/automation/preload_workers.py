"""The module that makes a forkserver ready for the workers of runs.

Only a forkserver may import it, since it changes the garbage collection.
"""

from conflict_assets.automation.garbage_collection import collect_as_usual
from conflict_assets.automation.step_imports import import_all

import_all()
collect_as_usual()

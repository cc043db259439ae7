"""The module that a forkserver imports before all others.

Only a forkserver may import it, since it changes the garbage collection.
"""

from conflict_assets.automation.garbage_collection import collect_rarely

collect_rarely()

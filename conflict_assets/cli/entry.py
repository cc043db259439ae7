"""The start of the command line, which imports the rest when it is called.

Each step is a process of its own, and multiprocessing runs the script of the command again in it, for what the script
imports. A step needs no command, and would spend a quarter of a second on importing all of them.
"""


def main() -> None:
    """Run the command line."""
    from conflict_assets.automation.garbage_collection import collect_rarely

    collect_rarely()
    from conflict_assets.cli.app import main as run

    run()

"""Break the package on purpose and see that its tests notice: `make mutations`."""

import argparse
import sys

from conflict_assets_tests.mutations.rules import INCREMENTAL, RULES, judge_all
from conflict_assets_tests.mutations.sample import PACKAGES, judge_sample


def main() -> None:
    """Make the changes that are asked for; end with an error when one survives."""
    parser = argparse.ArgumentParser(prog="make mutations", description=__doc__)
    parser.add_argument(
        "what",
        choices=("rules", "incremental", "sample"),
        help="changes to the rules or to incremental nights, or a sample of the rest",
    )
    parser.add_argument("--count", type=int, default=25, help="of the sample, so many of each package (25)")
    parser.add_argument("--seed", type=int, default=1, help="which changes are drawn (1)")
    parser.add_argument("--processes", type=int, default=2, help="copies that are tried at once (2)")
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, default=PACKAGES, help="only these")
    asked = parser.parse_args()
    if asked.what == "rules":
        survivors = judge_all(RULES, 1)
    elif asked.what == "incremental":
        survivors = judge_all(INCREMENTAL, asked.processes)
    else:
        survivors = judge_sample(asked.count, asked.seed, asked.processes, asked.packages)
    if survivors:
        sys.exit(f"{survivors} changes survived")


if __name__ == "__main__":
    main()

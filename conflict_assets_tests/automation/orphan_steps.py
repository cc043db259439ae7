"""What a forkserver of the tests imports: as the product's, but that orphans end after a second."""

from conflict_assets.automation import orphans

orphans.GRACE_SECONDS = 1.0
orphans.end_with_the_command()


def tell_much(queue):
    """Put more into the queue than its pipe holds, and end: the process waits until it is read."""
    queue.put(b"x" * 1_000_000)

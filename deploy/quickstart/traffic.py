"""A light, steady load through the quickstart's load balancers: 10 requests a second to each.

traffic.py FILE ADDRESS...    FILE gets the counts as JSON, each second."""

import http.client
import json
import sys
import time
from pathlib import Path

from load import PATIENCE, ask

PER_SECOND = 20


def succeeds(connection, path):
    try:
        ask(connection, path)
    except (OSError, http.client.HTTPException):
        return False
    return True


def main(file, *addresses):
    connections = [http.client.HTTPConnection(address, timeout=PATIENCE) for address in addresses]
    counts = {"sent": 0, "failed": 0}
    due = shown = time.monotonic()
    while True:
        number = counts["sent"]
        counts["sent"] += 1
        path = "/seen" if number // len(connections) % 2 else "/"
        counts["failed"] += not succeeds(connections[number % len(connections)], path)
        due += 1 / PER_SECOND
        now = time.monotonic()
        if now - shown >= 1:
            shown = now
            beside = Path(file + ".new")
            beside.write_text(json.dumps(counts))
            beside.rename(file)
        time.sleep(max(0, due - now))
        due = max(due, now - 1)


main(*sys.argv[1:])

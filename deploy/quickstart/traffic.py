"""A light, steady load: 20 requests a second to those that the fleet's name leads to, in turn.

traffic.py FILE    FILE gets the counts as JSON, each second."""

import http.client
import json
import sys
import time
from pathlib import Path

from clients import Client, Name
from services import TRAFFIC
from state import read_ports


def succeeds(client, path, counts):
    def note_again():
        counts["sent_again"] += 1

    try:
        client.ask(path, client.choose(), note_again)
    except (OSError, http.client.HTTPException):
        return False
    return True


def main(file):
    client = Client(Name(read_ports()))
    counts = {"sent": 0, "failed": 0, "sent_again": 0, "next_ones": 0}
    due = shown = time.monotonic()
    while True:
        number = counts["sent"]
        counts["sent"] += 1
        counts["failed"] += not succeeds(client, ("/", "/seen")[number % 3 == 0], counts)
        counts["next_ones"] = client.next_ones
        due += 1 / TRAFFIC
        now = time.monotonic()
        if now - shown >= 1:
            shown = now
            beside = Path(file + ".new")
            beside.write_text(json.dumps(counts))
            beside.rename(file)
        time.sleep(max(0, due - now))
        due = max(due, now - 1)


main(*sys.argv[1:])

#!/usr/bin/env python3
"""A muster plug-in (docs/plugin-protocol.md): is a file on this machine fresh enough?

    plugin: {name: file_age, settings: {path: /run/backup.stamp, seconds: 3600}}
"""

import json
import os
import sys
import time


def answer(probe):
    settings = probe["settings"]
    try:
        age = time.time() - os.stat(settings["path"]).st_mtime
    except OSError as error:
        return {"result": "failure", "code": 2, "message": str(error)}
    limit = float(settings.get("seconds", 3600))
    good = age <= limit
    return {
        "result": "success" if good else "failure",
        "code": 0 if good else 1,
        "message": f"{age:.0f} s old, {limit:.0f} s allowed",
    }


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


for text in sys.stdin:
    request = json.loads(text)
    if "hello" in request:
        say({"hello": {"protocol": 1, "max_in_flight": 1}})
    elif "id" in request:
        try:
            result = answer(request)
        except (KeyError, TypeError, ValueError) as error:
            result = {"result": "inconclusive", "message": f"settings: {error!r}"}
        say({"id": request["id"], **result})

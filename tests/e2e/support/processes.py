# SPDX-License-Identifier: Apache-2.0
"""Looking at processes through /proc."""
import os
import time
from pathlib import Path


# The least limit of any wait, in seconds. Limits end a test that hangs; they measure nothing, so they may be far above what a
# busy machine needs, where processes stand still for seconds.
LEAST = 60


def wait_until(condition, timeout=LEAST, what="condition"):
    """Polls until the condition is true and returns its value. `what` may be a function, asked when it has failed."""
    timeout = max(timeout, LEAST)
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout} s for {what() if callable(what) else what}"
        time.sleep(0.01)


def stat(pid):
    """(state, parent, session) of a process, or None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return fields[0], int(fields[1]), int(fields[3])


def alive(pid):
    """Zombies do not count as alive."""
    found = stat(pid)
    return found is not None and found[0] not in "ZX"


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid):
    found = []
    for other in all_pids():
        fields = stat(other)
        if fields and fields[1] == pid and fields[0] not in "ZX":
            found.append(other)
    return sorted(found)


def zombies(parent):
    return [pid for pid in all_pids() if (found := stat(pid)) and found[1] == parent and found[0] == "Z"]


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def marked(mark, session=None):
    """Living processes that carry the mark in their environment or belong to the session."""
    found = []
    for pid in all_pids():
        fields = stat(pid)
        if not fields or fields[0] in "ZX":
            continue
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            environment = b""
        if mark.encode() in environment or (session and fields[2] == session):
            found.append(pid)
    return found


def open_files(pid):
    """By descriptor, what each is; those that are closed meanwhile are left out."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[name] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))

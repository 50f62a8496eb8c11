# SPDX-License-Identifier: Apache-2.0
"""An application that takes its time when a server is replaced."""

# Its process named in a file "gate" beside it, it says "loading" and waits until the file is gone. The trial of a
# reload is another process, and does not wait.
SLOW = """
import os, time
from pathlib import Path
gate = Path(__file__).with_name("gate")
if gate.exists() and gate.read_text() == str(os.getpid()):
    print("loading\\n", end="", flush=True)
    while gate.exists(): time.sleep(0.01)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""

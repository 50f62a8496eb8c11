# SPDX-License-Identifier: Apache-2.0
"""Writes to the log in all the ways that applications have."""
import os
import subprocess
import sys


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/print":
        print("printed by", os.getpid(), environ["QUERY_STRING"], flush=True)
    elif path == "/parts":
        for part in ("one ", "two ", "three\n"):
            sys.stderr.write(part)
            sys.stderr.flush()
    elif path == "/long":
        os.write(2, b"long" + b"x" * 300_000 + b"end\n")
    elif path == "/child":
        subprocess.run("echo from a child; echo by name > /dev/stderr", shell=True, check=True)
    elif path == "/bytes":
        os.write(1, b'{"quote": "\\"} \xff\xfe \x00\x01\x1b[31m \r\xe2\x80\xa8\n')
    elif path == "/raise":
        raise ValueError('quoted "text"\nand a second line')
    elif path == "/flood":
        for number in range(2000):
            os.write(1, b"flood %d %s\n" % (number, b"y" * 100))  # in one piece, as others write too
    elif path == "/logvar":
        import uwsgi
        uwsgi.set_logvar('na"me', 'va"l\nue')
        uwsgi.log('by "log" \x01')
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"talked"]

# SPDX-License-Identifier: Apache-2.0
"""Asking a running server by Python expressions."""
from urllib.parse import quote

# An application that evaluates the query string; what stands before it is run at import.
ASKED = '''
import os, sys, time, uwsgi
from urllib.parse import unquote
def application(environ, start_response):
    try:
        value = eval(unquote(environ["QUERY_STRING"]), globals())
    except Exception as problem:
        value = type(problem).__name__ + ": " + str(problem)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(value).encode()]
'''


def ask(server, expression):
    return server.get("/?" + quote(expression)).text

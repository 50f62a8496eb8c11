# SPDX-License-Identifier: Apache-2.0
"""An application that evaluates expressions inside the server, and the asking of it."""
from urllib.parse import quote

APP = '''
import os, time, uwsgi
from urllib.parse import unquote
{more}
def application(environ, start_response):
    expression = unquote(environ["QUERY_STRING"])
    names = dict(globals(), environ=environ)
    try:
        value = eval(expression, names)
    except Exception as problem:
        value = type(problem).__name__ + ": " + str(problem)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(value).encode()]
'''


def app(more=""):
    """The application, with these lines of its own in front."""
    return APP.replace("{more}", more)


def value(server, expression):
    """repr() of the expression, evaluated by whichever worker takes it; "Type: text" of what it raises."""
    return server.get("/?" + quote(expression)).text

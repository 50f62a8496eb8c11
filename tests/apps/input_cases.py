# SPDX-License-Identifier: Apache-2.0
"""Runs the expressions of the query string on wsgi.input, named `i`, and answers with the list of their results' reprs.

The query is a JSON list of Python expressions; a raised exception is shown as its type and text.
"""
import json
from urllib.parse import unquote


def application(environ, start_response):
    i = environ["wsgi.input"]
    results = []
    for expression in json.loads(unquote(environ["QUERY_STRING"])):
        try:
            results.append(repr(eval(expression, {"i": i, "environ": environ})))
        except Exception as problem:
            results.append(f"{type(problem).__name__}: {problem}")
    body = json.dumps(results).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

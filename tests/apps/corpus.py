# SPDX-License-Identifier: Apache-2.0
"""Answers with what it saw of the request, as JSON."""
import json


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    seen = {
        "method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"], "query": environ["QUERY_STRING"],
        "host": environ.get("HTTP_HOST"), "body": body.decode("latin-1"),
        "environ": {key: value for key, value in environ.items() if key.startswith("HTTP_") or key in ("CONTENT_LENGTH", "CONTENT_TYPE")},
    }
    answer = json.dumps(seen).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]

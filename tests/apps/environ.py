# SPDX-License-Identifier: Apache-2.0
"""Answers with the environ as JSON: {key: [type, value]}; bytes as latin-1 text, other objects by their repr."""
import json


def shown(value):
    if isinstance(value, (str, bool, int, float, type(None))):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, tuple):
        return list(value)
    return repr(value)


def application(environ, start_response):
    found = {key: [type(value).__name__, shown(value)] for key, value in environ.items()}
    found["(type)"] = [type(environ).__name__, None]
    found["(body)"] = ["bytes", environ["wsgi.input"].read().decode("latin-1")]
    body = json.dumps(found).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

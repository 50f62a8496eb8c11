# SPDX-License-Identifier: Apache-2.0
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"Hello World"]

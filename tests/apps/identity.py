# SPDX-License-Identifier: Apache-2.0
"""Who loaded the application, and who runs its requests."""
import os

loaded_by = os.getuid()


def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/groups":
        return [" ".join(str(group) for group in sorted(os.getgroups())).encode()]
    return [f"{loaded_by} {os.getuid()} {os.getgid()}".encode()]

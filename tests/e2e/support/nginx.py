# SPDX-License-Identifier: Apache-2.0
"""An nginx of our own: configuration, logs and temporary files in one folder, in the foreground."""
import os
import shutil
import subprocess
from pathlib import Path

from support.http import Connection
from support.processes import LEAST, wait_until
from support.server import free_port

PROGRAM = shutil.which("nginx") or ("/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else None)

PARAMETERS = """
uwsgi_param QUERY_STRING $query_string; uwsgi_param REQUEST_METHOD $request_method;
uwsgi_param CONTENT_TYPE $content_type; uwsgi_param CONTENT_LENGTH $content_length;
uwsgi_param REQUEST_URI $request_uri; uwsgi_param PATH_INFO $document_uri;
uwsgi_param DOCUMENT_ROOT $document_root; uwsgi_param SERVER_PROTOCOL $server_protocol;
uwsgi_param REQUEST_SCHEME $scheme; uwsgi_param HTTPS $https if_not_empty;
uwsgi_param REMOTE_ADDR $remote_addr; uwsgi_param REMOTE_PORT $remote_port;
uwsgi_param SERVER_PORT $server_port; uwsgi_param SERVER_NAME $server_name;
uwsgi_param HTTP_HOST $host;
"""


class Nginx:
    def __init__(self, folder, upstream, protocol="uwsgi", extra=""):
        """upstream: a unix path, or a (host, port) pair; protocol: uwsgi or http."""
        self.folder = Path(folder)
        self.port = free_port()
        where = f"unix:{upstream}" if isinstance(upstream, str) else f"{upstream[0]}:{upstream[1]}"
        if protocol == "uwsgi":
            location = f"{PARAMETERS} uwsgi_pass {where};"
        else:
            scheme_and_host = f"http://{where}:/" if isinstance(upstream, str) else f"http://{where}"
            location = (f"proxy_pass {scheme_and_host}; proxy_http_version 1.1; proxy_set_header Host $host;"
                        "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;")
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            f"daemon off; master_process off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;\n"
            "events { worker_connections 512; }\n"
            f"http {{ access_log off; {temporary} client_max_body_size 64m;\n"
            f"server {{ listen 127.0.0.1:{self.port}; server_name example.org; {extra}\n"
            f"location / {{ {location} }} }} }}\n")
        self.process = subprocess.Popen([PROGRAM, "-e", str(self.folder / "error.log"), "-c", str(configuration)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(self.accepts, 10, "nginx")

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def accepts(self):
        assert self.process.poll() is None, self.process.stderr.read().decode()
        try:
            Connection(self.address).close()
            return True
        except OSError:
            return False

    def connect(self, **more):
        return Connection(self.address, **more)

    def get(self, target="/", **more):
        with self.connect() as connection:
            return connection.get(target, **more)

    def request(self, *args, **more):
        with self.connect() as connection:
            return connection.request(*args, **more)

    def stop(self):
        self.process.terminate()
        self.process.wait(LEAST)
        self.process.stderr.close()

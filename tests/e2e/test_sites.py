# SPDX-License-Identifier: Apache-2.0
"""A Flask and a Django site, straight on HTTP and behind nginx: forms, uploads, downloads, streams, sessions."""
import hashlib
import json
from urllib.parse import urlencode

import pytest

from support import packet
from support.http import Connection, chunked, make_request
from support.server import APPS

WAYS = ["http", "http-socket", "nginx-unix", "nginx-tcp", "nginx-http"]

pytestmark = pytest.mark.parity


class Site:
    """A browser of sorts: keeps cookies, sends forms and files."""

    def __init__(self, front):
        self.front, self.cookies = front, {}

    def request(self, method, target, headers=(), body=None):
        headers = list(headers)
        if self.cookies:
            headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        with Connection(self.front.address, timeout=30) as connection:
            response = connection.request(method, target, headers=headers, body=body, host="example.org")
        for cookie in response.all("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def post(self, target, fields, headers=()):
        return self.request("POST", target, [("Content-Type", "application/x-www-form-urlencoded"), *headers],
                            urlencode(fields).encode())

    def upload(self, target, name, content, fields=()):
        mark = b"----e2eboundary"
        body = b""
        for field, value in dict(fields).items():
            body += b"--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % (mark, field.encode(), value.encode())
        body += (b"--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/octet-stream"
                 b"\r\n\r\n%s\r\n--%s--\r\n" % (mark, name.encode(), content, mark))
        return self.request("POST", target, [("Content-Type", "multipart/form-data; boundary=" + mark.decode())], body)


@pytest.fixture(params=WAYS, scope="module")
def way(request):
    return request.param


def front_of(server, nginx, way, app, args=()):
    args = ["--master", "--processes", "2", *args]
    if way == "nginx-unix":
        srv = server(app=app, front="unix", args=[*args, "--chmod-socket=666"], allow=["Traceback"])
        return nginx(srv.unix_path)
    if way == "nginx-tcp":
        srv = server(app=app, front="socket", args=args, allow=["Traceback"])
        return nginx(srv.address)
    if way == "nginx-http":
        srv = server(app=app, front="http-socket", args=args, allow=["Traceback"])
        return nginx(srv.address, "http")
    return server(app=app, front=way, args=args, allow=["Traceback"])


@pytest.fixture(scope="module")
def flask_front(module_server, module_nginx, way):
    pytest.importorskip("flask")
    return front_of(module_server, module_nginx, way, "flask_site")


@pytest.fixture(scope="module")
def django_front(module_server, module_nginx, way):
    pytest.importorskip("django")
    return front_of(module_server, module_nginx, way, "django_site")


@pytest.fixture
def flask(flask_front):
    return Site(flask_front)


@pytest.fixture
def django(django_front):
    return Site(django_front)


DATA = bytes(range(256)) * 4000  # about 1 MB


def test_flask_pages(flask):
    assert flask.get("/").text == "flask index"
    got = json.loads(flask.get("/user/j%C3%BCrgen?a=1&b=%26", headers=[("User-Agent", "e2e")]).body)
    assert got == {"name": "jürgen", "agent": "e2e", "query": {"a": "1", "b": "&"}}
    assert flask.get("/nowhere").status == 404
    assert flask.request("DELETE", "/").status == 405
    head = flask.request("HEAD", "/")
    assert (head.status, head.get("content-length")) == (200, "11")


def test_flask_upload_and_download(flask):
    answer = json.loads(flask.upload("/upload", "d.bin", DATA, {"note": "with text"}).body)
    assert answer == {"name": "d.bin", "size": len(DATA), "sha": hashlib.sha256(DATA).hexdigest(), "note": "with text"}
    answer = json.loads(flask.request("PUT", "/raw", body=DATA).body)
    assert answer["sha"] == hashlib.sha256(DATA).hexdigest()
    response = flask.get("/download/300000")
    assert response.body == bytes(i % 251 for i in range(300_000))
    assert "data.bin" in response.get("content-disposition")


def test_flask_files_from_disk(flask):
    source = (APPS / "flask_site.py").read_bytes()
    response = flask.get("/self")
    assert response.body == source
    again = flask.get("/self", headers=[("If-None-Match", response.get("etag"))])
    assert (again.status, again.body) == (304, b"")
    part = flask.get("/self", headers=[("Range", "bytes=10-19")])
    assert (part.status, part.body) == (206, source[10:20])


def test_flask_streams(flask):
    lines = flask.get("/stream/5000").text.splitlines()
    assert len(lines) == 5000 and lines[-1] == "line 4999 of /stream/5000"


def test_flask_sessions_and_redirects(flask):
    assert flask.get("/whoami").status == 401
    response = flask.post("/login", {"user": "alice"})
    assert response.status == 302 and response.get("location").endswith("/whoami")
    assert [flask.get("/whoami").text for _ in range(4)] == ["alice"] * 4, "whichever worker answers"
    flask.get("/logout")
    assert flask.get("/whoami").status == 401


def test_flask_json_and_errors(flask):
    body = json.dumps({"k": ["ü", 1, None]}).encode()
    assert json.loads(flask.request("POST", "/json", [("Content-Type", "application/json")], body).body) == {"k": ["ü", 1, None]}
    assert flask.get("/boom").status == 500
    assert flask.get("/").status == 200


def test_flask_knows_its_address(flask):
    got = json.loads(flask.get("/where?x=1").body)
    assert (got["url"], got["root"], got["path"]) == ("http://example.org/where?x=1", "", "/where")
    assert (got["scheme"], got["remote"]) == ("http", "127.0.0.1")


def test_django_pages_and_forms(django):
    assert django.get("/").text == "django index"
    assert django.get("/nowhere").status == 404
    token = django.get("/token").text
    answer = django.post("/form", {"field": "välue", "csrfmiddlewaretoken": token})
    assert json.loads(answer.body) == {"field": "välue"}
    assert django.post("/form", {"field": "x"}).status == 403


def test_django_upload_and_download(django):
    data = DATA * 3  # beyond what Django keeps in memory
    assert json.loads(django.upload("/upload", "d.bin", data).body) == {
        "name": "d.bin", "size": len(data), "sha": hashlib.sha256(data).hexdigest()}
    response = django.get("/download")
    assert response.body == (APPS / "django_site.py").read_bytes()
    assert "source.py" in response.get("content-disposition")


def test_django_streams_and_sessions(django):
    assert django.get("/stream/3000").text.splitlines()[-1] == "line 2999"
    assert django.get("/whoami").status == 404
    django.post("/login", {"user": "bob"})
    assert [django.get("/whoami").text for _ in range(4)] == ["bob"] * 4


def test_django_errors_and_address(django):
    assert django.get("/boom").status == 500
    got = json.loads(django.get("/where?x=1").body)
    assert (got["url"], got["secure"]) == ("http://example.org/where?x=1", False)


@pytest.fixture
def ours(program):
    if not program.is_ours:
        pytest.skip("the predecessor has neither")


def test_chunked_upload_straight(server, ours):
    pytest.importorskip("flask")
    srv = server(app="flask_site", front="http")
    with srv.connect(timeout=30) as connection:
        connection.send(make_request("POST", "/raw", [("Transfer-Encoding", "chunked")]) + chunked(DATA[:1000], DATA[1000:]))
        assert json.loads(connection.response("POST").body)["sha"] == hashlib.sha256(DATA).hexdigest()


def test_https_of_the_front_server_shows(server, ours):
    """What the front server says over the uwsgi protocol counts."""
    pytest.importorskip("flask")
    srv = server(app="flask_site", front="unix", args=["--chmod-socket=666"])
    got = json.loads(packet.request(srv.address, target="/where", HTTPS="on").body)
    assert got["scheme"] == "https"

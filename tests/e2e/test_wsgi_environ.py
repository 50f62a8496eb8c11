# SPDX-License-Identifier: Apache-2.0
"""The environ, front by front."""
import json
import socket

import pytest

from support import packet

HTTP_FRONTS = ["http", "http-socket"]


@pytest.fixture(scope="module", params=HTTP_FRONTS)
def http(request, module_server):
    return module_server(app="environ", front=request.param)


@pytest.fixture(scope="module")
def uwsgi(module_server):
    return module_server(app="environ", front="socket")


def environ_of(server, method="GET", target="/", **more):
    response = server.request(method, target, **more)
    assert response.status == 200, response
    return {key: value for key, (_, value) in json.loads(response.body).items()}


def types_of(server, **more):
    return {key: kind for key, (kind, _) in json.loads(server.get(**more).body).items()}


@pytest.mark.parity
def test_http_has_the_variables_of_the_request(http):
    environ = environ_of(http, target="/foo%20bar/x?q=1", headers={"X-Thing": "a b", "Content-Type": "text/x"})
    expected = {
        "REQUEST_METHOD": "GET", "REQUEST_URI": "/foo%20bar/x?q=1", "PATH_INFO": "/foo bar/x", "QUERY_STRING": "q=1",
        "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_PORT": str(http.port), "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost", "HTTP_X_THING": "a b", "CONTENT_TYPE": "text/x", "SERVER_NAME": socket.gethostname(),
    }
    assert {key: environ.get(key) for key in expected} == expected
    assert "CONTENT_LENGTH" not in environ and "HTTP_CONTENT_TYPE" not in environ


@pytest.mark.parity
def test_http_has_the_router_variables_only_for_http(http):
    environ = environ_of(http)
    assert (environ.get("UWSGI_ROUTER") == "http") == (http.front == "http")
    assert ("REMOTE_PORT" in environ) == (http.front == "http")


def test_remote_port_is_the_clients_port(server):
    srv = server(app="environ", front="http")
    with srv.connect() as connection:
        environ = json.loads(connection.get().body)
        assert environ["REMOTE_PORT"][1] == str(connection.socket.getsockname()[1])


@pytest.mark.parity
def test_wsgi_keys(http):
    environ = environ_of(http)
    assert environ["wsgi.version"] == [1, 0]
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.multithread"] is False
    assert environ["wsgi.multiprocess"] is False
    assert environ["wsgi.run_once"] is False
    assert "uwsgi.core" not in environ or environ["uwsgi.core"] == 0
    assert environ["uwsgi.version"] == http.program.version
    assert environ["uwsgi.node"] == socket.gethostname()


@pytest.mark.parity
def test_types(http):
    types = types_of(http)
    assert types["(type)"] == "dict"
    assert types["uwsgi.version"] == types["uwsgi.node"] == "bytes"
    assert types["wsgi.version"] == "tuple"
    assert types["SERVER_PORT"] == "str"
    assert "wsgi.file_wrapper" in types


@pytest.mark.parity
def test_threads_and_processes_show(server):
    environ = environ_of(server(app="environ", args=["--threads", "2", "--processes", "2", "--master"]))
    assert environ["wsgi.multithread"] is True
    assert environ["wsgi.multiprocess"] is True
    assert environ["uwsgi.core"] in (0, 1)


@pytest.mark.parity
@pytest.mark.parametrize("target, path", [
    ("/a//b", "/a//b"), ("/a%2fb", "/a/b"), ("/a%3Fb", "/a?b"), ("/%25", "/%"), ("/a/../b", "/b"), ("/a/./b", "/a/b"),
    ("/a/..", "/"), ("/.hidden", "/.hidden"), ("/a/...", "/a/..."), ("/%c3%a9", "/\xc3\xa9"), ("/../x", "/x"),
])
def test_path_is_folded_and_decoded_once(http, target, path):
    environ = environ_of(http, target=target)
    assert (environ["PATH_INFO"], environ["REQUEST_URI"]) == (path, target)


@pytest.mark.parity
def test_query_stays_raw(http):
    assert environ_of(http, target="/x?a=%20&b=c?d/../e")["QUERY_STRING"] == "a=%20&b=c?d/../e"


@pytest.mark.parity
def test_repeated_headers_are_joined(http):
    environ = environ_of(http, headers=[("X-A", "1"), ("X-B", "x"), ("x-a", "2"), ("X-A", "3")])
    assert environ["HTTP_X_A"] == "1, 2, 3"


def test_repeated_cookies_are_joined_as_cookies(http):
    assert environ_of(http, headers=[("Cookie", "a=1"), ("Cookie", "b=2")])["HTTP_COOKIE"] == "a=1; b=2"


def test_values_are_trimmed_on_both_sides(http):
    assert environ_of(http, headers=[("X-A", "\t v w \t ")])["HTTP_X_A"] == "v w"


@pytest.mark.parity
def test_latin1_and_empty_values(http):
    environ = environ_of(http, headers=[("X-A", "caf\xe9"), ("X-Empty", "")])
    assert (environ["HTTP_X_A"], environ["HTTP_X_EMPTY"]) == ("caf\xe9", "")


def test_spoofing_names_are_dropped(http):
    environ = environ_of(http, headers=[("X-User", "real"), ("X_User", "forged"), ("Proxy", "http://evil"), ("X.Dot", "1")])
    assert environ["HTTP_X_USER"] == "real"
    assert "HTTP_PROXY" not in environ


def test_forwarding_headers_of_untrusted_peers_change_nothing(http):
    environ = environ_of(http, headers=[("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "6.6.6.6"),
                                        ("X-Forwarded-SSL", "on")])
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("front, args, peer", [("http-socket", {"headers": [("X-Forwarded-Proto", "https")]}, "127.0.0.1"),
                                               ("socket", {"HTTP_X_FORWARDED_PROTO": "https"}, "127.0.0.1")])
def test_who_is_not_believed_is_told_once(server, front, args, peer):
    srv = server(app="environ", front=front)
    for _ in range(3):
        assert environ_of(srv, **args)["wsgi.url_scheme"] == "http"
    hints = [line for line in srv.log().splitlines() if "name it with trusted-proxy" in line]
    assert len(hints) == 1 and f"X-Forwarded-Proto of {peer} " in hints[0] and f"trusted-proxy = {peer} " in hints[0]


def test_a_trusted_front_server_that_speaks_uwsgi_is_believed(server):
    srv = server(app="environ", front="socket", args=["--trusted-proxy", "127.0.0.1"])
    assert environ_of(srv, HTTP_X_FORWARDED_PROTO="https")["wsgi.url_scheme"] == "https"
    assert environ_of(srv, HTTP_X_FORWARDED_PROTO="http")["wsgi.url_scheme"] == "http"
    assert "name it with trusted-proxy" not in srv.log()


@pytest.mark.parity
def test_content_length_and_body(http):
    environ = environ_of(http, "POST", body=b"abc")
    assert (environ["CONTENT_LENGTH"], environ["(body)"]) == ("3", "abc")
    assert "HTTP_CONTENT_LENGTH" not in environ


def test_absolute_target_gives_host_and_path(http):
    environ = environ_of(http, target="http://other.example:81/p/q?r=1", headers={"Host": "localhost"})
    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("other.example:81", "/p/q", "r=1")


@pytest.mark.parity
def test_asterisk_target_of_options(http):
    assert environ_of(http, "OPTIONS", "*")["PATH_INFO"] == "*"


@pytest.mark.parity
@pytest.mark.parametrize("method", ["get", "PURGE", "PATCH", "DELETE", "M-SEARCH"])
def test_methods_pass_unchanged(http, method):
    assert environ_of(http, method)["REQUEST_METHOD"] == method


@pytest.mark.parity
def test_uwsgi_has_what_the_front_server_sends(uwsgi):
    environ = environ_of(uwsgi, target="/p?q=1", HTTP_X_A="1", REQUEST_SCHEME="https")
    assert (environ["PATH_INFO"], environ["QUERY_STRING"], environ["HTTP_X_A"]) == ("/p", "q=1", "1")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"], environ["SERVER_NAME"]) == ("127.0.0.1", "4711", "example.org")
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("", "")
    assert environ["wsgi.url_scheme"] == "http"


@pytest.mark.parity
@pytest.mark.parametrize("variables, scheme", [
    ({"HTTPS": "on"}, "https"), ({"HTTPS": "1"}, "https"), ({"HTTPS": "off"}, "http"), ({"UWSGI_SCHEME": "https"}, "https"),
])
def test_uwsgi_scheme(uwsgi, variables, scheme):
    assert environ_of(uwsgi, **variables)["wsgi.url_scheme"] == scheme


@pytest.mark.parity
def test_uwsgi_last_of_repeated_variables_wins(uwsgi):
    variables = list(packet.web_vars().items()) + [("HTTP_X", "1"), ("HTTP_X", "2")]
    answer = packet.exchange(uwsgi.address, packet.encode(variables))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["HTTP_X"][1] == "2"


def test_uwsgi_missing_variables_are_filled(uwsgi):
    """PEP 3333 names keys that must be there even when the peer sent none."""
    answer = packet.exchange(uwsgi.address, packet.encode({"REQUEST_METHOD": "GET", "SERVER_NAME": "s"}))
    environ = json.loads(answer.partition(b"\r\n\r\n")[2])
    for key in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL"):
        assert environ[key][0] == "str", key


def test_each_request_has_a_dict_of_its_own(server):
    srv = server(app="cases")
    assert srv.get("/kept?first").body == b"None"
    assert srv.get("/kept?second").body == b"first"


@pytest.mark.parity
def test_unix_peer(server):
    srv = server(app="environ", front="none", args=["--http-socket", "{folder}/h.sock"], ready=False)
    from support.http import Connection
    from support.processes import wait_until

    path = str(srv.folder / "h.sock")

    def connect():
        try:
            return Connection(path)
        except OSError:
            return None

    with wait_until(connect) as connection:
        environ = json.loads(connection.get("/x").body)
    assert environ["PATH_INFO"][1] == "/x"
    assert environ["SERVER_PORT"][1] == "80"

# SPDX-License-Identifier: Apache-2.0
"""Listeners: every form of address, several at once, modes, inheritance."""
import os
import re
import socket
import stat
import subprocess

import pytest

from support import packet
from support.http import Connection
from support.preload import preloaded
from support.processes import LEAST, wait_until
from support.server import APPS, free_port

HELLO = ["--wsgi-file", APPS / "hello.py"]


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def started(srv):
    srv.wait_log("spawned uWSGI worker 1")
    return srv


@pytest.mark.parity
def test_port_zero_is_chosen_and_told(server):
    srv = started(server(front="none", ready=False, args=[*HELLO, "--http-socket", "127.0.0.1:0"]))
    port = srv.wait_log(r"^uwsgi socket 0 bound to TCP address 127\.0\.0\.1:(\d+) \(port auto-assigned\) fd \d+$")[1]
    with Connection(("127.0.0.1", int(port))) as connection:
        assert connection.get().body == b"Hello World"


@pytest.mark.parity
def test_several_listeners_of_several_protocols(server):
    port = free_port()
    srv = server(args=[*HELLO, "--socket", f"127.0.0.1:{port}", "--socket", "{folder}/a.sock"])
    assert srv.get().body == b"Hello World"
    assert packet.request(("127.0.0.1", port)).body == b"Hello World"
    assert packet.request(str(srv.folder / "a.sock")).body == b"Hello World"
    for pattern in (r"^uwsgi socket 0 bound to TCP address 127\.0\.0\.1:\d+ fd \d+$", r"^uwsgi socket 1 bound to TCP address",
                    r"^uwsgi socket 2 bound to UNIX address .*/a\.sock fd \d+$"):
        srv.wait_log(pattern)


@pytest.mark.parity
@pytest.mark.parametrize("address", [":{port}", "0.0.0.0:{port}"])
def test_all_interfaces(server, address):
    srv = server(front="none", args=[*HELLO, "--http-socket", address])
    assert srv.get().body == b"Hello World"


@pytest.mark.parity
@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("address", ["[::1]:{port}", "[::]:{port}"])
def test_ipv6(server, address):
    srv = server(front="none", ready=False, args=[*HELLO, "--http-socket", address])
    started(srv)
    with Connection(("::1", srv.port)) as connection:
        assert connection.get().body == b"Hello World"


@pytest.mark.parity
@pytest.mark.parametrize("option, mode", [([], 0o755), (["--chmod-socket"], 0o666), (["--chmod-socket=660"], 0o660),
                                          (["--chmod-socket=777"], 0o777)])
def test_mode_of_a_unix_socket(server, option, mode):
    srv = server(front="none", ready=False, args=[*HELLO, "--umask", "022", *option, "--socket", "{unix}"])
    started(srv)
    found = os.stat(srv.unix_path)
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == mode


@pytest.mark.parity
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_of_a_unix_socket(server):
    srv = started(server(front="none", ready=False, args=[*HELLO, "--chown-socket=nobody:nogroup", "--socket", "{unix}"]))
    assert os.stat(srv.unix_path).st_uid == 65534


@pytest.mark.parity
def test_an_old_socket_file_is_replaced(server, tmp_path):
    path = str(tmp_path / "old.sock")
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(path)
    srv = started(server(front="none", ready=False, args=[*HELLO, "--socket", path]))
    assert packet.request(path).body == b"Hello World"
    assert srv.process.poll() is None


def test_other_files_are_not_replaced_by_a_socket(program, tmp_path):
    path = tmp_path / "precious"
    path.write_text("precious")
    done = program.run("--http-socket", path, *HELLO)
    assert done.returncode != 0
    assert str(path) in done.stdout
    assert path.read_text() == "precious"


def test_vacuum_removes_the_socket(server):
    srv = server(app="hello", front="unix", args=["--master", "--vacuum"])
    assert os.path.exists(srv.unix_path)
    srv.stop()
    assert not os.path.exists(srv.unix_path)
    srv.wait_log(r"^VACUUM: unix socket .*app\.sock removed\.$")


@pytest.mark.parity
def test_a_socket_without_vacuum_stays(server):
    srv = server(app="hello", front="unix", args=["--master"])
    srv.stop()
    assert os.path.exists(srv.unix_path)


@pytest.mark.parity
def test_abstract_sockets(server):
    name = f"e2e-{os.getpid()}-{free_port()}"
    srv = started(server(front="none", ready=False, args=[*HELLO, "--socket", "@" + name]))
    if srv.program.is_ours:
        assert packet.request(b"\0" + name.encode()).body == b"Hello World"
    else:  # the predecessor counts the end of the string in
        assert packet.request(b"\0" + name.encode() + b"\0").body == b"Hello World"


@pytest.mark.parity
def test_shared_socket(server):
    srv = server(front="none", args=["--shared-socket", "127.0.0.1:{port}", *HELLO, "--http-socket", "=0"])
    assert srv.get().body == b"Hello World"
    srv.wait_log(r"^uwsgi shared socket 0 bound to TCP address 127\.0\.0\.1:\d+ fd \d+$")
    srv.wait_log(r"^uwsgi socket 0 mapped to shared socket 0 ")


@pytest.mark.parity
def test_unknown_shared_socket_is_an_error(program):
    done = program.run(*HELLO, "--http-socket", "=3")
    assert done.returncode == 1 and "3" in done.stdout


@pytest.mark.parity
def test_inherited_on_descriptor_zero(server, program):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        process = subprocess.Popen(program.command(["--protocol", "http", *map(str, HELLO)]), stdin=listener,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=program.environment())
    try:
        with Connection(("127.0.0.1", port)) as connection:
            assert connection.get().body == b"Hello World"
    finally:
        process.terminate() if program.is_ours else process.kill()
        process.wait(LEAST)


@pytest.mark.parity
@pytest.mark.parametrize("option", ["--reuse-port", "--so-keepalive", "--tcp-nodelay", "--freebind", "--thunder-lock"])
def test_options_of_sockets_are_accepted(server, option):
    assert server(app="hello", args=[option]).get().body == b"Hello World"


def test_listen_above_the_limit_of_the_system(server):
    """The predecessor refuses to start; here the queue is as long as the system allows, and the log says so."""
    limit = int(open("/proc/sys/net/core/somaxconn").read())
    srv = server(app="hello", args=["--listen", str(limit + 1)])
    srv.wait_log(rf"^Listen queue size is greater than the system max net.core.somaxconn \({limit}\)\.")
    srv.wait_log(f"^your server socket listen backlog is limited to {limit} connections$")


@pytest.mark.parity
def test_backlog_is_told(server):
    server(app="hello", args=["--listen", "64"]).wait_log("^your server socket listen backlog is limited to 64 connections$")


@pytest.mark.parity
def test_http_is_told_as_such(server):
    srv = server(app="hello", front="http")
    assert re.search(r"^uWSGI http bound on 127\.0\.0\.1:\d+ fd \d+$", srv.log(), re.M)


@pytest.mark.parity
def test_protocol_option(server):
    srv = server(front="none", args=[*HELLO, "--protocol", "http", "--socket", "127.0.0.1:{port}"])
    with Connection(("127.0.0.1", srv.port)) as connection:
        assert connection.get().body == b"Hello World"


@pytest.mark.parity
def test_unknown_protocol(program):
    done = program.run(*HELLO, "--protocol", "gopher", "--socket", "127.0.0.1:0")
    assert done.returncode == 1
    assert "unable to find protocol gopher" in done.stdout


def test_an_address_given_twice_is_an_error(program):
    address = f"127.0.0.1:{free_port()}"
    done = program.run(*HELLO, "--http-socket", address, "--socket", address)
    assert done.returncode != 0
    assert address in done.stdout


def test_unresolvable_names_are_an_error(program):
    done = program.run(*HELLO, "--http-socket", "no-such-host.invalid:8080")
    assert done.returncode != 0
    assert "no-such-host.invalid" in done.stdout


def test_connections_go_to_workers_that_are_free(server):
    """A worker inside its application leaves new connections to the others."""
    srv = server(app="workers", args=["--master", "--processes", "3"])
    wait_until(lambda: len({srv.get().text for _ in range(6)}) == 3, 10, "three workers in their loops")
    go = srv.folder / "go"
    connections = []
    for busy in range(1, 4):
        connections.append(srv.connect())
        connections[-1].send(f"GET /wait?{go} HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(set(re.findall(r"waiting in (\d+)", srv.log()))) == busy, 10, f"{busy} workers at work")
    go.write_text("")
    assert len({connection.response().body for connection in connections}) == 3
    for connection in connections:
        connection.close()


NO_ROOM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
int epoll_ctl(int poller, int action, int fd, struct epoll_event* event) {
  int (*real)(int, int, int, struct epoll_event*) =
      (int (*)(int, int, int, struct epoll_event*))(uintptr_t)dlsym(RTLD_NEXT, "epoll_ctl");
  int listens = 0;
  socklen_t size = sizeof listens;
  if (action == EPOLL_CTL_ADD && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens &&
      access(getenv("TEST_NO_ROOM"), F_OK) == 0) {
    errno = ENOSPC;
    return -1;
  }
  return real(poller, action, fd, event);
}
"""


def test_a_worker_accepts_again_when_the_kernel_had_no_room_for_its_watch(server, program, tmp_path):
    """Several workers queue up at a socket anew after each connection."""
    full = tmp_path / "full"
    srv = server(app="workers", args=["--master", "--processes", "2"],
                 env={**preloaded(program, tmp_path, NO_ROOM), "TEST_NO_ROOM": str(full)})
    wait_until(lambda: len({srv.get().text for _ in range(6)}) == 2, 10, "two workers in their loops")
    full.touch()
    # Each worker takes one connection more, and then none.
    assert [srv.get("/").status for _ in range(2)] == [200] * 2
    full.unlink()
    assert [srv.get("/").status for _ in range(4)] == [200] * 4

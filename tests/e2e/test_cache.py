# SPDX-License-Identifier: Apache-2.0
"""Caches as applications use them, over several workers."""
import os
import random
import signal
import struct
import threading

import pytest

from support import packet
from support.ask import app, value
from support.processes import wait_until
from support.server import free_port

CACHES = ["--cache2", "name=c1,items=50", "--cache2", "name=small,items=4,blocksize=100,keysize=20,ignore_full=1",
          "--cache2", "name=big,items=10,blocksize=1024,blocks=100,bitmap=1",
          "--cache2", "name=lru,items=4,purge_lru=1", "--cache2", "name=clear,items=3,clear_on_full=1",
          "--cache2", "name=math,items=10,math_initial=100"]


@pytest.fixture(scope="module")
def srv(module_server):
    return module_server(app=app(), args=["--master", "--processes", "2", *CACHES])


@pytest.mark.parity
@pytest.mark.parametrize("expression, expected", [
    ("uwsgi.cache_set('a', 'one'), uwsgi.cache_set('a', 'two'), uwsgi.cache_get('a')", "(True, None, b'one')"),
    ("uwsgi.cache_update('b', 'one'), uwsgi.cache_update(b'b', b'two'), uwsgi.cache_get('b', 'c1')", "(True, True, b'two')"),
    ("uwsgi.cache_get('missing'), uwsgi.cache_exists('missing'), uwsgi.cache_del('missing')", "(None, None, None)"),
    ("uwsgi.cache_set('c', 'x'), uwsgi.cache_exists('c'), uwsgi.cache_del('c'), uwsgi.cache_exists('c')", "(True, True, True, None)"),
    ("uwsgi.cache_set('', 'x'), uwsgi.cache_set('e', '')", "(None, None)"),
    ("uwsgi.cache_set('k' * 21, 'x', 0, 'small'), uwsgi.cache_set('k', 'v' * 101, 0, 'small'), uwsgi.cache_set('k' * 19, 'v' * 100, 0, 'small')",
     "(None, None, True)"),
    ("uwsgi.cache_get('a', 'nowhere'), uwsgi.cache_set('a', 'b', 0, 'nowhere'), uwsgi.cache_clear('nowhere')", "(None, None, None)"),
    ("uwsgi.cache_keys('nowhere')", "'ValueError: no local uWSGI cache available'"),
    ("uwsgi.cache_set('x' * 30, 'v' * 65536), len(uwsgi.cache_get('x' * 30)), uwsgi.cache_set('y', 'v' * 65537)", "(True, 65536, None)"),
    ("uwsgi.cache_set('k', 'v' * 50000, 0, 'big'), len(uwsgi.cache_get('k', 'big')), uwsgi.cache_set('l', 'v' * 102401, 0, 'big')", "(True, 50000, None)"),
    ("uwsgi.cache_inc('n', 5, 0, 'c1'), uwsgi.cache_inc('n'), uwsgi.cache_num('n'), uwsgi.cache_get('n')",
     r"(True, True, 6, b'\x06\x00\x00\x00\x00\x00\x00\x00')"),
    ("uwsgi.cache_dec('m', 2), uwsgi.cache_mul('m', 10), uwsgi.cache_div('m', 3), uwsgi.cache_num('m')", "(True, True, True, -6)"),
    ("uwsgi.cache_inc('z', 7), uwsgi.cache_div('z', 0), uwsgi.cache_num('z')", "(True, True, 0)"),
    ("uwsgi.cache_inc('n', 1, 0, 'math'), uwsgi.cache_num('n', 'math'), uwsgi.cache_mul('o', 2, 0, 'math'), uwsgi.cache_num('o', 'math')", "(True, 101, True, 200)"),
    ("uwsgi.cache_num('missing'), uwsgi.cache_set('t', 'text') and uwsgi.cache_num('t')", "(0, 0)"),
    ("[uwsgi.cache_set(k, 'v', 0, 'clear') for k in 'abcde']", "[True, True, True, True, True]"),
    ("uwsgi.cache_clear('clear'), uwsgi.cache_keys('clear')", "(True, [])"),
    ("uwsgi.cache_set('a', 'b', 0, 'clear'), uwsgi.cache_keys('clear')", "(True, [b'a'])"),
    ("[uwsgi.cache_set('far', 'x', 2**63 - 1), uwsgi.cache_get('far'), uwsgi.cache_update('far', 'y', -5), uwsgi.cache_get('far')]", "[True, b'x', True, b'y']"),
    ("uwsgi.cache_set(1, 'b')", None), ("uwsgi.cache_get()", None),
])
def test_functions(srv, expression, expected):
    found = value(srv, expression)
    if expected is None:
        assert found.startswith(("'TypeError", '"TypeError')), found
    else:
        assert found == expected


@pytest.mark.parity
def test_least_recently_used_items_go(srv):
    value(srv, "[uwsgi.cache_set(k, k, 0, 'lru') for k in 'abc']")
    assert value(srv, "uwsgi.cache_get('a', 'lru')") == "b'a'"
    value(srv, "[uwsgi.cache_set(k, k, 0, 'lru') for k in 'de']")
    assert value(srv, "[uwsgi.cache_get(k, 'lru') for k in 'bde']") == "[None, b'd', b'e']"


def test_a_full_cache_says_so(server):
    srv = server(app=app(), args=["--master", "--cache2", "name=pl,items=3"])
    assert value(srv, "[uwsgi.cache_set(k, 'v') for k in 'abcd']") == "[True, True, True, None]"
    srv.wait_log(r'^\*\*\* DANGER cache "pl" is FULL !!! \*\*\*$')


def test_text_is_not_calculated_with(srv):
    assert value(srv, "uwsgi.cache_update('text', 'a long text'), uwsgi.cache_inc('text'), uwsgi.cache_get('text')") == "(True, None, b'a long text')"


@pytest.mark.parity
def test_the_old_style_cache_comes_first(server):
    srv = server(app=app(), args=["--master", "--cache2", "name=other,items=10", "--cache", "20", "--add-cache-item", "other a=b=c"])
    assert value(srv, "uwsgi.cache_set('k', 'v'), uwsgi.cache_get('k', 'default'), uwsgi.cache_get('k', 'other'), uwsgi.cache_get('a', 'other')") \
        == "(True, b'v', None, b'b=c')"


@pytest.mark.parity
def test_items_from_the_configuration(server, tmp_path):
    (tmp_path / "page.html").write_text("a page")
    srv = server(app=app(), args=["--master", "--cache2", "name=c,items=10", "--add-cache-item", "greeting=hello",
                                  "--load-file-in-cache", tmp_path / "page.html"])
    assert value(srv, "uwsgi.cache_get('greeting')") == "b'hello'"
    assert value(srv, f"uwsgi.cache_get('{tmp_path}/page.html')") == "b'a page'"


@pytest.mark.parity
def test_items_without_the_name_of_a_cache_go_into_all(server, tmp_path):
    (tmp_path / "page.html").write_text("a page")
    srv = server(app=app(), args=["--master", "--cache2", "name=c,items=10", "--cache2", "name=d,items=10", "--add-cache-item", "a=1",
                                  "--add-cache-item", "d b=2", "--load-file-in-cache-gzip", tmp_path / "page.html"])
    assert value(srv, "uwsgi.cache_get('a', 'c'), uwsgi.cache_get('a', 'd'), uwsgi.cache_get('b', 'c'), uwsgi.cache_get('b', 'd')") == "(b'1', b'1', None, b'2')"
    for name in "cd":
        assert value(srv, f"__import__('gzip').decompress(uwsgi.cache_get('{tmp_path}/page.html', '{name}'))") == "b'a page'"
    srv.wait_log(r'^\[cache-gzip\] stored ".*/page.html" in "d"$')
    srv.wait_log(r'^\[cache\] stored "a" in "c"$')


def test_blanks_belong_to_values_and_never_is_never(server):
    srv = server(app=app(), args=["--master", "--cache2", "name=c,items=10", "--add-cache-item", "greeting=hello world"])
    assert value(srv, "uwsgi.cache_get('greeting'), uwsgi.cache_set('k', 'v', -1), uwsgi.cache_get('k')") == "(b'hello world', True, b'v')"


@pytest.mark.parity
def test_items_expire(server):
    srv = server(app=app(), args=["--master", "--cache2", "name=c,items=10", "--cache-expire-freq", "1"])
    assert value(srv, "uwsgi.cache_set('soon', 'v', 6), uwsgi.cache_set('late', 'v', 1000), uwsgi.cache_set('never', 'v', 0), uwsgi.cache_get('soon')") \
        == "(True, True, True, b'v')"
    wait_until(lambda: value(srv, "uwsgi.cache_get('soon')") == "None", 15)
    assert value(srv, "uwsgi.cache_get('late'), uwsgi.cache_get('never')") == "(b'v', b'v')"


@pytest.mark.parity
def test_values_survive_a_killed_worker(server):
    srv = server(app=app(), args=["--master", "--processes", "2", "--cache2", "name=c,items=10"], allow=["DAMN !"])
    pid = int(value(srv, "uwsgi.cache_set('k', 'v') and os.getpid()"))
    os.kill(pid, signal.SIGKILL)
    srv.wait_log(r"DAMN ! worker")
    for _ in range(5):
        assert value(srv, "uwsgi.cache_get('k')") == "b'v'"


def test_stays_whole_while_workers_are_killed(server):
    """Each value says what it must look like; workers write and read them until they are killed."""
    work = '''
import random
def whole(text): return text is None or (len(text) > 8 and int(text[:8]) == len(text) and text[8:] == text[8:9] * (len(text) - 8))
def work():
    for _ in range(300):
        size = random.randrange(10, 3000)
        uwsgi.cache_update("k%d" % random.randrange(100), b"%08d" % size + bytes([random.randrange(97, 122)]) * (size - 8))
        if not whole(uwsgi.cache_get("k%d" % random.randrange(100))): return "torn"
        uwsgi.cache_inc("count"); uwsgi.cache_del("k%d" % random.randrange(100))
    return "whole"
'''
    srv = server(app=app(work), args=["--master", "--processes", "4", "--cache2", "name=c,items=60,blocksize=256,blocks=300,bitmap=1,purge_lru=1"],
                 allow=["DAMN !"])
    answers, over = set(), threading.Event()

    def ask():
        while not over.is_set():
            try:
                answers.add(value(srv, "work()"))
            except (OSError, AssertionError, ValueError):
                pass  # the worker that ran it was killed

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(25):
        workers = wait_until(srv.workers)
        try:
            os.kill(random.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            pass
        over.wait(0.05)
    over.set()
    for thread in threads:
        thread.join(60)
    answers.discard("")
    assert answers == {"'whole'"}
    assert value(srv, "work()") == "'whole'"
    assert value(srv, "all(whole(uwsgi.cache_get(k)) for k in uwsgi.cache_keys() if k != b'count')") == "True"


# -- the store

def test_a_store_keeps_values_over_a_restart(server, tmp_path):
    args = ["--master", "--cache2", f"name=c,items=10,store={tmp_path}/cache.db"]
    first = server(app=app(), args=args)
    assert value(first, "uwsgi.cache_set('k', 'v' * 1000), uwsgi.cache_set('n', '1', 1000)") == "(True, True)"
    first.stop()
    second = server(app=app(), args=args)
    assert value(second, "uwsgi.cache_get('k') == b'v' * 1000, uwsgi.cache_get('n'), sorted(uwsgi.cache_keys())") == "(True, b'1', [b'k', b'n'])"
    second.wait_log("recovered 2 items from cache store file")


def test_a_store_keeps_values_when_all_are_killed(server, tmp_path):
    args = ["--master", "--cache2", f"name=c,items=10,store={tmp_path}/cache.db"]
    first = server(app=app(), args=args, exit_status=-signal.SIGKILL)
    value(first, "uwsgi.cache_set('k', 'v')")
    first.signal(signal.SIGKILL)
    first.wait()
    wait_until(lambda: not first.left_over())
    second = server(app=app(), args=args)
    assert value(second, "uwsgi.cache_get('k')") == "b'v'"


def test_a_store_is_shared_over_a_reload(server, tmp_path):
    srv = server(app=app(), args=["--master", "--cache2", f"name=c,items=10,store={tmp_path}/cache.db"])
    pid = value(srv, "uwsgi.cache_set('k', 'v') and os.getpid()")
    srv.signal(signal.SIGHUP)
    wait_until(lambda: value(srv, "os.getpid()") != pid, 20)
    assert value(srv, "uwsgi.cache_get('k'), uwsgi.cache_update('k', 'w'), uwsgi.cache_get('k')") == "(b'v', True, b'w')"


def test_an_item_that_a_full_store_has_no_room_for_costs_no_server(server, tmp_path):
    args = ["--master", "--cache2", f"name=c,items=4,store={tmp_path}/cache.db", "--add-cache-item", "c k=v"]
    warning = r'^\*\*\* WARNING: "k" cannot be put into cache "c": it is full \(.*\) \*\*\*$'
    first = server(app=app(), args=args)
    pid = value(first, "uwsgi.cache_del('k') and [uwsgi.cache_set(k, 'w') for k in 'abcd'] and os.getpid()")
    first.signal(signal.SIGHUP)
    wait_until(lambda: value(first, "os.getpid()") not in (pid, ""), 20)
    first.wait_log(warning)
    assert value(first, "sorted(uwsgi.cache_keys())") == "[b'a', b'b', b'c', b'd']"
    first.stop()
    second = server(app=app(), args=args)
    second.wait_log(warning)
    assert value(second, "sorted(uwsgi.cache_keys())") == "[b'a', b'b', b'c', b'd']"


def test_a_foreign_store_is_refused_or_replaced(server, program, tmp_path):
    (tmp_path / "cache.db").write_bytes(b"something else" * 1000)
    done = program.run("--master", "--http-socket", "127.0.0.1:0", "--cache2", f"name=c,items=10,store={tmp_path}/cache.db")
    assert done.returncode == 1 and "invalid cache store file" in done.stdout
    srv = server(app=app(), args=["--master", "--cache2", f"name=c,items=10,store={tmp_path}/cache.db,store_delete=1"])
    assert value(srv, "uwsgi.cache_set('k', 'v')") == "True"


def test_a_store_in_use_is_refused(server, program, tmp_path):
    store = f"name=c,items=10,store={tmp_path}/cache.db"
    server(app=app(), args=["--master", "--cache2", store])
    done = program.run("--master", "--http-socket", "127.0.0.1:0", "--cache2", store)
    assert done.returncode == 1 and "another server uses it" in done.stdout


# -- mistakes

@pytest.mark.parametrize("setting, message", [
    ("items=10", "a name is needed"), ("name=c", "items must be given"), ("name=c,items=0", "items must be given"),
    ("name=c,items=ten", "bad value"), ("name=c,items=10,colour=red", "unknown key"), ("name=c,items=10,blocks=5", "as many blocks"),
    ("name=c,items=10,keysize=70000", "keysize"), ("name=c,items=10,hash=md5", "unknown hash"),
    ("name=c,items=4000000000000", "too many items"),
])
def test_mistakes_are_named(program, tmp_path, setting, message):
    (tmp_path / "site.ini").write_text(f"[uwsgi]\nhttp-socket = 127.0.0.1:0\ncache2 = {setting}\n")
    done = program.run("--ini", tmp_path / "site.ini")
    assert done.returncode == 1 and message in done.stdout and "site.ini:3" in done.stdout, done.stdout


def test_an_item_for_a_cache_that_is_not_there(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--cache2", "name=c,items=10", "--add-cache-item", "d k=v")
    assert done.returncode == 1 and 'there is no cache "d"' in done.stdout


# -- over sockets

def item(data):
    return struct.pack("<H", len(data)) + data


def command(body=b"", **variables):
    return packet.encode({name: str(text) for name, text in variables.items()}, body, 111, 17)


@pytest.fixture(scope="module")
def open_srv(module_server):
    port = free_port()
    srv = module_server(app=app(), args=["--master", "--processes", "2", "--socket", f"127.0.0.1:{port}", "--remote-services", "cache",
                                         "--cache2", "name=first,items=100", "--cache2", "name=second,items=100,blocksize=4096,blocks=1000,bitmap=1"])
    return srv, ("127.0.0.1", port)


def test_commands_by_packet(open_srv):
    srv, address = open_srv
    value(srv, "uwsgi.cache_update('k', 'val')")
    assert packet.exchange(address, command(cmd="get", key="k")) == b"\x6f\x15\0\x11\6\0status\2\0ok\4\0size\1\x003val"
    assert packet.exchange(address, command(cmd="get", key="missing")) == b""
    ok = b"\x6f\x0c\0\x11\6\0status\2\0ok"
    assert packet.exchange(address, command(b"stored", cmd="set", key="new", size=6)) == ok
    assert packet.exchange(address, command(b"again", cmd="set", key="new", size=5)) == b""
    assert packet.exchange(address, command(b"again", cmd="update", key="new", size=5, cache="second")) == ok
    assert value(srv, "uwsgi.cache_get('new'), uwsgi.cache_get('new', 'second')") == "(b'stored', b'again')"
    assert packet.exchange(address, command(cmd="exists", key="new")) == ok
    assert packet.exchange(address, command(cmd="del", key="new")) == ok
    assert packet.exchange(address, command(cmd="del", key="new")) == b""
    assert packet.exchange(address, command(cmd="clear", cache="second")) == ok
    assert packet.exchange(address, command(cmd="clear", cache="third")) == b""
    assert packet.exchange(address, command(cmd="dance")) == b""
    assert packet.exchange(address, command(cmd="get", key="k", cache=f"first@127.0.0.1:{address[1]}")) == b""


def test_bare_packets(open_srv):
    srv, address = open_srv
    value(srv, "uwsgi.cache_update('k', 'val'), uwsgi.cache_update('long', 'x' * 65536)")
    assert packet.exchange(address, packet.header(1, 111, 0) + b"k") == b"\x6f\3\0\0val"
    assert packet.exchange(address, packet.header(7, 111, 0) + b"missing") == b""
    assert packet.exchange(address, packet.header(4, 111, 5) + b"long") == b"\x6f\0\0\5" + b"x" * 65536
    block = item(b"by") + item(b"packet")
    assert packet.exchange(address, packet.header(len(block), 111, 1) + block) == b""
    assert value(srv, "uwsgi.cache_get('by')") == "b'packet'"
    assert packet.exchange(address, packet.header(2, 111, 2) + b"by") == b""
    assert value(srv, "uwsgi.cache_get('by')") == "None"
    block = item(b"three") + item(b"items") + item(b"100")
    assert packet.exchange(address, packet.header(len(block), 111, 1) + block) == b""
    assert value(srv, "uwsgi.cache_get('three')") == "b'items'"
    for modifier in 3, 4:
        assert packet.exchange(address, packet.encode({"key": "k"}, b"", 111, modifier)) == b"val"
        assert packet.exchange(address, packet.encode({"get": "k"}, b"", 111, modifier)) == b"val"
        assert packet.exchange(address, packet.encode({"key": "missing"}, b"", 111, modifier)) == b""
        assert packet.exchange(address, packet.encode({"get": "missing"}, b"", 111, modifier)).startswith(b"HTTP/1.0 404 Not Found\r\n")
        # Through this server nobody gets to others.
        assert packet.exchange(address, packet.encode({"key": "k", "cache": f"first@127.0.0.1:{address[1]}"}, b"", 111, modifier)) == b""


def test_a_value_that_cannot_fit_is_refused_before_it_is_sent(open_srv):
    srv, address = open_srv
    # Only so many of its bytes follow: an answer comes all the same.
    assert packet.exchange(address, command(b"short", cmd="update", key="k", size=65537)) == b""
    assert packet.exchange(address, command(b"short", cmd="set", key="k", size=5, cache="third")) == b""


@pytest.mark.parametrize("data", [
    packet.header(5, 111, 17) + b"\3\0cmd", packet.header(0, 111, 17), packet.header(3, 111, 1) + b"\1\0k", packet.header(0, 111, 0),
    packet.encode({"cmd": "set", "key": "k", "size": "-1"}, b"", 111, 17), packet.encode({"cmd": "set", "key": "k", "size": "x"}, b"", 111, 17),
    packet.encode({"cmd": "set", "key": "k", "size": "99999999999"}, b"short", 111, 17), packet.header(2, 111, 99) + b"hi",
])
def test_hostile_packets_harm_nobody(open_srv, data):
    srv, address = open_srv
    packet.exchange(address, data, finish=True)
    assert value(srv, "uwsgi.cache_update('k', 'alive'), uwsgi.cache_get('k')") == "(True, b'alive')"


def test_remote_functions(srv, open_srv):
    there, address = open_srv
    where = f"second@127.0.0.1:{address[1]}"
    assert value(srv, f"uwsgi.cache_set('r', 'remote' * 20000, 60, '{where}'), uwsgi.cache_set('r', 'x', 0, '{where}')") == "(True, None)"
    assert value(srv, f"uwsgi.cache_get('r', '{where}') == b'remote' * 20000, uwsgi.cache_exists('r', '{where}')") == "(True, True)"
    assert value(there, "len(uwsgi.cache_get('r', 'second'))") == "120000"
    assert value(srv, f"uwsgi.cache_del('r', '{where}'), uwsgi.cache_get('r', '{where}'), uwsgi.cache_clear('{where}')") == "(True, None, True)"
    assert value(srv, f"uwsgi.cache_update('d', 'v', 0, '@127.0.0.1:{address[1]}'), uwsgi.cache_get('d', '@127.0.0.1:{address[1]}')") == "(True, b'v')"
    assert value(there, "uwsgi.cache_get('d', 'first')") == "b'v'"
    assert value(srv, f"uwsgi.cache_inc('n', 5, 0, '{where}')") == "'ValueError: a remote cache does not calculate'"
    assert value(srv, "uwsgi.cache_get('k', 'c@127.0.0.1:1'), uwsgi.cache_get('k', 'c@not an address')") == "(None, None)"


def test_nobody_gets_at_it_unless_allowed(server):
    srv = server(app=app(), front="socket", args=["--master", "--cache2", "name=c,items=10"])
    assert packet.exchange(srv.address, packet.header(1, 111, 0) + b"k") == b""
    srv.wait_log("unavailable modifier requested: 111")


def test_with_the_predecessor(predecessor, open_srv, server):
    """It asks our cache, and we ask its."""
    port = free_port()
    other = server(program=predecessor, app=app(), args=["--plugin", "cache", "--master", "--socket", f"127.0.0.1:{port}", "--cache2", "name=theirs,items=10"])
    ours, address = open_srv
    here, there = f"first@127.0.0.1:{address[1]}", f"theirs@127.0.0.1:{port}"
    assert value(other, f"uwsgi.cache_update('p', 'from there', 0, '{here}'), uwsgi.cache_get('p', '{here}'), uwsgi.cache_exists('p', '{here}')") \
        == "(True, b'from there', True)"
    assert value(ours, f"uwsgi.cache_set('q', 'from here', 0, '{there}'), uwsgi.cache_get('q', '{there}'), uwsgi.cache_del('q', '{there}')") \
        == "(True, b'from here', True)"


def test_a_copy_at_start(server, open_srv):
    there, address = open_srv
    value(there, "[uwsgi.cache_update('s%d' % i, 'v%d' % i, 1000) for i in range(50)]")
    srv = server(app=app(), args=["--master", "--cache2", f"name=first,items=100,sync=127.0.0.1:1;127.0.0.1:{address[1]}"])
    assert value(srv, "[uwsgi.cache_get('s%d' % i) == b'v%d' % i for i in range(50)].count(True)") == "50"
    srv.wait_log("items of cache \"first\" taken from")


def test_no_copy_no_start(program):
    done = program.run("--master", "--http-socket", "127.0.0.1:0", "--cache2", "name=c,items=10,sync=127.0.0.1:1")
    assert done.returncode == 1 and "none of its sync servers" in done.stdout


def test_others_are_told_of_changes(server):
    port = free_port()
    hears = server(app=app(), args=["--master", "--cache2", f"name=c,items=10,udp=127.0.0.1:{port}"])
    tells = server(app=app(), args=["--master", "--cache2", f"name=c,items=10,nodes=127.0.0.1:{port}"])
    assert value(tells, "uwsgi.cache_set('k', 'v', 100), uwsgi.cache_inc('n', 5)") == "(True, True)"
    wait_until(lambda: value(hears, "uwsgi.cache_get('k'), uwsgi.cache_num('n')") == "(b'v', 5)")
    assert value(tells, "uwsgi.cache_del('k')") == "True"
    wait_until(lambda: value(hears, "uwsgi.cache_get('k')") == "None")

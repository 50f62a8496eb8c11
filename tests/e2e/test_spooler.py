# SPDX-License-Identifier: Apache-2.0
"""The spooler: tasks left by requests and run by processes of their own."""
import ast
import json
import os
import shutil
import signal
import socket
import time

import pytest

from support import packet
from support.ask import app, value
from support.processes import alive, wait_until
from support.spool import Spooled, failed_files, read_task, task_files, write_task

QUIET_ERRORS = ["Traceback"]


@pytest.fixture
def spooled(server, tmp_path):
    return lambda *args, **more: Spooled(server, tmp_path, *args, **more)


def test_the_example_of_the_manual(server, tmp_path):
    (tmp_path / "task.py").write_text(f"""from uwsgidecorators import spool
def my_func(name, age):
    open({str(tmp_path / "out")!r}, "a").write(repr((name, age)))
@spool(pass_arguments=True)
def my_task(name: str, age: int):
    my_func(name, age)
""")
    (tmp_path / "service.py").write_text("""import task
def application(environ, start_response):
    task.my_task(name="法外狂徒", age=20)
    start_response("200 OK", [])
    return [b"ok"]
""")
    srv = server(ini="""[uwsgi]
master = true
wsgi-file = service.py
spooler-import = task.py
spooler = mytasks
spooler-processes=4
spooler-frequency=1
spooler-quiet
""", cwd=tmp_path)
    assert srv.get().text == "ok"
    wait_until((tmp_path / "out").exists)
    wait_until(lambda: (tmp_path / "out").read_text() == repr(("法外狂徒", 20)))
    wait_until(lambda: not task_files(tmp_path / "mytasks"))
    assert len(srv.log().split("spawned the uWSGI spooler on dir")) == 5
    assert "managing request" not in srv.log()


def test_arguments_keep_their_types(spooled):
    run = spooled()
    path = run.call("tasks.add(1, 'é', b'\\xff', None, key={'a': [1.5, (2,)]})")
    run.wait_empty()
    assert run.wait_notes(1) == [("add", (1, "é", b"\xff", None), {"key": {"a": [1.5, (2,)]}})]
    for phrase in [r"\[spooler\] written \d+ bytes to file ", r"\[spooler .* pid: \d+\] managing request ",
                   r"\[spooler .* pid: \d+\] done with task "]:
        run.server.wait_log(phrase + f".*{path.name}")


def test_what_a_plain_task_receives(spooled):
    run = spooled()
    path = run.call("tasks.whole(a='1', b=b'2')")
    assert run.wait_notes(1) == [({"spooler_task_name": path.name, "ud_spool_func": "whole", "ud_spool_ret": "-2",
                                   "a": "1", "b": "2"},)]


def test_binary_values_and_bodies_arrive_as_bytes(spooled):
    run = spooled()
    run.call("tasks.plain({'k': b'\\xff\\xfe'}, body=b'\\x80' * 100000)")
    assert run.wait_notes(1) == [("plain", {"k": b"\xff\xfe", "body": b"\x80" * 100000})]


def test_big_arguments_go_through_the_body(spooled):
    run = spooled("spooler-quiet = true")
    run.call("tasks.add('x' * 200000, n=2, body='mine')")
    name, args, kwargs = run.wait_notes(1)[0]
    assert (name, len(args[0]), kwargs) == ("add", 200000, {"n": 2})


def test_the_bytes_of_a_task(spooled):
    run = spooled("spooler-external = {folder}/ext")
    directory = run.server.folder / "ext"
    path = run.call(f"tasks.add('p', spooler='{directory}', at='1795327930', body=b'BODY')")
    assert path.parent == directory
    fields, body = read_task(path)
    assert list(fields) == [b"ud_spool_func", b"ud_spool_ret", b"spooler", b"at", b"args", b"kwargs"]
    assert (fields[b"ud_spool_func"], fields[b"ud_spool_ret"], body) == (b"add", b"-2", b"BODY")
    assert path.stat().st_mode & 0o777 == 0o600 and int(path.stat().st_mtime) == 1795327930
    assert run.ask("uwsgi.spooler_pids()[1]") == "0"
    assert run.ask(f"uwsgi.spooler_get_task({str(path)!r})[b'at']") == "b'1795327930'"
    assert run.ask(f"uwsgi.spooler_get_task({str(path)!r}.encode())['body']") == "b'BODY'"
    assert run.ask("uwsgi.spooler_get_task('/nowhere')") == "None"


def test_the_functions_of_the_module(spooled):
    run = spooled("spooler-processes = 2\nspooler-external = {folder}/ext")
    directories = ast.literal_eval(run.ask("uwsgi.spoolers"))
    own, external = str(run.directory).encode(), str(run.server.folder / "ext").encode()
    assert directories == (own, own, external, external)
    pids = ast.literal_eval(run.ask("uwsgi.spooler_pids()"))
    assert pids[2:] == [0, 0] and all(alive(pid) for pid in pids[:2])
    assert run.ask("uwsgi.spooler_pid()") == str(pids[0])
    assert run.ask("uwsgi.set_spooler_frequency(7)") == "True"
    assert run.ask("uwsgi.send_to_spooler is not None, uwsgi.i_am_the_spooler()") == "(True, None)"
    later = int(time.time()) + 1000
    path = run.call(f"tasks.plain(at='{later}')")
    assert ast.literal_eval(run.ask("uwsgi.spooler_jobs()")) == [str(path).encode()]
    run.call("tasks.inside('uwsgi.i_am_the_spooler(), uwsgi.worker_id(), uwsgi.spooler_dir()')")
    assert run.wait_notes(1) == [((True, 0, own),)]


def test_the_names_are_absent_without_a_spooler(server):
    srv = server(app=app(), args=["--master"])
    assert value(srv, "[name for name in dir(uwsgi) if 'spool' in name]") == "['i_am_the_spooler']"


@pytest.mark.parametrize("call, error", [
    ("uwsgi.spool({'k': 5})", "ValueError: spooler callable dictionary must contains only bytes"),
    ("uwsgi.spool('x')", "ValueError: The argument of spooler callable must be a dictionary"),
    ("uwsgi.spool({'k': 'x' * 70000})", 'ValueError: unable to spool job: the value of "k" has 70000 bytes'),
    ("uwsgi.spool({'a': 'x' * 40000, 'b': 'x' * 40000})", "ValueError: unable to spool job: keys and values take 80010 bytes"),
    ("uwsgi.spool({'spooler': '/nowhere'})", 'ValueError: unable to spool job: unable to find spooler "/nowhere"'),
    ("uwsgi.spool({'priority': '../x'})", "ValueError: unable to spool job: priority"),
    ("uwsgi.spool({'at': 'noon'})", 'ValueError: unable to spool job: at = "noon"'),
    ("tasks.plain(n=5)", "ValueError: spooler callable dictionary must contains only bytes"),
    ("tasks.add(lambda: 0)", "PicklingError: the arguments of add() cannot be stored for later"),
])
def test_what_cannot_be_spooled_is_an_error_at_once(spooled, call, error):
    run = spooled()
    assert run.ask(call)[1:].startswith(error), run.ask(call)
    assert task_files(run.directory) == []


def test_raw_calls_take_text_and_leave_the_dict_alone(spooled):
    run = spooled()
    assert run.ask("(lambda d: (uwsgi.spool(d) is None, d))({'ud_spool_func': 'plain', 'ud_spool_ret': '-2', b'body': b'B', b'k': 'v'})") \
        == "(False, {'ud_spool_func': 'plain', 'ud_spool_ret': '-2', b'body': b'B', b'k': 'v'})"
    assert run.wait_notes(1) == [("plain", {"k": "v", "body": "B"})]
    run.call("uwsgi.spool(ud_spool_func='plain', ud_spool_ret='-2', k='w')")
    assert run.wait_notes(2)[1] == ("plain", {"k": "w"})


def test_a_time_is_kept_to(spooled):
    run = spooled("spooler-frequency = 30")
    at = int(time.time()) + 2
    run.call(f"tasks.add(at={at}.7)")
    run.wait_notes(1, timeout=10)
    assert time.time() >= at


def test_priorities_are_honoured_and_times_within_them(spooled):
    run = spooled("spooler-quiet = true")
    run.call("tasks.waits('first')")
    run.wait_notes(1)
    for name, priority in [("a", None), ("b", "10"), ("c", "2"), ("d", "abc"), ("e", 2), ("f", None)]:
        run.call(f"tasks.add('{name}', **{({'priority': priority} if priority else {})!r})")
    run.let_go()
    order = [note[1][0] for note in run.wait_notes(8) if note[0] == "add"]
    assert order == ["c", "e", "b", "d", "a", "f"]


def test_several_spoolers(spooled):
    run = spooled("spooler = {folder}/second")
    second = str(run.server.folder / "second")
    path = run.call(f"tasks.where(spooler='{second}')")
    assert str(path.parent) == second
    run.call("tasks.where()")
    assert sorted(run.wait_notes(2)) == sorted([("where", second), ("where", str(run.directory))])


def test_spooler_chdir(spooled):
    run = spooled("spooler-chdir = /usr")
    run.call("tasks.where(priority='3')")
    assert run.wait_notes(1) == [("where", "/usr")]


def test_tasks_run_where_their_file_lies(spooled):
    run = spooled()
    run.call("tasks.where(priority='3')")
    assert run.wait_notes(1) == [("where", str(run.directory / "3"))]


def test_numbers_are_tasks_when_ordered(spooled):
    run = spooled("spooler-ordered = true")
    path = write_task(run.directory, "x", {"ud_spool_func": "plain", "ud_spool_ret": "-2"})
    os.rename(path, run.directory / "12")
    run.wait_notes(1)
    wait_until(lambda: not (run.directory / "12").exists())


def test_max_tasks_replaces_the_process(spooled):
    run = spooled("spooler-max-tasks = 2")
    before = run.ask("uwsgi.spooler_pid()")
    for _ in range(3):
        run.call("tasks.add()")
    run.wait_notes(3)
    run.server.wait_log(r"maximum number of tasks reached \(2\) recycling \.\.\.")
    wait_until(lambda: run.ask("uwsgi.spooler_pid()") not in (before, "0"))


def test_a_file_from_elsewhere_runs_when_a_signal_says_so(spooled):
    run = spooled("spooler-frequency = 600")
    run.call("tasks.add()")
    run.wait_notes(1)
    run.wait_empty()
    write_task(run.directory, "h_1_1_1_1_1", {"ud_spool_func": "plain", "ud_spool_ret": "-2", "k": "v"})
    os.kill(int(run.ask("uwsgi.spooler_pid()")), signal.SIGUSR1)
    assert run.wait_notes(2)[1] == ("plain", {"k": "v"})


@pytest.mark.parametrize("ret", ["-1", "7", "None", "'x'", "-1.5"])
def test_raw_tasks_that_want_another_run(spooled, ret):
    run = spooled(allow=QUIET_ERRORS)
    run.call(f"tasks.raw(ret={ret!r})")
    assert len(run.wait_notes(2)) >= 2
    assert task_files(run.directory)
    if ret in ("None", "'x'"):
        run.server.wait_log("it has to return SPOOL_OK, SPOOL_RETRY or SPOOL_IGNORE")


@pytest.mark.parametrize("ret", ["-2", "-2.0"])
def test_raw_tasks_that_are_done(spooled, ret):
    run = spooled()
    run.call(f"tasks.raw(ret={ret!r})")
    run.wait_notes(1)
    run.wait_empty()


def test_an_ignored_task_stays_for_others(spooled):
    run = spooled()
    path = run.call("tasks.raw(ret='0')")
    was = path.stat().st_mtime_ns
    run.wait_notes(2)
    assert path.stat().st_mtime_ns == was
    assert "unable to find the spooler function" not in run.server.log()


def test_forever(spooled):
    run = spooled("spooler-max-attempts = 1")
    run.call("tasks.forever()")
    assert run.wait_notes(3) == [("forever",)] * 3
    assert len(task_files(run.directory)) == 1 and not failed_files(run.directory)


def test_without_a_name_tasks_stay(spooled):
    run = spooled(allow=QUIET_ERRORS)
    path = run.call("uwsgi.spool({'k': 'v', 'spooler': uwsgi.spoolers[0]})")
    run.server.wait_log("there is no task function None")
    assert path.exists()


def test_no_spooler_function_at_all(server, tmp_path):
    srv = server(app=app(), ini=f"[uwsgi]\nmaster = true\nspooler = {tmp_path}/s\n")
    path = ast.literal_eval(value(srv, "uwsgi.spool({'k': 'v'})"))
    srv.wait_log("unable to find the spooler function, have you loaded it into the spooler process ?")
    assert os.path.exists(path)


def test_lazy_apps_need_the_import(spooled):
    run = spooled("lazy-apps = true")
    run.call("tasks.add(1)")
    assert run.wait_notes(1) == [("add", (1,), {})]


def test_post_fork_functions_and_failing_imports(spooled):
    more = "import tasks, uwsgidecorators\n@uwsgidecorators.postfork\ndef forked(): tasks.note('forked', uwsgi.i_am_the_spooler())"
    run = spooled("spooler-import = no_such_module", more=more, allow=QUIET_ERRORS)
    assert sorted(run.wait_notes(2), key=repr) == [("forked", None), ("forked", True)]
    run.server.wait_log("No module named 'no_such_module'")
    run.call("tasks.add()")
    run.wait_notes(3)


def test_a_spooler_without_sockets(server, tmp_path):
    directory = tmp_path / "s"
    directory.mkdir()
    out = tmp_path / "out"
    write_task(directory, "h_1_1_1_1_1", {"ud_spool_func": "plain", "ud_spool_ret": "-2", "k": "v"})
    from support.server import APPS
    srv = server(front="none", ready=False, env={"OUT": str(out)}, ini=f"""[uwsgi]
master = true
pythonpath = {APPS}
spooler = {directory}
spooler-import = tasks
""")
    wait_until(lambda: not task_files(directory), srv.seconds(20), srv.log())
    assert out.read_text() == "('plain', {'k': 'v'})\n"


def test_remote_tasks_only_when_allowed_and_without_pickles(spooled):
    run = spooled("socket = {unix}\nspooler-remote = true")
    address = run.server.unix_path
    task = {"ud_spool_func": "plain", "ud_spool_ret": "-2", "k": "remote", "body": "field"}
    assert packet.exchange(address, packet.encode(task, modifier1=17)) == b"\xff\x00\x00\x01"
    assert run.wait_notes(1) == [("plain", {"k": "remote", "body": "field"})]
    for bad in [{"ud_spool_func": "add", "args": "x", "kwargs": "y"}, {"spooler": "/nowhere"},
                {"ud_spool_pickles": "1,1"}, {"priority": "../up"}]:
        assert packet.exchange(address, packet.encode(bad, modifier1=17)) == b"\xff\x00\x00\x00"
    run.wait_empty()


def test_remote_tasks_are_refused_by_default(spooled):
    run = spooled("socket = {unix}")
    answer = packet.exchange(run.server.unix_path, packet.encode({"k": "v"}, modifier1=17))
    assert answer != b"\xff\x00\x00\x01"
    assert task_files(run.directory) == []


def test_the_old_server_drains_what_we_write(server, predecessor, tmp_path):
    ours = Spooled(server, tmp_path, ini="spooler-external = {folder}/shared")
    shared = ours.server.folder / "shared"
    ours.call(f"tasks.add('é', n=1, spooler='{shared}')")
    ours.call(f"tasks.plain(k='v', body='B', spooler='{shared}')")
    assert len(task_files(shared)) == 2
    theirs = Spooled(server, tmp_path, program=predecessor, ini=f"spooler = {shared}\nspooler-ordered = true")
    theirs.wait_notes(2)
    wait_until(lambda: not task_files(shared), 20, theirs.server.log())
    assert sorted(ours.notes()) == [("add", ("é",), {"n": 1}), ("plain", {"k": "v", "body": "B", "spooler": str(shared)})]


def test_we_drain_what_the_old_server_writes(server, predecessor, tmp_path):
    theirs = Spooled(server, tmp_path, program=predecessor, ini="spooler-external = {folder}/shared")
    shared = theirs.server.folder / "shared"
    theirs.call(f"tasks.add('é', n=1, spooler='{shared}')")
    theirs.call(f"tasks.plain(k='v', priority='5', body='B', spooler='{shared}')")
    ours = Spooled(server, tmp_path, ini=f"spooler = {shared}")
    ours.wait_notes(2)
    wait_until(lambda: not task_files(shared), 20, ours.server.log())
    assert sorted(ours.notes()) == [
        ("add", ("é",), {"n": 1}), ("plain", {"k": "v", "priority": "5", "body": "B", "spooler": str(shared)})]


def test_both_servers_drain_one_directory(server, predecessor, tmp_path):
    theirs = Spooled(server, tmp_path, program=predecessor, ini="spooler-quiet = true")
    ours = Spooled(server, tmp_path, ini="spooler-quiet = true\nspooler-processes = 2")
    for i in range(100):
        run = ours if i % 2 else theirs
        run.call(f"tasks.add({i})")
    ours.wait_empty()
    assert sorted(note[1][0] for note in ours.notes()) == list(range(100))


def test_our_decorators_under_the_old_server(server, predecessor, tmp_path):
    from support.server import ROOT
    run = Spooled(server, tmp_path, program=predecessor, ini=f"pythonpath = {ROOT}/pylib")
    assert "pylib" in run.ask("__import__('uwsgidecorators').__file__")
    run.call("tasks.add('é')")
    run.call("tasks.plain(k='v')")
    assert sorted(run.wait_notes(2)) == [("add", ("é",), {}), ("plain", {"k": "v"})]


def test_the_old_decorators_under_our_server(server, tmp_path):
    theirs = "/usr/lib/python3/dist-packages/uwsgidecorators.py"
    if not os.path.exists(theirs):
        pytest.skip("the predecessor's decorators are not installed")
    folder = tmp_path / "theirs"
    folder.mkdir()
    shutil.copy(theirs, folder)
    run = Spooled(server, tmp_path, ini=f"pythonpath = {folder}", allow=QUIET_ERRORS)
    assert str(folder) in run.ask("__import__('uwsgidecorators').__file__")
    run.call("tasks.add('é')")
    run.call("tasks.plain(k='v')")
    assert sorted(run.wait_notes(2)) == [("add", ("é",), {}), ("plain", {"k": "v"})]


def test_the_shell_sees_and_handles_the_queue(spooled, program):
    run = spooled("spooler-max-attempts = 1\nspooler-frequency = 600", allow=QUIET_ERRORS)
    later = run.call("tasks.add(at='4000000000')")
    bad = run.call("tasks.fails(1)")
    run.wait_failed()
    listing = program.run("--spooler-list", run.directory).stdout
    assert later.name in listing and bad.name in listing and "not this time" in listing, listing
    assert "later" in listing and "failed" in listing
    done = program.run("--spooler-retry", run.directory)
    assert done.returncode == 0 and bad.name in done.stdout
    run.wait_notes(2)
    wait_until(lambda: [path.name for path in task_files(run.directory)] == [later.name])
    again = run.call("tasks.fails(9)")
    run.wait_failed()
    gone = program.run("--spooler-purge", run.directory / "failed" / again.name)
    assert gone.returncode == 0 and not failed_files(run.directory)
    assert program.run("--spooler-list", "/nowhere").returncode == 1
    assert program.run("--spooler-purge", run.directory / "failed" / "nothing").returncode == 1


def test_statistics(spooled):
    run = spooled("stats = {folder}/stats\nspooler-max-attempts = 1\nspooler-processes = 2", allow=QUIET_ERRORS)

    def stats():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(run.server.folder / "stats"))
            text = b""
            while piece := client.recv(65536):
                text += piece
        return json.loads(text)["spoolers"]

    run.call("tasks.add()")
    run.call("tasks.fails(1)")
    run.call("tasks.add(at='4000000000')")
    run.wait_failed()
    run.call("tasks.waits()")
    run.wait_notes(3)
    wait_until(lambda: stats()[0]["scheduled"] == 1 and stats()[0]["set_aside"] == 1 and sum(each["tasks"] for each in stats()) == 2, what=stats)
    found = stats()
    assert [each["dir"] for each in found] == [str(run.directory)] * 2
    assert sum(each["tasks"] for each in found) == 2 and sum(each["failures"] for each in found) == 1
    assert sum(each["running"] for each in found) == 1 and all(each["pid"] for each in found)
    assert found[0]["waiting"] == 1
    run.let_go()
    run.wait_notes(4)


def test_cheap_spoolers_are_there_only_for_tasks(spooled):
    run = spooled("spooler-cheap = true\nspooler-processes = 2")
    assert run.ask("uwsgi.spooler_pids()") == "[0, 0]"
    at = int(time.time()) + 3
    run.call("tasks.add(1)")
    run.call(f"tasks.add(2, at='{at}')")
    run.wait_notes(1)
    wait_until(lambda: run.ask("uwsgi.spooler_pids()") == "[0, 0]")
    run.wait_notes(2)
    run.call("tasks.add(3, priority='5')")
    run.wait_notes(3)
    run.wait_empty()

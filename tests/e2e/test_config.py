# SPDX-License-Identifier: Apache-2.0
"""Command line, ini files, environment, substitution: what a user types."""
import os
import re
import signal

import pytest

from support import processes
from support.processes import wait_until
from support.server import ROOT, free_port

BASE = "[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nwsgi-file = {apps}/hello.py\nmaster = true\n"


def workers(srv, count):
    wait_until(lambda: len(processes.children(srv.pid)) == count, srv.seconds(10), f"{count} workers")
    return True


@pytest.mark.parity
def test_the_ini_of_the_issue(server):
    srv = server(front="none", ini="""[uwsgi]
chdir = {apps}
pidfile = {folder}/uwsgi.pid
vacuum = true
http-socket = 127.0.0.1:{port}
wsgi-file = hello.py
callable = application
master = true
processes = %k
threads = 2
""")
    assert srv.get().body == b"Hello World"
    assert workers(srv, os.cpu_count())


@pytest.mark.parity
def test_example_ini_starts(server, tmp_path):
    text = (ROOT / "examples" / "uwsgi.ini").read_text()
    text = text.replace("%d", str(ROOT / "examples")).replace(":9090", "127.0.0.1:{port}").replace("/tmp/foobar.pid", "{folder}/f.pid")
    assert server(front="none", ini=text).get().body == b"Hello World"


@pytest.mark.parity
def test_options_after_the_ini_win(server):
    srv = server(front="none", ini=BASE + "processes = 3\n")
    assert workers(srv, 3)


@pytest.mark.parity
def test_later_pairs_win(program, tmp_path):
    path = tmp_path / "p.ini"
    path.write_text("[uwsgi]\nprocesses = 2\n")

    def value(*args, env=None):
        return program.run(*args, "--get", "processes", env=env).stdout.strip().splitlines()[-1]

    assert value("--ini", path) == "2"
    assert value("--processes", "4") == "4"


@pytest.mark.parity
def test_environment_is_read(server):
    srv = server(app="hello", args=["--master"], env={"UWSGI_PROCESSES": "3"})
    assert workers(srv, 3)


@pytest.mark.parity
def test_files_win_over_the_environment(server):
    srv = server(front="none", ini=BASE + "processes = 1\n", env={"UWSGI_PROCESSES": "3"})
    assert workers(srv, 1)


@pytest.mark.parity
def test_sections(server, tmp_path):
    path = tmp_path / "many.ini"
    path.write_text("[uwsgi]\nprocesses = 1\n[other]\nmaster = true\nprocesses = 3\n")
    srv = server(app="hello", args=["--ini", f"{path}:other"])
    srv.has_master = True
    assert workers(srv, 3)


@pytest.mark.parity
def test_placeholders_environment_and_magic_letters(server, tmp_path):
    (tmp_path / "name.txt").write_text("hello.py")
    srv = server(front="none", env={"E2E_FOLDER": str(ROOT / "tests" / "apps")}, ini=f"""[uwsgi]
place = $(E2E_FOLDER)
file = %(place)/@({tmp_path}/name.txt)
http-socket = 127.0.0.1:{{port}}
""")
    assert srv.get().body == b"Hello World"


@pytest.mark.parity
def test_include(server, tmp_path):
    (tmp_path / "more.ini").write_text("[uwsgi]\nprocesses = 2\n")
    srv = server(front="none", ini=BASE + f"ini = {tmp_path}/more.ini\n")
    assert workers(srv, 2)


@pytest.mark.parity
def test_blocks(server):
    srv = server(front="none", env={"E2E_SET": "yes"}, ini=BASE + """if-env = E2E_SET
processes = 2
endif =
if-env = E2E_NOT_SET
processes = 5
endif =
for = A_E2E B_E2E
env = %(_)=1
endfor =
""")
    assert workers(srv, 2)
    environment = open(f"/proc/{srv.pid}/environ").read()
    assert "E2E_SET" in environment


@pytest.mark.parity
def test_env_reaches_the_application(server, inside):
    folder = inside({"env.py": "import os\ndef application(e, s):\n    s('200 OK', [])\n    return [os.environ['E2E_X'].encode()]\n"})
    srv = server(front="none", ini=f"[uwsgi]\nhttp-socket = 127.0.0.1:{{port}}\nenv = E2E_X=a=b\nchdir = {folder}\nmodule = env\n")
    assert srv.get().text == "a=b"


@pytest.mark.parity
def test_unknown_names_are_kept_for_the_application(server, inside):
    folder = inside({"opt.py": "import uwsgi\ndef application(e, s):\n    s('200 OK', [])\n    return [repr(uwsgi.opt['my-own']).encode()]\n"})
    srv = server(front="none", ini=f"[uwsgi]\nhttp-socket = 127.0.0.1:{{port}}\nmy-own = value\nchdir = {folder}\nmodule = opt\n")
    assert srv.get().text == "b'value'"


def test_bare_ini_and_section(server, tmp_path):
    path = tmp_path / "site.ini"
    path.write_text("[uwsgi]\nmaster = true\nprocesses = 1\n[three]\nmaster = true\nprocesses = 3\n")
    first = server(app="hello", args=[path])
    assert workers(first, 1)
    second = server(app="hello", args=[f"{path}:three"])
    assert workers(second, 3)


@pytest.mark.parity
def test_plugins_are_accepted(server):
    assert server(app="hello", args=["--plugins", "python3"]).get().status == 200


@pytest.mark.parametrize("rule", ["route = ^/admin basicauth:Zone,foo:bar", "route-remote-addr = ^192 break:403 Forbidden"])
def test_rules_that_keep_requests_away_are_no_warnings(program, tmp_path, rule):
    """The server would answer everybody what they keep closed."""
    (tmp_path / "uwsgi.ini").write_text(f"[uwsgi]\n{rule}\nhttp-socket = 127.0.0.1:0\n")
    done = program.run("--ini", "uwsgi.ini", cwd=tmp_path)
    assert done.returncode == 1 and "(uwsgi.ini:2): this release has no routing" in done.stdout, done.stdout


@pytest.mark.parametrize("option", ["paste", "ini-paste", "pecan"])
def test_a_way_to_load_that_is_not_there_is_an_error(program, tmp_path, option):
    """It would start, and answer 500 to everybody."""
    done = program.run(f"--{option}", "site.ini", "--http-socket", "127.0.0.1:0", cwd=tmp_path)
    assert done.returncode == 1 and f'"{option}" (command line): this release cannot load' in done.stdout, done.stdout


@pytest.mark.parity
def test_show_config(server):
    srv = server(app="hello", args=["--show-config", "--set", "a=b"])
    log = srv.log()
    assert ";uWSGI instance configuration\n[uwsgi]\n" in log
    assert "show-config = true\n" in log
    assert ";end of configuration" in log


@pytest.mark.parity
def test_version(program):
    done = program.run("--version")
    assert done.returncode == 0
    assert done.stdout.strip() == program.version


@pytest.mark.parity
def test_help_lists_every_option(program):
    done = program.run("--help")
    assert done.returncode == 0
    for option in ("--http-socket", "--processes", "--wsgi-file", "--harakiri", "--master"):
        assert option in done.stdout
    assert "Usage: " in done.stdout


def test_help_of_a_word(program):
    done = program.run("--help", "http")
    assert done.returncode == 0
    assert "--http-socket" in done.stdout
    assert "--harakiri" not in done.stdout


@pytest.mark.parity
def test_abbreviations(program):
    assert program.run("--proces", "2", "--get", "processes").stdout.strip().splitlines()[-1] == "2"


@pytest.mark.parity
@pytest.mark.parametrize("where", ["argument", "file", "environment"])
def test_a_start_that_fails_goes_on_with_the_fallback(program, tmp_path, where):
    (tmp_path / "fallback.ini").write_text("[uwsgi]\nexit = 7\n")
    line = "fallback-config = %d/fallback.ini\n" if where == "file" else ""
    (tmp_path / "broken.ini").write_text(f"[uwsgi]\n{line}http-socket = 127.0.0.1:0\nuid = nosuchuserhere\n")
    args = ["--fallback-config", str(tmp_path / "fallback.ini")] if where == "argument" else []
    env = {"UWSGI_FALLBACK_CONFIG": str(tmp_path / "fallback.ini")} if where == "environment" else {}
    done = program.run(*args, "--ini", str(tmp_path / "broken.ini"), env=env)
    assert done.returncode == 7, done.stdout
    assert re.search(r"^.* \d{4} - !!! Fallback config to .*fallback.ini !!!$", done.stdout, re.M)


@pytest.mark.parametrize("where", ["variable", "placeholder", "argument"])
def test_a_fallback_may_be_named_by_what_is_replaced(program, tmp_path, where):
    """Also when the start fails before that is done."""
    (tmp_path / "fallback.ini").write_text("[uwsgi]\nexit = 7\n")
    lines = {"variable": "fallback-config = $(PLACE)/fallback.ini\n",
             "placeholder": f"place = {tmp_path}\nfallback-config = %(place)/fallback.ini\n", "argument": ""}[where]
    (tmp_path / "broken.ini").write_text(f"[uwsgi]\n{lines}ini = %d/missing.ini\n")
    behind = ["--fallback-config", "$(PLACE)/fallback.ini"] if where == "argument" else []
    done = program.run("--ini", str(tmp_path / "broken.ini"), *behind, env={"PLACE": str(tmp_path)})
    assert done.returncode == 7, done.stdout


@pytest.mark.parametrize("failure", ["master = true\nstats = 1.2.3.4:99", "master = true\nhook-master-start = exec:false",
                                     "master = true\nhook-post-fork = exec:false", "hook-post-fork = exec:false"],
                         ids=["duty", "hook", "worker", "alone"])
def test_a_server_that_ends_before_it_serves_goes_on_with_the_fallback(program, tmp_path, failure):
    (tmp_path / "fallback.ini").write_text("[uwsgi]\nexit = 7\n")
    lines = f"http-socket = 127.0.0.1:0\nwsgi-file = {ROOT}/tests/apps/hello.py\n{failure}\n"
    (tmp_path / "broken.ini").write_text(f"[uwsgi]\nfallback-config = %d/fallback.ini\n{lines}")
    done = program.run("--ini", str(tmp_path / "broken.ini"))
    assert done.returncode == 7, done.stdout
    (tmp_path / "alone.ini").write_text(f"[uwsgi]\n{lines}")
    done = program.run("--ini", str(tmp_path / "alone.ini"))
    assert done.returncode == 1, done.stdout
    assert done.stdout.splitlines()[-1] == "the server ended before it was ready"


@pytest.mark.parametrize("failure", ["uid = nosuchuserhere", "master = true\nhook-master-start = exec:false"], ids=["early", "late"])
def test_a_daemon_that_goes_on_with_its_fallback_has_started(server, tmp_path, failure):
    (tmp_path / "fallback.ini").write_text(f"[uwsgi]\nhttp-socket = 127.0.0.1:%(port)\nport = $(PORT)\nmaster = true\n"
                                           f"wsgi-file = {ROOT}/tests/apps/hello.py\npidfile = {tmp_path}/pid\n")
    port = free_port()
    srv = server(front="none", ready=False, env={"PORT": str(port)}, ini=f"[uwsgi]\nfallback-config = {tmp_path}/fallback.ini\n"
                 f"daemonize = {tmp_path}/log\nhttp-socket = 127.0.0.1:0\nwsgi-file = {ROOT}/tests/apps/hello.py\n{failure}\n")
    srv.port = port
    srv.log_files.append(tmp_path / "log")
    assert srv.wait() == 0, srv.log()
    wait_until(srv.accepts, what="the fallback")
    assert srv.get("/").status == 200
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not processes.alive(pid), what="its end")


def test_iprint_says_the_text_as_it_was_read(program):
    done = program.run("--set", "x=1", "--iprint", "raw %(x)", "--print", "done %(x)", "--get", "x")
    assert done.returncode == 0 and "raw %(x)\ndone 1\n1\n" in done.stdout


def test_a_fallback_that_fails_too_is_the_end(program, tmp_path):
    (tmp_path / "fallback.ini").write_text("[uwsgi]\nfallback-config = %d/fallback.ini\nuid = nosuchuserhere\n")
    done = program.run("--ini", str(tmp_path / "fallback.ini"))
    assert done.returncode == 1
    assert done.stdout.count("Fallback config to") == 1


def test_fallbacks_that_name_each_other_are_each_tried_once(program, tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.ini").write_text(f"[uwsgi]\nfallback-config = %d/{other}.ini\nuid = nosuchuserhere\n")
    done = program.run("--ini", str(tmp_path / "a.ini"))
    assert done.returncode == 1
    assert re.findall(r"Fallback config to .*/(\w).ini", done.stdout) == ["b", "a"]


def test_a_file_that_cannot_be_read_has_the_fallback_behind_it(program, tmp_path):
    (tmp_path / "fallback.ini").write_text("[uwsgi]\nexit = 7\n")
    assert program.run("--ini", str(tmp_path / "missing.ini"), "--fallback-config", str(tmp_path / "fallback.ini")).returncode == 7


@pytest.mark.parity
def test_no_server_tests_a_configuration(program):
    done = program.run("--http-socket", "127.0.0.1:0", "--wsgi-file", ROOT / "tests" / "apps" / "hello.py", "--no-server")
    assert done.returncode == 0, done.stdout


def test_size_suffixes_and_comments(server):
    srv = server(front="none", ini=BASE + "# a comment\n; another\nprocesses = 2 # typed comments end here\n\n")
    assert workers(srv, 2)

# SPDX-License-Identifier: Apache-2.0
"""Every function and decorator once, for `mypy --strict`; nobody runs it. test_types.py sees to it that none is missing."""
import uwsgi
import uwsgidecorators as deco


def processes() -> None:
    numbers: list[int] = [uwsgi.worker_id(), uwsgi.masterpid(), uwsgi.total_requests(), uwsgi.request_id(), uwsgi.cl(),
                          uwsgi.listen_queue(), uwsgi.listen_queue(1), uwsgi.micros(), uwsgi.logsize(), uwsgi.ready_fd(),
                          uwsgi.connection_fd(), uwsgi.numproc, uwsgi.cores, uwsgi.has_threads, uwsgi.buffer_size,
                          uwsgi.started_on, *uwsgi.sockets, *uwsgi.mem(), uwsgi.version_info[0], uwsgi.queue_size]
    statuses: set[bytes] = {worker["status"] for worker in uwsgi.workers()}
    mounts: list[bytes] = [app["mountpoint"] for worker in uwsgi.workers() for app in worker["apps"]]
    texts: list[bytes] = [uwsgi.version, uwsgi.hostname, uwsgi.mode, uwsgi.pidfile, uwsgi.magic_table[b"V"], *uwsgi.spoolers]
    flags: list[bool | None] = [uwsgi.reload(), uwsgi.stop(), uwsgi.ready(), uwsgi.i_am_the_spooler(), uwsgi.is_a_reload]
    print(numbers, statuses, mounts, texts, flags, uwsgi.loop, uwsgi.unbit, uwsgi.opt["ini"], uwsgi.env["PATH_INFO"])
    uwsgi.accepting()
    uwsgi.accepting(False)
    uwsgi.setprocname("me")
    uwsgi.set_user_harakiri(3)
    print(uwsgi.i_am_the_lord("x"), uwsgi.scrolls(b"x"), uwsgi.lord_scroll("x"), uwsgi.HarakiriError)
    contents: bytes = uwsgi.extract("/etc/hostname")
    print(contents, uwsgi.parsefile(b"task"), uwsgi.set_warning_message("slow"))
    uwsgi.embedded_data("x")


def request() -> None:
    write = uwsgi.start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"x")
    uwsgi.log("said")
    uwsgi.log_this_request()
    uwsgi.set_logvar("who", b"me")
    who: bytes | None = uwsgi.get_logvar("who")
    print(who, uwsgi.add_var("A", "b"), uwsgi.sendfile("/etc/hostname"), uwsgi.is_connected(3))
    uwsgi.disconnect()
    print(uwsgi.suspend(), uwsgi.green_schedule(), uwsgi.async_connect("/x"), uwsgi.async_sleep(0.1), uwsgi.connect("/x", 3))
    print(uwsgi.recv(3, 10), uwsgi.send(b"x"), uwsgi.offload(), uwsgi.wait_fd_read(3, 1), uwsgi.wait_fd_write(3))
    print(uwsgi.chunked_read(3), uwsgi.chunked_read_nb(), uwsgi.route("log", "x"))
    uwsgi.close(3)
    uwsgi.websocket_handshake("key")
    uwsgi.websocket_send(uwsgi.websocket_recv())
    uwsgi.websocket_send_binary(uwsgi.websocket_recv_nb())


def handle(number: int) -> None:
    print(number)


def signals() -> None:
    uwsgi.register_signal(1, "workers", handle)
    uwsgi.signal(1)
    uwsgi.signal(1, "host:3031")
    print(uwsgi.signal_wait(), uwsgi.signal_wait(1), uwsgi.signal_received(), uwsgi.signal_registered(1))
    uwsgi.add_timer(1, 10)
    uwsgi.add_ms_timer(1, 10)
    uwsgi.add_rb_timer(1, 10, 3)
    uwsgi.add_cron(1, -1, -1, -1, -1, -1)
    uwsgi.add_file_monitor(1, "/tmp")


def received(message: bytes) -> None:
    print(message)


def mules() -> None:
    uwsgi.mule_msg_hook = received
    sent: bool = uwsgi.mule_msg("x") and uwsgi.mule_msg(b"x", 1) and uwsgi.mule_msg("x", "farm")
    message: bytes = uwsgi.mule_get_msg(signals=True, farms=False, buffer_size=10, timeout=0.5)
    print(sent, message, uwsgi.mule_id(), uwsgi.in_farm(), uwsgi.in_farm("farm"), uwsgi.farm_get_msg())
    uwsgi.farm_msg("farm", "x")


def run(task: dict[bytes | str, bytes]) -> int:
    return uwsgi.SPOOL_OK if task[b"a"] else uwsgi.SPOOL_RETRY if task else uwsgi.SPOOL_IGNORE


def spooler() -> None:
    uwsgi.spooler = run
    path: bytes = uwsgi.spool({"a": "b"})
    print(path, uwsgi.send_to_spooler(a=b"b", at="0"), uwsgi.spool({b"a": b"b"}), uwsgi.spooler_dir())
    print(uwsgi.spooler_jobs(), uwsgi.spooler_pid(), uwsgi.spooler_pids(), uwsgi.spooler_get_task(path))
    uwsgi.set_spooler_frequency(3)


def caches() -> None:
    uwsgi.cache_set("a", b"b", 10, "pages")
    uwsgi.cache_update(b"a", "b")
    value: bytes | None = uwsgi.cache_get("a", "pages@host:3031")
    print(value, uwsgi.cache_exists("a"), uwsgi.cache_del("a"), uwsgi.cache_clear(), uwsgi.cache_keys("pages"))
    print(uwsgi.cache_inc("n"), uwsgi.cache_dec("n", 2), uwsgi.cache_mul("n", 2, 10), uwsgi.cache_div("n"))
    number: int = uwsgi.cache_num("n")
    print(number)


def queue_locks_areas() -> None:
    uwsgi.lock()
    print(uwsgi.is_locked(0))
    uwsgi.unlock()
    print(uwsgi.queue_push("x"), uwsgi.queue_pop(), uwsgi.queue_pull(), uwsgi.queue_get(0), uwsgi.queue_set(0, b"x"))
    last: bytes | None = uwsgi.queue_last()
    several: list[bytes | None] = uwsgi.queue_last(3)
    print(last, several, uwsgi.queue_slot(), uwsgi.queue_pull_slot())
    uwsgi.sharedarea_rlock(0)
    uwsgi.sharedarea_wlock(0)
    uwsgi.sharedarea_unlock(0)
    uwsgi.sharedarea_write(0, 0, uwsgi.sharedarea_read(0, 0, 8))
    uwsgi.sharedarea_write8(0, 0, uwsgi.sharedarea_read8(0, 0))
    uwsgi.sharedarea_writebyte(0, 0, uwsgi.sharedarea_readbyte(0, 0))
    uwsgi.sharedarea_write16(0, 0, uwsgi.sharedarea_read16(0, 0))
    uwsgi.sharedarea_write32(0, 0, uwsgi.sharedarea_read32(0, 0))
    uwsgi.sharedarea_write64(0, 0, uwsgi.sharedarea_read64(0, 0))
    uwsgi.sharedarea_writelong(0, 0, uwsgi.sharedarea_readlong(0, 0))
    uwsgi.sharedarea_inc32(0, 0)
    uwsgi.sharedarea_inc64(0, 0, 2)
    uwsgi.sharedarea_inclong(0, 0)
    uwsgi.sharedarea_dec32(0, 0)
    uwsgi.sharedarea_dec64(0, 0)
    view: memoryview = uwsgi.sharedarea_memoryview(0)
    print(view[0], uwsgi.sharedarea_object(0)[0])


def distant(name: bytes) -> bytes:
    return b"hello " + name


def calls_and_numbers() -> None:
    uwsgi.register_rpc("hello", distant, 1)
    answer: bytes | None = uwsgi.call("hello", b"you")
    print(answer, uwsgi.rpc("host:3031", "hello", "you"), uwsgi.rpc(None, b"hello"), uwsgi.rpc_list())
    uwsgi.alarm("ops", "too hot")
    count: int = uwsgi.metric_get("a")
    print(count, uwsgi.metric_set("a", 1), uwsgi.metric_inc("a"), uwsgi.metric_dec("a"), uwsgi.metric_mul("a", 2))
    print(uwsgi.metric_div("a"), uwsgi.metric_set_max("a", 3), uwsgi.metric_set_min("a", 3))


uwsgi.post_fork_hook = processes
uwsgi.after_req_hook = request
uwsgi.atexit = signals
uwsgi.applications = {"/": "typed_program:application"}


@deco.spool
def plain(arguments: dict[str, str]) -> None:
    print(arguments)


@deco.spool(pass_arguments=True)
def letter(name: str, copies: int) -> None:
    print(name * copies)


@deco.spoolforever(pass_arguments=True)
def for_ever(name: str) -> None:
    print(name)


@deco.spoolraw
def raw(arguments: dict[str, str]) -> int:
    return uwsgi.SPOOL_OK


def leave_tasks() -> bytes:
    letter.f("now", 1)
    return plain(a="b") + plain.spool({"a": "b"}) + letter(name="x", copies=1, at=1.5) + for_ever.spool("x") + raw({})


@deco.postfork
def everywhere() -> None: ...


@deco.postfork(1)
def in_the_first() -> None: ...


@deco.mulefunc
def anywhere(number: int, *, text: str) -> str:
    return text * number


@deco.mulefunc(2)
def in_the_second(number: int) -> None: ...


@deco.mulefunc("farm")
def in_the_farm() -> None: ...


@deco.mule(1)
def once() -> None: ...


@deco.muleloop(num=2)
def for_ever_in_a_mule() -> None: ...


@deco.mulemsg(3)
def of_the_third(message: bytes) -> None: ...


@deco.farm("farm")
def of_the_farm(message: bytes) -> None: ...


@deco.signal(7, target="workers")
def on_seven(number: int) -> None: ...


@deco.timer(3, target="spooler", signum=8)
@deco.rbtimer(3)
@deco.mstimer(300)
@deco.cron(0, 3, -1, -1, -1)
@deco.cron(minute=0, hour=3, day=-1, month=-1, dayweek=-1, target="mule")
@deco.filemon("/tmp")
@deco.filemon(fsobj="/tmp", target=b"mules")
def tick(number: int) -> None: ...


@deco.rpc("hello")
@deco.erlang("hello")
def hello(name: bytes) -> bytes:
    return name


@deco.lock
@deco.harakiri(3)
def careful(number: int) -> int:
    return number + 1


@deco.thread
def beside(number: int, *, text: str) -> None: ...


def use_the_rest() -> None:
    anywhere(1, text="x")
    in_the_second(3)
    number: int = careful(1)
    beside(number, text="x")(2, text="y")
    deco.postfork_chain += [deco.mule_brain(once, 1), deco.mule_brainloop(once, 1), deco.mulemsg_loop(of_the_third, 1)]
    deco.postfork_chain.append(deco.farm_loop(of_the_farm, "farm"))
    deco.postfork_chain_hook()
    deco.mule_msg_dispatcher(b"")
    try:
        deco.manage_spool_request({b"ud_spool_func": b"plain"})
    except deco.UnknownTask:
        print(deco.get_free_signal(), deco.spooler_functions["plain"], deco.mule_functions, deco.spool_decorate(handle))

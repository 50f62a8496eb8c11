# SPDX-License-Identifier: Apache-2.0
"""Decorators for background work in the uWSGI server: spooler, mules, signals, timers, cron, locks.

The server brings this module along. Outside of it the import fails with ImportError, unless the environment has
UWSGI_TASKS_IN_PLACE=1: then tasks and mule functions run at once in the calling process, and everything that needs
processes of the server does nothing.
"""
import os
import pickle
import sys
from functools import partial, update_wrapper, wraps
from threading import Lock, Thread

try:
    import uwsgi
except ImportError:
    if os.environ.get("UWSGI_TASKS_IN_PLACE") != "1":
        raise
    uwsgi = None

if uwsgi is not None and uwsgi.masterpid() == 0:
    raise Exception("you have to enable the uWSGI master process to use this module")

spooler_functions = {}  # task name -> function
mule_functions = {}  # name -> function
postfork_chain = []  # callables without arguments, in the order in which they run


def _warn(text):
    if uwsgi is None:
        print(text, file=sys.stderr)
    else:
        uwsgi.log(text)


# ---- post-fork functions


def postfork_chain_hook():
    """Runs after each fork; what one function raises keeps the rest from running."""
    for function in postfork_chain:
        function()


def postfork(f):
    """@postfork: in every worker, mule and spooler. @postfork(n): in worker n only."""
    if callable(f):
        postfork_chain.append(f)
        return f
    return partial(_postfork_in, int(f))


def _postfork_in(number, f):
    def run_here():
        if uwsgi.worker_id() == number:
            return f()

    postfork_chain.append(wraps(f)(run_here))
    return f


# ---- the spooler

# What is taken away from the arguments of a pass_arguments task.
_PLACEMENT = ("message_dict", "spooler", "priority", "at", "body")
_MAX_PACKET = 65535


class UnknownTask(KeyError):
    """A task names a function that this process has not."""

    def __str__(self):
        return self.args[0]


def _to_bytes(value):
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    raise ValueError("spooler callable dictionary must contains only bytes")


def _encode_to_spooler(message):
    """A task's dict as bytes, in its order. `at` may be a number of seconds, `priority` a number."""
    encoded = {}
    for key, value in message.items():
        if key in ("at", b"at", "priority", b"priority") and isinstance(value, (int, float)):
            value = str(int(value))
        encoded[_to_bytes(key)] = _to_bytes(value)
    return encoded


def _to_text(value):
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _decode_from_spooler(message):
    """The other way; values that are no UTF-8 stay bytes, and so do pickles."""
    decoded = {_to_text(key): value for key, value in message.items()}
    return {key: value if key in ("args", "kwargs") else _to_text(value) for key, value in decoded.items()}


def _take_pickles(message, body):
    """The arguments of a pass_arguments task, None for another."""
    if "ud_spool_pickles" in message:
        first, second = (int(number) for number in message["ud_spool_pickles"].split(","))
        return body[:first], body[first : first + second]
    if "args" in message:
        return message["args"], message.get("kwargs", pickle.dumps({}))
    return None


def manage_spool_request(message):
    """What the server calls for each task; the result is SPOOL_OK, SPOOL_RETRY or SPOOL_IGNORE."""
    body = message.get("body", b"")
    message = _decode_from_spooler(message)
    name = message.get("ud_spool_func")
    if name not in spooler_functions:
        raise UnknownTask(
            f"there is no task function {name!r} in this process: is the module that defines it named by spooler-import?"
        )
    function = spooler_functions[name]
    pickles = _take_pickles(message, body)
    if pickles is not None:
        result = function(*pickle.loads(pickles[0]), **pickle.loads(pickles[1]))
    else:
        result = function(message)
    if "ud_spool_ret" in message:
        return int(message["ud_spool_ret"])
    try:
        return int(result)
    except (TypeError, ValueError):
        raise TypeError(
            f"the task function {name!r} returned {result!r}: it has to return SPOOL_OK, SPOOL_RETRY or SPOOL_IGNORE"
        ) from None


class _Task:
    """What is bound to the name of a task function. Calling it leaves a task for the spooler."""

    ret = None  # what the function shall count as having returned; None: what it returns

    def __init__(self, f, pass_arguments=False):
        if uwsgi is not None and not _has_spooler():
            raise Exception(f"you have to enable the uWSGI spooler to use @{type(self).__name__} decorator")
        update_wrapper(self, f)
        self.f = f
        self.pass_arguments = pass_arguments
        try:
            f.spool = self.spool
        except AttributeError:
            pass  # a callable without attributes
        name = f.__name__
        known = spooler_functions.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (f.__module__, f.__qualname__):
            _warn(f"*** WARNING: the task function {name} of {f.__module__} replaces that of {known.__module__} ***")
        spooler_functions[name] = f

    def __call__(self, *args, **kwargs):
        return self.spool(*args, **kwargs)

    def __repr__(self):
        return f"<task {self.f.__module__}.{self.f.__qualname__}>"

    def spool(self, *args, **kwargs):
        """Leaves a task; the path of its file. With UWSGI_TASKS_IN_PLACE=1 the function has run instead."""
        message = {"ud_spool_func": self.f.__name__}
        if self.ret is not None:
            message["ud_spool_ret"] = str(self.ret)
        if self.pass_arguments:
            message = self._with_pickles(message, args, kwargs)
        else:
            if args:
                if not isinstance(args[0], dict):
                    raise TypeError(
                        f"{self.f.__name__}() takes a dict and keyword arguments, not {type(args[0]).__name__}: "
                        "use @spool(pass_arguments=True) to pass anything"
                    )
                message.update(args[0])
            message.update(kwargs)
            message = _encode_to_spooler(message)
        return _run_in_place(message) if uwsgi is None else uwsgi.spool(message)

    def _with_pickles(self, message, args, kwargs):
        for key in _PLACEMENT:
            if key in kwargs:
                message[key] = kwargs.pop(key)
        message = _encode_to_spooler(message)
        try:
            pickles = pickle.dumps(args), pickle.dumps(kwargs)
        except Exception as error:
            raise pickle.PicklingError(
                f"the arguments of {self.f.__name__}() cannot be stored for later: {error}"
            ) from error
        if _packet_size(message) + sum(map(len, pickles)) + 18 <= _MAX_PACKET:
            message[b"args"], message[b"kwargs"] = pickles
        else:
            message[b"ud_spool_pickles"] = b"%d,%d" % (len(pickles[0]), len(pickles[1]))
            message[b"body"] = b"".join(pickles) + message.get(b"body", b"")
        return message


def _packet_size(message):
    return sum(4 + len(key) + len(value) for key, value in message.items() if key != b"body")


def _has_spooler():
    return hasattr(uwsgi, "spool") or "spooler" in uwsgi.opt or "spooler-external" in uwsgi.opt


def _run_in_place(message):
    if message.get(b"body", b"") == b"":
        message.pop(b"body", None)
    else:
        message["body"] = message.pop(b"body")
    message["spooler_task_name"] = b"in-place"
    manage_spool_request(message)
    return b""


# The names of these classes are part of a message that people look for.
class _spool(_Task):
    ret = -2


class _spoolforever(_Task):
    ret = -1


class _spoolraw(_Task):
    pass


def spool_decorate(f=None, pass_arguments=False, _class=_spoolraw):
    if f is None:
        return partial(_class, pass_arguments=pass_arguments)
    return _class(f, pass_arguments)


def spool(f=None, pass_arguments=False):
    """The function runs in a spooler process; whatever it returns, it is done unless it raises."""
    return spool_decorate(f, pass_arguments, _spool)


def spoolforever(f=None, pass_arguments=False):
    """The function runs again and again."""
    return spool_decorate(f, pass_arguments, _spoolforever)


def spoolraw(f=None, pass_arguments=False):
    """The function says by SPOOL_OK, SPOOL_RETRY or SPOOL_IGNORE what becomes of the task."""
    return spool_decorate(f, pass_arguments, _spoolraw)


# ---- mules


def mule_msg_dispatcher(message):
    """What the server calls for each message of a mule; others than those of @mulefunc go to the hook of before."""
    try:
        call = pickle.loads(message)
        function = mule_functions[call["func"]] if call["service"] == "uwsgi_mulefunc" else None
    except Exception:
        function = None
    if function is not None:
        return function(*call["args"], **call["kwargs"])
    if _mule_msg_hook_before is not None:
        return _mule_msg_hook_before(message)
    _warn(f"*** mule {uwsgi.mule_id()} received a message of {len(message)} bytes that nobody takes ***")


def mulefunc(f):
    """@mulefunc: calls run in any mule. @mulefunc(2): in mule 2. @mulefunc("farm"): in a mule of the farm."""
    if callable(f):
        return _mule_function(None, f)
    return partial(_mule_function, f.encode("utf-8") if isinstance(f, str) else f)


def _mule_function(target, f):
    mule_functions[f.__name__] = f

    @wraps(f)
    def send(*args, **kwargs):
        call = {"service": "uwsgi_mulefunc", "func": f.__name__, "args": args, "kwargs": kwargs}
        message = pickle.dumps(call)
        if uwsgi is None:
            mule_msg_dispatcher(message)
        elif target is None:
            uwsgi.mule_msg(message)
        else:
            uwsgi.mule_msg(message, target)

    send.f = f
    return send


# What the decorators below leave in the chain of post-fork functions; a program may do that by hand.


class mule_brain:
    """Called in this mule it runs the function; what that raises ends the mule, which the master starts again."""

    def __init__(self, f, num):
        update_wrapper(self, f)
        self.f = f
        self.num = num

    def __call__(self):
        if uwsgi.mule_id() != self.num:
            return None
        try:
            return self.run()
        except Exception:
            sys.excepthook(*sys.exc_info())
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    def run(self):
        return self.f()


class mule_brainloop(mule_brain):
    """Runs the function again and again; the mule does nothing else."""

    def run(self):
        while True:
            self.f()


class mulemsg_loop(mule_brain):
    """Calls the function with each message; the mule does nothing else."""

    def run(self):
        while True:
            message = uwsgi.mule_get_msg()
            if message is not None:
                self.f(message)


class farm_loop:
    """Called in a mule of the farm (None: of any) it calls the function with each message, and does nothing else."""

    def __init__(self, f, farm):
        update_wrapper(self, f)
        self.f = f
        self.farm = farm

    def __call__(self):
        if not (uwsgi.in_farm() if self.farm is None else uwsgi.in_farm(self.farm)):
            return
        while True:
            message = uwsgi.farm_get_msg()
            if message is not None:
                self.f(message)


def _after_fork(brain, whose, f):
    postfork_chain.append(brain(f, whose))
    return f


def mule(num):
    """The function runs once in this mule."""
    return partial(_after_fork, mule_brain, num)


def muleloop(num):
    """The function runs in this mule, again and again; the mule does nothing else."""
    return partial(_after_fork, mule_brainloop, num)


def mulemsg(num):
    """The function gets the messages of this mule; the mule does nothing else."""
    return partial(_after_fork, mulemsg_loop, num)


def farm(name=None):
    """The function gets the messages of the farm, in each of its mules; these do nothing else."""
    return partial(_after_fork, farm_loop, name)


# ---- signals and what raises them


def get_free_signal():
    for number in range(256):
        if not uwsgi.signal_registered(number):
            return number
    raise Exception("No free uwsgi signal available")


def _register(trigger, target, signum, f):
    """Registers the function for a signal, by default the first free one, and then what raises it."""
    if uwsgi is not None:
        number = get_free_signal() if signum is None else signum
        uwsgi.register_signal(number, target, f)
        if trigger is not None:
            trigger(number)
    return f


def signal(num, target=""):
    return partial(_register, None, target, num)


def timer(secs, target="", signum=None):
    return partial(_register, lambda number: uwsgi.add_timer(number, secs), target, signum)


def rbtimer(secs, target="", signum=None):
    return partial(_register, lambda number: uwsgi.add_rb_timer(number, secs), target, signum)


def mstimer(msecs, target="", signum=None):
    return partial(_register, lambda number: uwsgi.add_ms_timer(number, msecs), target, signum)


def cron(minute, hour, day, month, dayweek, target="", signum=None):
    return partial(_register, lambda number: uwsgi.add_cron(number, minute, hour, day, month, dayweek), target, signum)


def filemon(fsobj, target="", signum=None):
    return partial(_register, lambda number: uwsgi.add_file_monitor(number, fsobj), target, signum)


# ---- the rest


def rpc(name):
    def decorate(f):
        if uwsgi is not None:
            uwsgi.register_rpc(name, f)
        return f

    return decorate


def erlang(name):
    def decorate(f):
        uwsgi.erlang_register_process(name, f)
        return f

    return decorate


_lock_in_place = Lock()


def lock(f):
    """Only one process and thread at a time runs the function, spoolers and mules included."""

    @wraps(f)
    def locked(*args, **kwargs):
        if uwsgi is None:
            with _lock_in_place:
                return f(*args, **kwargs)
        uwsgi.lock()
        try:
            return f(*args, **kwargs)
        finally:
            uwsgi.unlock()

    return locked


def thread(f):
    """Each call runs in a daemon thread of its own and returns the function itself."""

    @wraps(f)
    def start(*args, **kwargs):
        Thread(target=f, args=args, kwargs=kwargs, daemon=True).start()
        return f

    return start


def harakiri(seconds):
    """The process is killed when a call takes longer."""

    def decorate(f):
        @wraps(f)
        def watched(*args, **kwargs):
            if uwsgi is None:
                return f(*args, **kwargs)
            uwsgi.set_user_harakiri(seconds)
            try:
                return f(*args, **kwargs)
            finally:
                uwsgi.set_user_harakiri(0)

        return watched

    return decorate


_mule_msg_hook_before = getattr(uwsgi, "mule_msg_hook", None)
if uwsgi is not None:
    uwsgi.spooler = manage_spool_request
    uwsgi.post_fork_hook = postfork_chain_hook
    uwsgi.mule_msg_hook = mule_msg_dispatcher

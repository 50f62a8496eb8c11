# SPDX-License-Identifier: Apache-2.0
"""Tasks for tests: each notes in the file $OUT what it was given. Imported by the application and by spoolers."""
import multiprocessing
import os
import sys
import time

from uwsgidecorators import spool, spoolforever, spoolraw

import uwsgi


def note(*what):
    with open(os.environ["OUT"], "a") as out:
        out.write(repr(what) + "\n")


@spool(pass_arguments=True)
def add(*args, **kwargs):
    note("add", args, kwargs)


@spool
def plain(task):
    note("plain", {key: value for key, value in task.items() if not key.startswith("ud_") and key != "spooler_task_name"})


@spool
def whole(task):
    note(task)


@spoolraw
def raw(task):
    note("raw", task["ret"])
    return eval(task["ret"])


@spoolforever
def forever(task):
    note("forever")


@spoolforever
def forever_but(task):
    """Every second run ends as the expression does."""
    note("forever_but")
    with open(os.environ["OUT"]) as out:
        if out.read().count("forever_but") % 2 == 0:
            eval(task["how"])


@spool(pass_arguments=True)
def fails(times):
    """Raises until it has been run so often."""
    note("fails")
    with open(os.environ["OUT"]) as out:
        if out.read().count("fails") <= times:
            raise RuntimeError("not this time")


@spool(pass_arguments=True)
def where():
    note("where", os.getcwd())


@spool(pass_arguments=True)
def sleeps(seconds, name=""):
    note("begin", name, os.getpid())
    time.sleep(seconds)
    note("end", name)


@spool(pass_arguments=True)
def waits(name=""):
    """Until it is told to end."""
    note("begin", name)
    while not os.path.exists(os.environ["OUT"] + ".end"):
        time.sleep(0.01)
    note("end", name)


@spool(pass_arguments=True)
def dies():
    note("dies")
    os._exit(3)


@spool(pass_arguments=True)
def exits():
    note("exits")
    sys.exit("enough")


@spool(pass_arguments=True)
def opens_itself(path):
    """Reads its own file, then waits until it is told to end."""
    open(os.path.join(path, os.listdir(path)[0]), "rb").close()
    note("opened")
    while not os.path.exists(os.environ["OUT"] + ".end"):
        time.sleep(0.01)


@spool
def forks(arguments):
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    child.terminate()
    child.join()
    note("forked", child.exitcode)


@spool(pass_arguments=True)
def inside(expression):
    note(eval(expression))

# SPDX-License-Identifier: Apache-2.0
"""Spool directories as tests see them: files, tasks in them, and servers that work on them."""
import ast
import os
import struct
from pathlib import Path

from support import packet
from support.ask import app, value
from support.processes import wait_until
from support.server import APPS

PREFIX = "uwsgi_spoolfile_on_"


def task_files(directory):
    """Tasks that wait, in the directory and in its priorities."""
    return sorted(path for path in Path(directory).rglob(PREFIX + "*")
                  if "failed" not in path.parts and not any(part.startswith(".") for part in path.parts))


def failed_files(directory):
    return sorted(path for path in (Path(directory) / "failed").glob(PREFIX + "*") if path.suffix != ".error")


def read_task(path):
    """(dict of bytes, body) of a task's file."""
    data = Path(path).read_bytes()
    kind, size, _ = struct.unpack_from("<BHB", data)
    assert kind == 17
    fields, at = {}, 4
    while at < 4 + size:
        pair = []
        for _ in range(2):
            length, = struct.unpack_from("<H", data, at)
            pair.append(data[at + 2:at + 2 + length])
            at += 2 + length
        fields[pair[0]] = pair[1]
    return fields, data[4 + size:]


def write_task(directory, name, fields, body=b""):
    """A task as somebody else would leave it there."""
    path = Path(directory) / (PREFIX + name)
    unfinished = Path(directory) / ("tmp" + name)
    unfinished.write_bytes(packet.encode(fields, body, modifier1=17))
    os.rename(unfinished, path)
    return path


class Spooled:
    """A server with a spooler on `directory`, whose application and spoolers have tests/apps/tasks.py."""

    def __init__(self, start, tmp_path, ini="", more="import tasks", allow=(), **options):
        self.directory = tmp_path / "spool"
        self.out = tmp_path / "out"
        self.out.touch()
        env = {"OUT": str(self.out), **options.pop("env", {})}
        self.server = start(app=app(more), env=env, allow=allow, ini=f"""[uwsgi]
master = true
pythonpath = {APPS}
spooler = {self.directory}
spooler-frequency = 1
spooler-import = {APPS}/tasks.py
{ini}
""", **options)

    def ask(self, expression):
        return value(self.server, expression)

    def call(self, expression):
        """Enqueues; the path of the task's file."""
        answer = self.ask(expression)
        assert answer.startswith("b'/"), answer
        return Path(ast.literal_eval(answer).decode())

    def notes(self):
        whole, _, _ = self.out.read_text().rpartition("\n")  # the last one may still be being written
        return [ast.literal_eval(line) for line in whole.splitlines()]

    def wait_notes(self, count, timeout=20):
        wait_until(lambda: len(self.notes()) >= count, self.server.seconds(timeout),
                   f"{count} notes, there are {self.notes()}\n{self.server.log()[-3000:]}")
        return self.notes()

    def let_go(self):
        """Ends the tasks that wait for it."""
        self.out.with_name(self.out.name + ".end").touch()

    def wait_empty(self, timeout=20):
        wait_until(lambda: not task_files(self.directory), self.server.seconds(timeout),
                   f"an empty spool\n{self.server.log()[-3000:]}")

    def wait_failed(self, count=1, timeout=30):
        wait_until(lambda: len(failed_files(self.directory)) >= count, self.server.seconds(timeout),
                   f"tasks set aside\n{self.server.log()[-3000:]}")
        return failed_files(self.directory)

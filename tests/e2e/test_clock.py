# SPDX-License-Identifier: Apache-2.0
"""The system's clock is set while the server runs: nothing that is measured in seconds may notice."""
import mmap
import re
import struct

import pytest

from support.load import Load
from support.preload import preloaded
from support.processes import wait_until

# Adds the seconds in a file to the time of day, in every process that is told to load it.
SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *offset;

__attribute__((constructor)) static void find(void) {
  const char *path = getenv("TEST_CLOCK_OFFSET");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *place = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
  if (place != MAP_FAILED) offset = place;
  close(fd);
}
int clock_gettime(clockid_t id, struct timespec *now) {
  int result = syscall(SYS_clock_gettime, id, now);
  if (result == 0 && offset && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
  return result;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *now) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (now) *now = exact.tv_sec;
  return exact.tv_sec;
}
"""
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def clock(tmp_path, program):
    """set(seconds) moves the time of day of servers that get clock.env."""
    path = tmp_path / "offset"
    path.write_bytes(struct.pack("l", 0))

    class Clock:
        env = {**preloaded(program, tmp_path, SHIM), "TEST_CLOCK_OFFSET": str(path)}

        def set(self, seconds):
            with open(path, "r+b") as file, mmap.mmap(file.fileno(), 8) as place:
                place[:] = struct.pack("l", seconds)

    return Clock()


def test_jumps_of_the_clock_are_not_noticed(server, clock):
    srv = server(app="troubles", env=clock.env, allow=["Traceback"],
                 args=["--master", "--processes", "2", "--threads", "2", "--harakiri", "60", "--max-worker-lifetime", "3000",
                       "--idle", "600"])
    wait_until(lambda: len(srv.workers()) == 2, srv.seconds(10), "two workers")
    workers = srv.workers()
    with Load(srv, 4) as load:
        for jump in (2 * DAY, -400 * DAY, 0, 30 * DAY, -HOUR):
            clock.set(jump)
            answers = load.answers
            wait_until(lambda: load.answers > answers + 100, srv.seconds(20), f"answers after a jump to {jump} s")
    assert not load.failures
    assert srv.workers() == workers
    assert not re.search("HARAKIRI|Respawned|reached", srv.log())
    years = set(re.findall(r"\[\w{3} \w{3} +\d+ [\d:]+ (\d{4})\] GET", srv.log()))
    assert len(years) >= 2, "the server has not seen the moved clock"


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "ahead"])
def test_what_takes_too_long_is_ended_whatever_the_clock_says(server, clock, jump):
    srv = server(app="troubles", env=clock.env, allow=["Traceback"], args=["--master", "--threads", "2", "--harakiri", "3"])
    with srv.connect(timeout=60) as slow:
        slow.send("GET /spin?100 HTTP/1.1\r\nHost: x\r\n\r\n")
        srv.wait_log("begin /spin")
        clock.set(jump)
        assert slow.response().status == 500
    assert srv.get("/").status == 200

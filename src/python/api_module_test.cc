// SPDX-License-Identifier: Apache-2.0
#include "python/interpreter_for_tests.h"

namespace uwsgi {
namespace {

class ApiModule : public PythonTest {};

TEST_F(ApiModule, HoldsOptionsAsBytesWithListsForRepeatedOnes) {
  EXPECT_EQ(Eval("uwsgi.opt"), "{'http': b':1', 'env': [b'A=1', b'B=2'], 'master': True}");
}

TEST_F(ApiModule, HasTheConstants) {
  EXPECT_EQ(Eval("(uwsgi.numproc, uwsgi.cores, uwsgi.hostname, uwsgi.has_threads)"),
            "(2, 1, b'host', 1)");
  EXPECT_EQ(Eval("(uwsgi.SPOOL_OK, uwsgi.SPOOL_RETRY, uwsgi.SPOOL_IGNORE)"), "(-2, -1, 0)");
  EXPECT_EQ(Eval("uwsgi.magic_table"), "{b'n': b'name'}");
  EXPECT_EQ(Eval("type(uwsgi.version), len(uwsgi.version_info), type(uwsgi.version_info[4])"),
            "(<class 'bytes'>, 5, <class 'bytes'>)");
  EXPECT_EQ(Eval("(uwsgi.loop, uwsgi.unbit, uwsgi.applications)"), "(None, None, None)");
}

TEST_F(ApiModule, AsksTheProcessesAround) {
  EXPECT_EQ(Eval("(uwsgi.worker_id(), uwsgi.masterpid(), uwsgi.total_requests())"), "(7, 0, 12)");
  EXPECT_EQ(Eval("(uwsgi.reload(), uwsgi.stop())"), "(None, True)");
  EXPECT_EQ(Eval("uwsgi.workers()[0]['status']"), "b'idle'");
  EXPECT_EQ(Eval("uwsgi.workers() is uwsgi.workers()"), "False");
}

TEST_F(ApiModule, RefusesRequestFunctionsOutsideOfARequest) {
  const std::string refusal =
      "SystemError: you can call uwsgi api function only from the main callable";
  for (const char* call :
       {"cl()", "request_id()", "connection_fd()", "disconnect()", "set_logvar('a', 'b')",
        "log_this_request()", "start_response('200 OK', [])"}) {
    EXPECT_EQ(Eval(std::string("uwsgi.") + call), refusal) << call;
  }
}

TEST_F(ApiModule, SaysWhichServiceIsMissing) {
  EXPECT_EQ(Eval("uwsgi.mule_msg(b'x')"), "ValueError: no mule configured");
  EXPECT_EQ(Eval("uwsgi.register_signal(1, '', print)"), "ValueError: unable to register signal");
}

TEST_F(ApiModule, HasNoEnvironOutsideOfARequest) {
  EXPECT_EQ(Eval("uwsgi.env"), "AttributeError: module 'uwsgi' has no attribute 'env'");
  EXPECT_EQ(Eval("uwsgi.spool"), "AttributeError: module 'uwsgi' has no attribute 'spool'");
}

TEST_F(ApiModule, KnowsOnlyItsSockets) {
  EXPECT_EQ(Eval("uwsgi.listen_queue(5)"), "ValueError: unable to find socket 5");
}

}  // namespace
}  // namespace uwsgi

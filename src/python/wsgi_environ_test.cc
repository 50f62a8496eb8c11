// SPDX-License-Identifier: Apache-2.0
#include "python/wsgi_environ.h"

#include "python/interpreter_for_tests.h"

namespace uwsgi {
namespace {

class WsgiEnviron : public PythonTest {
 protected:
  static EnvironMaker MakeMaker(EnvironSpec spec) {
    auto maker = EnvironMaker::Create(spec);
    EXPECT_TRUE(maker) << maker.error().message;
    return std::move(*maker);
  }
  PyRef Environ() { return maker_.Make(request_, 3, Py_None, cache_); }

  EnvironMaker maker_ = MakeMaker({.multiprocess = true, .hostname = "host"});
  ValueCache cache_;
  Request request_;
};

TEST_F(WsgiEnviron, GuaranteesWhatThePeerLeftOut) {
  const PyRef environ = Environ();
  EXPECT_EQ(Eval("[given[k] for k in ('SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'SERVER_NAME', "
                 "'SERVER_PROTOCOL')]",
                 environ.get()),
            "['', '', '', 'host', 'HTTP/1.1']");
}

TEST_F(WsgiEnviron, HoldsWhatTheServerSets) {
  const PyRef environ = Environ();
  EXPECT_EQ(Eval("[given['wsgi.' + k] for k in ('version', 'url_scheme', 'multithread', "
                 "'multiprocess', 'run_once', "
                 "'input_terminated')]",
                 environ.get()),
            "[(1, 0), 'http', False, True, False, True]");
  EXPECT_EQ(Eval("given['uwsgi.node'], type(given['uwsgi.version']), 'uwsgi.core' in given",
                 environ.get()),
            "(b'host', <class 'bytes'>, False)");
  EXPECT_EQ(Eval("given['wsgi.errors'].line_buffering, given['wsgi.errors'].errors", environ.get()),
            "(True, 'backslashreplace')");
}

TEST_F(WsgiEnviron, DecodesBytesAsLatin1) {
  request_.vars.Set(CgiName::kPathInfo, "/caf\xc3\xa9");
  request_.vars.SetByName("HTTP_X_ODD", "\xff");
  const PyRef environ = Environ();
  EXPECT_EQ(Eval("given['PATH_INFO'], given['HTTP_X_ODD']", environ.get()),
            "('/caf\xc3\x83\xc2\xa9', '\xc3\xbf')");
}

TEST_F(WsgiEnviron, IsAnotherDictForEachRequest) {
  const PyRef first = Environ();
  PyDict_SetItemString(first.get(), "mine", Py_None);
  const PyRef second = Environ();
  EXPECT_EQ(Eval("'mine' in given", second.get()), "False");
}

TEST_F(WsgiEnviron, ForgetsTheVariablesOfEarlierRequests) {
  request_.vars.Set(CgiName::kHttpCookie, "secret");
  request_.vars.SetByName("HTTP_X_A", "1");
  static_cast<void>(Environ());
  request_.vars.Clear();
  request_.vars.SetByName("HTTP_X_A", "2");
  const PyRef environ = Environ();
  EXPECT_EQ(Eval("'HTTP_COOKIE' in given, given['HTTP_X_A']", environ.get()), "(False, '2')");
}

TEST_F(WsgiEnviron, TellsListenersApart) {
  const Var first[] = {{CgiName::kServerPort, "SERVER_PORT", "1"}};
  const Var second[] = {{CgiName::kServerPort, "SERVER_PORT", "2"}};
  for (const Var* const constants : {first, second, first}) {
    request_.vars.SetConstants({constants, 1});
    const PyRef environ = Environ();
    EXPECT_EQ(Eval("given['SERVER_PORT']", environ.get()),
              "'" + std::string(constants->value) + "'");
  }
}

TEST_F(WsgiEnviron, ReusesTheTextOfAValueThatRepeats) {
  request_.vars.Set(CgiName::kHttpUserAgent, "agent");
  const PyRef first = Environ();
  const PyRef second = Environ();
  const PyRef both = PyRef::Steal(PyTuple_Pack(2, first.get(), second.get()));
  EXPECT_EQ(Eval("given[0]['HTTP_USER_AGENT'] is given[1]['HTTP_USER_AGENT']", both.get()), "True");
}

TEST_F(WsgiEnviron, NamesTheCoreWhenThereAreSeveral) {
  maker_ = MakeMaker({.multithread = true, .hostname = "host"});
  const PyRef environ = Environ();
  EXPECT_EQ(Eval("given['uwsgi.core'], given['wsgi.multithread']", environ.get()), "(3, True)");
}

TEST_F(WsgiEnviron, TakesTheSchemeOfTheRequest) {
  request_.scheme = "https";
  const PyRef environ = Environ();
  EXPECT_EQ(Eval("given['wsgi.url_scheme']", environ.get()), "'https'");
}

}  // namespace
}  // namespace uwsgi

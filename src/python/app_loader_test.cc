// SPDX-License-Identifier: Apache-2.0
#include "python/app_loader.h"

#include "base/file.h"
#include "python/interpreter_for_tests.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

class AppLoader : public PythonTest {
 protected:
  // Loads an application from a file of this text.
  Result<std::vector<LoadedApp>> LoadText(const std::string& code,
                                          const std::string& callable = "application") {
    const std::string path = (folder_.path() / "app.py").string();
    EXPECT_TRUE(WriteFileAtomically(path, code));
    PyDict_DelItemString(PyImport_GetModuleDict(), ModuleNameOf(path).c_str());
    PyErr_Clear();
    return LoadApp({.kind = AppSource::Kind::kFile, .text = path}, callable);
  }
  std::string ErrorOf(const std::string& code, const std::string& callable = "application") {
    const auto loaded = LoadText(code, callable);
    return loaded ? "loaded" : loaded.error().message;
  }

  TempDir folder_;
};

TEST_F(AppLoader, NamesTheModuleAfterThePath) {
  EXPECT_EQ(ModuleNameOf("m1.py"), "uwsgi_file_m1");
  EXPECT_EQ(ModuleNameOf("/srv/app/m1.py"), "uwsgi_file__srv_app_m1");
  EXPECT_EQ(ModuleNameOf("site.v2.wsgi"), "uwsgi_file_site_v2");
}

TEST_F(AppLoader, TakesTheCallableOfAFile) {
  const auto loaded = LoadText("def application(e, s): return __name__[:11]");
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->size(), 1U);
  EXPECT_EQ(Eval("given(1, 2)", loaded->front().callable.get()), "'uwsgi_file_'");
}

TEST_F(AppLoader, FollowsDottedNamesAndCallsFactories) {
  const std::string code =
      "class ns:\n  @staticmethod\n  def make():\n    return lambda e, s: 'made'\n";
  const auto loaded = LoadText(code, "ns.make()");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(Eval("given(1, 2)", loaded->front().callable.get()), "'made'");
}

TEST_F(AppLoader, SaysWhatIsMissingInWhichFile) {
  EXPECT_NE(ErrorOf("x = 1").find("unable to find \"application\" callable in file "),
            std::string::npos);
  EXPECT_NE(ErrorOf("application = 1").find("\"application\" must be a callable object in file "),
            std::string::npos);
}

TEST_F(AppLoader, EndsWithTheTracebackOfABrokenFile) {
  EXPECT_NE(ErrorOf("def f():\n  1/0\nf()").find("ZeroDivisionError: division by zero\n"),
            std::string::npos);
  EXPECT_NE(ErrorOf("def :").find("SyntaxError: invalid syntax"), std::string::npos);
  EXPECT_NE(ErrorOf("raise SystemExit(3)").find("SystemExit: 3"), std::string::npos);
  EXPECT_NE(ErrorOf(std::string("a\0b", 3)).find("null bytes"), std::string::npos);
}

TEST_F(AppLoader, NamesAFileThatIsNotThere) {
  const auto loaded =
      LoadApp({.kind = AppSource::Kind::kFile, .text = "/nowhere/app.py"}, "application");
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().text().find("/nowhere/app.py: No such file or directory"),
            std::string::npos);
}

TEST_F(AppLoader, NamesAModuleThatIsNotThereWithoutFrames) {
  const auto loaded = LoadApp({.text = "no_such_module:app"}, "application");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "ModuleNotFoundError: No module named 'no_such_module'\n");
}

TEST_F(AppLoader, TakesEachEntryOfApplications) {
  const auto loaded = LoadText("def a(e, s): pass\napplications = {'/a': a, b'/b': 'a'}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->size(), 2U);
  EXPECT_EQ(loaded->at(0).mountpoint, "/a");
  EXPECT_EQ(loaded->at(1).mountpoint, "/b");
  EXPECT_EQ(loaded->at(0).callable.get(), loaded->at(1).callable.get());
}

TEST_F(AppLoader, ImportsASubmodule) {
  const auto loaded = LoadApp({.text = "os.path:join"}, "application");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(Eval("given('a', 'b')", loaded->front().callable.get()), "'a/b'");
}

}  // namespace
}  // namespace uwsgi

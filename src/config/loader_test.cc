// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/log.h"

namespace uwsgi {
namespace {

namespace fs = std::filesystem;

// Loads configurations from a folder of its own and keeps what was logged.
class Loader : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "loaderXXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = fs::canonical(folder);
    log().clear();
    before_ = SetLogSink([](std::string_view line) { log().append(line); });
  }
  void TearDown() override {
    SetLogSink(before_);
    fs::remove_all(folder_);
  }

  static std::string& log() {
    static std::string text;
    return text;
  }
  static bool Logged(std::string_view part) { return log().find(part) != std::string::npos; }

  // The path of the written file.
  std::string File(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }

  Result<Options> Load(std::vector<std::string> arguments,
                       std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), "uwsgi");
    return LoadOptions({std::move(arguments), std::move(environment), false});
  }

  // Options of an ini file with these lines in its [uwsgi] section: the first one is line 2.
  Options Ini(const std::string& lines, std::vector<std::string> environment = {}) {
    Result<Options> options =
        Load({"--ini", File("site.ini", "[uwsgi]\n" + lines)}, std::move(environment));
    EXPECT_TRUE(options.has_value()) << options.error().text();
    return options ? std::move(*options) : Options();
  }

  std::string ErrorOf(std::vector<std::string> arguments,
                      std::vector<std::string> environment = {}) {
    const Result<Options> options = Load(std::move(arguments), std::move(environment));
    return options ? "no error" : options.error().text();
  }
  std::string ErrorOfIni(const std::string& lines) {
    return ErrorOf({"--ini", File("site.ini", "[uwsgi]\n" + lines)});
  }

  static std::string ValueOf(const Options& options, std::string_view name) {
    for (const Setting& setting : options.settings) {
      if (setting.name == name) return setting.value;
    }
    return "(none)";
  }
  static std::string Texts(const ListOption& list) {
    std::string texts;
    for (const ListValue& value : list) texts += value.text + " ";
    return texts;
  }

  fs::path folder_;

 private:
  LogSink before_ = nullptr;
};

// ---- Order ----

TEST_F(Loader, LetsALaterFlagWinOverAFile) {
  EXPECT_EQ(Load({"--ini", File("p.ini", "[uwsgi]\nprocesses=2\n"), "--processes", "4"})->processes,
            4);
}

TEST_F(Loader, LetsALaterFileWinOverAFlag) {
  EXPECT_EQ(Load({"--processes", "4", "--ini", File("p.ini", "[uwsgi]\nprocesses=2\n")})->processes,
            2);
}

TEST_F(Loader, ReadsPositionalFilesLast) {
  EXPECT_EQ(Load({File("p.ini", "[uwsgi]\nprocesses=2\n"), "--processes", "4"})->processes, 2);
}

TEST_F(Loader, LetsEverythingWinOverTheEnvironment) {
  const std::string file = File("p.ini", "[uwsgi]\nprocesses=2\n");
  EXPECT_EQ(Load({"--ini", file}, {"UWSGI_PROCESSES=5"})->processes, 2);
  EXPECT_EQ(Load({"--master"}, {"UWSGI_PROCESSES=5"})->processes, 5);
}

TEST_F(Loader, PutsTheLinesOfAFileWhereItsOptionStands) {
  const std::string file = File("s.ini", "[uwsgi]\nhttp-socket=:2\nsocket=:3\n");
  const Options options = *Load({"--http-socket", ":1", "--ini", file, "--http-socket", ":4"});
  EXPECT_EQ(Texts(options.http_socket), ":1 :2 :4 ");
  ASSERT_EQ(options.socket.size(), 1u);
  EXPECT_GT(options.socket[0].order, options.http_socket[1].order);
  EXPECT_LT(options.socket[0].order, options.http_socket[2].order);
  EXPECT_EQ(options.socket[0].origin.text(), file + ":3");
}

// ---- Environment ----

TEST_F(Loader, TurnsVariablesIntoOptions) {
  const Options options =
      *Load({}, {"PATH=/bin", "UWSGI_HTTP_SOCKET=:80", "UWSGI_RELOADS=1", "UWSGI_MASTER=true"});
  EXPECT_EQ(Texts(options.http_socket), ":80 ");
  EXPECT_TRUE(options.master);
  EXPECT_EQ(options.settings.size(), 2u);
  EXPECT_EQ(options.OriginOf("http-socket").text(), "environment UWSGI_HTTP_SOCKET");
}

TEST_F(Loader, LoadsAFileNamedByTheEnvironment) {
  EXPECT_EQ(Load({}, {"UWSGI_INI=" + File("e.ini", "[uwsgi]\nprocesses=7\n")})->processes, 7);
}

TEST_F(Loader, WarnsOfUnknownVariables) {
  EXPECT_EQ(ValueOf(*Load({}, {"UWSGI_FOO_BAR=2"}), "foo-bar"), "2");
  EXPECT_TRUE(Logged("unknown option \"foo-bar\" (environment UWSGI_FOO_BAR)"));
}

TEST_F(Loader, DoesNotWarnOfAVariableThatAFileReads) {
  const Options options = Ini("chdir = $(UWSGI_ROOT_FOLDER)/x\n", {"UWSGI_ROOT_FOLDER=/srv"});
  EXPECT_EQ(options.chdir, "/srv/x");
  EXPECT_FALSE(Logged("unknown"));
}

// ---- Files ----

TEST_F(Loader, AnnouncesEachFile) {
  const std::string file = File("a.ini", "[uwsgi]\nini = :other\n[other]\nmaster=1\n");
  ASSERT_TRUE(Load({"--ini", file}).has_value());
  EXPECT_EQ(log(), "[uWSGI] getting INI configuration from " + file + "\n");
}

TEST_F(Loader, AnnouncesNothingBehindGet) {
  ASSERT_TRUE(
      Load({"--get", "processes", "--ini", File("a.ini", "[uwsgi]\nprocesses=3\n")}).has_value());
  EXPECT_EQ(log(), "");
}

TEST_F(Loader, ReadsTheSectionAskedFor) {
  const std::string file = File("a.ini", "[uwsgi]\nprocesses=2\n[app]\nprocesses=3\n");
  EXPECT_EQ(Load({"--ini", file + ":app"})->processes, 3);
  EXPECT_EQ(Load({file + ":app"})->processes, 3);
  EXPECT_EQ(Load({"--ini", file + ":"})->processes, 2);
  EXPECT_EQ(Load({"--ini", file, "--ini", ":app"})->processes, 3);
}

TEST_F(Loader, ReadsAnotherSectionOfTheSameFile) {
  EXPECT_EQ(Ini("ini = :base\nprocesses = 4\n[base]\nprocesses = 2\nmaster = true\n").processes, 4);
}

TEST_F(Loader, MeansTheFileBeingReadByASectionAlone) {
  const std::string other = File("other.ini", "[uwsgi]\nthreads=2\n[base]\nthreads=9\n");
  const Options options = Ini("include = " + other + "\nini = :base\n[base]\nprocesses = 6\n");
  EXPECT_EQ(options.processes, 6);
  EXPECT_EQ(options.threads, 2);
}

TEST_F(Loader, FailsWithoutTheSection) {
  const std::string file = File("a.ini", "[uwsgi]\n");
  EXPECT_EQ(ErrorOf({"--ini", file + ":typo"}),
            "can't find section \"typo\" in INI configuration file " + file + " (command line)");
}

TEST_F(Loader, FailsWithoutTheFile) {
  const std::string missing = (folder_ / "missing.ini").string();
  EXPECT_EQ(ErrorOf({"--ini", missing}),
            "realpath() of " + missing + " failed: No such file or directory (command line)");
  EXPECT_EQ(ErrorOfIni("include = " + missing + "\n"), "realpath() of " + missing +
                                                           " failed: No such file or directory (" +
                                                           (folder_ / "site.ini").string() + ":2)");
}

TEST_F(Loader, FailsForFormatsOfLaterReleases) {
  EXPECT_NE(ErrorOf({"--yaml", "site.yaml"}).find("YAML is not supported yet by this release"),
            std::string::npos);
  EXPECT_NE(ErrorOf({"site.json"}).find("JSON is not supported yet"), std::string::npos);
  EXPECT_NE(ErrorOf({"--include", "a.xml"}).find("XML is not supported yet"), std::string::npos);
}

TEST_F(Loader, FailsForWordsItDoesNotKnow) {
  EXPECT_NE(ErrorOf({"9090"}).find("unable to load configuration from 9090 (command line)"),
            std::string::npos);
}

TEST_F(Loader, FailsWhenFilesIncludeEachOther) {
  const std::string path = (folder_ / "site.ini").string();
  EXPECT_NE(ErrorOfIni("ini = " + path + "\n").find("include each other"), std::string::npos);
}

TEST_F(Loader, TakesAPositionalApplication) {
  EXPECT_EQ(Load({"foobar.py"})->wsgi_file, "foobar.py");
  EXPECT_EQ(Load({"pkg.mod:app", "[tag]"})->module, "pkg.mod:app");
}

TEST_F(Loader, AcceptsAByteOrderMarkAndWindowsLines) {
  EXPECT_EQ(Load({File("bom.ini", "\xEF\xBB\xBF[uwsgi]\r\nprocesses = 3\r\n")})->processes, 3);
}

// ---- Comments ----

TEST_F(Loader, EndsTypedValuesAtAComment) {
  const Options options =
      Ini("pidfile=uwsgi.pid // where the pid goes\nprocesses = 128   ; max\nmaster = false  # "
          "why\nhttp-socket = :80 ; web\n"
          "callable = app # name\nharakiri = 5\t; seconds\nbuffer-size = 8k # bytes\n");
  EXPECT_EQ(options.pidfile, "uwsgi.pid");
  EXPECT_EQ(options.processes, 128);
  EXPECT_FALSE(options.master);
  EXPECT_EQ(Texts(options.http_socket), ":80 ");
  EXPECT_EQ(options.callable, "app");
  EXPECT_EQ(options.harakiri, 5);
  EXPECT_EQ(options.buffer_size, 8192);
}

TEST_F(Loader, KeepsWhatLooksLikeACommentInFreeTextAndWarns) {
  const Options options = Ini("log-format = %(method) # %(uri)\nadd-header = X: a;b\n");
  EXPECT_EQ(options.log_format, "%(method) # %(uri)");
  EXPECT_TRUE(Logged("the value of \"log-format\" (" + (folder_ / "site.ini").string() +
                     ":2) is free text"));
  EXPECT_FALSE(Logged("add-header"));
}

TEST_F(Loader, RecognisesABareKeyBehindWhichACommentStands) {
  const Options options = Ini("master ; the boss\nvacuum # a = b\n");
  EXPECT_TRUE(options.master);
  EXPECT_TRUE(options.vacuum);
  EXPECT_FALSE(Logged("unknown"));
}

// ---- Substitution ----

TEST_F(Loader, ReplacesMagicLettersInFilesOnly) {
  const std::string file =
      File("m.ini", "[uwsgi]\nset-placeholder = who=%n\nchdir = %d\nprint = %(who) %%k\n");
  const Options options = *Load({"--ini", file, "--set", "b=%n"});
  EXPECT_EQ(options.chdir, folder_.string() + "/");
  EXPECT_EQ(Texts(options.print), "m %k ");
  EXPECT_EQ(ValueOf(options, "b"), "%n");
}

TEST_F(Loader, FillsCapitalMagicFromThePositionalFileToo) {
  const std::string inner = File("inner.ini", "[uwsgi]\nprint = %n %N\n");
  const Options options =
      *Load({File("outer.ini", "[uwsgi]\ninclude = " + inner + "\nprint = %n %N\n")});
  EXPECT_EQ(Texts(options.print), "inner outer outer outer ");
  EXPECT_EQ(options.magic.at('N'), "outer");
}

TEST_F(Loader, FillsCapitalMagicNotFromWhatIsIncluded) {
  const std::string common = File("common.ini", "[uwsgi]\nmaster = true\n");
  const std::string site = File("site.ini", "[uwsgi]\nprint = %N\n");
  EXPECT_EQ(Texts(Load({"--include", common, "--ini", site})->print), "site ");
  EXPECT_EQ(Texts(Load({"--inherit", common, site})->print), "site ");
  EXPECT_EQ(Texts(Load({"--config", site, "--ini", common})->print), "site ");
}

TEST_F(Loader, RestoresTheMagicOfTheIncludingFile) {
  const std::string inner = File("inner.ini", "[uwsgi]\nmaster = 1\n");
  const Options options = Ini("ini = " + inner + "\nini = :more\n[more]\nprint = %n\n");
  EXPECT_EQ(Texts(options.print), "site ");
}

TEST_F(Loader, ReplacesPlaceholdersFullyAndWithoutWarning) {
  const Options options =
      Ini("chdir = %(base)/app\nbase = %(top)/x\ntop = /srv\nworkers = %(2 * 3)\n");
  EXPECT_EQ(options.chdir, "/srv/x/app");
  EXPECT_EQ(options.processes, 6);
  EXPECT_FALSE(Logged("unknown"));
}

TEST_F(Loader, RefusesCyclesNamingThePlace) {
  EXPECT_EQ(ErrorOfIni("x = a%(x)\n"), "option \"x\" (" + (folder_ / "site.ini").string() +
                                           ":2): %(x) refers to itself: x -> x");
}

TEST_F(Loader, ReplacesShellStyleVariablesInTypedValuesOnly) {
  const Options options =
      Ini("chdir = $ROOT/${WHICH}\nlog-format = $ROOT\neval = $(ROOT)\nhttp-socket = $UNSET\n",
          {"ROOT=/srv", "WHICH=app"});
  EXPECT_EQ(options.chdir, "/srv/app");
  EXPECT_EQ(options.log_format, "$ROOT");
  EXPECT_EQ(options.eval, "/srv");
  EXPECT_EQ(Texts(options.http_socket), "$UNSET ");
}

TEST_F(Loader, ReplacesVariablesBeforeFilesAreLoaded) {
  const std::string file = File("inner.ini", "[uwsgi]\nprocesses = 3\n");
  EXPECT_EQ(Ini("ini = $(CONF)\nlisten = $(LQ)\n", {"CONF=" + file, "LQ=50"}).processes, 3);
}

TEST_F(Loader, PutsInTheTextOfFiles) {
  const std::string file = File("secret", "abc\n");
  EXPECT_EQ(Ini("callable = x_@(" + file + ")\n").callable, "x_abc");
  EXPECT_NE(ErrorOfIni("callable = @(/nowhere/file)\n").find("realpath() of /nowhere/file failed"),
            std::string::npos);
}

TEST_F(Loader, DoesNotSeeVariablesThatTheConfigurationSets) {
  EXPECT_EQ(Ini("env = A_NEW_ONE=1\neval = $(A_NEW_ONE)\n").eval, "$(A_NEW_ONE)");
}

TEST_F(Loader, WarnsOfADirectoryInADateFormat) {
  Ini("log-date = %Y-%m-%d\n");
  EXPECT_TRUE(Logged("write %% for each % of a date format"));
}

// ---- set ----

TEST_F(Loader, SetsOptionsAndPlaceholders) {
  const Options options =
      *Load({"--set", "processes=5", "-S", "name = x=y", "--chdir", "/%(name)"});
  EXPECT_EQ(options.processes, 5);
  EXPECT_EQ(options.chdir, "/x=y");
  EXPECT_EQ(log(), "");
}

TEST_F(Loader, RefusesABadSet) {
  EXPECT_NE(ErrorOf({"--set", "x"}).find("invalid placeholder/--set value"), std::string::npos);
  EXPECT_NE(ErrorOf({"--set-ph", "processes=2"}).find("already available as an option"),
            std::string::npos);
}

// ---- Logic ----

TEST_F(Loader, RunsLoopsLineByLine) {
  const Options options =
      Ini("for = a b\nprint = s%(_)\nprint = t%(_)%(_)\nendfor =\nprint = end\n");
  EXPECT_EQ(Texts(options.print), "sa sb taa tbb end ");
}

TEST_F(Loader, CountsGlobsAndReadsLines) {
  File("x1", "");
  fs::create_directory(folder_ / "x2");
  const std::string lines = File("lines", "one\ntwo words\n");
  const std::string folder = folder_.string();
  EXPECT_EQ(Texts(Ini("for-times = 3\nprint = %(_)\nend-for\n").print), "1 2 3 ");
  EXPECT_EQ(Texts(Ini("for-glob = " + folder + "/x*\nprint = %(_)\nend\n").print),
            folder + "/x1 " + folder + "/x2/ ");
  EXPECT_EQ(Texts(Ini("for-glob = /none*\nprint = %(_)\nend\n").print), "/none* ");
  EXPECT_EQ(Texts(Ini("for-readline = " + lines + "\nprint = %(_)\nendfor\n").print),
            "one two words ");
}

TEST_F(Loader, ChoosesLinesByEnvironment) {
  const std::string lines =
      "if-env = MODE\nprint = is-%(_)\nendif\nif-env = MODE=prod\nprint = prod\nendif\nif-not-env "
      "= MODE=prod\nprint = "
      "other\nend-if\n";
  EXPECT_EQ(Texts(Ini(lines, {"MODE=prod"}).print), "is-prod prod ");
  EXPECT_EQ(Texts(Ini(lines, {"MODE=dev"}).print), "is-dev other ");
  EXPECT_EQ(Texts(Ini(lines).print), "other ");
}

TEST_F(Loader, ChoosesLinesByOptionsSeenSoFar) {
  EXPECT_EQ(Texts(Ini("if-opt = processes=2\nprint = early\nendif\nprocesses = 2\nif-opt = "
                      "processes\nprint = has-%(_)\nendif\n"
                      "if-not-opt = threads\nprint = single\nendif\n")
                      .print),
            "has-2 single ");
}

TEST_F(Loader, HandsTheContextToLinesThatAConditionKept) {
  const Options options =
      Ini("name = x\nif-not-env = NOT_SET\nprint = a%(_)\nendif\nif-not-opt = name=y\nprint = "
          "b%(_)\nendif\n"
          "if-not-opt = nothing\nprint = c%(_)\nendif\nif-not-reload = 1\nprint = d%(_)\nendif\n");
  EXPECT_EQ(Texts(options.print), "a%(_) bx c%(_) d%(_) ");
}

TEST_F(Loader, ChoosesLinesByFileSystem) {
  const std::string file = File("there", "");
  const std::string folder = folder_.string();
  EXPECT_EQ(Texts(Ini("if-exists = " + file + "\nprint = a\nendif\nif-file = " + folder +
                      "\nprint = b\nendif\nif-dir = " + folder +
                      "\nprint = c\nendif\nif-not-dir = " + file +
                      "\nprint = d\nendif\nif-not-exists = " + file +
                      "\nprint = e\nendif\nif-not-file = /none\nprint = f%(_)\nendif\n")
                      .print),
            "a c d f/none ");
}

TEST_F(Loader, ChoosesLinesByPartHostAndReload) {
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  const std::string lines =
      "if-plugin = python\nprint = p\nendif\nif-not-plugin = php\nprint = n\nendif\nif-hostname "
      "= " +
      std::string(host) + "\nprint = h\nendif\nif-hostname-match = ^.\nprint = m\nendif\n" +
      "if-reload = true\nprint = r\nendif\nif-not-reload = true\nprint = first\nendif\n";
  EXPECT_EQ(Texts(Ini(lines).print), "p n h m first ");
  EXPECT_EQ(Texts(Ini(lines, {"UWSGI_RELOADS=2"}).print), "p n h m r ");
}

TEST_F(Loader, RefusesBlocksInBlocks) {
  EXPECT_NE(ErrorOfIni("if-env = A\nif-env = B\n")
                .find("recursive logic in options is not supported (option = if-env"),
            std::string::npos);
}

TEST_F(Loader, WarnsOfABlockWithoutEnd) {
  const std::string file = File("open.ini", "[uwsgi]\nif-env = NEVER_SET\nprocesses = 9\n");
  const Options options =
      *Load({"--ini", file, "--ini", File("next.ini", "[uwsgi]\nthreads = 3\n")});
  EXPECT_EQ(options.processes, 1);
  EXPECT_EQ(options.threads, 3);
  EXPECT_TRUE(Logged("\"if-env\" (" + file + ":2) is not ended"));
}

TEST_F(Loader, ChoosesFilesOnTheCommandLine) {
  const std::string file = File("a.ini", "[uwsgi]\nfor = x y\nprint = %(_)\nendfor\n");
  EXPECT_EQ(Texts(Load({"--if-env", "YES", "--ini", file, "--endif"}, {"YES=1"})->print), "x y ");
  EXPECT_EQ(Texts(Load({"--if-env", "YES", "--ini", file, "--endif"})->print), "");
}

// ---- Unknown and idle options ----

TEST_F(Loader, WarnsOfUnknownOptionsWithASuggestion) {
  const Options options = Ini("vaccum = true\nmax_requests = 5\nproject_name = x\n");
  const std::string file = (folder_ / "site.ini").string();
  EXPECT_TRUE(Logged("unknown option \"vaccum\" (" + file + ":2), did you mean \"vacuum\"?\n"));
  EXPECT_TRUE(
      Logged("unknown option \"max_requests\" (" + file + ":3), did you mean \"max-requests\"?\n"));
  EXPECT_TRUE(Logged("unknown option \"project_name\" (" + file + ":4) is kept"));
  EXPECT_EQ(ValueOf(options, "project_name"), "x");
}

TEST_F(Loader, FailsForUnknownOptionsWhenStrict) {
  const std::string file = (folder_ / "site.ini").string();
  EXPECT_EQ(
      ErrorOfIni("vaccum = true\nstrict = true\n"),
      "[strict-mode] unknown config directive: vaccum (" + file + ":2), did you mean \"vacuum\"?");
  EXPECT_EQ(ErrorOf({"--strict"}, {"UWSGI_QQQQQQ=1"}),
            "[strict-mode] unknown config directive: qqqqqq (environment UWSGI_QQQQQQ)");
  EXPECT_EQ(ErrorOfIni("strict = true\nset-placeholder = who=me\nchdir = /%(who)\n"), "no error");
}

TEST_F(Loader, WarnsOnceOfOptionsWithoutEffect) {
  Ini("snmp = 2\nsnmp = 3\ncflags = false\n");
  const std::string warning =
      "option \"snmp\" is not served yet by this release and has no effect (" +
      (folder_ / "site.ini").string() + ":2)\n";
  EXPECT_TRUE(Logged(warning));
  EXPECT_EQ(log().find("snmp", log().find("snmp") + 1), std::string::npos);
  EXPECT_FALSE(Logged("cflags"));
}

TEST_F(Loader, SaysWhyAnOptionCannotHaveAnEffect) {
  Ini("hook-as-gateway = print:x\n");
  EXPECT_TRUE(Logged("option \"hook-as-gateway\" has no effect, as there is no router process (" +
                     (folder_ / "site.ini").string() + ":2)\n"));
}

TEST_F(Loader, SaysNothingOfWhatIsBuiltIn) {
  Ini("enable-threads = true\nthunder-lock = true\nhttp-auto-chunked = true\nplugins = "
      "python3,http\nplugin = python\n");
  EXPECT_EQ(log(),
            "[uWSGI] getting INI configuration from " + (folder_ / "site.ini").string() + "\n");
}

TEST_F(Loader, WarnsOfPartsItDoesNotHave) {
  Ini("plugins = python3, php\n");
  EXPECT_TRUE(Logged("plugin \"php\""));
  EXPECT_NE(ErrorOf({"--need-plugin", "php"}).find("unable to load plugin \"php\" (command line)"),
            std::string::npos);
}

// ---- What follows ----

TEST_F(Loader, NamesThePlaceOfABadValue) {
  EXPECT_EQ(ErrorOfIni("master = 1\nprocesses = 4k\n"),
            "invalid value \"4k\" for option \"processes\" (" + (folder_ / "site.ini").string() +
                ":3): a whole number is expected");
  EXPECT_NE(ErrorOf({"--processes", "-1"}).find("(command line): it must not be negative"),
            std::string::npos);
}

TEST_F(Loader, RaisesASmallBuffer) {
  EXPECT_EQ(Load({"--buffer-size", "100"})->buffer_size, 4096);
  EXPECT_TRUE(Logged("buffer-size 100 (command line) is raised to 4096"));
}

TEST_F(Loader, SwitchesOnWhatOptionsImply) {
  EXPECT_TRUE(Load({"--procname-prefix", "x"})->auto_procname);
  EXPECT_TRUE(Load({"--vhost-host"})->vhost);
  EXPECT_TRUE(Load({"--lazy"})->lazy_apps);
  EXPECT_FALSE(Load({"--lazy=false"})->lazy_apps);
  EXPECT_TRUE(Load({"--cheaper", "1"})->master);
  EXPECT_FALSE(Load({"--processes", "2"})->master);
}

TEST_F(Loader, KeepsThePairsInOrder) {
  const Options options = Ini("master\nfor = 1 2\nx = %(_)\nendfor\nset = y=%(x)\n");
  std::string pairs;
  for (const Setting& setting : options.settings) pairs += setting.name + "=" + setting.value + " ";
  EXPECT_EQ(pairs, "ini=" + (folder_ / "site.ini").string() +
                       " master= for=1 2 x=1 x=2 endfor= set=y=%(x) y=1 ");
  EXPECT_TRUE(options.IsSet("master"));
  EXPECT_TRUE(options.IsSet("y"));
  EXPECT_FALSE(options.IsSet("processes"));
}

TEST_F(Loader, FindsTheOriginUnderEveryName) {
  const Options options = *Load({"--workers", "2"});
  EXPECT_EQ(options.OriginOf("processes").text(), "command line");
  EXPECT_EQ(options.OriginOf("threads").text(), "");
}

TEST_F(Loader, StopsAtHelpAndExit) {
  EXPECT_EQ(Load({"--help", "http"})->help, "http");
  EXPECT_EQ(Load({"--ini", "/nowhere.ini", "--help"}, {"UWSGI_INI=/nowhere.ini"})->help, "");
  EXPECT_EQ(Load({"--exit=3", "--ini", "/nowhere.ini"})->exit, 3);
  EXPECT_EQ(Ini("exit\nini = /nowhere.ini\n").exit, 1);
}

TEST_F(Loader, TakesAValueForWhatIsBuiltInWhereThereAlwaysWasOne) {
  EXPECT_EQ(Load({"--alarm-cheap", "1", "--processes", "3"})->processes, 3);
}

TEST_F(Loader, PrintsRawTextForIprint) {
  const Options options = *Load({"--set", "x=1", "--iprint", "%(x)", "--print", "%(x)"});
  EXPECT_EQ(Texts(options.iprint), "%(x) ");
  EXPECT_EQ(Texts(options.print), "1 ");
}

}  // namespace
}  // namespace uwsgi

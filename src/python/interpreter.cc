// SPDX-License-Identifier: Apache-2.0
#include "python/interpreter.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/standard_output.h"

namespace uwsgi {
namespace {

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool IsDirectory(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

// Owns a PyConfig while it is filled in; the first failure is remembered.
class ConfigBuilder {
 public:
  ConfigBuilder() { PyConfig_InitPythonConfig(&config_); }
  ~ConfigBuilder() { PyConfig_Clear(&config_); }
  ConfigBuilder(const ConfigBuilder&) = delete;
  ConfigBuilder& operator=(const ConfigBuilder&) = delete;

  PyConfig& config() { return config_; }
  void Set(wchar_t** field, const std::string& text) {
    Keep([&] { return PyConfig_SetBytesString(&config_, field, text.c_str()); });
  }
  void SetArguments(const std::vector<std::string>& arguments) {
    std::vector<char*> pointers = {const_cast<char*>("uwsgi")};
    for (const std::string& argument : arguments)
      pointers.push_back(const_cast<char*>(argument.c_str()));
    Keep([&] {
      return PyConfig_SetBytesArgv(&config_, static_cast<Py_ssize_t>(pointers.size()),
                                   pointers.data());
    });
  }
  Status Initialize() {
    Keep([&] { return Py_InitializeFromConfig(&config_); });
    if (PyStatus_Exception(status_) == 0) return {};
    return Fail("unable to start Python: {}",
                status_.err_msg != nullptr ? status_.err_msg : "unknown reason");
  }

 private:
  template <typename Step>
  void Keep(Step step) {
    if (PyStatus_Exception(status_) == 0) status_ = step();
  }
  PyConfig config_;
  PyStatus status_ = PyStatus_Ok();
};

// The program Python shall believe to be: it finds its library, and a virtualenv its packages, from
// where that lies. It is also sys.executable, which multiprocessing and subprocess start as a
// Python.
std::string ProgramOf(const std::string& home) {
  if (home.empty()) return Exists(UWSGI_PYTHON_EXECUTABLE) ? UWSGI_PYTHON_EXECUTABLE : "";
  for (const char* name : {"/bin/python3", "/bin/python"}) {
    if (Exists(home + name)) return home + name;
  }
  return "";
}

Status SetHome(ConfigBuilder& builder, const std::string& home) {
  if (!IsDirectory(home)) return Fail("home = {}: there is no such directory", home);
  Log("Set PythonHome to {}", home);
  const bool is_virtualenv = Exists(home + "/pyvenv.cfg");
  if (!is_virtualenv) builder.Set(&builder.config().home, home);
  const std::string library =
      fmt::format("{}/lib/python{}.{}", home, PY_MAJOR_VERSION, PY_MINOR_VERSION);
  if (is_virtualenv && !IsDirectory(library)) {
    Log("*** WARNING: {} does not exist: the virtualenv was made for another version than Python "
        "{}.{} ***",
        library, PY_MAJOR_VERSION, PY_MINOR_VERSION);
  }
  return {};
}

std::vector<std::string> Expand(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_MARK, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  if (paths.empty()) paths.push_back(pattern);  // it may be made later
  return paths;
}

bool PutFirst(PyObject* path_list, const std::string& directory) {
  const PyRef text = ToText(directory);
  return text && PyList_Insert(path_list, 0, text.get()) == 0;
}

Status ExtendSearchPath(const std::vector<std::string>& patterns) {
  PyObject* const path_list = PySys_GetObject("path");
  const std::string here = CurrentDirectory();
  bool ok = path_list != nullptr && PyList_Check(path_list) &&
            (here.empty() || PutFirst(path_list, here));
  for (const std::string& pattern : patterns) {
    for (const std::string& directory : Expand(pattern)) {
      Log("added {} to pythonpath.", directory);
      std::string absolute =
          std::filesystem::path(AbsolutePath(directory)).lexically_normal().string();
      if (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
      ok = ok && PutFirst(path_list, absolute);
    }
  }
  if (!ok) return tl::unexpected(ErrorFromPython());
  return {};
}

// What Py_FinalizeEx does for the application, without waiting, where it would wait for a thread.
constexpr char kEndWithThreads[] = R"(
import sys
threading = sys.modules.get("threading")
has_threads = threading is not None and any(
    not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate())
if has_threads:
    import atexit
    atexit._run_exitfuncs()
    for stream in sys.stdout, sys.stderr:
        if stream is not None:
            stream.flush()
)";

// False: there is no such thread, and nothing has been done.
bool HasEndedWithThreads() {
  const PyRef names = PyRef::Steal(Py_BuildValue("{s:s}", "__name__", "uwsgi"));
  const PyRef done =
      names ? PyRef::Steal(PyRun_String(kEndWithThreads, Py_file_input, names.get(), names.get()))
            : PyRef();
  if (!done) LogException();
  return names && PyDict_GetItemString(names.get(), "has_threads") == Py_True;
}

// Python's own handler writes a byte to this descriptor for every signal; -1 for none. The module
// behind `signal` does it without loading what that one imports.
Status WakeBy(int fd) {
  const PyRef module = PyRef::Steal(PyImport_ImportModule("_signal"));
  const PyRef set =
      module ? PyRef::Steal(PyObject_GetAttrString(module.get(), "set_wakeup_fd")) : PyRef();
  const PyRef args = PyRef::Steal(Py_BuildValue("(i)", fd));
  const PyRef keywords = PyRef::Steal(Py_BuildValue("{s:O}", "warn_on_full_buffer", Py_False));
  const PyRef done = set && args && keywords
                         ? PyRef::Steal(PyObject_Call(set.get(), args.get(), keywords.get()))
                         : PyRef();
  if (!done) return tl::unexpected(ErrorFromPython());
  return {};
}

}  // namespace

Status Interpreter::Start(const InterpreterSpec& spec) {
  Log("Python version: {}", Py_GetVersion());
  ConfigBuilder builder;
  PyConfig& config = builder.config();
  config.install_signal_handlers = 0;
  config.parse_argv = 0;
  config.site_import = spec.import_site ? 1 : 0;
  if (spec.optimize > 0) config.optimization_level = spec.optimize;
  if (!spec.home.empty()) TRY_STATUS(SetHome(builder, spec.home));
  const std::string program = ProgramOf(spec.home);
  if (!program.empty()) builder.Set(&config.program_name, program);
  builder.SetArguments(spec.argv);
  TRY_STATUS(builder.Initialize());
  main_ = PyThreadState_Get();
  PrepareStandardOutput();
  if (!spec.executable.empty()) PySys_SetObject("executable", ToText(spec.executable).get());
  Status ready = ExtendSearchPath(spec.search_path);
  if (ready) ready = WatchSignals();
  Log("Python main interpreter initialized at {}", address());
  main_ = PyEval_SaveThread();
  return ready;
}

const void* Interpreter::address() const {
  return main_ == nullptr ? nullptr : PyThreadState_GetInterpreter(main_);
}

// Handlers of signal.signal() run when the main thread executes Python code, which an idle server
// does not. The pipe tells it cheaply that there is something to run. An application that sets a
// wake-up descriptor of its own takes that on itself.
Status Interpreter::WatchSignals() {
  FdPair pipe = TRY(MakePipe());
  TRY_STATUS(WakeBy(pipe.second.get()));
  signal_pipe_ = std::move(pipe);
  return {};
}

void Interpreter::RunSignalHandlers() {
  char signals[64];
  while (::read(signal_pipe_.first.get(), signals, sizeof signals) > 0) {
  }
  GilLock locked;
  if (PyErr_CheckSignals() != 0) LogException();
}

void Interpreter::BeforeFork() {
  PyEval_RestoreThread(main_);
  PyOS_BeforeFork();
}

void Interpreter::AfterForkParent() {
  PyOS_AfterFork_Parent();
  main_ = PyEval_SaveThread();
}

void Interpreter::AfterForkChild() {
  PyOS_AfterFork_Child();
  // The parent's pipe would hear of this process's signals, and the other way round.
  const Status watching = WatchSignals();
  if (!watching) Log("signal handlers of the application run late: {}", watching.error().text());
  main_ = PyEval_SaveThread();
}

void Interpreter::Finalize() {
  Enter();
  main_ = nullptr;
  Py_FinalizeEx();
}

void Interpreter::FinalizeOrFreeze() {
  Enter();
  if (HasEndedWithThreads()) return;
  main_ = nullptr;
  Py_FinalizeEx();
}

void Interpreter::Enter() {
  PyEval_RestoreThread(main_);
  static_cast<void>(WakeBy(-1));
}

}  // namespace uwsgi

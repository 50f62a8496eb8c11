// SPDX-License-Identifier: Apache-2.0
#include "python/python_runtime.h"

#include <atomic>
#include <optional>
#include <vector>

#include "base/log.h"
#include "python/api_module.h"
#include "python/app_loader.h"
#include "python/apps.h"
#include "python/autoreload.h"
#include "python/chunk_owner.h"
#include "python/convert.h"
#include "python/decorators_module.h"
#include "python/file_wrapper.h"
#include "python/gil.h"
#include "python/interpreter.h"
#include "python/mule_script.h"
#include "python/py_error.h"
#include "python/signal_handlers.h"
#include "python/spool_handler.h"
#include "python/stack_dump.h"
#include "python/value_cache.h"
#include "python/wsgi_call.h"
#include "python/wsgi_environ.h"
#include "python/wsgi_input.h"
#include "python/wsgi_response.h"
#include "runtime/harakiri_limit.h"

namespace uwsgi {
namespace {

// What one core thread owns. Only that thread touches it, the Python references with the GIL held.
struct Seat {
  PyThreadState* state = nullptr;
  PyGILState_STATE made =
      PyGILState_UNLOCKED;       // how the state was made, for cores beside the main thread
  bool holds_gil = false;        // kept from request to request until BeforeWait
  unsigned long thread = 0;      // as Python names it
  int64_t running_since_us = 0;  // the request that runs, 0 for none
  bool interrupted = false;      // an exception is on its way into that request
  ValueCache values;
  PyRef input;           // of the last request, for the next
  PyRef start_response;  // of the last request, for the next
};

// Python objects of the process. They are given up in End(), while there is an interpreter.
struct Objects {
  EnvironMaker environs;
  Apps apps;
  PyRef after_request;   // uwsgi.after_req_hook
  PyRef harakiri_error;  // uwsgi.HarakiriError
};

class PythonRuntime final : public LanguageRuntime {
 public:
  PythonRuntime(PythonSpec spec, const ServerFacts& facts, ProcessControl& control,
                const Services& services)
      : spec_(std::move(spec)),
        facts_(facts),
        control_(control),
        seats_(static_cast<size_t>(std::max(facts.threads, 1))) {
    api() = {.facts = &facts_, .control = &control_, .runtime = this, .services = &services};
  }
  ~PythonRuntime() override;

  [[nodiscard]] std::string_view name() const override { return "python"; }
  Status Start() override;
  Status LoadApps() override;
  [[nodiscard]] std::vector<AppInfo> apps() const override;
  void BeforeFork() override { interpreter_.BeforeFork(); }
  void AfterForkParent() override { interpreter_.AfterForkParent(); }
  void AfterForkChild() override { interpreter_.AfterForkChild(); }
  Status StartWorker() override;
  std::optional<int> StartMule() override;
  int RunMuleProgram(const std::string& program) override;
  void HandleMuleMessage(int mule, std::string_view message) override;
  bool HandleSignal(int core, uint8_t signal, int64_t started_us) override;
  Status StartSpooler() override;
  SpoolResult RunSpoolTask(const SpoolTask& task, std::string_view name) override;
  void StartCore(int core) override;
  void EndCore(int core) override;
  RequestResult Handle(int core, Request& request, Response& response) override;
  void BeforeWait(int core) override;
  int OwnEvents(int worker) override;
  [[nodiscard]] int MainEvents() const override { return interpreter_.signal_fd(); }
  void OnMainEvent() override { interpreter_.RunSignalHandlers(); }
  void OnOwnEvent(int /*core*/) override { autoreload_->Turn(); }
  std::string DescribeThreads() override;
  std::string DescribeThreadsUnlocked() override;
  bool InterruptRequest(int core, int64_t started_us) override;
  void End() override;
  void EndUnserving() override;

 private:
  Status MakeObjects();
  Seat& seat(int core) { return *seats_[static_cast<size_t>(core)]; }
  static void TakeGil(Seat& seat);
  static void ShutToInterrupts(Seat& seat);
  bool Run(Seat& seat, PyObject* application, CallState& call);
  static void EndCall(Seat& seat, CallState& call);
  void LetGoOfObjects();

  const PythonSpec spec_;
  const ServerFacts& facts_;
  ProcessControl& control_;
  Interpreter interpreter_;
  std::optional<Objects> objects_;
  std::optional<StackDump> stack_dump_;     // in workers
  std::unique_ptr<Autoreload> autoreload_;  // in worker 1
  std::vector<std::optional<Seat>> seats_;
  std::atomic<int> running_ = 0;  // cores inside Handle
};

// Without End() the interpreter still lives, and its objects cannot be given up from here: the
// process is about to end.
PythonRuntime::~PythonRuntime() {
  if (!interpreter_.is_running()) return;
  static_cast<void>(new std::optional<Objects>(std::move(objects_)));
  static_cast<void>(new std::vector<std::optional<Seat>>(std::move(seats_)));
}

Status PythonRuntime::MakeObjects() {
  if (!ReadyInputType() || !ReadyFileWrapperType() || !ReadyResponseTypes())
    return tl::unexpected(ErrorFromPython());
  TRY_STATUS(InstallApiModule());
  TRY_STATUS(OfferDecorators());
  EnvironMaker environs =
      TRY(EnvironMaker::Create({.multithread = facts_.threads > 1,
                                .multiprocess = facts_.processes > 1,
                                .offer_file_wrapper = spec_.wsgi.offer_file_wrapper,
                                .hostname = facts_.hostname}));
  PyRef harakiri_error = TRY(AddHarakiriError());
  objects_.emplace(Objects{
      std::move(environs), Apps(spec_, interpreter_.address()), {}, std::move(harakiri_error)});
  return {};
}

Status PythonRuntime::Start() {
  TRY_STATUS(interpreter_.Start(spec_.interpreter));
  GilLock locked;
  if (spec_.autoreload) TRY_STATUS(RememberSources());
  return MakeObjects();
}

// A module that cannot be imported is told of and done without.
Status ImportAll(const std::vector<std::string>& modules,
                 Result<PyRef> (*import)(const std::string&) = ImportModule) {
  for (const std::string& name : modules) {
    const auto module = import(name);
    if (!module && module.error().exit_code == kExitInterrupted) return StoppedWhileLoading();
    if (!module)
      LogRaw(module.error().text() + (module.error().message.back() == '\n' ? "" : "\n"));
  }
  return {};
}

Status PythonRuntime::LoadApps() {
  GilLock locked;
  TRY_STATUS(ImportAll(spec_.shared_imports));
  return objects_->apps.Load();
}

std::vector<AppInfo> PythonRuntime::apps() const {
  if (!objects_) return {};
  GilLock locked;
  return objects_->apps.infos();
}

Status PythonRuntime::StartWorker() {
  GilLock locked;
  CallApiHook("post_fork_hook");
  TRY_STATUS(ImportAll(spec_.imports));
  objects_->after_request = ApiHook("after_req_hook");
  if (auto dump = StackDump::Create()) {
    stack_dump_.emplace(std::move(*dump));
  } else {
    Log("stacks of blocked threads cannot be shown: {}", dump.error().text());
  }
  api().is_serving = true;
  return {};
}

// What was meant for this request must not reach the next one.
void PythonRuntime::ShutToInterrupts(Seat& mine) {
  mine.running_since_us = 0;
  if (mine.interrupted) PyThreadState_SetAsyncExc(mine.thread, nullptr);
  mine.interrupted = false;
}

std::optional<int> PythonRuntime::StartMule() {
  GilLock locked;
  if (!ImportAll(spec_.imports)) return kExitInterrupted;
  const PyRef hook = ApiHook("post_fork_hook");
  return RunUntilToldToEnd([&] { return !hook || PyRef::Steal(PyObject_CallNoArgs(hook.get())); });
}

int PythonRuntime::RunMuleProgram(const std::string& program) {
  GilLock locked;
  bool returned = false;
  const auto status = RunUntilToldToEnd([&] { return returned = RunAsMain(program); });
  return status ? *status : returned ? 0 : 1;
}

void PythonRuntime::HandleMuleMessage(int mule, std::string_view message) {
  GilLock locked;
  const PyRef hook = ApiHook("mule_msg_hook");
  if (!hook) return Log("*** mule {} received a {} bytes message ***", mule, message.size());
  const PyRef bytes = ToBytes(message);
  if (!bytes || !PyRef::Steal(PyObject_CallOneArg(hook.get(), bytes.get()))) LogException();
}

bool PythonRuntime::HandleSignal(int core, uint8_t signal, int64_t started_us) {
  if (core == kNoCore) {
    GilLock locked;
    return RunSignalHandler(signal);
  }
  Seat& mine = seat(core);
  TakeGil(mine);
  mine.running_since_us = started_us;
  running_.fetch_add(1, std::memory_order_relaxed);
  SignalCore() = core;
  const bool handled = RunSignalHandler(signal);
  SignalCore() = -1;
  running_.fetch_sub(1, std::memory_order_relaxed);
  ShutToInterrupts(mine);
  return handled;
}

Status PythonRuntime::StartSpooler() {
  GilLock locked;
  CallApiHook("post_fork_hook");
  return ImportAll(spec_.spooler_imports, ImportUnderItsName);
}

SpoolResult PythonRuntime::RunSpoolTask(const SpoolTask& task, std::string_view name) {
  GilLock locked;
  return RunSpoolFunction(task, name);
}

// One process is enough to look at the files.
int PythonRuntime::OwnEvents(int worker) {
  if (!spec_.autoreload || worker != 1) return -1;
  GilLock locked;
  auto made = Autoreload::Create(spec_.autoreload_ignored, [this](const std::string& file) {
    Log("[uwsgi-python-reloader] module/file {} has been modified", file);
    control_.TellOfNewCode();
  });
  if (!made) {
    Log("py-autoreload: {}", made.error().text());
    return -1;
  }
  LogLine("Python auto-reloader enabled");
  autoreload_ = std::move(*made);
  return autoreload_->fd();
}

// threading.current_thread() in the application says which core it is on.
void NameThread(int worker, int core) {
  const PyRef threading = PyRef::Steal(PyImport_ImportModule("threading"));
  const PyRef thread =
      threading ? PyRef::Steal(PyObject_CallMethod(threading.get(), "current_thread", nullptr))
                : PyRef();
  const PyRef name = PyRef::Steal(PyUnicode_FromFormat("uWSGIWorker%dCore%d", worker, core));
  if (thread && name) PyObject_SetAttrString(thread.get(), "name", name.get());
  PyErr_Clear();
}

void PythonRuntime::StartCore(int core) {
  Seat& mine = seats_[static_cast<size_t>(core)].emplace();
  if (core == 0) {
    PyEval_RestoreThread(interpreter_.main_state());
  } else {
    mine.made = PyGILState_Ensure();
  }
  mine.thread = PyThread_get_thread_ident();
  if (seats_.size() > 1) NameThread(control_.worker_id(), core);
  mine.state = PyEval_SaveThread();
}

void PythonRuntime::EndCore(int core) {
  auto& place = seats_[static_cast<size_t>(core)];
  if (!place->holds_gil) PyEval_RestoreThread(place->state);
  DropReleasedChunks();
  const PyGILState_STATE made = place->made;
  place.reset();
  if (core == 0) {
    PyEval_SaveThread();
  } else {
    PyGILState_Release(made);
  }
}

bool PythonRuntime::Run(Seat& mine, PyObject* application, CallState& call) {
  mine.input = MakeInput(call.request, std::move(mine.input));
  mine.start_response = MakeStartResponse(call, std::move(mine.start_response));
  PyRef environ;
  if (mine.input && mine.start_response) {
    environ =
        objects_->environs.Make(call.request, call.request.core, mine.input.get(), mine.values);
  }
  if (!environ) {
    LogException();
    call.response.Fail(500);
    return false;
  }
  call.environ = environ.get();
  call.start_response = mine.start_response.get();
  SetCurrentCall(&call);
  const bool succeeded = CallApplication(application, call, spec_.wsgi);
  if (objects_->after_request) {
    if (!spec_.wsgi.limits_after_hook)
      static_cast<void>(control_.SetUserHarakiri(call.request.core, kNoHarakiri));
    const PyRef done = PyRef::Steal(PyObject_CallNoArgs(objects_->after_request.get()));
    if (!done) LogException();
  }
  SetCurrentCall(nullptr);
  return succeeded;
}

// For a core's thread, which keeps it until BeforeWait.
void PythonRuntime::TakeGil(Seat& mine) {
  if (!mine.holds_gil) PyEval_RestoreThread(mine.state);
  mine.holds_gil = true;
}

void PythonRuntime::EndCall(Seat& mine, CallState& call) {
  if (mine.input) DetachInput(mine.input.get());
  if (mine.start_response) DetachStartResponse(mine.start_response.get());
  call.sending.End();
}

RequestResult PythonRuntime::Handle(int core, Request& request, Response& response) {
  Seat& mine = seat(core);
  TakeGil(mine);
  mine.running_since_us = request.started_us;
  running_.fetch_add(1, std::memory_order_relaxed);
  DropReleasedChunks();
  RequestResult result;
  Apps::App* const app = objects_->apps.Choose(request);
  if (app == nullptr) {
    Log("--- no python application found, check your startup logs for errors ---");
    response.Fail(500);
  } else {
    request.app = app->info.id;
    request.app_requests = ++app->info.requests;
    CallState call{.request = request,
                   .response = response,
                   .raise_write_errors = spec_.wsgi.raise_write_errors};
    result.raised = !Run(mine, app->callable.get(), call);
    result.wants_replacement = call.is_monitored;
    if (result.raised) ++app->info.exceptions;
    EndCall(mine, call);
  }
  running_.fetch_sub(1, std::memory_order_relaxed);
  ShutToInterrupts(mine);
  return result;
}

void PythonRuntime::BeforeWait(int core) {
  Seat& mine = seat(core);
  if (mine.holds_gil) {
    DropReleasedChunks();
    mine.holds_gil = false;
    mine.state = PyEval_SaveThread();
    return;
  }
  // Cores that run drop them soon; taking the GIL from them would only make the loop wait.
  if (HasReleasedChunks() && running_.load(std::memory_order_relaxed) == 0) {
    PyEval_RestoreThread(mine.state);
    DropReleasedChunks();
    mine.state = PyEval_SaveThread();
  }
}

std::string DescribeStack(PyObject* traceback, PyObject* thread, PyObject* frame) {
  const PyRef lines = PyRef::Steal(PyObject_CallMethod(traceback, "format_stack", "O", frame));
  const PyRef nothing = PyRef::Steal(PyUnicode_FromStringAndSize("", 0));
  const PyRef text =
      lines && nothing ? PyRef::Steal(PyUnicode_Join(nothing.get(), lines.get())) : PyRef();
  if (!text) {
    PyErr_Clear();
    return {};
  }
  return fmt::format("thread {}\n{}\n", ReprText(thread), ToLogText(text.get()));
}

std::string PythonRuntime::DescribeThreads() {
  if (!interpreter_.is_running()) return {};
  GilLock locked;
  const PyRef traceback = PyRef::Steal(PyImport_ImportModule("traceback"));
  PyObject* const current_frames = PySys_GetObject("_current_frames");
  const PyRef frames =
      current_frames != nullptr ? PyRef::Steal(PyObject_CallNoArgs(current_frames)) : PyRef();
  std::string text;
  if (traceback && frames) {
    PyObject *thread = nullptr, *frame = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(frames.get(), &at, &thread, &frame) != 0;) {
      text += DescribeStack(traceback.get(), thread, frame);
    }
  }
  PyErr_Clear();
  return text;
}

std::string PythonRuntime::DescribeThreadsUnlocked() {
  return stack_dump_ ? stack_dump_->Take() : std::string();
}

bool PythonRuntime::InterruptRequest(int core, int64_t started_us) {
  if (!interpreter_.is_running() || started_us == 0) return false;
  GilLock locked;
  auto& place = seats_[static_cast<size_t>(core)];
  if (!place || place->running_since_us != started_us) return false;
  place->interrupted = true;
  return PyThreadState_SetAsyncExc(place->thread, objects_->harakiri_error.get()) > 0;
}

void PythonRuntime::LetGoOfObjects() {
  GilLock locked;
  CallApiHook("atexit");
  DropReleasedChunks();
  for (auto& place : seats_) place.reset();
  ForgetSignalHandlers();
  objects_.reset();
}

void PythonRuntime::End() {
  if (!interpreter_.is_running()) return;
  LetGoOfObjects();
  interpreter_.Finalize();
}

void PythonRuntime::EndUnserving() {
  if (!interpreter_.is_running()) return;
  LetGoOfObjects();
  interpreter_.FinalizeOrFreeze();
}

}  // namespace

std::unique_ptr<LanguageRuntime> MakePythonRuntime(PythonSpec spec, const ServerFacts& facts,
                                                   ProcessControl& control,
                                                   const Services& services) {
  return std::make_unique<PythonRuntime>(std::move(spec), facts, control, services);
}

}  // namespace uwsgi

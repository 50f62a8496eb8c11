// SPDX-License-Identifier: Apache-2.0
#include "python/autoreload.h"

#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/strings.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/py_ref.h"
#include "python/read_times.h"

namespace uwsgi {
namespace {

// An import of one module is mostly one of many.
constexpr long kAfterImportNanos = 200'000'000;

void Arm(int timer) {
  const itimerspec due{.it_interval = {}, .it_value = {0, kAfterImportNanos}};
  ::timerfd_settime(timer, 0, &due, nullptr);
}

// Called by Python for everything that it wants to be audited.
int OnAudit(const char* event, PyObject*, void* timer) noexcept {
  if (std::strcmp(event, "import") == 0) Arm(*static_cast<int*>(timer));
  return 0;
}

// The text of an attribute; empty when there is none.
std::string TextOf(PyObject* object, const char* attribute) {
  const PyRef value = PyRef::Steal(PyObject_GetAttrString(object, attribute));
  Py_ssize_t size = 0;
  const char* const text =
      value && PyUnicode_Check(value.get()) ? PyUnicode_AsUTF8AndSize(value.get(), &size) : nullptr;
  PyErr_Clear();
  return text != nullptr ? std::string(text, static_cast<size_t>(size)) : std::string();
}

// When content or attributes of a file were changed last; 0 for a file that is not there.
int64_t ChangedMicros(const std::string& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return 0;
  return int64_t{facts.st_ctim.tv_sec} * 1'000'000 + facts.st_ctim.tv_nsec / 1000;
}

}  // namespace

std::vector<std::string> FilesOfModules(const std::set<std::string>& ignored) {
  std::vector<std::string> files;
  const PyRef modules = PyRef::Steal(PyDict_Copy(PyImport_GetModuleDict()));
  if (!modules) {
    PyErr_Clear();
    return files;
  }
  PyObject* key = nullptr;
  PyObject* module = nullptr;
  Py_ssize_t at = 0;
  while (PyDict_Next(modules.get(), &at, &key, &module) != 0) {
    const char* const name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : nullptr;
    PyErr_Clear();
    if (name == nullptr || ignored.contains(name) || !PyModule_Check(module)) continue;
    std::string file = TextOf(module, "__file__");
    if (file.empty()) continue;
    if (EndsWith(file, ".pyc")) file.pop_back();
    files.push_back(std::move(file));
  }
  return files;
}

Autoreload::Autoreload(std::unique_ptr<EventLoop> loop, UniqueFd timer,
                       std::vector<std::string> ignored, Callback on_change)
    : loop_(std::move(loop)),
      timer_(std::move(timer)),
      ignored_(std::make_move_iterator(ignored.begin()), std::make_move_iterator(ignored.end())),
      on_change_(std::move(on_change)),
      watch_(FileWatch::Create(*loop_)) {}

Result<std::unique_ptr<Autoreload>> Autoreload::Create(std::vector<std::string> ignored,
                                                       Callback on_change) {
  auto loop = TRY(EventLoop::Create());
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer.valid()) return ErrnoError("timerfd", errno);
  std::unique_ptr<Autoreload> made(
      new Autoreload(std::move(loop), std::move(timer), std::move(ignored), std::move(on_change)));
  TRY(made->loop_->Watch(made->timer_.get(), kReadable, [it = made.get()](uint32_t) {
    uint64_t times = 0;
    [[maybe_unused]] const ssize_t got = ::read(it->timer_.get(), &times, sizeof times);
    it->LookAtModules();
  }));
  // Python calls the hook until it ends, which may be after us.
  static int hooked_timer = -1;
  const bool is_hooked = std::exchange(hooked_timer, made->timer_.get()) >= 0;
  if (!is_hooked && PySys_AddAuditHook(OnAudit, &hooked_timer) != 0)
    return tl::unexpected(ErrorFromPython());
  Arm(made->timer_.get());
  return made;
}

void Autoreload::LookAtModules() {
  std::vector<std::pair<std::string, int64_t>> files;
  {
    GilLock locked;
    for (std::string& file : FilesOfModules(ignored_)) {
      const int64_t read_us = ReadMicros(file);
      files.emplace_back(std::move(file), read_us);
    }
  }
  for (const auto& [file, read_us] : files) Watch(file, read_us);
}

void Autoreload::Watch(const std::string& file, int64_t read_us) {
  if (!files_.insert(file).second) return;
  watch_->Add(file, [this, file](FileChange change) {
    // What replaces it comes at once, or it is not needed.
    if (change != FileChange::kDeleted) on_change_(file);
  });
  // Now that it is watched: what has come between its import and this moment.
  if (ChangedMicros(file) > read_us && read_us != 0) on_change_(file);
}

}  // namespace uwsgi

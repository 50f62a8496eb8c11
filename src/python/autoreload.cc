// SPDX-License-Identifier: Apache-2.0
#include "python/autoreload.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/strings.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/py_ref.h"

namespace uwsgi {
namespace {

// An import of one module is mostly one of many, and a file is not written at once.
constexpr long kSettleNanos = 200'000'000;

// Python calls the hook until it ends, which may be after us: what it uses stays.
struct LookTimer {
  int fd = -1;
  std::atomic<bool> is_armed = false;

  // Once: who imports or writes all the time does not put the look off for ever.
  void Arm() {
    if (is_armed.exchange(true)) return;
    const itimerspec due{.it_interval = {}, .it_value = {0, kSettleNanos}};
    ::timerfd_settime(fd, 0, &due, nullptr);
  }
};
LookTimer& look_timer() {
  static LookTimer the_timer;
  return the_timer;
}

// Called by Python for everything that it wants to be audited.
int OnAudit(const char* event, PyObject*, void*) noexcept {
  if (std::strcmp(event, "import") == 0) look_timer().Arm();
  return 0;
}

// The text of an attribute; empty when there is none.
std::string TextOf(PyObject* object, const char* attribute) {
  return TextOrEmpty(PyRef::Steal(PyObject_GetAttrString(object, attribute)).get());
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
    look_timer().is_armed = false;
    it->LookAtModules();
    it->LookAtChanged();
  }));
  const bool is_hooked = std::exchange(look_timer().fd, made->timer_.get()) >= 0;
  if (!is_hooked && PySys_AddAuditHook(OnAudit, nullptr) != 0)
    return tl::unexpected(ErrorFromPython());
  look_timer().is_armed = false;
  look_timer().Arm();
  return made;
}

void Autoreload::LookAtModules() {
  std::vector<std::pair<std::string, Print>> files;
  {
    GilLock locked;
    for (std::string& file : FilesOfModules(ignored_)) {
      const Print read = SourceAsRead(file);
      files.emplace_back(std::move(file), read);
    }
  }
  for (const auto& [file, read] : files) Watch(file, read);
}

void Autoreload::Watch(const std::string& file, Print read) {
  if (!files_.emplace(file, read).second) return;
  watch_->Add(file, [this, file](FileChange change) { OnChange(file, change); });
  // Now that it is watched: what has come between its import and this moment.
  if (read) changed_.emplace(file, false);
}

void Autoreload::OnChange(const std::string& file, FileChange change) {
  // What replaces it comes at once, or it is not needed.
  if (change == FileChange::kDeleted) return;
  changed_[file] |= change == FileChange::kTouched;
  look_timer().Arm();
}

void Autoreload::LookAtChanged() {
  for (const auto& [file, is_touched] : std::exchange(changed_, {})) {
    Print& before = files_[file];
    const Print now = PrintOf(file);
    if (!now || (now == before && !is_touched)) continue;
    if (before) before = now;
    on_change_(file);
  }
}

}  // namespace uwsgi

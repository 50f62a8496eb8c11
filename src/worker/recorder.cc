// SPDX-License-Identifier: Apache-2.0
#include "worker/recorder.h"

#include <algorithm>

namespace uwsgi {
namespace {

// Longer values are cut, so that one long cookie does not hide the variables behind it.
constexpr size_t kLongestValue = 1024;

// Puts "NAME=value" texts with NULs behind them into a buffer until one does not fit.
class Packer {
 public:
  explicit Packer(std::span<char> buffer) : buffer_(buffer) {}

  bool Add(const Var& var) {
    const ByteView value = var.value.substr(0, kLongestValue);
    const size_t size = var.name.size() + value.size() + 2;
    if (size > buffer_.size() - used_) return false;
    Append(var.name);
    buffer_[used_++] = '=';
    Append(value);
    buffer_[used_++] = '\0';
    return true;
  }
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), used_}; }

 private:
  void Append(ByteView bytes) {
    std::ranges::copy(bytes, buffer_.data() + used_);
    used_ += bytes.size();
  }

  std::span<char> buffer_;
  size_t used_ = 0;
};

}  // namespace

void Recorder::RecordVars(const VarTable& vars) {
  Packer packer(text_);
  bool fits = true;
  for (const Var& var : vars.vars()) fits = fits && packer.Add(var);
  for (const Var& var : vars.constants()) {
    const bool is_hidden =
        var.id != CgiName::kUnknown ? vars.Find(var.id) != &var : vars.FindByName(var.name) != &var;
    if (!is_hidden) fits = fits && packer.Add(var);
  }
  core_.vars->Set(packer.text());
}

void Recorder::RecordAnswer(const Request& request, const Response& response,
                            const RequestResult& result, int64_t micros) {
  core_.NoteAnswer(static_cast<uint64_t>(micros), response.status());
  const auto app = static_cast<size_t>(request.app);
  if (request.app < 0 || app >= worker_.apps().size()) return;
  AppSlot& slot = worker_.apps()[app];
  // One that was loaded for this request, by the address that it asked for.
  if (!slot.is_loaded.load(std::memory_order_relaxed)) PublishApps(runtime_, worker_);
  slot.requests.fetch_add(1, std::memory_order_relaxed);
  if (result.raised) slot.exceptions.fetch_add(1, std::memory_order_relaxed);
}

void PublishApps(const LanguageRuntime& runtime, WorkerSlot& worker) {
  if (worker.apps().empty()) return;
  for (const AppInfo& app : runtime.apps()) {
    const auto id = static_cast<size_t>(app.id);
    if (app.id < 0 || id >= worker.apps().size()) continue;
    AppSlot& slot = worker.apps()[id];
    if (slot.is_loaded.load(std::memory_order_relaxed)) continue;
    // compat: the application at / has an empty mount point.
    slot.mountpoint.Set(app.mountpoint == "/" ? "" : app.mountpoint);
    slot.chdir.Set(app.chdir);
    slot.startup_seconds.store(app.startup_seconds, std::memory_order_relaxed);
    slot.requests.store(0, std::memory_order_relaxed);
    slot.exceptions.store(0, std::memory_order_relaxed);
    slot.is_loaded.store(true, std::memory_order_release);
  }
}

}  // namespace uwsgi

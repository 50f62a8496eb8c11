// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/function.h"
#include "net/event_loop.h"
#include "net/file_watch.h"
#include "python/sources_read.h"

namespace uwsgi {

// py-autoreload: watches the files of all imported modules, also of those that are imported later,
// and says when one has changed: it holds something else, or was touched. One that is written anew
// with what it held has not: applications make modules of their own. In one process only; it has no
// thread of its own: whoever sees that fd() is readable calls Turn().
class Autoreload {
 public:
  using Callback = UniqueFunction<void(const std::string& file)>;

  // With the GIL held. `ignored` are names of modules.
  static Result<std::unique_ptr<Autoreload>> Create(std::vector<std::string> ignored,
                                                    Callback on_change);
  Autoreload(const Autoreload&) = delete;
  Autoreload& operator=(const Autoreload&) = delete;

  [[nodiscard]] int fd() const { return loop_->fd(); }
  // Takes the GIL when it needs it. One thread at a time.
  void Turn() { loop_->RunOnce(0); }

 private:
  Autoreload(std::unique_ptr<EventLoop> loop, UniqueFd timer, std::vector<std::string> ignored,
             Callback on_change);
  using Print = std::optional<SourcePrint>;  // empty: not known, any change is one
  void LookAtModules();
  void Watch(const std::string& file, Print read);
  void OnChange(const std::string& file, FileChange change);
  void LookAtChanged();

  std::unique_ptr<EventLoop> loop_;
  UniqueFd timer_;  // runs off a while after an import or a change
  std::set<std::string> ignored_;
  Callback on_change_;
  std::unique_ptr<FileWatch> watch_;
  std::map<std::string, Print> files_;
  std::map<std::string, bool> changed_;  // whether it was touched, content or not
};

// The files of the modules that are imported, without those in `ignored`. With the GIL held.
std::vector<std::string> FilesOfModules(const std::set<std::string>& ignored);

}  // namespace uwsgi

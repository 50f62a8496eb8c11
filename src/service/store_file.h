// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// Whose store files a server may use when it starts.
enum class StoreUse : uint8_t {
  kOwn,      // a server that starts: nobody else may have them
  kInherit,  // after a reload: the predecessor's workers still have them
  kNone,     // a trial: they are left alone
};

// A file that keeps shared memory, open and locked for as long as the processes of a server have
// it: the lock belongs to the open file, which they inherit.
struct StoreFile {
  UniqueFd fd;
  bool is_alone = false;  // nobody else has it, so what lies in it is not in use

  // The file is made when it is not there. An error, of which the caller says what it means, when
  // another server has it.
  static Result<StoreFile> Open(const std::string& path, StoreUse use);
  [[nodiscard]] Result<uint64_t> Size() const;
  // It begins with zeros, or is empty: what a start leaves that ended before its store was made. Of
  // a Resize that was cut short the file is shorter than it should be.
  [[nodiscard]] Result<bool> IsBlank() const;
  Status Resize(uint64_t size) const;

  // The same for a trial, which changes nothing: whether it could be done. There is no file yet
  // when TryOpen gives none, and one of that size could be made.
  static Result<std::optional<StoreFile>> TryOpen(const std::string& path, uint64_t size);
  static Status TryMake(const std::string& path, uint64_t size);
  [[nodiscard]] Status TryResize(uint64_t size) const;
};

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace uwsgi {

// A function that is called by its name, of this process or from elsewhere. Empty result: it
// failed, or had nothing to say.
using RpcFunction = std::function<std::optional<std::string>(const std::vector<ByteView>& args)>;

// The functions of this process by name. What is registered before the fork belongs to all
// processes, the rest to one. Thread-safe; functions run without a lock of this table.
class RpcTable {
 public:
  static constexpr size_t kLongestName = 254;
  static constexpr size_t kMostArgs = 255;

  explicit RpcTable(size_t most = 64) : most_(most) {}

  // False: the table is full, or the name is empty or too long. A name that is known gets the new
  // function.
  bool Register(ByteView name, RpcFunction function);
  // Empty when there is no such function.
  [[nodiscard]] std::optional<std::string> Call(ByteView name,
                                                const std::vector<ByteView>& args) const;
  [[nodiscard]] std::vector<std::string> Names() const;
  [[nodiscard]] size_t most() const { return most_; }

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<RpcFunction> function;  // shared with the calls that run while it is replaced
  };

  size_t most_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace uwsgi

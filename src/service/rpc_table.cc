// SPDX-License-Identifier: Apache-2.0
#include "service/rpc_table.h"

#include <algorithm>

namespace uwsgi {

bool RpcTable::Register(ByteView name, RpcFunction function) {
  if (name.empty() || name.size() > kLongestName) return false;
  auto shared = std::make_shared<RpcFunction>(std::move(function));
  const std::lock_guard locked(mutex_);
  const auto known = std::ranges::find(entries_, name, &Entry::name);
  if (known != entries_.end()) {
    known->function = std::move(shared);
    return true;
  }
  if (entries_.size() >= most_) return false;
  entries_.push_back({std::string(name), std::move(shared)});
  return true;
}

std::optional<std::string> RpcTable::Call(ByteView name, const std::vector<ByteView>& args) const {
  std::shared_ptr<RpcFunction> function;
  {
    const std::lock_guard locked(mutex_);
    const auto known = std::ranges::find(entries_, name, &Entry::name);
    if (known == entries_.end() || args.size() > kMostArgs) return std::nullopt;
    function = known->function;
  }
  auto result = (*function)(args);
  if (result && result->empty()) return std::nullopt;
  return result;
}

std::vector<std::string> RpcTable::Names() const {
  const std::lock_guard locked(mutex_);
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.name);
  return names;
}

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace uwsgi {

// The environment variables the server was started with, in their order.
class Environment {
 public:
  struct Variable {
    std::string name;
    std::string value;
  };

  // From "NAME=value" words; words without `=` are left out.
  explicit Environment(std::span<const std::string> words) {
    for (std::string_view word : words) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      variables_.push_back(
          {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))});
    }
  }

  // Null when the variable is not set.
  [[nodiscard]] const std::string* Find(std::string_view name) const {
    for (const Variable& variable : variables_) {
      if (variable.name == name) return &variable.value;
    }
    return nullptr;
  }

  [[nodiscard]] const std::vector<Variable>& variables() const { return variables_; }

 private:
  std::vector<Variable> variables_;
};

}  // namespace uwsgi

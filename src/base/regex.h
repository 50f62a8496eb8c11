// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// The door to PCRE2: a compiled regular expression. Matching is safe from several threads at once.
class Regex {
 public:
  // The error says what is wrong with the pattern, and where.
  static Result<Regex> Create(std::string_view pattern);

  // Whether the pattern is found anywhere in the text.
  [[nodiscard]] bool Matches(std::string_view text) const;

 private:
  struct Code;
  struct FreeCode {
    void operator()(Code* code) const;
  };
  explicit Regex(std::unique_ptr<Code, FreeCode> code) : code_(std::move(code)) {}

  std::unique_ptr<Code, FreeCode> code_;
};

}  // namespace uwsgi

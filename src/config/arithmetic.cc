// SPDX-License-Identifier: Apache-2.0
#include "config/arithmetic.h"

#include <charconv>
#include <cstdint>
#include <limits>

#include "base/strings.h"

namespace uwsgi {
namespace {

// compat: what does not begin with a number counts as 0.
int64_t NumberOf(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool IsNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

int64_t Divide(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (a == std::numeric_limits<int64_t>::min() && b == -1) return a;
  return a / b;
}

// Unsigned arithmetic wraps where signed would be undefined.
std::string Calculate(std::string_view left, std::string_view operation, std::string_view right) {
  const int64_t a = NumberOf(left), b = NumberOf(right);
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (operation.front()) {
    case '+':
      return fmt::to_string(static_cast<int64_t>(ua + ub));
    case '-':
      return fmt::to_string(static_cast<int64_t>(ua - ub));
    case '*':
      return fmt::to_string(static_cast<int64_t>(ua * ub));
    default:
      return fmt::to_string(Divide(a, b));
  }
}

}  // namespace

Result<std::string> EvaluateExpression(std::string_view expression, const NameLookup& lookup) {
  std::string result;
  std::string_view pending;
  for (std::string_view word : SplitWords(expression)) {
    if (word == "++" || word == "--") {
      result = Calculate(result, word, "1");
    } else if (word.size() == 1 && std::string_view("+-*/").find(word) != std::string_view::npos) {
      pending = word;
    } else {
      std::optional<std::string> value = TRY(lookup(word));
      if (!value && IsNumber(word)) value = word;
      if (!value) value = "";
      result = pending.empty() ? result + *value : Calculate(result, pending, *value);
      pending = {};
    }
  }
  return result;
}

}  // namespace uwsgi

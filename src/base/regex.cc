// SPDX-License-Identifier: Apache-2.0
#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace uwsgi {
namespace {

PCRE2_SPTR Bytes(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct Regex::Code {
  pcre2_code* pattern;
};

void Regex::FreeCode::operator()(Code* code) const {
  pcre2_code_free(code->pattern);
  delete code;
}

Result<Regex> Regex::Create(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* const compiled =
      pcre2_compile(Bytes(pattern), pattern.size(), 0, &error, &offset, nullptr);
  if (compiled == nullptr) {
    PCRE2_UCHAR reason[256] = {};
    pcre2_get_error_message(error, reason, sizeof reason);
    return Fail("regular expression \"{}\": {} at character {}", pattern,
                reinterpret_cast<const char*>(reason), offset);
  }
  return Regex(std::unique_ptr<Code, FreeCode>(new Code{compiled}));
}

bool Regex::Matches(std::string_view text) const {
  pcre2_match_data* const found = pcre2_match_data_create_from_pattern(code_->pattern, nullptr);
  const int groups = pcre2_match(code_->pattern, Bytes(text), text.size(), 0, 0, found, nullptr);
  pcre2_match_data_free(found);
  return groups >= 0;
}

}  // namespace uwsgi

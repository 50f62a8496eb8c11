// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace uwsgi {

// What a word without a dash on the command line stands for.
struct PositionalMeaning {
  enum class Kind { kNothing, kConfigFile, kOptions, kUnknown };
  struct Pair {
    std::string name;
    std::string value;
  };

  Kind kind;
  std::vector<Pair> options;  // for kOptions
};

// `[anything` is a tag for process lists; `site.ini` and `site.ini:section` are configuration
// files; `app.py` and `app.wsgi` mean --wsgi-file, `app.py:name` with --callable, and
// `package.module:callable` means --module.
PositionalMeaning MeaningOfPositional(std::string_view word);

}  // namespace uwsgi

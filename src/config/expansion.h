// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/environment.h"
#include "config/options.h"

namespace uwsgi {

// What stands in values for something else. Whatever is not defined is left as it is written, since
// request log templates and routes use the same signs. What comes out is looked through again; a
// reference that leads back to itself is an error, and so are ones without end.

// $(NAME): an environment variable.
Result<std::string> ExpandEnvironment(std::string_view text, const Environment& environment);

// $NAME and ${NAME}: an environment variable, in options whose value is no free text. Not looked
// through again.
std::string ExpandShellStyle(std::string_view text, const Environment& environment);

// @(SOURCE): the text of a file, without one newline at its end. A source that cannot be read is an
// error.
Result<std::string> ExpandResources(std::string_view text);

// The way to a reference, and how many have been met, while one value is replaced.
struct ReferenceTrail {
  std::vector<std::string> active;  // the names being looked through right now
  size_t count = 0;
};

// %(NAME): the value of the first setting called so; %(a + b): see arithmetic.h.
class Placeholders {
 public:
  explicit Placeholders(std::span<const Setting> settings);

  // The value of a setting with all its references replaced.
  [[nodiscard]] Result<std::string> Expand(const Setting& setting) const;
  // The same for text that is no setting's value.
  [[nodiscard]] Result<std::string> Expand(std::string_view text) const;

 private:
  struct First {
    std::string value;
    int order;
  };
  [[nodiscard]] Result<std::string> Replace(std::string_view text, ReferenceTrail& trail) const;

  std::map<std::string, First, std::less<>> first_;
};

// A value that is needed before all is read: environment and what is known so far are put in.
Result<std::string> ExpandEarly(std::string_view text, const Environment& environment,
                                std::span<const Setting> settings);

// The names in the %(NAME) references of a text.
std::vector<std::string> ReferencedNames(std::string_view text);

}  // namespace uwsgi

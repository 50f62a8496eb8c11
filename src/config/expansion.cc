// SPDX-License-Identifier: Apache-2.0
#include "config/expansion.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "config/arithmetic.h"
#include "config/source.h"

namespace uwsgi {
namespace {

// Values grow by what they refer to; a quarter of a megabyte is no option any more.
constexpr size_t kLongestValue = 256 << 10;

std::string Chain(const std::vector<std::string>& active, std::string_view name) {
  std::string chain;
  for (auto at = std::find(active.begin(), active.end(), name); at != active.end(); ++at)
    chain += *at + " -> ";
  return chain.append(name);
}

// Replaces each `opener` NAME `)` by what `lookup` finds, looked through again in its turn.
// `active` are the names being looked through right now.
Result<std::string> ReplaceReferences(std::string_view text, std::string_view opener,
                                      const NameLookup& lookup, std::vector<std::string>& active) {
  std::string out;
  for (;;) {
    const size_t start = text.find(opener);
    const size_t end = start == std::string_view::npos ? start : text.find(')', start);
    if (end == std::string_view::npos) break;
    const std::string_view name = text.substr(start + opener.size(), end - start - opener.size());
    out.append(text.substr(0, start));
    if (std::find(active.begin(), active.end(), name) != active.end()) {
      return Fail("{}{}) refers to itself: {}", opener, name, Chain(active, name));
    }
    active.emplace_back(name);
    const std::optional<std::string> found = TRY(lookup(name));
    if (found) {
      out.append(TRY(ReplaceReferences(*found, opener, lookup, active)));
    } else {
      out.append(text.substr(start, end + 1 - start));
    }
    active.pop_back();
    if (out.size() > kLongestValue)
      return Fail("{}{}) makes a value of more than {} bytes", opener, name, kLongestValue);
    text.remove_prefix(end + 1);
  }
  return out.append(text);
}

constexpr bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The name of a reference that begins behind a `$`, and how many bytes it takes; empty when it is
// none.
struct ShellReference {
  std::string_view name;
  size_t size = 0;
};

ShellReference ShellReferenceAt(std::string_view text) {
  const bool braced = text.starts_with('{');
  if (braced) text.remove_prefix(1);
  size_t size = 0;
  while (size < text.size() && IsNameCharacter(text[size])) ++size;
  if (size == 0 || IsDigit(text.front())) return {};
  if (!braced) return {text.substr(0, size), size};
  if (size == text.size() || text[size] != '}') return {};
  return {text.substr(0, size), size + 2};
}

}  // namespace

Result<std::string> ExpandEnvironment(std::string_view text, const Environment& environment) {
  std::vector<std::string> active;
  const NameLookup lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    const std::string* const value = environment.Find(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(*value);
  };
  return ReplaceReferences(text, "$(", lookup, active);
}

std::string ExpandShellStyle(std::string_view text, const Environment& environment) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '$') {
      const ShellReference reference = ShellReferenceAt(text.substr(at + 1));
      const std::string* const value =
          reference.size == 0 ? nullptr : environment.Find(reference.name);
      if (value != nullptr) {
        out.append(*value);
        at += 1 + reference.size;
        continue;
      }
    }
    out.push_back(text[at++]);
  }
  return out;
}

Result<std::string> ExpandResources(std::string_view text) {
  std::vector<std::string> active;
  const NameLookup lookup = [](std::string_view name) -> Result<std::optional<std::string>> {
    std::string content = TRY(ReadSource(std::string(name)));
    if (content.ends_with('\n')) content.pop_back();
    return content;
  };
  return ReplaceReferences(text, "@(", lookup, active);
}

Placeholders::Placeholders(std::span<const Setting> settings) {
  for (const Setting& setting : settings)
    first_.emplace(setting.name, First{setting.value, setting.order});
}

Result<std::string> Placeholders::Replace(std::string_view text,
                                          std::vector<std::string>& active) const {
  const auto value_of = [this](std::string_view name) -> std::optional<std::string> {
    const auto found = first_.find(name);
    return found == first_.end() ? std::nullopt : std::optional<std::string>(found->second.value);
  };
  const NameLookup operand = [&](std::string_view name) -> Result<std::optional<std::string>> {
    const std::optional<std::string> value = value_of(name);
    if (!value) return value;
    if (std::find(active.begin(), active.end(), name) != active.end()) {
      return Fail("%({}) refers to itself: {}", name, Chain(active, name));
    }
    active.emplace_back(name);
    std::string expanded = TRY(Replace(*value, active));
    active.pop_back();
    return std::optional<std::string>(std::move(expanded));
  };
  const NameLookup lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    std::optional<std::string> value = value_of(name);
    if (value || name.find(' ') == std::string_view::npos) return value;
    return std::optional<std::string>(TRY(EvaluateExpression(name, operand)));
  };
  return ReplaceReferences(text, "%(", lookup, active);
}

Result<std::string> Placeholders::Expand(const Setting& setting) const {
  std::vector<std::string> active;
  const auto found = first_.find(setting.name);
  // Only the first setting of a name is what %(name) means: a later one may build upon it.
  if (found != first_.end() && found->second.order == setting.order) active.push_back(setting.name);
  return Replace(setting.value, active);
}

Result<std::string> Placeholders::Expand(std::string_view text) const {
  std::vector<std::string> active;
  return Replace(text, active);
}

std::vector<std::string> ReferencedNames(std::string_view text) {
  std::vector<std::string> names;
  for (size_t start = text.find("%("); start != std::string_view::npos;
       start = text.find("%(", start + 2)) {
    const size_t end = text.find(')', start);
    if (end == std::string_view::npos) break;
    const std::string_view inside = text.substr(start + 2, end - start - 2);
    names.emplace_back(inside);
    for (size_t at = 0; at < inside.size();) {
      const size_t blank = std::min(inside.find(' ', at), inside.size());
      if (blank > at && blank - at < inside.size())
        names.emplace_back(inside.substr(at, blank - at));
      at = blank + 1;
    }
  }
  return names;
}

}  // namespace uwsgi

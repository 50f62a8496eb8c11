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
// So deep no configuration of people refers, nor so often.
constexpr size_t kDeepestReference = 64;
constexpr size_t kMostReferences = 10'000;  // of one value

std::string Chain(const std::vector<std::string>& active, std::string_view name) {
  std::string chain;
  for (auto at = std::find(active.begin(), active.end(), name); at != active.end(); ++at)
    chain += *at + " -> ";
  return chain.append(name);
}

// Goes into what is called so; the caller takes it off `trail.active` again.
Status Enter(ReferenceTrail& trail, std::string_view opener, std::string_view name) {
  if (std::find(trail.active.begin(), trail.active.end(), name) != trail.active.end())
    return Fail("{}{}) refers to itself: {}", opener, name, Chain(trail.active, name));
  if (trail.active.size() >= kDeepestReference)
    return Fail("{}{}) is referred to through more than {} others", opener, name,
                kDeepestReference);
  if (++trail.count > kMostReferences)
    return Fail("{}{}): the value makes more than {} references", opener, name, kMostReferences);
  trail.active.emplace_back(name);
  return {};
}

// Replaces each `opener` NAME `)` by what `lookup` finds, looked through again in its turn.
Result<std::string> ReplaceReferences(std::string_view text, std::string_view opener,
                                      const NameLookup& lookup, ReferenceTrail& trail) {
  std::string out;
  for (;;) {
    const size_t start = text.find(opener);
    const size_t end = start == std::string_view::npos ? start : text.find(')', start);
    if (end == std::string_view::npos) break;
    const std::string_view name = text.substr(start + opener.size(), end - start - opener.size());
    out.append(text.substr(0, start));
    TRY_STATUS(Enter(trail, opener, name));
    const std::optional<std::string> found = TRY(lookup(name));
    if (found) {
      out.append(TRY(ReplaceReferences(*found, opener, lookup, trail)));
    } else {
      out.append(text.substr(start, end + 1 - start));
    }
    trail.active.pop_back();
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
  ReferenceTrail trail;
  const NameLookup lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    const std::string* const value = environment.Find(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(*value);
  };
  return ReplaceReferences(text, "$(", lookup, trail);
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
  ReferenceTrail trail;
  const NameLookup lookup = [](std::string_view name) -> Result<std::optional<std::string>> {
    std::string content = TRY(ReadSource(std::string(name)));
    if (content.ends_with('\n')) content.pop_back();
    return content;
  };
  return ReplaceReferences(text, "@(", lookup, trail);
}

Placeholders::Placeholders(std::span<const Setting> settings) {
  for (const Setting& setting : settings)
    first_.emplace(setting.name, First{setting.value, setting.order});
}

Result<std::string> Placeholders::Replace(std::string_view text, ReferenceTrail& trail) const {
  const auto value_of = [this](std::string_view name) -> std::optional<std::string> {
    const auto found = first_.find(name);
    return found == first_.end() ? std::nullopt : std::optional<std::string>(found->second.value);
  };
  const NameLookup operand = [&](std::string_view name) -> Result<std::optional<std::string>> {
    const std::optional<std::string> value = value_of(name);
    if (!value) return value;
    TRY_STATUS(Enter(trail, "%(", name));
    std::string expanded = TRY(Replace(*value, trail));
    trail.active.pop_back();
    return std::optional<std::string>(std::move(expanded));
  };
  const NameLookup lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    std::optional<std::string> value = value_of(name);
    if (value || name.find(' ') == std::string_view::npos) return value;
    return std::optional<std::string>(TRY(EvaluateExpression(name, operand)));
  };
  return ReplaceReferences(text, "%(", lookup, trail);
}

Result<std::string> Placeholders::Expand(const Setting& setting) const {
  ReferenceTrail trail;
  const auto found = first_.find(setting.name);
  // Only the first setting of a name is what %(name) means: a later one may build upon it.
  if (found != first_.end() && found->second.order == setting.order)
    trail.active.push_back(setting.name);
  return Replace(setting.value, trail);
}

Result<std::string> Placeholders::Expand(std::string_view text) const {
  ReferenceTrail trail;
  return Replace(text, trail);
}

Result<std::string> ExpandEarly(std::string_view text, const Environment& environment,
                                std::span<const Setting> settings) {
  const std::string value = TRY(ExpandEnvironment(text, environment));
  return Placeholders(settings).Expand(ExpandShellStyle(value, environment));
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

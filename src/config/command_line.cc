// SPDX-License-Identifier: Apache-2.0
#include "config/command_line.h"

#include <string_view>

#include "config/did_you_mean.h"
#include "config/option_table.h"

namespace uwsgi {
namespace {

struct NamedRow {
  std::string_view name;
  const OptionRow* row;
};

// The option called so, or the only one that begins so.
Result<NamedRow> FindLongOption(std::string_view name) {
  if (const OptionRow* row = FindOption(name)) return NamedRow{name, row};
  NamedRow found{};
  std::string candidates;
  bool ambiguous = false;
  for (const OptionRow& row : AllOptions()) {
    for (std::string_view known : row.names) {
      if (name.empty() || !known.starts_with(name)) continue;
      ambiguous = ambiguous || (found.row != nullptr && found.row != &row);
      if (found.row == nullptr) found = {known, &row};
      candidates += fmt::format(" '--{}'", known);
    }
  }
  if (ambiguous)
    return Fail("option '--{}' is ambiguous (command line); possibilities:{}", name, candidates);
  if (found.row == nullptr)
    return Fail("unrecognized option '--{}' (command line){}", name, DidYouMean(name));
  return found;
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> arguments) : rest_(arguments) {}

  Result<CommandLine> Parse() {
    while (!rest_.empty()) {
      const std::string_view word = Next();
      if (word == "--") {
        line_.positional.insert(line_.positional.end(), rest_.begin(), rest_.end());
        break;
      }
      if (word.starts_with("--")) {
        TRY_STATUS(ParseLong(word.substr(2)));
      } else if (word.size() > 1 && word.front() == '-') {
        TRY_STATUS(ParseLetters(word.substr(1)));
      } else {
        line_.positional.emplace_back(word);
      }
    }
    return std::move(line_);
  }

 private:
  std::string_view Next() {
    const std::string_view word = rest_.front();
    rest_ = rest_.subspan(1);
    return word;
  }

  void AddFlag(std::string_view name) { line_.options.push_back({std::string(name), "", false}); }
  void Add(std::string_view name, std::string_view value) {
    line_.options.push_back({std::string(name), std::string(value), true});
  }

  Status AddWithNextWord(std::string_view name, std::string_view as_given) {
    if (rest_.empty()) return Fail("option '{}' requires an argument (command line)", as_given);
    Add(name, Next());
    return {};
  }

  Status ParseLong(std::string_view word) {
    const size_t equals = word.find('=');
    const NamedRow found = TRY(FindLongOption(word.substr(0, equals)));
    if (equals != std::string_view::npos) {
      Add(found.name, word.substr(equals + 1));
      return {};
    }
    if (TraitsOf(found.row->kind).arity == Arity::kRequired) {
      return AddWithNextWord(found.name, fmt::format("--{}", found.name));
    }
    AddFlag(found.name);
    return {};
  }

  Status ParseLetters(std::string_view letters) {
    while (!letters.empty()) {
      const char letter = letters.front();
      letters.remove_prefix(1);
      const OptionRow* const row = FindOptionByLetter(letter);
      if (row == nullptr) return Fail("unrecognized option '-{}' (command line)", letter);
      const KindTraits& traits = TraitsOf(row->kind);
      if (traits.arity == Arity::kNone) {
        if (letters.starts_with('='))
          return Fail("option '-{}' takes no '=' (command line); write --{}{}", letter, row->name(),
                      letters);
        AddFlag(row->name());
        continue;
      }
      if (letters.empty() && traits.arity == Arity::kRequired) {
        return AddWithNextWord(row->name(), fmt::format("-{}", letter));
      }
      // `=0` is an address, namely the first shared socket; elsewhere the `=` would silently become
      // part of the value.
      if (letters.starts_with('=') && row->kind != OptionKind::kAddressList) {
        return Fail("option '-{}' takes no '=' (command line); write -{} {} or --{}{}", letter,
                    letter, letters.substr(1), row->name(), letters);
      }
      if (letters.empty()) {
        AddFlag(row->name());
      } else {
        Add(row->name(), letters);
      }
      return {};
    }
    return {};
  }

  std::span<const std::string> rest_;
  CommandLine line_;
};

}  // namespace

Result<CommandLine> ParseCommandLine(std::span<const std::string> arguments) {
  return Parser(arguments).Parse();
}

}  // namespace uwsgi

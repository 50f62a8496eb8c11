// SPDX-License-Identifier: Apache-2.0
#include "top/top_options.h"

#include <charconv>
#include <optional>

#include "base/strings.h"

namespace uwsgi::top {

namespace {

using Mode = TopOptions::Mode;

// The two flags that make one mode together, and those that end the matter.
struct Flags {
  bool once = false, json = false, help = false, version = false;
};

struct FlagRow {
  std::string_view name;
  bool Flags::*flag;
};
constexpr FlagRow kFlags[] = {{"--once", &Flags::once},       {"--json", &Flags::json},
                              {"--help", &Flags::help},       {"-h", &Flags::help},
                              {"--version", &Flags::version}, {"-V", &Flags::version}};

struct SecondsRow {
  std::string_view name;
  double TopOptions::*seconds;
};
constexpr SecondsRow kSeconds[] = {{"--frequency", &TopOptions::frequency},
                                   {"-f", &TopOptions::frequency},
                                   {"--timeout", &TopOptions::timeout},
                                   {"-t", &TopOptions::timeout}};

Result<double> ParsePositive(std::string_view name, std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (!whole || !(value >= 0.05 && value <= 3600)) {
    return Fail("{} takes seconds from 0.05 to 3600, not \"{}\"", name, text);
  }
  return value;
}

const FlagRow* FindFlag(std::string_view name) {
  for (const FlagRow& row : kFlags) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

const SecondsRow* FindSeconds(std::string_view name) {
  for (const SecondsRow& row : kSeconds) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

Result<Mode> ModeOf(const Flags& flags) {
  if (flags.help) return Mode::kHelp;
  if (flags.version) return Mode::kVersion;
  if (flags.json && !flags.once) return Fail("--json needs --once");
  if (!flags.once) return Mode::kScreen;
  return flags.json ? Mode::kOnceJson : Mode::kOnceTable;
}

}  // namespace

Result<TopOptions> ParseTopOptions(std::span<const char* const> arguments) {
  TopOptions options;
  Flags flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const size_t equals = StartsWith(argument, "--") ? argument.find('=') : std::string_view::npos;
    const std::string_view name = argument.substr(0, equals);
    if (const FlagRow* flag = FindFlag(argument)) {
      flags.*flag->flag = true;
    } else if (const SecondsRow* row = FindSeconds(name)) {
      const bool attached = equals != std::string_view::npos;
      if (!attached && ++i == arguments.size()) return Fail("{} needs a value", name);
      options.*row->seconds =
          TRY(ParsePositive(name, attached ? argument.substr(equals + 1) : arguments[i]));
    } else if (argument.size() > 1 && argument.front() == '-') {
      return Fail("unknown option {}", argument);
    } else if (!options.address.empty()) {
      return Fail("one address only, not \"{}\" and \"{}\"", options.address, argument);
    } else {
      options.address = argument;
    }
  }
  options.mode = TRY(ModeOf(flags));
  const bool asks = options.mode != Mode::kHelp && options.mode != Mode::kVersion;
  if (asks && options.address.empty()) return Fail("the address of a stats server is missing");
  return options;
}

std::string_view TopHelp() {
  return R"(Usage: uwsgitop ADDRESS [--frequency SECONDS] [--timeout SECONDS] [--once [--json]]

Shows what the server behind a stats socket (--stats ADDRESS) does.

  ADDRESS               host:port, :port, [v6]:port, /path/of/socket, @abstract,
                        or http://host[:port][/path] for a server with --stats-http
  -f, --frequency S     ask every S seconds (1)
  -t, --timeout S       give up on an answer after S seconds (5)
  --once                print one table and end
  --once --json         print figures for scripts and end
  -V, --version
  -h, --help

Keys: q quit, a cores, f fast, s/S sort column, r reverse, F fields, p pause, h help.
)";
}

}  // namespace uwsgi::top

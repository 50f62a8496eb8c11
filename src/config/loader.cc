// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "base/log.h"
#include "base/strings.h"
#include "config/apply.h"
#include "config/command_line.h"
#include "config/comments.h"
#include "config/did_you_mean.h"
#include "config/environment.h"
#include "config/expansion.h"
#include "config/guards.h"
#include "config/implications.h"
#include "config/logic.h"
#include "config/magic.h"
#include "config/option_table.h"
#include "config/positional.h"
#include "config/reader.h"
#include "config/source.h"

namespace uwsgi {
namespace {

constexpr std::string_view kEnvironmentPrefix = "UWSGI_";
constexpr std::string_view kDefaultSection = "uwsgi";
constexpr int kDeepestInclusion = 32;

// Variables that servers tell each other things with; they are never options.
constexpr std::string_view kReservedVariables[] = {
    "UWSGI_RELOADS",       "UWSGI_ORIGINAL_PROC_NAME", "UWSGI_VASSALS_DIR",
    "UWSGI_EMPEROR_FD",    "UWSGI_EMPEROR_PROXY",      "UWSGI_EMPEROR_FD_CONFIG",
    "UWSGI_BROODLORD_NUM", "UWSGI_JAIL_PID",           "UWSGI_HANDOVER_FD",
    "UWSGI_TRIAL",         "UWSGI_TASKS_IN_PLACE",     "UWSGI_FALLBACKS_TRIED",
};

// Who said that an unknown name is meant.
enum class Said { kPlainly, kBySet, kBySetPlaceholder };

// Whether a file is read for what it is, or as a part of whatever includes it.
enum class Role { kWhole, kPart };

// What the loader remembers of a setting beside the setting itself.
struct Note {
  const OptionRow* row = nullptr;  // null for a placeholder
  Said said = Said::kPlainly;
  bool is_done = false;  // acted upon while reading
};

bool IsReserved(std::string_view variable) {
  return std::find(std::begin(kReservedVariables), std::end(kReservedVariables), variable) !=
         std::end(kReservedVariables);
}

std::string OptionNameOf(std::string_view variable) {
  std::string name = ToLower(variable.substr(kEnvironmentPrefix.size()));
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool IsNamed(const OptionRow* row, std::string_view name) {
  return row != nullptr && row->name() == name;
}

bool IsDirective(const OptionRow& row) {
  return row.kind == OptionKind::kDirectivePath || row.kind == OptionKind::kDirectiveText ||
         IsLogic(row.kind) || row.name() == "iprint" || row.name() == "exit" ||
         row.name() == "help";
}

class Loader {
 public:
  explicit Loader(const LoadRequest& request)
      : request_(request),
        environment_(request.environment),
        process_magic_(ProcessMagic(request.argv.empty() ? "uwsgi" : request.argv.front())) {}

  LoadOutcome Load() {
    Status done = ReadAndApply();
    return {std::move(options_), std::move(done)};
  }

 private:
  Status ReadAndApply() {
    TRY_STATUS(Read());
    if (!is_stopped_) {
      TRY_STATUS(ExpandSettings());
      TRY_STATUS(ApplySettings());
      TRY_STATUS(ApplyImplications(options_));
    }
    options_.magic = Magic();
    return {};
  }

  // ---- The sources, in order ----

  Status Read() {
    const std::span<const std::string> words(request_.argv);
    const CommandLine line = TRY(ParseCommandLine(words.empty() ? words : words.subspan(1)));
    const bool asks_for_help = std::any_of(
        line.options.begin(), line.options.end(),
        [](const DashedOption& option) { return IsNamed(FindOption(option.name), "help"); });
    // Help is given whatever else there is.
    if (!asks_for_help) TRY_STATUS(ReadEnvironment());
    const Origin origin{"command line", 0};
    for (const DashedOption& option : line.options) {
      if (is_stopped_) break;
      if (asks_for_help && !IsNamed(FindOption(option.name), "help")) continue;
      TRY_STATUS(Add(option.name, option.value, option.has_value, origin));
    }
    for (const std::string& word : line.positional) {
      // `uwsgi --help http`
      if (options_.help && options_.help->empty()) options_.help = word;
      if (is_stopped_) break;
      TRY_STATUS(ReadPositional(word, origin));
    }
    WarnOfOpenBlock();
    return {};
  }

  Status ReadEnvironment() {
    for (const Environment::Variable& variable : environment_.variables()) {
      if (!variable.name.starts_with(kEnvironmentPrefix) || IsReserved(variable.name) ||
          is_stopped_)
        continue;
      TRY_STATUS(Add(OptionNameOf(variable.name), variable.value, true,
                     {"environment " + variable.name, 0}));
    }
    return {};
  }

  Status ReadPositional(const std::string& word, const Origin& origin) {
    const PositionalMeaning meaning = MeaningOfPositional(word);
    switch (meaning.kind) {
      case PositionalMeaning::Kind::kNothing:
        return {};
      case PositionalMeaning::Kind::kConfigFile:
        return ReadFile(nullptr, word, Role::kWhole, origin);
      case PositionalMeaning::Kind::kUnknown:
        return Fail(
            "unable to load configuration from {} ({}): it is no configuration file, Python file "
            "or module:callable",
            word, origin.text());
      case PositionalMeaning::Kind::kOptions:
        break;
    }
    for (const PositionalMeaning::Pair& option : meaning.options) {
      TRY_STATUS(Add(option.name, option.value, true, origin));
    }
    return {};
  }

  // Reads one section of a file. `reader` is null when the extension tells the format.
  Status ReadFile(const ReaderRow* reader, std::string_view name, Role role, const Origin& origin) {
    SourceName from = SplitSection(name);
    const bool is_same_file = from.source.empty();
    if (is_same_file) from.source = current_source_.empty() ? last_source_ : current_source_;
    if (from.source.empty())
      return Fail("{} ({}): no file has been read before", name, origin.text());
    if (reader == nullptr) reader = FindReaderForFile(from.source);
    if (reader == nullptr) {
      return Fail("unable to load configuration from {} ({}): its extension tells no known format",
                  name, origin.text());
    }
    if (reader->read == nullptr) {
      return Fail(
          "unable to load configuration from {} ({}): {} is not supported yet by this release",
          name, origin.text(), reader->label);
    }
    if (depth_ == kDeepestInclusion)
      return Fail("{} ({}): files include each other without end", name, origin.text());
    const std::string text = TRY(TextOf(from.source, origin));
    if (!is_same_file && options_.get.empty())
      Log("[uWSGI] getting {} configuration from {}", reader->label, from.source);
    return AddText(*reader, text, from, role, origin);
  }

  // A stream can be read once only, but another of its sections may be asked for later.
  Result<std::string> TextOf(const std::string& source, const Origin& origin) {
    const auto known = streams_.find(source);
    if (known != streams_.end()) return known->second;
    Result<std::string> text = ReadSource(source);
    if (!text) return Fail("{} ({})", text.error().text(), origin.text());
    if (!IsFilePath(source)) streams_.emplace(source, *text);
    return text;
  }

  Status AddText(const ReaderRow& reader, const std::string& text, const SourceName& from,
                 Role role, const Origin& origin) {
    const MagicTable outer_magic = std::exchange(file_magic_, FileMagic(from.source, from.section));
    if (capital_magic_.empty() && role == Role::kWhole) capital_magic_ = CapitalMagic(file_magic_);
    const std::string outer_source = std::exchange(current_source_, from.source);
    last_source_ = from.source;
    ++depth_;
    const std::string_view section =
        from.section.empty() ? kDefaultSection : std::string_view(from.section);
    const ConfigText read = TRY(reader.read(ExpandMagic(text, Magic()), section));
    if (!read.section_found) {
      return Fail("can't find section \"{}\" in {} configuration file {} ({})", section,
                  reader.label, from.source, origin.text());
    }
    const bool block_was_open = block_.is_open();
    for (const ConfigEntry& entry : read.entries) {
      if (is_stopped_) break;
      TRY_STATUS(AddEntry(entry, {from.source, entry.line}));
    }
    if (!block_was_open) WarnOfOpenBlock();
    --depth_;
    current_source_ = outer_source;
    if (depth_ > 0) file_magic_ = outer_magic;
    return {};
  }

  void WarnOfOpenBlock() {
    if (!block_.is_open() || is_stopped_) return;
    Log("\"{}\" ({}) is not ended by a line of its own", block_.opener(),
        block_.opened_at().text());
    block_.Close();
  }

  // A line of a file: what is comment and what is value depends on the option.
  Status AddEntry(ConfigEntry entry, const Origin& origin) {
    if (FindOption(entry.key) == nullptr) {
      const std::string_view key = WithoutComment(entry.key);
      if (key != entry.key && FindOption(key) != nullptr)
        entry = {std::string(key), "", entry.line};
    }
    const OptionRow* const row = FindOption(entry.key);
    if (row != nullptr && TraitsOf(row->kind).ends_at_comment) {
      entry.value = WithoutComment(entry.value);
    } else if ((row == nullptr || !IsIgnored(row->kind)) && LooksCommented(entry.value)) {
      Log("the value of \"{}\" ({}) is free text: all of \"{}\" belongs to it, what looks like a "
          "comment too",
          entry.key, origin.text(), entry.value);
    }
    const auto directory = file_magic_.find('d');
    if (IsNamed(row, "log-date") && directory != file_magic_.end() &&
        entry.value.find(directory->second) != std::string::npos) {
      Log("\"{}\" ({}): %d was replaced by the directory of the file; write %% for each % of a "
          "date format",
          entry.key, origin.text());
    }
    return Add(entry.key, entry.value, true, origin);
  }

  // ---- One pair ----

  Status Add(std::string_view name, std::string_view value, bool has_value, const Origin& origin) {
    const OptionRow* const row = FindOption(name);
    if (row != nullptr && row->kind == OptionKind::kLogicEnd) {
      block_.Close();
      Record({std::string(name), std::string(value), has_value, true, origin, 0},
             {row, Said::kPlainly, true});
      return {};
    }
    if (row != nullptr && IsLogic(row->kind)) {
      Record({std::string(name), std::string(value), has_value, true, origin, 0},
             {row, Said::kPlainly, true});
      return block_.Open(row->name(), TRY(ExpandAtOnce(value, origin)), origin);
    }
    if (!block_.is_open()) return AddOne(name, value, has_value, origin, Said::kPlainly);
    const LogicFacts facts{environment_, options_.settings, IsReload()};
    const std::vector<std::string> values = TRY(block_.ValuesFor(value, facts));
    // What a line of the block brings in (another file) is no line of the block.
    const LogicBlock block = std::exchange(block_, LogicBlock());
    for (const std::string& each : values)
      TRY_STATUS(AddOne(name, each, has_value, origin, Said::kPlainly));
    block_ = block;
    return {};
  }

  Status AddOne(std::string_view name, std::string_view value, bool has_value, const Origin& origin,
                Said said) {
    if (is_stopped_) return {};
    const OptionRow* const row = FindOption(name);
    const bool is_directive = row != nullptr && IsDirective(*row);
    Record({std::string(name), std::string(value), has_value, row != nullptr, origin, 0},
           {row, said, is_directive});
    if (IsNamed(row, "get"))
      options_.get.push_back({std::string(value), origin, 0, std::string(name)});
    return is_directive ? Obey(*row, Setting(options_.settings.back())) : Status();
  }

  void Record(Setting setting, const Note& note) {
    setting.order = static_cast<int>(options_.settings.size());
    for (std::string& name : ReferencedNames(setting.value)) referenced_.insert(std::move(name));
    if (setting.value.find(kEnvironmentPrefix) != std::string::npos)
      variables_read_.append(setting.value).push_back('\n');
    options_.settings.push_back(std::move(setting));
    notes_.push_back(note);
  }

  // Acts upon an option that takes effect while reading. By value: reading a file makes the list of
  // settings grow.
  Status Obey(const OptionRow& row, const Setting& setting) {
    if (row.kind == OptionKind::kDirectivePath) {
      const std::string name = TRY(ExpandAtOnce(setting.value, setting.origin));
      const Role role = row.name() == "include" ? Role::kPart : Role::kWhole;
      return ReadFile(FindReaderByOption(row.name()), name, role, setting.origin);
    }
    if (row.kind == OptionKind::kDirectiveText) return ObeySet(row, setting);
    TRY_STATUS(ApplySetting(row, setting, options_));
    // --help --exit: nothing behind them matters. `help = false` in a file asks for nothing.
    is_stopped_ = is_stopped_ || options_.help.has_value() || options_.exit.has_value();
    return {};
  }

  Status ObeySet(const OptionRow& row, const Setting& setting) {
    const size_t equals = setting.value.find('=');
    if (equals == std::string::npos) {
      return Fail("invalid placeholder/--set value \"{}\" ({}): NAME=VALUE is expected",
                  setting.value, setting.origin.text());
    }
    const std::string_view name = Trim(std::string_view(setting.value).substr(0, equals));
    const std::string_view value = Trim(std::string_view(setting.value).substr(equals + 1));
    if (row.name() == "set") return AddOne(name, value, true, setting.origin, Said::kBySet);
    if (FindOption(name) != nullptr) {
      return Fail("you cannot use {} as a placeholder ({}), it is already available as an option",
                  name, setting.origin.text());
    }
    return AddOne(name, value, true, setting.origin, Said::kBySetPlaceholder);
  }

  // The value of an option that takes effect while reading: what is known so far is replaced.
  Result<std::string> ExpandAtOnce(std::string_view value, const Origin& origin) const {
    Result<std::string> expanded = ExpandEarly(value, environment_, options_.settings);
    if (!expanded) return Fail("{} ({})", expanded.error().text(), origin.text());
    return expanded;
  }

  [[nodiscard]] bool IsReload() const {
    return request_.is_reload || environment_.Find("UWSGI_RELOADS") != nullptr;
  }

  [[nodiscard]] MagicTable Magic() const {
    MagicTable all = file_magic_;
    all.insert(capital_magic_.begin(), capital_magic_.end());
    all.insert(process_magic_.begin(), process_magic_.end());
    return all;
  }

  // ---- Afterwards ----

  Status ExpandSettings() {
    for (size_t i = 0; i < notes_.size(); ++i) {
      if (notes_[i].is_done) continue;
      Setting& setting = options_.settings[i];
      Result<std::string> value = ExpandEnvironment(setting.value, environment_);
      if (value && notes_[i].row != nullptr && TraitsOf(notes_[i].row->kind).ends_at_comment) {
        value = ExpandShellStyle(*value, environment_);
      }
      if (value) value = ExpandResources(*value);
      if (!value) return ExpansionFailed(setting, value.error());
      setting.value = std::move(*value);
    }
    const Placeholders placeholders(options_.settings);
    for (size_t i = 0; i < notes_.size(); ++i) {
      if (notes_[i].is_done) continue;
      Setting& setting = options_.settings[i];
      Result<std::string> value = placeholders.Expand(setting);
      if (!value) return ExpansionFailed(setting, value.error());
      setting.value = std::move(*value);
    }
    return {};
  }

  static tl::unexpected<Error> ExpansionFailed(const Setting& setting, const Error& error) {
    return Fail("option \"{}\" ({}): {}", setting.name, setting.origin.text(), error.text());
  }

  Status ApplySettings() {
    options_.get.clear();  // filled while reading, to silence the announcements
    for (size_t i = 0; i < notes_.size(); ++i) {
      const Setting& setting = options_.settings[i];
      if (notes_[i].is_done || notes_[i].row == nullptr) continue;
      if (const auto reason = WhyRefused(*notes_[i].row, setting.value); !reason.empty()) {
        return Fail("option \"{}\" ({}): {}", setting.name, setting.origin.text(), reason);
      }
      WarnIfIgnored(*notes_[i].row, setting);
      TRY_STATUS(ApplySetting(*notes_[i].row, setting, options_));
    }
    for (size_t i = 0; i < notes_.size(); ++i) {
      if (notes_[i].row == nullptr) TRY_STATUS(CheckUnknown(options_.settings[i], notes_[i].said));
    }
    return {};
  }

  void WarnIfIgnored(const OptionRow& row, const Setting& setting) {
    if (!IsIgnored(row.kind)) return;
    if (row.kind == OptionKind::kIgnored && ParseFlagWord(setting.value) == false) return;
    if (!warned_of_.insert(&row).second) return;
    // What can never happen here says so itself.
    if (row.help.starts_with("no effect, ")) {
      return Log("option \"{}\" has {} ({})", setting.name, row.help, setting.origin.text());
    }
    Log("option \"{}\" is not served yet by this release and has no effect ({})", setting.name,
        setting.origin.text());
  }

  Status CheckUnknown(const Setting& setting, Said said) {
    const std::string suggestion = DidYouMean(setting.name);
    if (options_.strict && said != Said::kBySetPlaceholder) {
      return Fail("[strict-mode] unknown config directive: {} ({}){}", setting.name,
                  setting.origin.text(), suggestion);
    }
    const bool is_meant =
        said != Said::kPlainly && (said == Said::kBySetPlaceholder || suggestion.empty());
    if (is_meant || referenced_.contains(setting.name) || IsReadAsVariable(setting)) return {};
    if (!warned_of_names_.insert(setting.name).second) return {};
    if (!suggestion.empty()) {
      Log("unknown option \"{}\" ({}){}", setting.name, setting.origin.text(), suggestion);
    } else {
      Log("unknown option \"{}\" ({}) is kept for %({}) and uwsgi.opt only", setting.name,
          setting.origin.text(), setting.name);
    }
    return {};
  }

  // Whether a variable UWSGI_X of the environment is there for some `$(UWSGI_X)` or `if-env =
  // UWSGI_X`.
  [[nodiscard]] bool IsReadAsVariable(const Setting& unknown) const {
    constexpr std::string_view kEnvironment = "environment ";
    if (!unknown.origin.source.starts_with(kEnvironment)) return false;
    return variables_read_.find(
               std::string_view(unknown.origin.source).substr(kEnvironment.size())) !=
           std::string::npos;
  }

  const LoadRequest& request_;
  const Environment environment_;
  const MagicTable process_magic_;

  Options options_;
  std::vector<Note> notes_;  // one for each of options_.settings
  LogicBlock block_;
  bool is_stopped_ = false;  // by help or exit

  std::string current_source_;  // being read, empty outside of files
  std::string last_source_;
  std::map<std::string, std::string> streams_;
  int depth_ = 0;
  MagicTable file_magic_;
  MagicTable capital_magic_;

  std::set<std::string, std::less<>> referenced_;  // names in %(...)
  std::string variables_read_;                     // values that name a variable UWSGI_*
  std::set<const OptionRow*> warned_of_;
  std::set<std::string, std::less<>> warned_of_names_;
};

}  // namespace

LoadRequest RequestOfThisProcess(int argc, char** argv) {
  LoadRequest request;
  request.argv.assign(argv, argv + argc);
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    request.environment.emplace_back(*variable);
  }
  return request;
}

LoadOutcome LoadAsFarAsPossible(const LoadRequest& request) { return Loader(request).Load(); }

Result<Options> LoadOptions(const LoadRequest& request) {
  LoadOutcome loaded = LoadAsFarAsPossible(request);
  if (!loaded.done) return tl::unexpected(std::move(loaded.done).error());
  return std::move(loaded.options);
}

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/option_table.h"
#include "config/options.h"

namespace uwsgi {

// Writes one setting into the member of its row: scalars are overwritten, lists grow. Rows without
// a member change nothing. A value that does not fit the kind is an error that names option, place
// and what was expected.
Status ApplySetting(const OptionRow& row, const Setting& setting, Options& options);

// Bytes: digits with an optional k, m or g (of 1024) behind them.
std::optional<int64_t> ParseSize(std::string_view text);
// Bytes given as megabytes: digits, maybe with a decimal fraction; with k, m or g behind them the
// unit is named instead.
std::optional<int64_t> ParseMegabytes(std::string_view text);

// `true on yes 1` and `false off no 0`, in any case; nothing for other words.
std::optional<bool> ParseFlagWord(std::string_view text);

}  // namespace uwsgi

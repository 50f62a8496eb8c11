// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "base/log_json.h"
#include "service/log_encoder.h"
#include "service/log_frame.h"

// Whatever a process writes: lines come out, each of them makes a valid JSON object on one line,
// and no bytes of the application are lost.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const std::string token("\0LOG-a-token", uwsgi::kLogTokenBytes);
  static const auto encoder =
      uwsgi::LogEncoder::Parse(R"(json {"m":"${msg}","n":"${msgnl}"})").value();
  const size_t piece = size == 0 ? 1 : data[0] % 16 + 1;
  size_t lines_bytes = 0;
  uwsgi::LogSplitter splitter(token, 64, [&](uwsgi::LogStream, std::string_view line) {
    if (line.find('\n') != std::string_view::npos) std::abort();
    lines_bytes += line.size();
    std::string object;
    uwsgi::AppendJsonLogLine(object, {}, 0, uwsgi::LogLevelOf(line), line);
    if (object.find('\n') != std::string::npos || !uwsgi::ParseJson(object)) std::abort();
    if (!uwsgi::ParseJson(encoder.Encode(std::string(line) + "\n", 0))) std::abort();
  });
  for (size_t at = 0; at < size; at += piece) splitter.Feed(bytes.substr(at, piece));
  splitter.Finish();
  const auto newlines = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  const bool has_frames = bytes.find(token) != std::string_view::npos;
  if (!has_frames && lines_bytes + newlines != size) std::abort();
  return 0;
}

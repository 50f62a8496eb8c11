// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/strings.h"

namespace uwsgi {

// A case of tests/wire (format: its README).
struct WireCase {
  struct Fact {
    std::string key, value;
  };
  std::string name;
  std::string input;
  std::string outcome;  // "200 keep", "400 close", "incomplete" ...
  size_t responses = 0;
  std::vector<Fact> facts;  // those about requests
};

inline std::string UnescapeFact(ByteView text) {
  static const std::map<char, char> kSigns{{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'\\', '\\'}};
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out.push_back(text[at]);
    } else if (text[++at] == 'x') {
      unsigned byte = 0;
      std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16);
      out.push_back(static_cast<char>(byte));
      at += 2;
    } else {
      out.push_back(kSigns.at(text[at]));
    }
  }
  return out;
}

inline WireCase LoadWireCase(const std::filesystem::path& http) {
  std::filesystem::path expect = http;
  const std::string text = ReadFile(expect.replace_extension(".expect").string()).value();
  const auto lines = Split(text, '\n');
  WireCase loaded{http.stem().string(),
                  ReadFile(http.string()).value(),
                  std::string(lines.at(0)),
                  lines.at(0) == "incomplete" ? size_t{0} : size_t{1},
                  {}};
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(": ");
    if (colon == ByteView::npos) continue;
    const std::string value = UnescapeFact(lines[i].substr(colon + 2));
    if (lines[i].starts_with("responses: ")) {
      loaded.responses = static_cast<size_t>(ParseInt(value).value());
    } else {
      loaded.facts.push_back({std::string(lines[i].substr(0, colon)), value});
    }
  }
  return loaded;
}

inline std::vector<std::filesystem::path> WireCaseFiles() {
  std::vector<std::filesystem::path> files;
  for (const char* const kind : {"valid", "invalid"}) {
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(UWSGI_SOURCE_DIR) / "tests/wire" / kind)) {
      if (entry.path().extension() == ".http") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What a parameterised test is called for its file.
inline std::string WireCaseName(const testing::TestParamInfo<std::filesystem::path>& info) {
  return info.param.parent_path().filename().string() + "_" + info.param.stem().string();
}

}  // namespace uwsgi

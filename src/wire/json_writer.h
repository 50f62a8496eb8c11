// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace uwsgi {

enum class JsonStyle : uint8_t {
  kTabs,      // a line for each value, as people and the monitors of the predecessor read it
  kMinified,  // no white space
};

// Writes one JSON document straight into a string. Who calls it keeps the grammar: keys in objects,
// none in lists, each Begin with its End.
//
// compat: with tabs, an object that is a value stands behind as many tabs as it is deep, texts in
// lists have none, and what is empty holds an empty line (reference 13 section 1).
class JsonWriter {
 public:
  JsonWriter(JsonStyle style, size_t expected_bytes) : style_(style) {
    out_.reserve(expected_bytes);
  }

  void BeginObject();
  void BeginObject(std::string_view key);
  void EndObject() { End('}'); }
  void BeginList(std::string_view key);
  void EndList() { End(']'); }

  // Keys are ours and need no escapes.
  void Number(std::string_view key, int64_t value);
  void Text(std::string_view key, std::string_view value);
  void TextItem(std::string_view value);
  void NumberItem(int64_t value);
  // A name that others chose as key.
  void NumberNamed(std::string_view name, int64_t value);

  [[nodiscard]] std::string Take() && { return std::move(out_); }

 private:
  void Key(std::string_view key);
  void AppendNumber(int64_t value);
  void Separate();
  void Indent();
  void NewLine() {
    if (style_ == JsonStyle::kTabs) out_ += '\n';
  }
  void Open(char bracket);
  void End(char bracket);

  JsonStyle style_;
  std::string out_;
  size_t depth_ = 0;
  bool is_first_ = true;  // nothing stands before the next value in its object or list
};

}  // namespace uwsgi

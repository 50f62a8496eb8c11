// SPDX-License-Identifier: Apache-2.0
#include "wire/json_writer.h"

#include <fmt/format.h>

#include "base/json.h"

namespace uwsgi {

void JsonWriter::Separate() {
  if (is_first_) {
    is_first_ = false;
    return;
  }
  out_ += ',';
  NewLine();
}

void JsonWriter::Indent() {
  if (style_ == JsonStyle::kTabs) out_.append(depth_, '\t');
}

void JsonWriter::Open(char bracket) {
  out_ += bracket;
  NewLine();
  ++depth_;
  is_first_ = true;
}

void JsonWriter::End(char bracket) {
  --depth_;
  NewLine();
  Indent();
  out_ += bracket;
  is_first_ = false;
}

void JsonWriter::Key(std::string_view key) {
  Separate();
  Indent();
  out_ += '"';
  out_ += key;
  out_ += "\":";
}

void JsonWriter::BeginObject() {
  Separate();
  Indent();
  Open('{');
}

void JsonWriter::BeginObject(std::string_view key) {
  Key(key);
  Indent();
  Open('{');
}

void JsonWriter::BeginList(std::string_view key) {
  Key(key);
  Open('[');
}

void JsonWriter::Number(std::string_view key, int64_t value) {
  Key(key);
  AppendNumber(value);
}

void JsonWriter::NumberNamed(std::string_view name, int64_t value) {
  Separate();
  Indent();
  AppendJsonString(out_, name);
  out_ += ':';
  AppendNumber(value);
}

void JsonWriter::NumberItem(int64_t value) {
  Separate();
  AppendNumber(value);
}

void JsonWriter::AppendNumber(int64_t value) {
  const fmt::format_int digits(value);
  out_.append(digits.data(), digits.size());
}

void JsonWriter::Text(std::string_view key, std::string_view value) {
  Key(key);
  AppendJsonString(out_, value);
}

void JsonWriter::TextItem(std::string_view value) {
  Separate();
  AppendJsonString(out_, value);
}

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace uwsgi {

namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

int64_t Saturated(double number, int64_t fallback) {
  if (std::isnan(number)) return fallback;
  if (number >= kTwoTo63) return std::numeric_limits<int64_t>::max();
  if (number <= -kTwoTo63) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(number);
}

}  // namespace

int64_t Json::integer(int64_t fallback) const {
  if (const auto* whole = std::get_if<int64_t>(&value_)) return *whole;
  if (const auto* number = std::get_if<double>(&value_)) return Saturated(*number, fallback);
  if (const auto* truth = std::get_if<bool>(&value_)) return *truth ? 1 : 0;
  return fallback;
}

double Json::real(double fallback) const {
  if (const auto* number = std::get_if<double>(&value_)) return *number;
  if (const auto* whole = std::get_if<int64_t>(&value_)) return static_cast<double>(*whole);
  return fallback;
}

std::string_view Json::text(std::string_view fallback) const {
  const auto* text = std::get_if<std::string>(&value_);
  return text != nullptr ? *text : fallback;
}

const JsonArray& Json::items() const {
  static const JsonArray kNone;
  const auto* array = std::get_if<JsonArray>(&value_);
  return array != nullptr ? *array : kNone;
}

const JsonObject& Json::members() const {
  static const JsonObject kNone;
  const auto* object = std::get_if<JsonObject>(&value_);
  return object != nullptr ? *object : kNone;
}

const Json* Json::Find(std::string_view name) const {
  for (const auto& [key, value] : members()) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Json& Json::operator[](std::string_view name) const {
  static const Json kNull;
  const Json* found = Find(name);
  return found != nullptr ? *found : kNull;
}

// Builds the tree from the library's events, which come without recursion. Returning false from an
// event ends the parse.
class JsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonReader(JsonLimits limits) : limits_(limits) {}

  bool null() override { return Put(Json()); }
  bool boolean(bool value) override { return Put(Json(value)); }
  bool number_integer(int64_t value) override { return Put(Json(value)); }
  bool number_unsigned(uint64_t value) override {
    return value > std::numeric_limits<int64_t>::max() ? Put(Json(static_cast<double>(value)))
                                                       : Put(Json(static_cast<int64_t>(value)));
  }
  bool number_float(double value, const std::string&) override { return Put(Json(value)); }
  bool string(std::string& value) override { return Put(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Enter(Json(JsonObject())); }
  bool start_array(size_t) override { return Enter(Json(JsonArray())); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(std::string& name) override {
    keys_.back() = std::move(name);
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    problem_ = fmt::format("not JSON at byte {}", position);
    return false;
  }

  Json& root() { return root_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool Put(Json value) {
    if (++count_ > limits_.values) {
      problem_ = fmt::format("JSON with more than {} values", limits_.values);
      return false;
    }
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* array = std::get_if<JsonArray>(&open_.back().value_)) {
      array->push_back(std::move(value));
    } else {
      std::get<JsonObject>(open_.back().value_)
          .emplace_back(std::move(keys_.back()), std::move(value));
    }
    return true;
  }

  bool Enter(Json container) {
    if (open_.size() >= limits_.depth) {
      problem_ = fmt::format("JSON nested more than {} deep", limits_.depth);
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }

  bool Leave() {
    Json done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return Put(std::move(done));
  }

  JsonLimits limits_;
  Json root_;
  std::vector<Json> open_;         // the containers around the next value
  std::vector<std::string> keys_;  // the member each of them waits for
  size_t count_ = 0;
  std::string problem_ = "not JSON";
};

Result<Json> ParseJson(std::string_view text, JsonLimits limits) {
  JsonReader reader(limits);
  const std::string valid = ValidUtf8(text);
  try {
    if (!nlohmann::json::sax_parse(valid, &reader)) return Fail("{}", reader.problem());
  } catch (const std::exception& problem) {
    return Fail("not JSON: {}", problem.what());
  }
  return std::move(reader.root());
}

namespace {

// How many bytes at the front stand for themselves in a string.
size_t PlainSize(std::string_view text) {
  size_t size = 0;
  while (size < text.size()) {
    const auto byte = static_cast<unsigned char>(text[size]);
    if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') break;
    ++size;
  }
  return size;
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  constexpr std::string_view kPlain = "\b\t\n\f\r\"\\", kLetters = "btnfr\"\\";
  out += '"';
  for (;;) {
    const size_t plain = PlainSize(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    const size_t size = DecodeUtf8(text).size;
    if (const size_t at = kPlain.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

}  // namespace uwsgi

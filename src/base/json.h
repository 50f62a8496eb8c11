// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace uwsgi {

class Json;
using JsonArray = std::vector<Json>;
using JsonObject = std::vector<std::pair<std::string, Json>>;  // in the order of the text

// A parsed document. Reading it is lenient: what is not there, or is of another kind, reads as the
// fallback, so that documents of strangers need no checks at every step.
class Json {
 public:
  Json() = default;  // null
  template <typename T>
  explicit Json(T value) : value_(std::move(value)) {}

  [[nodiscard]] bool is_null() const { return Is<std::monostate>(); }
  [[nodiscard]] bool is_bool() const { return Is<bool>(); }
  [[nodiscard]] bool is_number() const { return Is<int64_t>() || Is<double>(); }
  [[nodiscard]] bool is_string() const { return Is<std::string>(); }
  [[nodiscard]] bool is_array() const { return Is<JsonArray>(); }
  [[nodiscard]] bool is_object() const { return Is<JsonObject>(); }

  // A number without its fraction, brought into the range of the type; true is 1, false 0.
  [[nodiscard]] int64_t integer(int64_t fallback = 0) const;
  [[nodiscard]] double real(double fallback = 0) const;
  // The text of a string. It lives as long as this value.
  [[nodiscard]] std::string_view text(std::string_view fallback = {}) const;
  // The items of an array; none when it is none.
  [[nodiscard]] const JsonArray& items() const;
  // The members of an object; none when it is none.
  [[nodiscard]] const JsonObject& members() const;
  // The member of that name (the first of several), or null.
  [[nodiscard]] const Json& operator[](std::string_view name) const;
  [[nodiscard]] bool Has(std::string_view name) const { return Find(name) != nullptr; }

 private:
  friend class JsonReader;
  template <typename T>
  [[nodiscard]] bool Is() const {
    return std::holds_alternative<T>(value_);
  }
  [[nodiscard]] const Json* Find(std::string_view name) const;

  std::variant<std::monostate, bool, int64_t, double, std::string, JsonArray, JsonObject> value_;
};

// What a document of a stranger may cost.
struct JsonLimits {
  size_t depth = 64;
  size_t values = 1'000'000;
};

// The whole text as one document. Bytes that are no UTF-8 count as U+FFFD. The error names the
// place.
Result<Json> ParseJson(std::string_view text, JsonLimits limits = {});

// Appends the text as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);
std::string JsonString(std::string_view text);

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "wire/cgi_names.h"

namespace uwsgi {

// One CGI variable. `name` is the full CGI name ("HTTP_ACCEPT"), also for known ids; both views
// live as long as the request (constants: as long as the listener).
struct Var {
  CgiName id = CgiName::kUnknown;
  ByteView name;
  ByteView value;
};

// The variables of a request, in the order of arrival: what the protocol read, completed by
// constants that every request of the listener shares (SERVER_NAME, SERVER_PORT ...). A variable of
// the request hides a constant of the same name.
class VarTable {
 public:
  void Clear() {
    vars_.clear();
    index_.fill(0);
    constants_ = {};
  }
  void SetConstants(std::span<const Var> constants) { constants_ = constants; }

  // Sets a known variable; an earlier value is replaced in place.
  void Set(CgiName id, ByteView value);
  // Sets a variable by its CGI name (known or not); an earlier value is replaced in place.
  void SetByName(ByteView name, ByteView value);
  // Appends an unknown variable without looking for an earlier one.
  void Append(ByteView name, ByteView value) { vars_.push_back({CgiName::kUnknown, name, value}); }

  [[nodiscard]] bool Has(CgiName id) const { return Find(id) != nullptr; }
  // The value, empty when there is no such variable.
  [[nodiscard]] ByteView Get(CgiName id) const {
    const Var* var = Find(id);
    return var != nullptr ? var->value : ByteView();
  }
  [[nodiscard]] const Var* Find(CgiName id) const;
  [[nodiscard]] const Var* FindByName(ByteView name) const;
  void Remove(CgiName id);

  // The request's own variables, without the constants.
  [[nodiscard]] std::span<const Var> vars() const { return vars_; }
  [[nodiscard]] std::span<const Var> constants() const { return constants_; }

 private:
  std::vector<Var> vars_;
  std::array<uint16_t, static_cast<size_t>(CgiName::kCount)>
      index_{};  // position in vars_ plus one
  std::span<const Var> constants_;
};

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "request/request.h"
#include "request/response.h"
#include "runtime/services.h"

namespace uwsgi {

// A kind of uwsgi packet that the server answers itself, instead of an application. The protocol
// lets it through only when `remote-services` names it (wire/native_modifiers.h).
struct ModifierRow {
  uint8_t modifier1;
  void (*handle)(const Services& services, Request& request, Response& response);
};

// Null: requests with this first modifier are for an application.
const ModifierRow* FindModifier(uint8_t modifier1);

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "base/printable.h"
#include "request/log_format.h"
#include "service/log_encoder.h"

// Any bytes are a template of request lines: its pieces put together are the template again. Any
// bytes are a template of an encoder, and control bytes never get through.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string again;
  const uwsgi::LogFormat format(text);
  for (const auto& piece : format.pieces()) {
    again += piece.is_variable ? "%(" + piece.text + ")" : piece.text;
  }
  if (again != text) std::abort();

  for (const char c : uwsgi::Printable(text)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  }
  if (const auto encoder = uwsgi::LogEncoder::Parse(text)) {
    if (encoder->IsFor("") && encoder->Encode("x\n", 0).size() > size * 256 + 4096) std::abort();
  }
  if (!uwsgi::ParseJson(uwsgi::JsonString(text))) std::abort();
  return 0;
}

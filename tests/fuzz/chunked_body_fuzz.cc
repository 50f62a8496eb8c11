// SPDX-License-Identifier: Apache-2.0
// A chunked body gives the same payload and the same end in one piece and byte by byte.
#include <cstdlib>

#include "wire/http1_body.h"

using namespace uwsgi;

namespace {
struct Outcome {
  std::string payload;
  size_t consumed = 0;
  bool done = false;
  bool error = false;
  bool operator==(const Outcome&) const = default;
};

Outcome Decode(ByteView input, size_t step) {
  ChunkedDecoder decoder;
  Outcome outcome;
  for (size_t size = 0; !outcome.done && !outcome.error;) {
    const BodyPiece piece = decoder.Next(input.substr(outcome.consumed, size - outcome.consumed));
    outcome.payload.append(piece.data);
    outcome.consumed += piece.consumed;
    outcome.done = piece.done;
    outcome.error = piece.error;
    if (!piece.data.empty() || outcome.done || outcome.error) continue;
    if (outcome.consumed != size) std::abort();  // without data all of the input must be used up
    if (size == input.size()) break;
    size = std::min(size + step, input.size());
  }
  return outcome;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  if (Decode(input, size + 1) != Decode(input, 1)) std::abort();
  return 0;
}

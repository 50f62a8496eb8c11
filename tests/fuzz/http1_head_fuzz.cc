// SPDX-License-Identifier: Apache-2.0
// A request head gives the same answer in one piece and byte by byte, wherever its bytes lie.
#include <cstdlib>
#include <memory>

#include "wire/http1_parser.h"
#include "wire/target.h"

using namespace uwsgi;

#define REQUIRE(claim) ((claim) ? void() : std::abort())

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  const HttpLimits limits{.max_head = 2000, .max_target = 500, .max_fields = 20};
  HttpHead whole, pieces;
  const ParseOutcome expected = Http1Parser().Parse(input, limits, whole);
  Http1Parser parser;
  ParseOutcome outcome;
  std::unique_ptr<std::string> place;
  for (size_t end = 0; end <= size && outcome.status == ParseStatus::kNeedMore; ++end) {
    place = std::make_unique<std::string>(input, 0, end);  // mostly elsewhere than before
    outcome = parser.Parse(*place, limits, pieces);
  }
  REQUIRE(outcome.status == expected.status && outcome.error_status == expected.error_status);
  REQUIRE(outcome.consumed == expected.consumed);
  if (outcome.status != ParseStatus::kComplete) return 0;
  REQUIRE(whole.method == pieces.method && whole.target == pieces.target &&
          whole.host == pieces.host);
  REQUIRE(whole.path == pieces.path && whole.query == pieces.query &&
          whole.fields.size() == pieces.fields.size());
  REQUIRE(!(whole.framing == BodyFraming::kChunked && whole.has_content_length));
  for (size_t i = 0; i < whole.fields.size(); ++i) {
    REQUIRE(whole.fields[i].value == pieces.fields[i].value);
  }
  std::string room(whole.path.size(), '\0');
  const auto path = DecodePath(whole.path, room.data());
  REQUIRE(!path || path->find('\0') == ByteView::npos);
  return 0;
}

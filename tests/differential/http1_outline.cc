// SPDX-License-Identifier: Apache-2.0
// Reads inputs (four bytes of length, big-endian, then the bytes) and writes for each a line of
// JSON: the requests that our parser finds in it and how it ends. llhttp_outline.js writes the same
// of llhttp; compare.py sets one against the other.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "wire/http1_body.h"
#include "wire/http1_parser.h"

using namespace uwsgi;

namespace {

std::string Hex(ByteView bytes) {
  std::string text = "\"";
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text + "\"";
}

std::string DescribeHead(const HttpHead& head) {
  std::string text =
      fmt::format(R"("method":{},"target":{},"minor":{},"fields":[)", Hex(head.method),
                  Hex(head.target), head.version == HttpVersion::k11 ? 1 : 0);
  for (size_t i = 0; i < head.fields.size(); ++i) {
    text += fmt::format("{}[{},{}]", i == 0 ? "" : ",", Hex(head.fields[i].name),
                        Hex(head.fields[i].value));
  }
  return text + "]";
}

// Consumes the body from the front of `rest`. "done", "more" or "error".
const char* ReadBody(const HttpHead& head, ByteView& rest, std::string& body) {
  BodyDecoder decoder(head.framing, head.content_length);
  for (;;) {
    const BodyPiece piece = decoder.Next(rest);
    rest.remove_prefix(piece.consumed);
    body.append(piece.data);
    if (piece.error) return "error";
    if (piece.done) return "done";
    if (piece.data.empty()) return "more";
  }
}

std::string Outline(ByteView rest) {
  std::string messages;
  const char* end = "more";
  while (!rest.empty()) {
    HttpHead head;
    const ParseOutcome outcome = Http1Parser().Parse(rest, HttpLimits{}, head);
    if (outcome.status != ParseStatus::kComplete) {
      end = outcome.status == ParseStatus::kError ? "error" : "more";
      break;
    }
    std::string body;
    const std::string described = DescribeHead(head);
    rest.remove_prefix(outcome.consumed);
    const bool has_body = head.framing == BodyFraming::kChunked || head.content_length > 0;
    end = has_body ? ReadBody(head, rest, body) : "done";
    if (end == std::string_view("error")) break;
    messages += fmt::format(R"({}{{{},"body":{},"whole":{}}})", messages.empty() ? "" : ",",
                            described, Hex(body), end == std::string_view("done"));
    if (end == std::string_view("more")) break;
    if (!head.keep_alive) {
      end = "closed";
      break;
    }
  }
  return fmt::format(R"({{"messages":[{}],"end":"{}"}})", messages, end);
}

}  // namespace

int main() {
  uint32_t size = 0;
  std::string input;
  while (std::fread(&size, sizeof size, 1, stdin) == 1) {
    input.resize(ntohl(size));
    if (std::fread(input.data(), 1, input.size(), stdin) != input.size()) return 1;
    fmt::print("{}\n", Outline(input));
  }
  return 0;
}

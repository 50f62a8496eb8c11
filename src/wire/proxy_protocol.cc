// SPDX-License-Identifier: Apache-2.0
#include "wire/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "base/scan.h"

namespace uwsgi {
namespace {

constexpr ByteView kTextSign = "PROXY ";
constexpr ByteView kBinarySign{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr size_t kMaxText = 107;     // with CR LF, by the specification
constexpr size_t kMaxBinary = 4096;  // addresses and extensions; real ones have a few hundred bytes

ParseOutcome Bad(const char* reason) { return {ParseStatus::kError, 0, 0, reason}; }

// Does `in` begin with `sign`, as far as it is there?
bool MayBeginWith(ByteView in, ByteView sign) {
  const size_t size = std::min(in.size(), sign.size());
  return in.substr(0, size) == sign.substr(0, size);
}

uint16_t ReadBe16(const char* at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(at[0]) << 8 |
                               static_cast<unsigned char>(at[1]));
}

// Takes the next word and the one space behind it off a text line; empty when there is none.
ByteView TakeWord(ByteView& line) {
  const size_t space = line.find(' ');
  const ByteView word = line.substr(0, space);
  line = space == ByteView::npos ? ByteView() : line.substr(space + 1);
  return word;
}

bool IsAddress(int family, const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

std::optional<uint16_t> ReadPort(ByteView text) {
  unsigned port = 0;
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  for (const char digit : text) {
    if (!IsByte(digit, kDigitByte)) return std::nullopt;
    port = port * 10 + static_cast<unsigned>(digit - '0');
  }
  if (port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

ParseOutcome DecodeText(ByteView in, ProxyHeader& header) {
  const size_t line_feed = in.substr(0, kMaxText).find('\n');
  if (line_feed == ByteView::npos)
    return in.size() >= kMaxText ? Bad("PROXY line longer than 107 bytes") : ParseOutcome{};
  if (in[line_feed - 1] != '\r') return Bad("PROXY line without CR LF");
  ByteView line = in.substr(kTextSign.size(), line_feed - 1 - kTextSign.size());
  const ParseOutcome complete{ParseStatus::kComplete, line_feed + 1, 0, ""};
  const ByteView kind = TakeWord(line);
  if (kind == "UNKNOWN") return complete;
  if (kind != "TCP4" && kind != "TCP6") return Bad("unknown family in a PROXY line");
  const int family = kind == "TCP4" ? AF_INET : AF_INET6;
  // The bytes come from the network: a NUL among them must not shorten what inet_pton sees.
  if (line.find('\0') != ByteView::npos || line.ends_with(' '))
    return Bad("bad byte in a PROXY line");
  header.source_address = TakeWord(line);
  header.destination_address = TakeWord(line);
  const auto source_port = ReadPort(TakeWord(line));
  const auto destination_port = ReadPort(TakeWord(line));
  if (!IsAddress(family, header.source_address) || !IsAddress(family, header.destination_address)) {
    return Bad("bad address in a PROXY line");
  }
  if (!source_port || !destination_port || !line.empty()) return Bad("bad port in a PROXY line");
  header.known = true;
  header.source_port = *source_port;
  header.destination_port = *destination_port;
  return complete;
}

std::string AddressText(int family, const char* bytes) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes, text, sizeof text) == nullptr ? std::string() : std::string(text);
}

bool AreWholeExtensions(ByteView rest) {
  while (!rest.empty()) {
    if (rest.size() < 3 || rest.size() - 3 < ReadBe16(rest.data() + 1)) return false;
    rest.remove_prefix(3 + size_t{ReadBe16(rest.data() + 1)});
  }
  return true;
}

ParseOutcome DecodeBinary(ByteView in, ProxyHeader& header) {
  constexpr size_t kHead = 16;
  if (in.size() < kHead) return {};
  const auto version_command = static_cast<unsigned char>(in[12]);
  const auto family = static_cast<unsigned char>(in[13]);
  const size_t size = ReadBe16(in.data() + 14);
  if (version_command != 0x20 && version_command != 0x21)
    return Bad("unknown version or command in a PROXY header");
  if (size > kMaxBinary) return Bad("PROXY header larger than the limit");
  if (in.size() < kHead + size) return {};
  const ParseOutcome complete{ParseStatus::kComplete, kHead + size, 0, ""};
  const ByteView body = in.substr(kHead, size);
  if (version_command == 0x20 || family == 0x00) return complete;
  size_t address_size = 0;
  if (family == 0x11) address_size = 4;
  if (family == 0x21) address_size = 16;
  if (family == 0x31) address_size = 108;
  if (address_size == 0) return Bad("unknown family in a PROXY header");
  const bool is_unix = address_size == 108;
  const size_t addresses_size = 2 * address_size + (is_unix ? 0 : 4);
  if (size < addresses_size || !AreWholeExtensions(body.substr(addresses_size)))
    return Bad("PROXY header of a wrong size");
  header.known = true;
  if (is_unix) return complete;
  const int address_family = address_size == 4 ? AF_INET : AF_INET6;
  header.source_address = AddressText(address_family, body.data());
  header.destination_address = AddressText(address_family, body.data() + address_size);
  header.source_port = ReadBe16(body.data() + 2 * address_size);
  header.destination_port = ReadBe16(body.data() + 2 * address_size + 2);
  return complete;
}

}  // namespace

ParseOutcome DecodeProxyHeader(ByteView in, ProxyHeader& header) {
  header = ProxyHeader();
  if (!MayBeginWith(in, kTextSign) && !MayBeginWith(in, kBinarySign)) return Bad("no PROXY header");
  if (in.size() >= kTextSign.size() && in.front() == 'P') return DecodeText(in, header);
  if (in.size() >= kBinarySign.size() && in.front() == '\r') return DecodeBinary(in, header);
  return {};
}

}  // namespace uwsgi

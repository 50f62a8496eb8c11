// SPDX-License-Identifier: Apache-2.0
#include "wire/proxy_protocol.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

const std::string kSign("\r\n\r\n\0\r\nQUIT\n", 12);

std::string Binary(int command, int family, const std::string& body) {
  std::string out = kSign;
  for (const size_t byte : {static_cast<size_t>(command), static_cast<size_t>(family),
                            body.size() >> 8, body.size() & 0xff}) {
    out.push_back(static_cast<char>(byte));
  }
  return out + body;
}

const std::string kInet("\x0a\x00\x00\x01\x7f\x00\x00\x01\xdc\x04\x01\xbb", 12);

TEST(ProxyProtocol, ReadsTextLines) {
  ProxyHeader header;
  const ParseOutcome outcome =
      DecodeProxyHeader("PROXY TCP4 10.0.0.1 127.0.0.1 56324 443\r\nGET /", header);
  ASSERT_EQ(outcome.status, ParseStatus::kComplete);
  EXPECT_EQ(outcome.consumed, 41U);
  EXPECT_TRUE(header.known);
  EXPECT_EQ(header.source_address, "10.0.0.1");
  EXPECT_EQ(header.source_port, 56324);
  EXPECT_EQ(header.destination_address, "127.0.0.1");
  EXPECT_EQ(header.destination_port, 443);
  EXPECT_EQ(DecodeProxyHeader("PROXY TCP6 ::1 2001:db8::1 1 0\r\n", header).status,
            ParseStatus::kComplete);
  EXPECT_EQ(DecodeProxyHeader("PROXY UNKNOWN ffff a b\r\n", header).status, ParseStatus::kComplete);
  EXPECT_FALSE(header.known);
}

TEST(ProxyProtocol, RefusesBadLines) {
  for (const ByteView bad :
       {"GET / HTTP/1.1\r\n", "PROXX", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
        "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
        "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY \r\n",
        "PROXY TCP4\r\n"}) {
    ProxyHeader header;
    EXPECT_EQ(DecodeProxyHeader(bad, header).status, ParseStatus::kError) << bad;
  }
  ProxyHeader header;
  EXPECT_EQ(DecodeProxyHeader("PROXY UNKNOWN " + std::string(100, 'x'), header).status,
            ParseStatus::kError);
}

TEST(ProxyProtocol, ReadsBinaryHeaders) {
  ProxyHeader header;
  const std::string input = Binary(0x21, 0x11, kInet + std::string("\x04\x00\x01x", 4));
  ASSERT_EQ(DecodeProxyHeader(input + "GET", header).status, ParseStatus::kComplete);
  EXPECT_EQ(DecodeProxyHeader(input + "GET", header).consumed, input.size());
  EXPECT_EQ(header.source_address, "10.0.0.1");
  EXPECT_EQ(header.source_port, 0xdc04);
  EXPECT_EQ(header.destination_port, 443);
  EXPECT_EQ(DecodeProxyHeader(Binary(0x21, 0x21, std::string(36, '\0')), header).status,
            ParseStatus::kComplete);
  EXPECT_EQ(header.source_address, "::");
  EXPECT_EQ(DecodeProxyHeader(Binary(0x20, 0x00, "anything"), header).status,
            ParseStatus::kComplete);
  EXPECT_FALSE(header.known);
}

TEST(ProxyProtocol, RefusesBadBinaryHeaders) {
  ProxyHeader header;
  for (const std::string& bad :
       {Binary(0x11, 0x11, kInet), Binary(0x22, 0x11, kInet), Binary(0x21, 0x12, kInet),
        Binary(0x21, 0x11, "short"), Binary(0x21, 0x11, kInet + "x"),
        Binary(0x21, 0x11, kInet + std::string("\x04\x00\x02x", 4)), Binary(0x21, 0x21, kInet),
        Binary(0x21, 0x11, kInet + std::string(60000, '\0'))}) {
    EXPECT_EQ(DecodeProxyHeader(bad, header).status, ParseStatus::kError);
  }
}

TEST(ProxyProtocol, EveryBeginningWantsMore) {
  for (const std::string& input :
       {Binary(0x21, 0x11, kInet), std::string("PROXY TCP4 10.0.0.1 127.0.0.1 56324 443\r\n")}) {
    for (size_t size = 0; size < input.size(); ++size) {
      ProxyHeader header;
      EXPECT_EQ(DecodeProxyHeader(ByteView(input).substr(0, size), header).status,
                ParseStatus::kNeedMore)
          << size;
    }
  }
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace uwsgi {
namespace {

std::string Shown(std::string_view text) {
  const auto address = ParseSocketAddress(text);
  return address ? address->text() : "error: " + address.error().text();
}

SocketAddress Address(std::string_view text) { return ParseSocketAddress(text).value(); }

TEST(SocketAddress, ReadsInternetAddresses) {
  EXPECT_EQ(Shown("127.0.0.1:9090"), "127.0.0.1:9090");
  EXPECT_EQ(Shown(":9090"), "0.0.0.0:9090");
  EXPECT_EQ(Shown("[::1]:9090"), "[::1]:9090");
  EXPECT_EQ(Shown("[::]:80"), "[::]:80");
  EXPECT_EQ(Shown("127.0.0.1:0"), "127.0.0.1:0");
  EXPECT_EQ(Shown("127.0.0.1:"), "127.0.0.1:0");
}

TEST(SocketAddress, ResolvesNamesToIpv4) { EXPECT_EQ(Shown("localhost:80"), "127.0.0.1:80"); }

TEST(SocketAddress, FindsAnInterfaceByTheFrontOfItsAddress) {
  EXPECT_EQ(Shown("127.*:9090"), "127.0.0.1:9090");
  EXPECT_EQ(Shown("256.*:9090"),
            "error: no network interface has an address that begins with 256.");
}

TEST(SocketAddress, WhatHasNoColonIsAUnixPath) {
  EXPECT_EQ(Shown("9090"), "9090");
  EXPECT_TRUE(Address("9090").is_unix());
  EXPECT_FALSE(Address("9090").is_abstract());
  EXPECT_EQ(Shown("/run/app.sock"), "/run/app.sock");
}

TEST(SocketAddress, AbstractNamesAreBoundExactly) {
  for (const char* text : {"@abc", "\\0abc"}) {
    const SocketAddress address = Address(text);
    EXPECT_TRUE(address.is_abstract());
    EXPECT_EQ(address.length, offsetof(sockaddr_un, sun_path) + 4);
    EXPECT_EQ(address.text(), "@abc");
  }
}

TEST(SocketAddress, RefusesWhatIsNone) {
  EXPECT_FALSE(ParseSocketAddress(""));
  EXPECT_FALSE(ParseSocketAddress("@"));
  EXPECT_EQ(Shown("127.0.0.1:http"), "error: not a port: \"http\" in 127.0.0.1:http");
  EXPECT_FALSE(ParseSocketAddress("127.0.0.1:65536"));
  EXPECT_FALSE(ParseSocketAddress("127.0.0.1:-1"));
  EXPECT_EQ(Shown("::1:80"), "error: an IPv6 address needs brackets: [::1]:80");
  EXPECT_FALSE(ParseSocketAddress("[nonsense]:80"));
}

TEST(SocketAddress, ANameThatDoesNotResolveIsAnError) {
  // A label of more than 63 bytes is no name, whatever the resolver thinks of the network.
  const auto refused = ParseSocketAddress(std::string(64, 'a') + ".invalid:80");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("unable to resolve"), std::string::npos);
}

TEST(SocketAddress, UnixPathsHaveAtMost107Bytes) {
  EXPECT_EQ(Shown(std::string(107, 'p')), std::string(107, 'p'));
  EXPECT_FALSE(ParseSocketAddress(std::string(108, 'p')));
  EXPECT_EQ(Shown("@" + std::string(107, 'p')), "@" + std::string(107, 'p'));
  EXPECT_FALSE(ParseSocketAddress("@" + std::string(108, 'p')));
}

TEST(SocketAddress, ComparesPlaces) {
  EXPECT_TRUE(Address("127.0.0.1:80") == Address("localhost:80"));
  EXPECT_FALSE(Address("127.0.0.1:80") == Address("127.0.0.1:81"));
  EXPECT_FALSE(Address("127.0.0.1:80") == Address("[::1]:80"));
  EXPECT_TRUE(Address("[::1]:80") == Address("[0::1]:80"));
  EXPECT_FALSE(Address("@a") == Address("a"));
  EXPECT_TRUE(Address("a") == Address("a"));
}

TEST(ListenAddress, KnowsSharedAndInheritedSockets) {
  using Kind = ListenAddress::Kind;
  EXPECT_EQ(ParseListenAddress("=2")->kind, Kind::kShared);
  EXPECT_EQ(ParseListenAddress("=2")->number, 2);
  EXPECT_EQ(ParseListenAddress("fd://7")->kind, Kind::kInherited);
  EXPECT_EQ(ParseListenAddress("fd://7")->number, 7);
  EXPECT_EQ(ParseListenAddress("127.0.0.1::")->kind, Kind::kInherited);
  EXPECT_EQ(ParseListenAddress("127.0.0.1::")->number, 0);
  EXPECT_EQ(ParseListenAddress(":80")->kind, Kind::kAddress);
  EXPECT_FALSE(ParseListenAddress("="));
  EXPECT_FALSE(ParseListenAddress("=x"));
  EXPECT_FALSE(ParseListenAddress("fd://"));
}

TEST(PeerAddress, ShowsTheClient) {
  const PeerAddress ipv4(Address("192.0.2.255:40000").get());
  EXPECT_EQ(ipv4.text(), "192.0.2.255");
  EXPECT_EQ(ipv4.port(), 40000);
  EXPECT_EQ(PeerAddress(Address("0.0.0.0:1").get()).text(), "0.0.0.0");
  const PeerAddress ipv6(Address("[2001:db8::1]:7").get());
  EXPECT_EQ(ipv6.text(), "2001:db8::1");
  EXPECT_EQ(ipv6.port(), 7);
}

TEST(PeerAddress, ShowsIpv4InIpv6AsIpv4) {
  const PeerAddress mapped(Address("[::ffff:192.0.2.1]:7").get());
  EXPECT_EQ(mapped.text(), "192.0.2.1");
  EXPECT_EQ(mapped.port(), 7);
}

TEST(PeerAddress, UnixPeersHaveNone) {
  EXPECT_EQ(PeerAddress(Address("@x").get()).text(), "");
  EXPECT_EQ(PeerAddress().text(), "");
}

TEST(PeerAddress, HasRoomForTheLongest) {
  const PeerAddress longest(Address("[1111:2222:3333:4444:5555:6666:7777:8888]:65535").get());
  EXPECT_EQ(longest.text(), "1111:2222:3333:4444:5555:6666:7777:8888");
}

TEST(CidrSet, ContainsAddressesAndNetworks) {
  const CidrSet set = CidrSet::Parse("127.0.0.1, 10.0.0.0/8 192.0.2.128/25,fd00::/8").value();
  EXPECT_TRUE(set.Contains("127.0.0.1"));
  EXPECT_FALSE(set.Contains("127.0.0.2"));
  EXPECT_TRUE(set.Contains("10.255.1.2"));
  EXPECT_FALSE(set.Contains("11.0.0.0"));
  EXPECT_TRUE(set.Contains("192.0.2.128"));
  EXPECT_FALSE(set.Contains("192.0.2.127"));
  EXPECT_TRUE(set.Contains("fdab::1"));
  EXPECT_FALSE(set.Contains("fe80::1"));
  EXPECT_FALSE(set.Contains("nonsense"));
  EXPECT_FALSE(set.Contains(""));
}

TEST(CidrSet, TakesMappedIpv4ForIpv4) {
  const CidrSet set = CidrSet::Parse("10.0.0.0/8").value();
  EXPECT_TRUE(set.Contains("::ffff:10.1.1.1"));
  EXPECT_TRUE(set.Contains(Address("[::ffff:10.1.1.1]:5").get()));
  EXPECT_TRUE(set.Contains(Address("10.1.1.1:5").get()));
}

TEST(CidrSet, APrefixOfNothingContainsItsFamily) {
  const CidrSet set = CidrSet::Parse("0.0.0.0/0").value();
  EXPECT_TRUE(set.Contains("203.0.113.9"));
  EXPECT_FALSE(set.Contains("2001:db8::1"));
}

TEST(CidrSet, UnixPeersAreTrustedByWord) {
  EXPECT_TRUE(CidrSet::Parse("unix")->Contains(Address("@x").get()));
  EXPECT_FALSE(CidrSet::Parse("0.0.0.0/0,::/0")->Contains(Address("@x").get()));
  EXPECT_FALSE(CidrSet::Parse("unix")->empty());
  EXPECT_TRUE(CidrSet::Parse("")->empty());
}

TEST(CidrSet, RefusesWhatItCannotRead) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "::/129", "host", "10.0.0", "10.0.0.0/-1"}) {
    EXPECT_FALSE(CidrSet::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "wire/compress.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace uwsgi {
namespace {

constexpr int kZlibFormat = 15;
constexpr int kGzipFormat = 15 + 16;

// What one stream of that format holds; nothing but the stream may be there.
std::string Inflate(const std::string& packed, int format, size_t most) {
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, format), Z_OK);
  std::string text(most + 1, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  text.resize(stream.total_out);
  ::inflateEnd(&stream);
  return text;
}

TEST(Compress, GivesBackWhatWasPacked) {
  std::string text;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{100'000}, size_t{1} << 20, size_t{3'333'333}}) {
    // Hard to pack, so that more comes out at a time than there is room for.
    for (uint32_t state = 1; text.size() < size; state = state * 1664525 + 1013904223) {
      text.push_back(static_cast<char>(state >> 24));
    }
    EXPECT_TRUE(Inflate(ZlibBytes(text), kZlibFormat, size) == text) << size;
    EXPECT_TRUE(Inflate(GzipBytes(text), kGzipFormat, size) == text) << size;
  }
}

}  // namespace
}  // namespace uwsgi

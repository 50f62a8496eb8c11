// SPDX-License-Identifier: Apache-2.0
#include "wire/compress.h"

#include <zlib.h>

#include <algorithm>

namespace uwsgi {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipWrapper = 16;
constexpr int kMemoryLevel = 8;
// zlib counts what it is given at a time in 32 bits.
constexpr size_t kMostInput = 1 << 20;

// Empty when there is no memory.
std::string Deflate(std::string_view bytes, int window_bits) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string out;
  char made[16384];
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  int outcome = Z_OK;
  while (outcome == Z_OK) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min(bytes.size(), kMostInput));
      bytes.remove_prefix(stream.avail_in);
    }
    stream.next_out = reinterpret_cast<Bytef*>(made);
    stream.avail_out = sizeof made;
    outcome = ::deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    out.append(made, sizeof made - stream.avail_out);
  }
  ::deflateEnd(&stream);
  return outcome == Z_STREAM_END ? out : std::string();
}

}  // namespace

std::string GzipBytes(std::string_view bytes) { return Deflate(bytes, kWindowBits + kGzipWrapper); }

std::string ZlibBytes(std::string_view bytes) { return Deflate(bytes, kWindowBits); }

}  // namespace uwsgi

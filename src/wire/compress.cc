// SPDX-License-Identifier: Apache-2.0
#include "wire/compress.h"

#include <zlib.h>

namespace uwsgi {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipWrapper = 16;
constexpr int kMemoryLevel = 8;

// Empty when there is no memory.
std::string Deflate(std::string_view bytes, int window_bits) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool is_done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(is_done ? stream.total_out : 0);
  ::deflateEnd(&stream);
  return out;
}

}  // namespace

std::string GzipBytes(std::string_view bytes) { return Deflate(bytes, kWindowBits + kGzipWrapper); }

std::string ZlibBytes(std::string_view bytes) { return Deflate(bytes, kWindowBits); }

}  // namespace uwsgi

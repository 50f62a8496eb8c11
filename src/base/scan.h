// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Byte search for the parsers: each Find... returns the first byte of [at, end) that is asked for,
// or `end`. Sixteen bytes at a time where the machine has SSE2 (every x86-64 does), one at a time
// elsewhere and in the last fifteen.
namespace uwsgi {

// What a byte may be, as bits of ByteClass().
enum ByteClassBit : uint8_t {
  kTokenByte = 1,   // tchar of RFC 9110: letters, digits and !#$%&'*+-.^_`|~
  kTargetByte = 2,  // visible ASCII without '#' and '\': what a request target may hold
  kValueByte = 4,   // a field value: everything but control bytes, HTAB allowed
  kHexByte = 8,
  kDigitByte = 16,
  kAlnumByte = 32,
  kHostByte = 64,  // a registered name of RFC 3986, without ',' (which would make a list) and '%'
};

namespace scan_detail {
consteval std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> classes{};
  for (int byte = 0; byte < 256; ++byte) {
    const bool digit = byte >= '0' && byte <= '9';
    const int lower = byte | 0x20;
    const bool letter = byte < 128 && lower >= 'a' && lower <= 'z';
    const bool visible = byte > 0x20 && byte < 0x7f;
    const bool token_mark =
        byte > 0 && byte < 128 &&
        std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(byte)) != std::string_view::npos;
    uint8_t bits = 0;
    const bool host_mark =
        byte > 0 && byte < 128 &&
        std::string_view("-._~!$&'()*+;=").find(static_cast<char>(byte)) != std::string_view::npos;
    if (digit || letter) bits |= kAlnumByte;
    if (digit || letter || host_mark) bits |= kHostByte;
    if (digit || letter || token_mark) bits |= kTokenByte;
    if (visible && byte != '#' && byte != '\\') bits |= kTargetByte;
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') bits |= kValueByte;
    if (digit || (letter && lower <= 'f')) bits |= kHexByte;
    if (digit) bits |= kDigitByte;
    classes[static_cast<size_t>(byte)] = bits;
  }
  return classes;
}
}  // namespace scan_detail

inline constexpr std::array<uint8_t, 256> kByteClasses = scan_detail::MakeByteClasses();

constexpr bool IsByte(char byte, ByteClassBit bit) {
  return (kByteClasses[static_cast<unsigned char>(byte)] & bit) != 0;
}

// The value of a hexadecimal digit; the caller has checked kHexByte.
constexpr int HexValue(char digit) { return (digit & 0x0f) + (digit > '9' ? 9 : 0); }

namespace scan_detail {

inline const char* FindOutside(const char* at, const char* end, ByteClassBit bit) {
  while (at != end && IsByte(*at, bit)) ++at;
  return at;
}

#if defined(__SSE2__)
inline __m128i Load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
inline __m128i Same(__m128i bytes, char what) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(what)); }
// 0xff where low <= byte <= high, both taken as unsigned.
inline __m128i Within(__m128i bytes, char low, char high) {
  const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(high - low))), offset);
}

// Runs `stops`, a function from 16 bytes to a mask of those to stop at, over whole vectors; `found`
// says whether it stopped.
template <typename Stops>
inline const char* FindVector(const char* at, const char* end, bool& found, Stops stops) {
  for (; end - at >= 16; at += 16) {
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops(Load(at))));
    if (mask != 0) {
      found = true;
      return at + std::countr_zero(mask);
    }
  }
  return at;
}
#endif

}  // namespace scan_detail

// The first byte that can't stand in a field value: a control byte other than HTAB.
inline const char* FindControl(const char* at, const char* end) {
#if defined(__SSE2__)
  bool found = false;
  at = scan_detail::FindVector(at, end, found, [](__m128i bytes) {
    const __m128i low = scan_detail::Within(bytes, 0, 0x1f);
    return _mm_or_si128(_mm_andnot_si128(scan_detail::Same(bytes, '\t'), low),
                        scan_detail::Same(bytes, 0x7f));
  });
  if (found) return at;
#endif
  return scan_detail::FindOutside(at, end, kValueByte);
}

// The first byte that can't stand in a request target.
inline const char* FindTargetEnd(const char* at, const char* end) {
#if defined(__SSE2__)
  bool found = false;
  at = scan_detail::FindVector(at, end, found, [](__m128i bytes) {
    // Signed: bytes from 0x80 on are negative and so stop with the blanks and control bytes.
    const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));
    const __m128i marks =
        _mm_or_si128(scan_detail::Same(bytes, '#'), scan_detail::Same(bytes, '\\'));
    return _mm_or_si128(_mm_or_si128(low, scan_detail::Same(bytes, 0x7f)), marks);
  });
  if (found) return at;
#endif
  return scan_detail::FindOutside(at, end, kTargetByte);
}

// The first byte that can't stand in a token (a method or a field name).
inline const char* FindTokenEnd(const char* at, const char* end) {
#if defined(__SSE2__)
  for (bool found = true; found;) {
    found = false;
    // Nearly every name is of letters, digits and dashes; the rarer bytes are asked of the table
    // one by one.
    at = scan_detail::FindVector(at, end, found, [](__m128i bytes) {
      const __m128i letter =
          scan_detail::Within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
      const __m128i other =
          _mm_or_si128(scan_detail::Within(bytes, '0', '9'), scan_detail::Same(bytes, '-'));
      return _mm_xor_si128(_mm_or_si128(letter, other), _mm_set1_epi8(-1));
    });
    if (!found) break;
    if (!IsByte(*at, kTokenByte)) return at;
    ++at;
  }
#endif
  return scan_detail::FindOutside(at, end, kTokenByte);
}

// The first of two bytes.
inline const char* FindEither(const char* at, const char* end, char first, char second) {
#if defined(__SSE2__)
  bool found = false;
  at = scan_detail::FindVector(at, end, found, [first, second](__m128i bytes) {
    return _mm_or_si128(scan_detail::Same(bytes, first), scan_detail::Same(bytes, second));
  });
  if (found) return at;
#endif
  while (at != end && *at != first && *at != second) ++at;
  return at;
}

}  // namespace uwsgi

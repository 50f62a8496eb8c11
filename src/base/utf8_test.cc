// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(Utf8, DecodesOneToFourBytes) {
  EXPECT_EQ(DecodeUtf8("a").code, U'a');
  EXPECT_EQ(DecodeUtf8("\xc3\xa4x").code, U'\xe4');
  EXPECT_EQ(DecodeUtf8("\xe2\x96\x81").code, U'\x2581');
  EXPECT_EQ(DecodeUtf8("\xf0\x9f\x98\x80").size, 4U);
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsTooLarge) {
  for (const std::string_view bad : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                     "\xf8\x88\x80\x80\x80", "\x80", "\xff", "\xe2\x96", ""}) {
    EXPECT_EQ(DecodeUtf8(bad).size, 0U) << bad;
  }
}

TEST(Utf8, ReplacesByteByByteWhatIsNone) {
  EXPECT_EQ(ValidUtf8("a\xff"
                      "b\xe2\x96"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ValidUtf8("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

}  // namespace
}  // namespace uwsgi

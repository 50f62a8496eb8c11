// SPDX-License-Identifier: Apache-2.0
#include "wire/cgi_names.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace uwsgi {
namespace {

TEST(CgiNames, EveryNameIsFoundAgain) {
  for (size_t id = 1; id < static_cast<size_t>(CgiName::kCount); ++id) {
    const auto name = static_cast<CgiName>(id);
    EXPECT_EQ(LookUpCgi(CgiText(name)), name) << CgiText(name);
    if (HeaderText(name).empty()) continue;
    EXPECT_EQ(LookUpHeader(HeaderText(name)), name) << HeaderText(name);
    EXPECT_EQ(LookUpHeader(ToUpper(HeaderText(name))), name) << HeaderText(name);
  }
}

TEST(CgiNames, HeaderAndVariableBelongTogether) {
  for (size_t id = 1; id < static_cast<size_t>(CgiName::kCount); ++id) {
    const auto name = static_cast<CgiName>(id);
    const ByteView header = HeaderText(name);
    if (header.empty() || name == CgiName::kContentType || name == CgiName::kContentLength)
      continue;
    std::string out(header.size() + 5, '\0');
    EXPECT_EQ(FormatCgiName(header, out.data()), out.size());
    EXPECT_EQ(out, CgiText(name));
  }
}

TEST(CgiNames, NearMissesAreUnknown) {
  for (const ByteView name :
       {"", "h", "hos", "hosu", "Content_Length", "content\rlength", "cookie ", "cooki\x05",
        "x-forwarded-foo", "accept-encodinh", "proxy", "request_method", "path_info"}) {
    EXPECT_EQ(LookUpHeader(name), CgiName::kUnknown) << name;
  }
  for (const ByteView name : {"", "H", "HTTP_", "http_host", "HTTP_HOSTS", "HTTP_CONTENT_LENGTH",
                              "PATH-INFO", "HTTP_PROXY"}) {
    EXPECT_EQ(LookUpCgi(name), CgiName::kUnknown) << name;
  }
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace uwsgi {

// The variables that requests usually carry, as small numbers. The list is cgi_names.def.
enum class CgiName : uint8_t {
  kUnknown,
#define CGI_NAME(id, cgi, header) id,
#include "wire/cgi_names.def"
#undef CGI_NAME
  kCount
};

// The name in the environ, e.g. "HTTP_ACCEPT_ENCODING"; empty for kUnknown.
ByteView CgiText(CgiName name);
// The lower-case HTTP header the variable comes from, e.g. "accept-encoding"; empty when no header
// may set it.
ByteView HeaderText(CgiName name);

// By the name of an HTTP header in any case; kUnknown for names outside the list.
CgiName LookUpHeader(ByteView header_name);
// By the exact name in the environ, as uwsgi, FastCGI and SCGI peers send it.
CgiName LookUpCgi(ByteView cgi_name);

// Writes the environ name of any header: "HTTP_", upper case, '-' as '_'. `out` has room for
// header_name.size() + 5. Content-Type and Content-Length have names without HTTP_, but those are
// known and never come here.
size_t FormatCgiName(ByteView header_name, char* out);

}  // namespace uwsgi

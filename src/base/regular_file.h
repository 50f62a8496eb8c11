// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// To read a file of others, who may have put anything there: only a regular file is opened, and no
// FIFO, terminal or device keeps the caller waiting.
Result<UniqueFd> OpenRegularFile(const std::string& path);
Result<std::string> ReadRegularFile(const std::string& path);

}  // namespace uwsgi

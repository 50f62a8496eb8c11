// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// A close-on-exec descriptor; the error names the path.
Result<UniqueFd> OpenFile(const std::string& path, int flags, mode_t mode = 0644);
// Everything up to the end of the file, pipe or socket.
Result<std::string> ReadAll(int fd);
Result<std::string> ReadFile(const std::string& path);
// All bytes, over short writes and signals.
Status WriteAll(int fd, std::string_view bytes);
// Empty when it is gone.
std::string CurrentDirectory();
// From the root on, by the directory that we are in; as it is when that is gone, or empty.
std::string AbsolutePath(const std::string& path);
// The path, or with .1, .2 ... behind it the first at which there is nothing.
std::string UnusedPath(const std::string& path);
// Two looks (stat(2)) found one and the same file, by whatever names.
bool IsSameFile(const struct stat& a, const struct stat& b);
// The file is there whole or not at all: written beside, then renamed over.
Status WriteFileAtomically(const std::string& path, std::string_view bytes, mode_t mode = 0644);

}  // namespace uwsgi

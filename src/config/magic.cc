// SPDX-License-Identifier: Apache-2.0
#include "config/magic.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "base/host_name.h"
#include "base/strings.h"
#include "base/version.h"
#include "config/source.h"

namespace uwsgi {
namespace {

namespace fs = std::filesystem;

// compat: the 33-times hash with xor, written lowest byte first.
std::string PathHash(std::string_view path) {
  uint32_t hash = 5381;
  for (char c : path) hash = ((hash << 5) + hash) ^ static_cast<unsigned char>(c);
  return fmt::format("{:02X}{:02X}{:02X}{:02X}", hash & 0xff, (hash >> 8) & 0xff,
                     (hash >> 16) & 0xff, hash >> 24);
}

std::string ProgramPath(std::string_view program) {
  std::error_code failed;
  const fs::path path = fs::read_symlink("/proc/self/exe", failed);
  return failed ? std::string(program) : path.string();
}

// The absolute path with links resolved, except that a link given as the file keeps its own name.
fs::path FullPath(const fs::path& file) {
  std::error_code failed;
  const fs::path parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const fs::path directory = fs::canonical(parent, failed);
  return failed ? fs::absolute(file, failed) : directory / file.filename();
}

}  // namespace

MagicTable ProcessMagic(std::string_view program) {
  MagicTable magic;
  std::error_code failed;
  magic['v'] = fs::current_path(failed).string();
  magic['V'] = kVersion;
  magic['h'] = HostName();
  magic['k'] = fmt::to_string(::sysconf(_SC_NPROCESSORS_ONLN));
  magic['u'] = fmt::to_string(::getuid());
  magic['g'] = fmt::to_string(::getgid());
  const passwd* const user = ::getpwuid(::getuid());
  magic['U'] = user != nullptr ? user->pw_name : magic['u'];
  const group* const our_group = ::getgrgid(::getgid());
  magic['G'] = our_group != nullptr ? our_group->gr_name : magic['g'];
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  magic['t'] =
      fmt::to_string(std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
  magic['T'] =
      fmt::to_string(std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
  magic['b'] = ProgramPath(program);
  magic['['] = "\033";
  return magic;
}

MagicTable FileMagic(const std::string& source, const std::string& section) {
  MagicTable magic;
  magic['o'] = source;
  if (!IsFilePath(source)) return magic;
  const fs::path path = FullPath(source);
  const fs::path directory = path.parent_path();
  magic['x'] = section;
  magic['p'] = path.string();
  magic['s'] = path.filename().string();
  magic['n'] = path.stem().string();
  magic['e'] = path.has_extension() ? path.extension().string().substr(1) : "";
  magic['d'] = directory.string().ends_with('/') ? directory.string() : directory.string() + "/";
  magic['c'] = directory.filename().string();
  char digit = '0';
  for (const fs::path& part : directory.relative_path()) {
    if (digit > '9') break;
    magic[digit++] = part.string();
  }
  struct stat facts {};
  magic['i'] = ::stat(path.c_str(), &facts) == 0 ? fmt::to_string(facts.st_ino) : "";
  magic['j'] = PathHash(magic['p']);
  return magic;
}

MagicTable CapitalMagic(const MagicTable& file_magic) {
  MagicTable capital;
  for (const auto& [letter, text] : file_magic) {
    if (ToUpper(letter) != letter) capital[ToUpper(letter)] = text;
  }
  return capital;
}

std::string ExpandMagic(std::string_view text, const MagicTable& magic) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const bool is_magic = text[at] == '%' && at + 1 < text.size() && text[at + 1] != '(' &&
                          text[at + 1] != '\n' && text[at + 1] != '\r';
    if (!is_magic) {
      out.push_back(text[at]);
      continue;
    }
    const char letter = text[++at];
    if (letter == '%') out.push_back('%');
    const auto found = magic.find(letter);
    if (found != magic.end()) out.append(found->second);
  }
  return out;
}

}  // namespace uwsgi

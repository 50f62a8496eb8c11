// SPDX-License-Identifier: Apache-2.0
#include "config/reader.h"

#include "base/strings.h"
#include "config/ini_reader.h"

namespace uwsgi {
namespace {

constexpr ReaderRow kReaders[] = {
    {"INI", "ini", ".ini", ReadIni},
    {"YAML", "yaml", ".yaml .yml", nullptr},
    {"JSON", "json", ".json .js", nullptr},
    {"XML", "xml", ".xml", nullptr},
};

}  // namespace

const ReaderRow* FindReaderByOption(std::string_view canonical_name) {
  for (const ReaderRow& row : kReaders) {
    if (row.option == canonical_name) return &row;
  }
  return nullptr;
}

const ReaderRow* FindReaderForFile(std::string_view file_name) {
  for (const ReaderRow& row : kReaders) {
    for (std::string_view extension : SplitWords(row.extensions)) {
      if (file_name.ends_with(extension)) return &row;
    }
  }
  return nullptr;
}

}  // namespace uwsgi

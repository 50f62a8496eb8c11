// SPDX-License-Identifier: Apache-2.0
#include "python/autoreload.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "python/interpreter_for_tests.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

class AutoreloadTest : public PythonTest {};

TEST_F(AutoreloadTest, KnowsTheFilesOfModules) {
  PyRef::Steal(PyImport_ImportModule("json"));
  const auto ends_with = [](std::string_view tail) {
    return [tail](const std::string& file) { return file.ends_with(tail); };
  };
  const auto all = FilesOfModules({});
  EXPECT_TRUE(std::ranges::any_of(all, ends_with("json/__init__.py")));
  EXPECT_TRUE(std::ranges::none_of(all, ends_with(".pyc")));
  const auto some = FilesOfModules({"json"});
  EXPECT_FALSE(std::ranges::any_of(some, ends_with("json/__init__.py")));
}

}  // namespace
}  // namespace uwsgi

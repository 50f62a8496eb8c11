// SPDX-License-Identifier: Apache-2.0
#include "service/rpc_table.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

RpcFunction Says(std::string text) {
  return [text](const std::vector<ByteView>&) { return text; };
}

TEST(RpcTable, CallsByName) {
  RpcTable table;
  EXPECT_TRUE(table.Register("join", [](const std::vector<ByteView>& args) {
    std::string all;
    for (const ByteView arg : args) all.append(arg).append("+");
    return all;
  }));
  EXPECT_EQ(table.Call("join", {"a", "b"}), "a+b+");
  EXPECT_EQ(table.Call("other", {}), std::nullopt);
}

TEST(RpcTable, TakesAnEmptyResultForNone) {
  RpcTable table;
  table.Register("quiet", Says(""));
  EXPECT_EQ(table.Call("quiet", {}), std::nullopt);
}

TEST(RpcTable, ReplacesAFunctionOfTheSameName) {
  RpcTable table(1);
  EXPECT_TRUE(table.Register("f", Says("old")));
  EXPECT_TRUE(table.Register("f", Says("new")));
  EXPECT_EQ(table.Call("f", {}), "new");
  EXPECT_EQ(table.Names(), std::vector<std::string>{"f"});
}

TEST(RpcTable, RefusesBadNamesAndMoreThanItHolds) {
  RpcTable table(1);
  EXPECT_FALSE(table.Register("", Says("x")));
  EXPECT_FALSE(table.Register(std::string(255, 'n'), Says("x")));
  EXPECT_TRUE(table.Register(std::string(254, 'n'), Says("x")));
  EXPECT_FALSE(table.Register("more", Says("x")));
  EXPECT_EQ(table.Call(std::string(254, 'n'), std::vector<ByteView>(256)), std::nullopt);
}

}  // namespace
}  // namespace uwsgi

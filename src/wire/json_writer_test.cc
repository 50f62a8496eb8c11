// SPDX-License-Identifier: Apache-2.0
#include "wire/json_writer.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

std::string Sample(JsonStyle style) {
  JsonWriter json(style, 64);
  json.BeginObject();
  json.Number("load", -3);
  json.BeginList("workers");
  json.BeginObject();
  json.Text("status", "idle");
  json.BeginList("vars");
  json.TextItem("A=1");
  json.TextItem("");
  json.EndList();
  json.BeginObject("req_info");
  json.EndObject();
  json.EndObject();
  json.EndList();
  json.BeginList("crons");
  json.EndList();
  json.EndObject();
  return std::move(json).Take();
}

TEST(JsonWriter, IndentsAsThePredecessorDoes) {
  EXPECT_EQ(Sample(JsonStyle::kTabs),
            "{\n\t\"load\":-3,\n\t\"workers\":[\n\t\t{\n\t\t\t\"status\":\"idle\",\n"
            "\t\t\t\"vars\":[\n\"A=1\",\n\"\"\n\t\t\t],\n\t\t\t\"req_info\":\t\t\t{\n\n\t\t\t}\n"
            "\t\t}\n\t],\n\t\"crons\":[\n\n\t]\n}");
}

TEST(JsonWriter, WritesNoWhiteSpaceWhenMinified) {
  EXPECT_EQ(
      Sample(JsonStyle::kMinified),
      R"({"load":-3,"workers":[{"status":"idle","vars":["A=1",""],"req_info":{}}],"crons":[]})");
}

TEST(JsonWriter, EscapesNamesThatOthersChose) {
  JsonWriter json(JsonStyle::kMinified, 0);
  json.BeginObject();
  json.NumberNamed("a\"b", 7);
  json.EndObject();
  EXPECT_EQ(std::move(json).Take(), R"({"a\"b":7})");
}

}  // namespace
}  // namespace uwsgi

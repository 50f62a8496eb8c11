// SPDX-License-Identifier: Apache-2.0
#include "net/net_plan.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "config/options.h"

namespace uwsgi {
namespace {

std::string logged;

void Give(ListOption& list, std::string option, std::string text, int order) {
  list.push_back({std::move(text), {"site.ini", order + 1}, order, std::move(option)});
}

void SetOption(Options& options, std::string name) {
  options.settings.push_back(
      {.name = std::move(name), .known = true, .origin = {"site.ini", 9}, .order = 9});
}

TEST(NetPlan, OrdersSharedThenHttpThenTheOthersAsGiven) {
  Options options;
  Give(options.uwsgi_socket, "uwsgi-socket", "/u", 0);
  Give(options.http_socket, "http-socket", ":1", 1);
  Give(options.socket, "socket", "/s", 2);
  Give(options.http11_socket, "http11-socket", ":2", 3);
  Give(options.http, "http", ":3", 4);
  Give(options.shared_socket, "shared-socket", ":4", 5);
  Give(options.http_socket, "http-socket", ":5", 6);
  const auto specs = PlanListeners(options).value();
  std::string order;
  for (const ListenerSpec& spec : specs) {
    order +=
        fmt::format("{}{}{} ", spec.address, spec.is_shared ? "shared" : "", NameOf(spec.protocol));
  }
  EXPECT_EQ(order, ":4shareduwsgi :3http /uuwsgi :1http /suwsgi :2http11 :5http ");
  EXPECT_EQ(Where(specs[1]), "[http = :3, site.ini:5]");
}

TEST(NetPlan, ProtocolIsThatOfSocketAlone) {
  Options options;
  options.protocol = "http";
  Give(options.socket, "socket", ":1", 0);
  Give(options.uwsgi_socket, "uwsgi-socket", ":2", 1);
  const auto specs = PlanListeners(options).value();
  EXPECT_EQ(specs[0].protocol, ListenerProtocol::kHttpSocket);
  EXPECT_EQ(specs[1].protocol, ListenerProtocol::kUwsgi);
  EXPECT_EQ(PlanInheritedListener(options)->protocol, ListenerProtocol::kHttpSocket);
  options.protocol = "gopher";
  EXPECT_EQ(PlanListeners(options).error().text(), "unable to find protocol gopher");
}

TEST(NetPlan, EqualsNNamesASharedSocket) {
  Options options;
  Give(options.http_socket, "http-socket", "=3", 0);
  EXPECT_EQ(PlanListeners(options)->at(0).shared_index, 3);
  Give(options.http_socket, "http-socket", "=x", 1);
  EXPECT_EQ(PlanListeners(options).error().text(),
            "not the number of a shared socket: \"=x\" [http-socket = =x, site.ini:2]");
}

TEST(NetPlan, BareChmodSocketMeans666) {
  Options options;
  Give(options.socket, "socket", "/s", 0);
  EXPECT_EQ(PlanListeners(options)->at(0).chmod, -1);
  options.chmod_socket = "";
  EXPECT_EQ(PlanListeners(options)->at(0).chmod, 0666);
  options.chmod_socket = "1";
  EXPECT_EQ(PlanListeners(options)->at(0).chmod, 0666);
  options.chmod_socket = "660";
  EXPECT_EQ(PlanListeners(options)->at(0).chmod, 0660);
}

TEST(NetPlan, AbstractSocketTakesTheFileFromUnixPathsOnly) {
  Options options;
  options.abstract_socket = true;
  for (const char* address : {"/s", ":80", "@a", "=0"}) {
    Give(options.socket, "socket", address, 0);
  }
  const auto specs = PlanListeners(options).value();
  EXPECT_EQ(specs[0].address, "@/s");
  EXPECT_EQ(specs[1].address, ":80");
  EXPECT_EQ(specs[2].address, "@a");
  EXPECT_EQ(specs[3].address, "=0");
}

TEST(NetPlan, TheQueueIsTheKernelsMaximumUnlessListenIsGiven) {
  Options options;
  Give(options.socket, "socket", "/s", 0);
  EXPECT_EQ(PlanListeners(options)->at(0).backlog, 0);
  options.listen = 50;
  SetOption(options, "listen");
  EXPECT_EQ(PlanListeners(options)->at(0).backlog, 50);
  options.listen = 0;
  EXPECT_FALSE(PlanListeners(options));
}

TEST(NetPlan, AQueueLongerThanTheKernelsMaximumIsCutWithAWarning) {
  Options options;
  Give(options.socket, "socket", "/s", 0);
  options.listen = 1 << 30;
  SetOption(options, "listen");
  logged.clear();
  const LogSink before = SetLogSink([](std::string_view line) { logged += line; });
  const auto specs = PlanListeners(options);
  SetLogSink(before);
  EXPECT_EQ(specs->at(0).backlog, 0);
  EXPECT_NE(logged.find("Listen queue size is greater than the system max net.core.somaxconn"),
            std::string::npos);
}

}  // namespace
}  // namespace uwsgi

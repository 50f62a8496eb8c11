// SPDX-License-Identifier: Apache-2.0
#include "service/service_plan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/options.h"
#include "service/cache_plan.h"

namespace uwsgi {
namespace {

ListOption One(const std::string& text, const char* option = "") {
  return {{.text = text, .origin = {"site.ini", 3}, .option = option}};
}

TEST(CachePlan, ReadsEveryKeyUnderEveryName) {
  Options options;
  options.cache2 = One(
      "name=c, max_items=10,blocksize=100,blocks=30,bitmap=1,key_size=50,hash=murmur2,hash_size=64,"
      "store=/x,storesync=5,storedelete=true,lru=yes,lazy=1,sweep_on_full=2,clear_on_full=0,"
      "no_expire=off,ignore_full,lastmod=1,math_initial=-5,node=a:1;b:2,udp=c:3,sync=d:4");
  const auto plan = PlanCaches(options);
  ASSERT_TRUE(plan) << plan.error().text();
  const CacheSpec& spec = plan->caches[0];
  EXPECT_EQ(spec.items, 10U);
  EXPECT_EQ(spec.block_count(), 30U);
  EXPECT_EQ(spec.longest_value(), 3000U);
  EXPECT_EQ(spec.keysize, 50U);
  EXPECT_TRUE(spec.purge_lru && spec.lazy_expire && spec.ignore_full && spec.store_delete);
  EXPECT_FALSE(spec.clear_on_full || spec.no_expire);
  EXPECT_EQ(spec.math_initial, -5);
  EXPECT_EQ(spec.nodes, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(spec.origin, "site.ini:3");
}

TEST(CachePlan, NamesTheMistake) {
  for (const auto& [text, what] :
       {std::pair{"items=5", "a name is needed"}, std::pair{"name=c", "items must be given"},
        std::pair{"name=c,items=5,blocks=4", "as many blocks"},
        std::pair{"name=c,items=5,hash=x", "unknown hash"},
        std::pair{"name=c,items=-5", "bad value"},
        std::pair{"name=c,items=5,x=1", "unknown key"}}) {
    Options options;
    options.cache2 = One(text);
    const auto plan = PlanCaches(options);
    ASSERT_FALSE(plan) << text;
    EXPECT_NE(plan.error().message.find(what), std::string::npos) << plan.error().message;
    EXPECT_NE(plan.error().message.find("site.ini:3"), std::string::npos) << plan.error().message;
  }
}

TEST(CachePlan, NoTimeIsTooLongForATimer) {
  Options options;
  options.cache2 = One("name=c,items=5,store_sync=9223372036854775807");
  const auto plan = PlanCaches(options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->caches[0].store_sync_s, kLongestSecs);
}

TEST(CachePlan, SplitsItems) {
  Options options;
  options.cache2 = One("name=c,items=5");
  options.add_cache_item = One("c key=a value=b");
  options.load_file_in_cache = One("/etc/motd");
  const auto plan = PlanCaches(options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->items[0].cache, "c");
  EXPECT_EQ(plan->items[0].key, "key");
  EXPECT_EQ(plan->items[0].value, "a value=b");
  EXPECT_EQ(plan->items[1].key, "/etc/motd");
  EXPECT_EQ(plan->items[1].source, CacheItem::Source::kFile);
}

TEST(ServicePlan, ReadsSharedAreas) {
  Options options;
  options.sharedarea = One("2", "sharedarea");
  options.py_sharedarea = One("100", "py-sharedarea");
  options.py_sharedarea[0].order = -1;
  const auto plan = PlanServices(options);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->areas[0].size, 100U);
  EXPECT_EQ(plan->areas[1].size, 2 * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  options.sharedarea = One("size=5,file=/x,offset=4096", "sharedarea");
  EXPECT_EQ(PlanServices(options)->areas[1].offset, 4096U);
  for (const char* wrong : {"", "x", "size=", "pages=-1", "file=/x", "size=999999999999999999"}) {
    options.sharedarea = One(wrong, "sharedarea");
    EXPECT_FALSE(PlanServices(options)) << wrong;
  }
}

TEST(ServicePlan, ReadsAlarmsAndTheirRules) {
  Options options;
  options.alarm = One("ops cmd:mail -s x you");
  options.alarm.push_back({.text = "late mule:2"});
  options.log_alarm = One("ops,late err(or)? in", "log-alarm");
  const auto plan = PlanServices(options);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->alarms.alarms[0].argument, "mail -s x you");
  EXPECT_EQ(plan->alarms.alarms[1].number, 2);
  ASSERT_EQ(plan->alarms.rules.size(), 2U);
  EXPECT_EQ(plan->alarms.rules[1].pattern, "err(or)? in");
  for (const char* wrong : {"ops", "ops smoke:x", "ops mule:", "ops signal:256", "ops cmd:"}) {
    options.alarm[0].text = wrong;
    EXPECT_FALSE(PlanServices(options)) << wrong;
  }
}

TEST(ServicePlan, GivesEachStoreAFileOfItsOwn) {
  Options options;
  options.cache2 = One("name=c,items=5,store=/x");
  options.queue = 4;
  options.queue_store = "/y";
  EXPECT_TRUE(PlanServices(options));
  options.queue_store = "/x";
  EXPECT_FALSE(PlanServices(options));
  options.queue_store.clear();
  options.cache2.push_back({.text = "name=d,items=5,store=/x"});
  EXPECT_FALSE(PlanServices(options));
}

TEST(ServicePlan, KeepsNumbersInRange) {
  Options options;
  options.queue = 4;
  options.queue_blocksize = 16;
  EXPECT_FALSE(PlanServices(options));
  options.queue_blocksize = 17;
  EXPECT_TRUE(PlanServices(options)->queue);
  options.locks = -1;
  EXPECT_FALSE(PlanServices(options));
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "service/cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/clock.h"
#include "base/log.h"
#include "testing/in_child.h"

namespace uwsgi {
namespace {

constexpr auto kAdd = Cache::SetMode::kAdd;
constexpr auto kReplace = Cache::SetMode::kReplace;

std::unique_ptr<Cache> Make(CacheSpec spec) {
  spec.name = "test";
  return Cache::Create(std::move(spec)).value();
}

std::string Got(Cache& cache, ByteView key) {
  const auto value = cache.Get(key);
  return value ? value->bytes : "(none)";
}

int64_t Seconds() { return WallMicros() / 1'000'000; }

struct CacheTest : testing::Test {
  LogSink before = SetLogSink([](std::string_view line) { lines += line; });
  ~CacheTest() override { SetLogSink(before); }
  static inline std::string lines;
};

TEST_F(CacheTest, KeepsValuesOfAllSizes) {
  const auto cache = Make({.items = 100, .blocksize = 4096});
  for (const size_t key_size : {1, 8, 95, 96, 97, 2048}) {
    for (const size_t value_size : {1, 8, 96, 97, 192, 193, 4000, 4096}) {
      const std::string key(key_size, 'k');
      const std::string value(value_size, static_cast<char>('a' + value_size % 26));
      ASSERT_EQ(cache->Set(key, value, 0, kReplace), CacheStored::kYes);
      EXPECT_EQ(Got(*cache, key), value) << key_size << " " << value_size;
    }
  }
  EXPECT_EQ(cache->stats().items, 6U);
  EXPECT_TRUE(cache->Check());
}

TEST_F(CacheTest, RefusesWhatIsEmptyOrTooLong) {
  const auto cache = Make({.items = 4, .blocksize = 64, .keysize = 10});
  EXPECT_EQ(cache->Set("", "v", 0, kReplace), CacheStored::kRefused);
  EXPECT_FALSE(cache->Get(ByteView()).has_value());  // as a packet without a key asks
  EXPECT_EQ(cache->Set("k", "", 0, kReplace), CacheStored::kRefused);
  EXPECT_EQ(cache->Set("01234567890", "v", 0, kReplace), CacheStored::kRefused);
  EXPECT_EQ(cache->Set("k", std::string(65, 'v'), 0, kReplace), CacheStored::kRefused);
  EXPECT_EQ(cache->Set("0123456789", std::string(64, 'v'), 0, kReplace), CacheStored::kYes);
}

TEST_F(CacheTest, AddsOnlyWhatIsNotThere) {
  const auto cache = Make({.items = 4});
  EXPECT_EQ(cache->Set("k", "1", 0, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Set("k", "2", 0, kAdd), CacheStored::kExists);
  EXPECT_EQ(Got(*cache, "k"), "1");
  EXPECT_EQ(cache->Set("k", "3", 0, kReplace), CacheStored::kYes);
  EXPECT_EQ(Got(*cache, "k"), "3");
}

TEST_F(CacheTest, DeletesAndClears) {
  const auto cache = Make({.items = 4});
  cache->Set("a", "1", 0, kAdd);
  cache->Set("b", "2", 0, kAdd);
  EXPECT_TRUE(cache->Delete("a"));
  EXPECT_FALSE(cache->Delete("a"));
  EXPECT_EQ(cache->Keys(), std::vector<std::string>{"b"});
  cache->Clear();
  EXPECT_TRUE(cache->Keys().empty());
  EXPECT_FALSE(cache->Exists("b"));
  EXPECT_TRUE(cache->Check());
}

TEST_F(CacheTest, HoldsAsManyItemsAsItPromisesAndSaysWhenFull) {
  lines.clear();
  const auto cache = Make({.items = 4});
  for (const char* key : {"a", "b", "c", "d"})
    EXPECT_EQ(cache->Set(key, "v", 0, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Set("e", "v", 0, kAdd), CacheStored::kFull);
  EXPECT_EQ(cache->Set("d", "w", 0, kReplace), CacheStored::kYes);
  EXPECT_EQ(lines, "*** DANGER cache \"test\" is FULL !!! ***\n");
  EXPECT_EQ(cache->stats().full, 1U);
}

TEST_F(CacheTest, ForgetsWhatHasExpired) {
  const auto cache = Make({.items = 2});
  cache->Set("old", "v", Seconds() - 2, kAdd);
  cache->Set("young", "v", Seconds() + 100, kAdd);
  EXPECT_EQ(Got(*cache, "old"), "(none)");
  EXPECT_FALSE(cache->Exists("old"));
  EXPECT_FALSE(cache->Delete("old"));
  EXPECT_EQ(cache->Set("old", "v", Seconds() - 2, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Sweep(), 1U);
  EXPECT_EQ(cache->Keys(), std::vector<std::string>{"young"});
}

TEST_F(CacheTest, MakesRoomOfWhatHasExpired) {
  const auto cache = Make({.items = 2});
  cache->Set("a", "v", Seconds() - 2, kAdd);
  cache->Set("b", "v", 0, kAdd);
  EXPECT_EQ(cache->Set("c", "v", 0, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Set("d", "v", 0, kAdd), CacheStored::kFull);
}

TEST_F(CacheTest, NeverExpiresWhenToldSo) {
  const auto cache = Make({.items = 2, .no_expire = true});
  cache->Set("a", "v", 1, kAdd);
  EXPECT_EQ(cache->Sweep(), 0U);
  EXPECT_TRUE(cache->Exists("a"));
}

TEST_F(CacheTest, PurgesTheLeastRecentlyUsed) {
  const auto cache = Make({.items = 3, .purge_lru = true});
  for (const char* key : {"a", "b", "c"}) cache->Set(key, "v", 0, kAdd);
  static_cast<void>(cache->Get("a"));
  EXPECT_EQ(cache->Set("d", "v", 0, kAdd), CacheStored::kYes);
  EXPECT_FALSE(cache->Exists("b"));
  EXPECT_TRUE(cache->Exists("a"));
  cache->Set("c", "w", 0, kReplace);
  EXPECT_EQ(cache->Set("e", "v", 0, kAdd), CacheStored::kYes);
  EXPECT_FALSE(cache->Exists("a"));
  EXPECT_TRUE(cache->Check());
}

TEST_F(CacheTest, FindsWhatItCanPurgeAmongManyEmptySlots) {
  const auto cache =
      Make({.items = 10'000, .blocksize = 64, .blocks = 10'000, .bitmap = true, .purge_lru = true});
  for (int i = 0; i < 10'000; ++i) cache->Set(fmt::format("small {}", i), "v", 0, kAdd);
  for (int i = 0; i < 10'000; ++i) cache->Delete(fmt::format("small {}", i));
  const std::string large(64 * 100, 'v');
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(cache->Set(fmt::format("large {}", i), large, 0, kAdd), CacheStored::kYes) << i;
  EXPECT_EQ(cache->stats().items, 100U);
}

TEST_F(CacheTest, ClearsItselfWhenFull) {
  const auto cache = Make({.items = 2, .clear_on_full = true});
  for (const char* key : {"a", "b", "c"})
    EXPECT_EQ(cache->Set(key, "v", 0, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Keys(), std::vector<std::string>{"c"});
}

TEST_F(CacheTest, StoresLongValuesInConsecutiveBlocks) {
  const auto cache = Make({.items = 8, .blocksize = 256, .blocks = 8, .bitmap = true});
  const std::string four(1024, '4'), five(1280, '5'), all(2048, 'a');
  EXPECT_EQ(cache->Set("four", four, 0, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Set("five", five, 0, kAdd), CacheStored::kFull);
  EXPECT_EQ(cache->Set("more", four, 0, kAdd), CacheStored::kYes);
  EXPECT_EQ(cache->Set("four", five, 0, kReplace), CacheStored::kFull);
  EXPECT_EQ(Got(*cache, "four"), four);
  EXPECT_TRUE(cache->Delete("more"));
  EXPECT_EQ(cache->Set("four", five, 0, kReplace), CacheStored::kYes);
  EXPECT_EQ(cache->Set("four", all, 0, kReplace), CacheStored::kYes);
  EXPECT_EQ(Got(*cache, "four"), all);
  EXPECT_EQ(cache->Set("four", all + "x", 0, kReplace), CacheStored::kRefused);
  EXPECT_EQ(cache->Set("small", "needs no block", 0, kReplace), CacheStored::kYes);
  EXPECT_TRUE(cache->Check());
}

TEST_F(CacheTest, Calculates) {
  const auto cache = Make({.items = 4, .math_initial = 10});
  EXPECT_EQ(cache->Calculate("n", CacheMath::kAdd, 5, 0), CacheStored::kYes);
  EXPECT_EQ(cache->Number("n"), 15);
  cache->Calculate("n", CacheMath::kSubtract, 25, 0);
  cache->Calculate("n", CacheMath::kMultiply, 3, 0);
  EXPECT_EQ(cache->Number("n"), -30);
  cache->Calculate("n", CacheMath::kDivide, 4, 0);
  EXPECT_EQ(cache->Number("n"), -7);
  cache->Calculate("n", CacheMath::kDivide, 0, 0);
  EXPECT_EQ(Got(*cache, "n"), std::string(8, '\0'));
  cache->Set("text", "not a number", 0, kAdd);
  EXPECT_EQ(cache->Calculate("text", CacheMath::kAdd, 1, 0), CacheStored::kRefused);
  EXPECT_EQ(Got(*cache, "text"), "not a number");
  EXPECT_EQ(cache->Number("text"), 0);
}

TEST_F(CacheTest, CountsHitsAndMisses) {
  const auto cache = Make({.items = 4, .lastmod = true});
  cache->Set("a", "v", 0, kAdd);
  static_cast<void>(cache->Get("a"));
  static_cast<void>(cache->Get("b"));
  static_cast<void>(cache->Get("a"));
  const CacheStats stats = cache->stats();
  EXPECT_EQ(stats.hits, 2U);
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_NEAR(static_cast<double>(stats.last_modified_at), static_cast<double>(Seconds()), 10);
}

// A value tells its key, its length and that it is whole.
std::string Honest(int key, size_t size) {
  std::string value = fmt::format("{}:", key);
  value.resize(std::max(size, value.size() + 8), static_cast<char>('a' + size % 26));
  const uint64_t length = value.size();
  std::memcpy(value.data() + length - 8, &length, 8);
  return value;
}

bool IsHonest(int key, const std::string& value) { return value == Honest(key, value.size()); }

// Works on the cache for ever.
[[noreturn]] void Work(Cache& cache, unsigned seed) {
  for (;;) {
    seed = seed * 1664525 + 1013904223;
    const int key = static_cast<int>(seed >> 8) % 200;
    const std::string name = fmt::format("key{}", key);
    switch (seed >> 4 & 15) {
      case 0:
        cache.Delete(name);
        break;
      case 1:
        cache.Calculate("count", CacheMath::kAdd, 1, 0);
        break;
      case 2:
      case 3:
        if (const auto value = cache.Get(name); value && !IsHonest(key, value->bytes)) ::_exit(1);
        break;
      case 4:
        if ((seed >> 20) % 512 == 0) cache.Clear();
        break;
      default:
        cache.Set(name, Honest(key, (seed >> 12) % 3000), 0, kReplace);
    }
  }
}

void KillManyWorkers(Cache& cache) {
  unsigned random = 7;
  for (int round = 0; round < 60; ++round) {
    pid_t workers[3];
    for (pid_t& worker : workers) {
      worker = ::fork();
      if (worker == 0) Work(cache, static_cast<unsigned>(round * 3 + (&worker - workers)));
    }
    random = random * 1664525 + 1013904223;
    ::usleep(500 + random % 3000);  // not to wait for anything: to meet them anywhere
    for (const pid_t worker : workers) {
      ::kill(worker, SIGKILL);
      int status = 0;
      ::waitpid(worker, &status, 0);
      ASSERT_TRUE(WIFSIGNALED(status)) << "a value was torn";
    }
    const Status checked = cache.Check();
    ASSERT_TRUE(checked) << checked.error().text();
  }
  for (int key = 0; key < 200; ++key) {
    const auto value = cache.Get(fmt::format("key{}", key));
    EXPECT_TRUE(!value || IsHonest(key, value->bytes)) << key;
  }
  EXPECT_EQ(cache.Keys().size(), cache.stats().items);
}

TEST_F(CacheTest, IsInOrderWhereverItsWritersAreKilled) {
  KillManyWorkers(*Make({.items = 150, .blocksize = 4096, .hashsize = 32, .purge_lru = true}));
}

TEST_F(CacheTest, IsInOrderWithABitmapWhereverItsWritersAreKilled) {
  KillManyWorkers(*Make({.items = 150,
                         .blocksize = 512,
                         .blocks = 400,
                         .hashsize = 32,
                         .bitmap = true,
                         .purge_lru = true,
                         .ignore_full = true}));
}

}  // namespace
}  // namespace uwsgi

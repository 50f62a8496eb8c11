// SPDX-License-Identifier: Apache-2.0
#include "service/cache_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

constexpr auto kReplace = Cache::SetMode::kReplace;

struct CacheStoreTest : testing::Test {
  TempDir folder;
  CacheSpec spec{.name = "c",
                 .items = 20,
                 .blocksize = 512,
                 .blocks = 40,
                 .hashsize = 8,
                 .bitmap = true,
                 .store = folder / "store"};

  std::unique_ptr<Cache> Open(StoreUse use = StoreUse::kOwn) {
    return OpenCache(spec, use).value();
  }
  // Changes the bytes of the file that are `what`, wherever they lie.
  void Damage(const std::string& what) {
    std::string bytes = ReadFile(spec.store).value();
    const size_t at = bytes.find(what);
    ASSERT_NE(at, std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] + 1);
    std::ofstream(spec.store, std::ios::in | std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
};

TEST_F(CacheStoreTest, KeepsEntries) {
  Open()->Set("k", std::string(2000, 'v'), 12345678901, kReplace);
  const auto cache = Open();
  EXPECT_EQ(cache->Get("k")->bytes, std::string(2000, 'v'));
  EXPECT_EQ(cache->Get("k")->expires, 12345678901);
  EXPECT_TRUE(cache->Check());
}

TEST_F(CacheStoreTest, LeavesOutWhatIsDamaged) {
  {
    const auto cache = Open();
    cache->Set("good", "an entry inside its slot", 0, kReplace);
    cache->Set("bad", "another one", 0, kReplace);
    cache->Set("bad too", std::string(700, 'x') + "in blocks", 0, kReplace);
  }
  Damage("another one");
  Damage("xin blocks");
  const auto cache = Open();
  EXPECT_EQ(cache->Keys(), std::vector<std::string>{"good"});
  EXPECT_EQ(cache->stats().items, 1U);
  EXPECT_TRUE(cache->Check());
  EXPECT_EQ(cache->Set("large", std::string(512 * 40, 'l'), 0, kReplace), CacheStored::kYes);
}

TEST_F(CacheStoreTest, SurvivesAnyGarbageBehindItsHeader) {
  Open()->Set("k", "v", 0, kReplace);
  std::string bytes = ReadFile(spec.store).value();
  unsigned random = 1;
  for (int round = 0; round < 20; ++round) {
    for (size_t i = sizeof(CacheHeader); i < bytes.size(); ++i) {
      random = random * 1664525 + 1013904223;
      bytes[i] = static_cast<char>(random >> 24 & (round % 3 == 0 ? 1 : 0xff));
    }
    // All slots look used.
    auto* const header = reinterpret_cast<CacheHeader*>(bytes.data());
    header->fresh.store(round % 2 == 0 ? 1000000 : 20);
    header->free_list = random;
    ASSERT_TRUE(WriteFileAtomically(spec.store, bytes));
    const auto cache = Open();
    ASSERT_TRUE(cache->Check());
    EXPECT_EQ(cache->Set("k", "v", 0, kReplace), CacheStored::kYes);
  }
}

TEST_F(CacheStoreTest, IsForOneServerAtATime) {
  const auto cache = Open();
  const auto second = OpenCache(spec, StoreUse::kOwn);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another server uses it"), std::string::npos);
}

TEST_F(CacheStoreTest, IsSharedWithASuccessor) {
  const auto old = Open();
  old->Set("k", "v", 0, kReplace);
  const auto young = Open(StoreUse::kInherit);
  EXPECT_EQ(young->Get("k")->bytes, "v");
  young->Set("k", "w", 0, kReplace);
  EXPECT_EQ(old->Get("k")->bytes, "w");
}

TEST_F(CacheStoreTest, IsNotTouchedByATrial) {
  EXPECT_TRUE(OpenCache(spec, StoreUse::kNone));
  EXPECT_FALSE(std::filesystem::exists(spec.store));
  Open()->Set("k", "v", 0, kReplace);
  EXPECT_FALSE(Open(StoreUse::kNone)->Exists("k"));
  spec.items = 10;
  EXPECT_FALSE(OpenCache(spec, StoreUse::kNone));
}

TEST_F(CacheStoreTest, IsRefusedByATrialThatCouldNotHaveIt) {
  Open()->Set("k", "v", 0, kReplace);
  // A file in the place of the folder.
  spec.store += "/store";
  EXPECT_FALSE(OpenCache(spec, StoreUse::kNone));
  spec.store = folder / "nowhere/store";
  EXPECT_FALSE(OpenCache(spec, StoreUse::kNone));
  spec.store_delete = true;
  EXPECT_FALSE(OpenCache(spec, StoreUse::kNone));
}

TEST_F(CacheStoreTest, IsRefusedByATrialWhenTheDiskIsTooSmall) {
  const CacheSpec small = spec;
  // More than any disk has.
  spec.blocksize = uint64_t{1} << 50;
  const auto has_no_room = [this] {
    const auto tried = OpenCache(spec, StoreUse::kNone);
    return !tried && tried.error().message.find("No space left") != std::string::npos;
  };
  EXPECT_TRUE(has_no_room());
  OpenCache(small, StoreUse::kOwn).value()->Set("k", "v", 0, kReplace);
  spec.store_delete = true;
  EXPECT_TRUE(has_no_room());
}

TEST_F(CacheStoreTest, WhoseMakingWasCutShortIsNew) {
  ASSERT_TRUE(WriteFileAtomically(spec.store, std::string(4096, '\0')));
  EXPECT_TRUE(OpenCache(spec, StoreUse::kNone));
  EXPECT_EQ(Open()->Set("k", "v", 0, kReplace), CacheStored::kYes);
  ASSERT_TRUE(WriteFileAtomically(spec.store, std::string(3, '\0')));
  EXPECT_TRUE(OpenCache(spec, StoreUse::kNone));
  EXPECT_EQ(Open()->Set("k", "v", 0, kReplace), CacheStored::kYes);
  ASSERT_TRUE(WriteFileAtomically(spec.store, "somebody's" + std::string(4096, '\0')));
  EXPECT_FALSE(OpenCache(spec, StoreUse::kNone));
  EXPECT_FALSE(OpenCache(spec, StoreUse::kOwn));
}

TEST_F(CacheStoreTest, OfAnotherShapeIsRefusedOrReplaced) {
  Open()->Set("k", "v", 0, kReplace);
  spec.keysize = 100;
  EXPECT_FALSE(OpenCache(spec, StoreUse::kOwn));
  spec.store_delete = true;
  EXPECT_FALSE(Open()->Exists("k"));
}

}  // namespace
}  // namespace uwsgi

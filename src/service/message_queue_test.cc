// SPDX-License-Identifier: Apache-2.0
#include "service/message_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "testing/in_child.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

using Items = std::vector<std::optional<std::string>>;

MessageQueue Make(QueueSpec spec = {.slots = 4, .blocksize = 64}) {
  return MessageQueue::Create(spec, StoreUse::kOwn).value();
}

TEST(MessageQueue, GivesTheLastOneBackFirstWhenPopped) {
  MessageQueue queue = Make();
  for (const char* item : {"a", "b", "c"}) EXPECT_TRUE(queue.Push(item));
  EXPECT_EQ(queue.Pop(), "c");
  EXPECT_EQ(queue.Pop(), "b");
  EXPECT_EQ(queue.Pop(), "a");
  EXPECT_EQ(queue.Pop(), std::nullopt);
  EXPECT_EQ(queue.push_position(), 0U);
}

TEST(MessageQueue, GivesTheFirstOneBackFirstWhenPulled) {
  MessageQueue queue = Make();
  for (const char* item : {"a", "b"}) queue.Push(item);
  EXPECT_EQ(queue.Pull(), "a");
  EXPECT_EQ(queue.Pull(), "b");
  EXPECT_EQ(queue.Pull(), std::nullopt);
  queue.Push("c");
  EXPECT_EQ(queue.Pull(), "c");
  EXPECT_EQ(queue.pull_position(), 3U);
}

TEST(MessageQueue, OverwritesTheOldestWhenFull) {
  MessageQueue queue = Make();
  for (const char* item : {"0", "1", "2", "3", "4", "5"}) queue.Push(item);
  EXPECT_EQ(queue.push_position(), 2U);
  EXPECT_EQ(queue.pull_position(), 0U);
  EXPECT_EQ(queue.Last(9), (Items{"5", "4", "3", "2"}));
  for (const char* item : {"4", "5", "2", "3"}) EXPECT_EQ(queue.Pull(), item);
  EXPECT_EQ(queue.Pull(), std::nullopt);
}

TEST(MessageQueue, TakesItemsUpToItsBlockAndNoMore) {
  MessageQueue queue = Make();
  const std::string longest(48, 'x');
  EXPECT_TRUE(queue.Push(longest));
  EXPECT_FALSE(queue.Push(longest + "x"));
  EXPECT_FALSE(queue.Set(1, longest + "x"));
  EXPECT_FALSE(queue.Push(""));
  EXPECT_EQ(queue.Get(0), longest);
}

TEST(MessageQueue, IsAnArrayToo) {
  MessageQueue queue = Make();
  EXPECT_TRUE(queue.Set(3, "three"));
  EXPECT_EQ(queue.Get(3), "three");
  EXPECT_EQ(queue.Get(0), std::nullopt);
  EXPECT_FALSE(queue.Set(4, "x"));
  EXPECT_FALSE(queue.Set(-1, "x"));
  EXPECT_EQ(queue.Get(4), std::nullopt);
  EXPECT_EQ(queue.push_position(), 0U);
}

TEST(MessageQueue, IsSharedWithOtherProcesses) {
  MessageQueue queue = Make();
  EXPECT_EQ(InChild([&] { return queue.Push("from the child") ? 0 : 1; }), 0);
  EXPECT_EQ(queue.Pull(), "from the child");
}

TEST(MessageQueue, IsKeptByItsStore) {
  const TempDir folder;
  const QueueSpec spec{.slots = 4, .blocksize = 64, .store = folder / "queue"};
  {
    MessageQueue queue = Make(spec);
    queue.Push("kept");
    EXPECT_FALSE(MessageQueue::Create(spec, StoreUse::kOwn));
    MessageQueue heir = MessageQueue::Create(spec, StoreUse::kInherit).value();
    EXPECT_EQ(heir.Get(0), "kept");
  }
  MessageQueue queue = Make(spec);
  EXPECT_EQ(queue.push_position(), 1U);
  EXPECT_EQ(queue.Pull(), "kept");
  QueueSpec other = spec;
  other.blocksize = 32;
  other.slots = 8;
  EXPECT_FALSE(MessageQueue::Create(other, StoreUse::kInherit));
}

TEST(MessageQueue, IsProvenByATrialWhichChangesNothing) {
  const TempDir folder;
  QueueSpec spec{.slots = 4, .blocksize = 64, .store = folder / "queue"};
  EXPECT_TRUE(MessageQueue::Create(spec, StoreUse::kNone));
  EXPECT_FALSE(std::filesystem::exists(spec.store));
  Make(spec).Push("kept");
  MessageQueue tried = MessageQueue::Create(spec, StoreUse::kNone).value();
  EXPECT_EQ(tried.Pull(), std::nullopt);
  EXPECT_EQ(Make(spec).Pull(), "kept");
  QueueSpec larger = spec;
  larger.slots = 8;
  EXPECT_FALSE(MessageQueue::Create(larger, StoreUse::kNone));
  QueueSpec as_large = spec;
  as_large.slots = 8;
  as_large.blocksize = 32;
  EXPECT_FALSE(MessageQueue::Create(as_large, StoreUse::kNone));
  spec.store = folder / "nowhere/queue";
  EXPECT_FALSE(MessageQueue::Create(spec, StoreUse::kNone));
}

TEST(MessageQueue, ItsHeirLeavesThePositionsToThoseWhoUseIt) {
  const TempDir folder;
  const QueueSpec spec{.slots = 4, .blocksize = 64, .store = folder / "queue"};
  MessageQueue queue = Make(spec);
  std::atomic<bool> is_over = false;
  int lost = 0;
  std::thread user([&] {
    while (!is_over) {
      queue.Push("item");
      if (!queue.Pull()) ++lost;
    }
  });
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(MessageQueue::Create(spec, StoreUse::kInherit));
  is_over = true;
  user.join();
  EXPECT_EQ(lost, 0);
}

TEST(MessageQueue, AStoreWhoseMakingWasCutShortIsNew) {
  const TempDir folder;
  const QueueSpec spec{.slots = 4, .blocksize = 64, .store = folder / "queue"};
  ASSERT_TRUE(WriteFileAtomically(spec.store, std::string(4096, '\0')));
  EXPECT_TRUE(MessageQueue::Create(spec, StoreUse::kNone));
  EXPECT_TRUE(Make(spec).Push("item"));
  ASSERT_TRUE(WriteFileAtomically(spec.store, "somebody's" + std::string(4096, '\0')));
  EXPECT_FALSE(MessageQueue::Create(spec, StoreUse::kNone));
  EXPECT_FALSE(MessageQueue::Create(spec, StoreUse::kOwn));
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "service/spool_hints.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

namespace uwsgi {
namespace {

TEST(DoneTable, KnowsWhatWasDoneSince) {
  const auto table = std::make_unique<DoneTable>();
  table->Add(7, 100);
  EXPECT_TRUE(table->HasSince(7, 100));
  EXPECT_FALSE(table->HasSince(7, 101)) << "a file that is there now is another task";
  EXPECT_FALSE(table->HasSince(8, 0));
}

TEST(DoneTable, ForgetsEarlierOnesOfTheSamePlace) {
  const auto table = std::make_unique<DoneTable>();
  table->Add(7, 100);
  table->Add(7 + 32768, 100);
  EXPECT_FALSE(table->HasSince(7, 0));
  EXPECT_TRUE(table->HasSince(7 + 32768, 0));
}

TEST(TurnTable, GivesATaskToOneAtATime) {
  TurnTable table;
  EXPECT_TRUE(table.Enter(7));
  EXPECT_FALSE(table.Enter(7));
  EXPECT_TRUE(table.Enter(8));
  table.Leave(7);
  EXPECT_TRUE(table.Enter(7));
}

TEST(TurnTable, KeepsNobodyFromATaskOfTheSamePlace) {
  TurnTable table;
  ASSERT_TRUE(table.Enter(7));
  EXPECT_TRUE(table.Enter(7 + 512)) << "the lock of its file decides";
  table.Leave(7 + 512);
  EXPECT_FALSE(table.Enter(7)) << "what is not ours stays";
}

TEST(SpareRing, GivesWhatWasPut) {
  SpareRing ring;
  EXPECT_FALSE(ring.Take());
  const auto place = ring.Next();
  ASSERT_TRUE(place);
  EXPECT_FALSE(ring.Take()) << "its file is not there yet";
  ring.Put();
  EXPECT_EQ(ring.Take(), place);
  EXPECT_FALSE(ring.Take());
}

TEST(SpareRing, UsesNoPlaceThatIsTaken) {
  SpareRing ring;
  for (uint64_t i = 0; i < SpareRing::kPlaces; ++i) {
    ASSERT_EQ(ring.Next(), i);
    ring.Put();
  }
  EXPECT_FALSE(ring.Next()) << "all are full";
  ASSERT_EQ(ring.Take(), 0U);
  EXPECT_FALSE(ring.Next()) << "its taker still writes";
  ring.GiveBack(0);
  EXPECT_EQ(ring.Next(), 0U);
}

TEST(SpareRing, TakesPlacesBackFromTheDead) {
  SpareRing ring;
  ring.Put();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ring.TakeFor(child);
  for (uint64_t i = 1; i < SpareRing::kPlaces; ++i) ring.Put();
  EXPECT_EQ(ring.Next(), 0U);
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "service/shared_area.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <csignal>

#include "base/file.h"
#include "testing/in_child.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

struct SharedAreaTest : testing::Test {
  SharedRegion region = SharedRegion::Create(sizeof(SharedArea::Shared)).value();
  SharedArea::Shared& shared = region.Carve<SharedArea::Shared>().value()[0];
  std::unique_ptr<SharedArea> area = SharedArea::Create({.size = 16}, shared).value();
};

TEST_F(SharedAreaTest, ReadsWhatWasWritten) {
  EXPECT_TRUE(area->Write(2, "hello"));
  EXPECT_EQ(area->Read(2, 5), "hello");
  EXPECT_EQ(area->Read(14, 0), std::string(2, '\0'));
  EXPECT_EQ(area->Read(16, 0), "");
}

TEST_F(SharedAreaTest, KeepsToItsRange) {
  EXPECT_FALSE(area->Write(12, "hello"));
  EXPECT_FALSE(area->Write(-1, "h"));
  EXPECT_FALSE(area->Read(0, 17));
  EXPECT_FALSE(area->Read(17, 0));
  EXPECT_FALSE(area->Read(-1, 1));
  EXPECT_FALSE(area->ReadNumber<int64_t>(9));
  EXPECT_FALSE(area->AddNumber<int64_t>(12, 1));
  EXPECT_FALSE(area->WriteNumber<int16_t>(INT64_MAX, 1));
}

TEST_F(SharedAreaTest, CountsAndWrapsAround) {
  EXPECT_TRUE(area->WriteNumber<int32_t>(4, INT32_MAX));
  EXPECT_TRUE(area->AddNumber<int32_t>(4, 1));
  EXPECT_EQ(area->ReadNumber<int32_t>(4), INT32_MIN);
  EXPECT_TRUE(area->WriteNumber<int8_t>(0, static_cast<int8_t>(200)));
  EXPECT_EQ(area->ReadNumber<int8_t>(0), -56);
}

TEST_F(SharedAreaTest, LetsTheHolderOfItsLockIn) {
  area->Lock();
  EXPECT_TRUE(area->Write(0, "x"));
  area->Unlock();
  area->Unlock();
  EXPECT_EQ(InChild([&] { return area->Read(0, 1) == "x" ? 0 : 1; }), 0);
}

TEST_F(SharedAreaTest, OutlivesTheHolderOfItsLock) {
  EXPECT_EQ(InChild([&] {
              area->Lock();
              ::raise(SIGKILL);
              return 0;
            }),
            -SIGKILL);
  EXPECT_TRUE(area->Write(0, "x"));
}

// A child that gets the number `pid`, as far as the kernel allows to ask for it.
template <typename Body>
int InChildCalled(pid_t pid, Body&& body) {
  const std::string before = std::to_string(pid - 1);
  for (int tries = 0; tries < 100; ++tries) {
    const auto file = OpenFile("/proc/sys/kernel/ns_last_pid", O_WRONLY);
    if (!file || !WriteAll(file->get(), before)) return -1;
    const int outcome = InChild([&] { return ::getpid() == pid ? body() : 99; });
    if (outcome != 99) return outcome;
  }
  return -1;
}

TEST_F(SharedAreaTest, TellsTheHolderFromAnotherThatGotItsNumber) {
  pid_t* const pid = static_cast<pid_t*>(
      ::mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  EXPECT_EQ(InChild([&] {
              area->Lock();
              *pid = ::getpid();
              ::raise(SIGKILL);
              return 0;
            }),
            -SIGKILL);
  const int outcome = InChildCalled(*pid, [&] {
    area->Write(0, "x");
    // Had it taken nothing, the next one would still learn of the death.
    return shared.mutex.TryLock() == SharedMutex::Taken::kYes ? 0 : 1;
  });
  ::munmap(pid, sizeof *pid);
  if (outcome == -1) GTEST_SKIP() << "the kernel gives no numbers as they are wanted";
  EXPECT_EQ(outcome, 0);
}

TEST_F(SharedAreaTest, CanBePartOfAFile) {
  const TempDir folder;
  const SharedAreaSpec spec{.size = 8, .file = folder / "area", .offset = 4};
  {
    const auto first = SharedArea::Create(spec, shared).value();
    EXPECT_TRUE(first->Write(0, "kept"));
    EXPECT_FALSE(first->Write(5, "more"));
  }
  EXPECT_EQ(SharedArea::Create(spec, shared).value()->Read(0, 4), "kept");
}

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "process/cpu_affinity.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using Cpus = std::vector<int>;

TEST(CpuAffinity, GoesRoundTheProcessors) {
  const Cpus four = {0, 1, 2, 3};
  EXPECT_EQ(CpusOf(1, 1, four), (Cpus{0}));
  EXPECT_EQ(CpusOf(4, 1, four), (Cpus{3}));
  EXPECT_EQ(CpusOf(5, 1, four), (Cpus{0}));
  EXPECT_EQ(CpusOf(2, 2, four), (Cpus{2, 3}));
  EXPECT_EQ(CpusOf(2, 3, four), (Cpus{0, 1, 3}));
}

TEST(CpuAffinity, TakesOnlyWhatThereIs) {
  EXPECT_EQ(CpusOf(3, 8, {4, 6}), (Cpus{4, 6}));
  EXPECT_EQ(CpusOf(1, 0, {0, 1}), Cpus{});
  EXPECT_EQ(CpusOf(1, 1, {}), Cpus{});
  EXPECT_FALSE(AvailableCpus().empty());
}

}  // namespace
}  // namespace uwsgi

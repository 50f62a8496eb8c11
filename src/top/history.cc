// SPDX-License-Identifier: Apache-2.0
#include "top/history.h"

#include <algorithm>

namespace uwsgi::top {

namespace {

// Servers count once a second, so a shorter window would show now nothing and then all at once. A
// little less than a second, as a question asked each second is not answered to the microsecond.
constexpr int64_t kWindow = 900'000;

void Push(std::deque<double>& course, double value) {
  course.push_back(value);
  if (course.size() > History::kPoints) course.pop_front();
}

}  // namespace

size_t History::HashKey::operator()(const Key& key) const {
  return static_cast<size_t>(key.worker) * 1'000'003 + static_cast<size_t>(key.core);
}

History::Counters History::CountersOf(const Snapshot& snapshot) {
  Counters counters;
  for (const WorkerStats& worker : snapshot.workers) {
    counters.insert_or_assign(Key{worker.id, -1}, worker.requests);
    for (const CoreStats& core : worker.cores) {
      counters.insert_or_assign(Key{worker.id, core.id}, core.requests);
    }
  }
  return counters;
}

void History::Add(const Snapshot& snapshot, int64_t now) {
  if (snapshot.pid != server_) *this = History();
  server_ = snapshot.pid;
  ForgetOld(now);
  window_.push_back({now, CountersOf(snapshot)});
  interval_ = static_cast<double>(now - window_.front().time) / 1e6;
  if (window_.size() > 1 && now - last_point_ >= kWindow) Remember(snapshot, now);
}

// Keeps the newest sample that is old enough to start from, and all after it.
void History::ForgetOld(int64_t now) {
  while (window_.size() > 1 && now - window_[1].time >= kWindow) window_.pop_front();
}

void History::Remember(const Snapshot& snapshot, int64_t now) {
  last_point_ = now;
  Push(total_course_, total_rps());
  std::unordered_map<int64_t, std::deque<double>> kept;
  for (const WorkerStats& worker : snapshot.workers) {
    auto& course = kept[worker.id];
    course = std::move(worker_courses_[worker.id]);
    Push(course, worker_rps(worker.id));
  }
  worker_courses_ = std::move(kept);
}

double History::RateOf(const Key& key) const {
  if (interval_ <= 0) return 0;
  const Counters& first = window_.front().requests;
  const Counters& last = window_.back().requests;
  const auto before = first.find(key), after = last.find(key);
  if (before == first.end() || after == last.end()) return 0;
  return static_cast<double>(std::max<int64_t>(0, after->second - before->second)) / interval_;
}

double History::total_rps() const {
  if (window_.empty()) return 0;
  double total = 0;
  for (const auto& [key, requests] : window_.back().requests) {
    if (key.core < 0) total += RateOf(key);
  }
  return total;
}

double History::worker_rps(int64_t worker) const { return RateOf({worker, -1}); }
double History::core_rps(int64_t worker, int64_t core) const { return RateOf({worker, core}); }

const std::deque<double>& History::worker_course(int64_t worker) const {
  static const std::deque<double> kNone;
  const auto found = worker_courses_.find(worker);
  return found != worker_courses_.end() ? found->second : kNone;
}

}  // namespace uwsgi::top

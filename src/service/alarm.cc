// SPDX-License-Identifier: Apache-2.0
#include "service/alarm.h"

#include <sys/socket.h>

#include <cstring>

namespace uwsgi {
namespace {

// What lies in front of the text: the alarm's place.
constexpr size_t kHead = sizeof(uint32_t);

// As the master writes them, whatever the log puts in front of each line.
bool IsAlarm(ByteView line) {
  return line.starts_with("ALARM: ") || line.find(" - ALARM: ") != ByteView::npos;
}

}  // namespace

Result<Alarms> Alarms::Create(AlarmsSpec spec) {
  Alarms alarms(std::move(spec));
  for (const AlarmRule& rule : alarms.spec_.rules)
    alarms.rules_.push_back({rule.alarm, rule.raises, TRY(Regex::Create(rule.pattern))});
  if (!alarms.empty()) alarms.ends_ = TRY(MakeSocketPair(SOCK_DGRAM));
  return alarms;
}

bool Alarms::Send(size_t alarm, ByteView text) const {
  if (!spec_.has_master || text.size() > spec_.longest_text) return false;
  std::string bytes(kHead, '\0');
  const auto number = static_cast<uint32_t>(alarm);
  std::memcpy(bytes.data(), &number, kHead);
  bytes.append(text);
  return ::send(ends_.second.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

bool Alarms::Raise(ByteView name, ByteView text) const {
  for (size_t i = 0; i < spec_.alarms.size(); ++i) {
    if (spec_.alarms[i].name == name) return Send(i, text);
  }
  return false;
}

void Alarms::RaiseAll(const std::vector<size_t>& places, ByteView text) const {
  for (const size_t place : places) Send(place, text.substr(0, spec_.longest_text));
}

void Alarms::ScanLine(ByteView line, bool is_of_master) const {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (is_of_master && IsAlarm(line)) return;  // or one would raise the next
  for (size_t alarm = 0; alarm < spec_.alarms.size(); ++alarm) {
    bool raises = false;
    for (const Rule& rule : rules_) {
      if (rule.alarm == alarm && rule.raises != raises && rule.regex.Matches(line))
        raises = rule.raises;
    }
    if (raises) Send(alarm, line.substr(0, spec_.longest_text));
  }
}

bool Alarms::IsRepeated(size_t alarm, const std::string& text, int64_t now_s) {
  auto& [last_text, last_time] = last_[alarm];
  if (text == last_text && now_s - last_time < spec_.quiet_s) return true;
  last_text = text;
  last_time = now_s;
  return false;
}

std::optional<Alarms::Raised> Alarms::Take(int64_t now_s) {
  std::string bytes(kHead + spec_.longest_text, '\0');
  for (;;) {
    const ssize_t got = ::recv(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < static_cast<ssize_t>(kHead)) return std::nullopt;
    uint32_t alarm = 0;
    std::memcpy(&alarm, bytes.data(), kHead);
    if (alarm >= spec_.alarms.size()) continue;
    std::string text = bytes.substr(kHead, static_cast<size_t>(got) - kHead);
    if (!IsRepeated(alarm, text, now_s)) return Raised{&spec_.alarms[alarm], std::move(text)};
  }
}

}  // namespace uwsgi

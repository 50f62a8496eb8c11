// SPDX-License-Identifier: Apache-2.0
#include "process/stats_server.h"

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/log.h"
#include "process/dashboard.h"
#include "process/hand_over.h"
#include "process/messages.h"
#include "process/prometheus.h"
#include "process/stats_view.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

constexpr int64_t kMilli = 1000;
constexpr int64_t kSecond = 1000 * kMilli;

constexpr int64_t kSameMoment = 50 * kMilli;  // those who ask within it get the same document
constexpr int64_t kMemoryAge = kSecond;
// Clients of the plain socket say nothing; browsers begin to ask in the same breath, but what they
// ask comes later than they do on a busy machine and through a tunnel.
constexpr int64_t kSilence = 200 * kMilli;
constexpr int64_t kSilenceOverHttp = kSecond;
constexpr int64_t kTimeToAsk = kSecond;
constexpr int kPatiences = 8;  // that a client has in all
constexpr std::string_view kSocketNote = "stats";
constexpr std::string_view kClientNote = "stats-client";

std::string HeadOf(std::string_view status, std::string_view type, std::string_view more = {}) {
  return fmt::format("HTTP/1.0 {}\r\nConnection: close\r\n{}Content-Type: {}\r\n\r\n", status, more,
                     type);
}

std::shared_ptr<const std::string> Shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

StatsServer::~StatsServer() {
  if (!listener_ || !spec_.vacuum || listener_->path().empty()) return;
  if (listener_->RemoveFile())
    LogLine(message::Vacuumed("unix socket " + listener_->name() + " (stats)"));
}

Status StatsServer::Begin(MasterDesk& desk) {
  desk_ = &desk;
  if (!spec_.is_served) {
    static_cast<void>(Inherited());
    AdmitInherited();
    return {};
  }
  auto opened = OpenListener();
  if (!opened) {
    AdmitInherited();  // there is no door for them: they are closed
    return tl::unexpected(opened.error());
  }
  listener_ = std::move(*opened);
  Log("*** Stats server enabled on {} fd: {} ***", listener_->name(), listener_->fd());
  const StatsPatience patience{.silence = spec_.speaks_http ? kSilenceOverHttp : kSilence,
                               .ask = kTimeToAsk,
                               .take = spec_.client_timeout_us,
                               .in_all = kPatiences * spec_.client_timeout_us};
  door_ = std::make_unique<StatsDoor>(
      desk.loop(), *listener_, patience,
      [this](const StatsRequest& request) { return AnswerTo(request); });
  door_->Open();
  AdmitInherited();
  return {};
}

// Clients of the program before a reload that have not asked yet.
void StatsServer::AdmitInherited() {
  for (LeftDescriptor& client : TakeDescriptors(desk_->predecessor(), kClientNote)) {
    if (door_ != nullptr) door_->Admit(std::move(client.fd));
  }
}

// The socket of the program before a reload, when it listens where we are to.
UniqueFd StatsServer::Inherited() const {
  UniqueFd found;
  for (LeftDescriptor& socket : TakeDescriptors(desk_->predecessor(), kSocketNote)) {
    if (socket.text == spec_.listener.address) found = std::move(socket.fd);
  }
  return found;
}

Result<Listener> StatsServer::OpenListener() const {
  if (UniqueFd socket = Inherited(); socket.valid())
    return Listener::Adopt(spec_.listener, std::move(socket));
  return Listener::Bind(spec_.listener);
}

// Whoever has come gets the answer now: the next program may take its time. Those who are to ask
// over HTTP go along until they do.
void StatsServer::BeforeExec() {
  if (door_ != nullptr) door_->Hurry(/*keep_silent=*/spec_.speaks_http);
}

void StatsServer::LeaveNotes(HandOver& state) {
  if (door_ == nullptr) return;
  state.notes.push_back({std::string(kSocketNote), spec_.listener.address, listener_->fd()});
  for (const int fd : door_->unanswered())
    state.notes.push_back({std::string(kClientNote), {}, fd});
}

void StatsServer::LeaveInChild() {
  if (door_ != nullptr) door_->LeaveInChild();
  static_cast<void>(door_.release());
  listener_.reset();
}

// --- what they get ---

StatsAnswer StatsServer::AnswerTo(const StatsRequest& request) {
  if (request.kind == StatsRequest::Kind::kRaw && (!spec_.speaks_http || request.is_silent))
    return {{}, Document()};
  StatsAnswer answer;
  switch (request.page) {
    case StatsPage::kJson:
      // compat: only stats-http lets pages of other servers read it.
      answer = {HeadOf("200 OK", "application/json",
                       spec_.speaks_http ? "Access-Control-Allow-Origin: *\r\n" : ""),
                Document()};
      break;
    case StatsPage::kDashboard:
      answer = {HeadOf("200 OK", "text/html; charset=utf-8", "Cache-Control: no-cache\r\n"),
                Shared(std::string(DashboardPage()))};
      break;
    case StatsPage::kMetrics:
      answer = {HeadOf("200 OK", "text/plain; version=0.0.4; charset=utf-8"), MetricsText()};
      break;
    case StatsPage::kHealth:
      answer = Health({});
      break;
    case StatsPage::kReadiness:
      answer = Health(WhyNotReady(FactsOfReadiness(*desk_, spec_)));
      break;
    case StatsPage::kNothing:
      answer = {HeadOf("204 No Content", "text/plain"), Shared({})};
      break;
  }
  if (request.head_only) answer.body = Shared({});
  return answer;
}

StatsAnswer StatsServer::Health(std::string_view problem) const {
  if (problem.empty()) return {HeadOf("200 OK", "text/plain"), Shared("ok\n")};
  return {HeadOf("503 Service Unavailable", "text/plain"),
          Shared(fmt::format("not ready: {}\n", problem))};
}

StatsServer::Body StatsServer::Document() {
  const int64_t now = MonotonicMicros();
  if (document_.body && now - document_.made_us < kSameMoment) return document_.body;
  LookAtMemory();
  document_ = {Shared(WriteStatsJson(LookAround(*desk_, spec_), spec_.style)), now};
  return document_.body;
}

StatsServer::Body StatsServer::MetricsText() {
  const int64_t now = MonotonicMicros();
  if (metrics_.body && now - metrics_.made_us < kSameMoment) return metrics_.body;
  LookAtMemory();
  metrics_ = {Shared(WritePrometheus(LookAround(*desk_, spec_))), now};
  return metrics_.body;
}

void StatsServer::LookAtMemory() {
  const int64_t now = MonotonicMicros();
  if (measured_us_ != 0 && now - measured_us_ < kMemoryAge) return;
  measured_us_ = now;
  MeasureMemory(*desk_->serving().scoreboard);
}

}  // namespace uwsgi

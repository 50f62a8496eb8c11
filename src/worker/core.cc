// SPDX-License-Identifier: Apache-2.0
#include "worker/core.h"

#include <cstring>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/modifier_table.h"

namespace uwsgi {
namespace {

void LogBrokenWrite(const Request& request, const Response& response) {
  const RequestSpec& spec = *request.front->spec;
  if (spec.ignore_write_errors) return;
  const ByteView method = request.vars.Get(CgiName::kRequestMethod);
  const ByteView uri = request.vars.Get(CgiName::kRequestUri);
  const ByteView address = request.vars.Get(CgiName::kRemoteAddr);
  if (response.write_error() == 0) {
    Log("uwsgi_response_write_body_do() TIMEOUT !!! during {} {} ({})", method, uri, address);
    return;
  }
  Log("uwsgi_response_write_body_do(): {} during {} {} ({})", ::strerror(response.write_error()),
      method, uri, address);
}

}  // namespace

Core::Core(int id, CoreShared& shared, const AccessLogSpec& log)
    : id_(id),
      shared_(shared),
      worker_slot_(*shared.slot),
      slot_(shared.slot->cores()[static_cast<size_t>(id)]),
      recorder_(*shared.runtime, *shared.slot, slot_),
      log_(log, shared.worker_id) {}

Step Core::Run(Connection& connection, bool may_rest) {
  const int64_t started_us = MonotonicMicros();
  Request& request = connection.BeginRequest(id_, started_us);
  Response& response = connection.exchange().response;
  if (may_rest) {
    push_gate_.Open(connection.fd());
    response.set_push_gate(&push_gate_);
  }
  if (shared_.spec->record_requests) {
    slot_.BeginRequest(
        started_us, WallMicros() / 1'000'000, request.vars.Get(CgiName::kRequestMethod),
        request.vars.Get(CgiName::kRequestUri), request.vars.Get(CgiName::kRemoteAddr));
  } else {
    slot_.request_started_us.store(started_us, std::memory_order_relaxed);
  }
  recorder_.Begin(request.vars);
  const RequestResult result = Answer(request, response);
  connection.EndResponse();
  answer_rests_ = may_rest && push_gate_.Close();
  ended_us_ = MonotonicMicros();
  const int64_t micros = ended_us_ - started_us;
  slot_.EndRequest();
  recorder_.End(request, response, result, micros);
  Count(request, response, result, micros);
  if (result.is_logged && log_.Wants(request, response, micros)) {
    log_.Add(request, response,
             {micros, shared_.scoreboard->total_requests().load(std::memory_order_relaxed)});
  }
  return connection.FinishRequest(ended_us_ / 1000);
}

RequestResult Core::Answer(Request& request, Response& response) {
  const ModifierRow* const native =
      request.modifier1 == 0 ? nullptr : FindModifier(request.modifier1);
  if (native == nullptr || shared_.services == nullptr)
    return shared_.runtime->Handle(id_, request, response);
  shared_.runtime->BeforeWait(id_);
  native->handle(*shared_.services, request, response);
  // Only those that look like requests have something to be shown.
  return {.is_logged = !request.vars.vars().empty()};
}

void Core::Count(const Request& request, const Response& response, const RequestResult& result,
                 int64_t micros) {
  Bump(slot_.requests);
  if (result.raised) Bump(slot_.exceptions);
  if (response.client_gone()) {
    Bump(slot_.write_errors);
    LogBrokenWrite(request, response);
  }
  worker_slot_.NoteResponse(static_cast<uint64_t>(micros),
                            response.header_bytes() + response.body_bytes());
  shared_.scoreboard->total_requests().fetch_add(1, std::memory_order_relaxed);
  average_us_ += (micros - average_us_) / 8;
  if (result.wants_replacement)
    shared_.recycle_wanted.store(RecycleCause::kException, std::memory_order_relaxed);
  if (shared_.spec->max_requests == 0) return;
  const uint64_t limit = shared_.spec->max_requests + shared_.spec->max_requests_delta *
                                                          static_cast<uint64_t>(shared_.worker_id);
  if (shared_.requests.fetch_add(1, std::memory_order_relaxed) + 1 >= limit) {
    shared_.recycle_wanted.store(RecycleCause::kMaxRequests, std::memory_order_relaxed);
  }
}

void Core::BeforeWait() {
  log_.Flush();
  shared_.runtime->BeforeWait(id_);
}

}  // namespace uwsgi

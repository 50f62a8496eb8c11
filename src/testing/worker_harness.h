// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/strings.h"
#include "runtime/echo_runtime.h"
#include "worker/worker.h"

// A worker on a thread of the test's process, a language of functions, and clients that wait.
namespace uwsgi {

// Where requests wait until the test lets them go on.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void AwaitArrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

inline void Say(Response& response, std::string_view text) {
  ASSERT_TRUE(response.Start("200 OK"));
  response.SetBodyLength(text.size());
  response.Write(text, {});
}

// A language whose programs are functions of the test, found by path; others say their path.
class FunctionRuntime final : public EchoRuntime {
 public:
  using Program = std::function<bool(Request&, Response&)>;  // false: it raised

  [[nodiscard]] std::string_view name() const override { return "function"; }
  [[nodiscard]] std::vector<AppInfo> apps() const override { return {}; }
  void StartCore(int) override { ++cores; }
  void EndCore(int) override { --cores; }
  RequestResult Handle(int, Request& request, Response& response) override {
    const ByteView path = request.vars.Get(CgiName::kPathInfo);
    const auto program = programs.find(path);
    if (program != programs.end()) return {.raised = !program->second(request, response)};
    Say(response, path);
    return {};
  }

  std::map<std::string, Program, std::less<>> programs;
  std::atomic<int> cores{0};
};

// A client that waits for what it reads; the time limit only ends a test that has failed.
class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    address.sin_port = ::htons(static_cast<uint16_t>(port));
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      ADD_FAILURE() << "connect";
  }

  bool Send(ByteView bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  bool Get(std::string_view path) const {
    return Send(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", path));
  }
  // The head of the next response, empty at the end of the connection; its body is in `body`.
  std::string Read() {
    size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return {};
    }
    std::string head = input_.substr(0, end + 4);
    input_.erase(0, end + 4);
    const size_t length = head.find("Content-Length: ");
    size_t size = 0;
    if (length != std::string::npos) {
      const std::string digits = head.substr(length + 16, head.find('\r', length) - length - 16);
      size = static_cast<size_t>(ParseInt(digits).value_or(0));
    }
    while (input_.size() < size && Fill()) {
    }
    body = input_.substr(0, size);
    input_.erase(0, size);
    return head;
  }
  std::string Ask(std::string_view path) {
    Get(path);
    return Read().empty() ? "nothing" : body;
  }
  // Sends what the socket takes at once.
  [[nodiscard]] size_t Offer(ByteView bytes) const {
    const ssize_t sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }
  // Reads what is there and forgets it.
  void Discard() const {
    char bytes[65536];
    while (::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
  }
  bool IsAtEnd() { return input_.empty() && !Fill() && ended_; }
  void Close() { socket_.Reset(); }

  std::string body;

 private:
  bool Fill() {
    char bytes[65536];
    const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    ended_ = got == 0 || (got < 0 && errno == ECONNRESET);
    if (got <= 0) return false;
    input_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  UniqueFd socket_;
  std::string input_;
  bool ended_ = false;
};

inline Listener ListenSomewhere() {
  ListenerSpec spec;
  spec.protocol = ListenerProtocol::kHttpSocket;
  spec.address = "127.0.0.1:0";
  spec.option = "http-socket";
  return std::move(Listener::Bind(spec)).value();
}

// A worker on a thread of this process, which its signals reach.
class WorkerTest : public testing::Test {
 protected:
  void Serve(int threads) {
    spec.threads = threads;
    SharedSize size;
    Scoreboard::AddSize(size, 1, threads);
    region_.emplace(std::move(SharedRegion::Create(size)).value());
    scoreboard.emplace(std::move(Scoreboard::Create(*region_, 1, threads)).value());
    WorkerContext context;
    context.scoreboard = &*scoreboard;
    context.listeners = {&listener_};
    context.request_spec = &request_spec;
    context.runtime = &runtime;
    context.errands = std::move(errands);
    context.end_now = [](int) { std::abort(); };
    auto worker = Worker::Create(spec, std::move(context));
    ASSERT_TRUE(worker) << worker.error().text();
    worker_ = std::move(*worker);
    thread_ = std::thread([this] { status = worker_->Run(); });
  }
  void TearDown() override {
    if (thread_.joinable()) Stop(SIGTERM);
  }
  void Stop(int signal) {
    ::kill(::getpid(), signal);
    Join();
  }
  void Join() {
    thread_.join();
    worker_.reset();
    EXPECT_EQ(runtime.cores, 0);
  }
  [[nodiscard]] Client Connect() const { return Client(listener_.port()); }
  void RefuseClients() const { listener_.RefuseClients(); }
  void AwaitState(WorkerState state) {
    while (scoreboard->worker(1).state != state) std::this_thread::yield();
  }
  void AddGate(const std::string& path, Gate& gate) {
    runtime.programs[path] = [&gate](Request&, Response& response) {
      gate.Pass();
      Say(response, "late");
      return true;
    };
  }
  // The core that led runs a request of `slow`, which waits at the gate of "/slow"; another core
  // leads and has answered `fast`.
  static void KeepACoreBusy(Client& slow, Gate& gate, Client& fast) {
    slow.Get("/slow");
    gate.AwaitArrivals(1);
    EXPECT_EQ(fast.Ask("/fast"), "/fast");
  }

  WorkerSpec spec;
  RequestSpec request_spec = Quiet();
  FunctionRuntime runtime;
  std::vector<Errand> errands;
  std::optional<Scoreboard> scoreboard;
  int status = -1;

 private:
  static RequestSpec Quiet() {
    RequestSpec quiet;
    quiet.log.enabled = false;
    return quiet;
  }

  std::optional<SharedRegion> region_;
  Listener listener_ = ListenSomewhere();
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
};

}  // namespace uwsgi

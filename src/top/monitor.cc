// SPDX-License-Identifier: Apache-2.0
#include "top/monitor.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/clock.h"
#include "base/host_name.h"
#include "top/link.h"
#include "top/report.h"
#include "top/screen.h"
#include "top/view.h"

namespace uwsgi::top {

namespace {

constexpr int64_t kFastPeriod = 100'000;

// What signals leave behind; the loop looks after each wait, which they end.
volatile sig_atomic_t resized = 0;
volatile sig_atomic_t ended = 0;

void CatchSignals() {
  struct sigaction action {};
  action.sa_handler = [](int) { resized = 1; };
  ::sigaction(SIGWINCH, &action, nullptr);
  action.sa_handler = [](int) { ended = 1; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

int64_t Micros(double seconds) { return static_cast<int64_t>(seconds * 1e6); }

Result<Link> MakeLink(const TopOptions& options) {
  StatsAddress address = TRY(ParseStatsAddress(options.address));
  return Link(std::move(address), Micros(options.frequency), Micros(options.timeout));
}

// Waits for a key, the server or the time; at most a second, so that the clock moves on. -1 for
// `tty` when keys are of no interest.
short Wait(const Link& link, int tty) {
  pollfd waiting[] = {{tty, POLLIN, 0}, {link.fd(), link.events(), 0}};
  const int64_t micros = std::min<int64_t>(link.next() - MonotonicMicros(), 1'000'000);
  ::poll(waiting, 2, static_cast<int>(std::max<int64_t>(0, micros + 999) / 1000));
  return waiting[0].revents;
}

class Monitor {
 public:
  Monitor(Link& link, Screen& screen, Charset charset, int64_t period)
      : link_(link), screen_(screen), charset_(charset), period_(period), node_(HostName()) {}

  void Run() {
    while (!controls_.quit && ended == 0) {
      Redraw();
      // A terminal that is gone says so once and for ever.
      if ((Wait(link_, STDIN_FILENO) & (POLLHUP | POLLERR | POLLNVAL)) != 0) return;
      if (resized != 0) {
        resized = 0;
        screen_.Resize();
      }
      for (int key = screen_.ReadKey(); key >= 0; key = screen_.ReadKey()) Press(controls_, key);
      link_.set_period(controls_.fast ? kFastPeriod : period_);
      link_.Advance(MonotonicMicros());
      Keep();
    }
  }

 private:
  // What is shown is not replaced while the operator wants to look at it.
  void Keep() {
    if (controls_.paused && shown_.snapshot != nullptr) {
      if (!frozen_) {
        frozen_ = true;
        kept_snapshot_ = *shown_.snapshot;
        kept_history_ = *shown_.history;
      }
      return;
    }
    frozen_ = false;
  }

  void Redraw() {
    shown_ = {.snapshot = frozen_ ? &kept_snapshot_ : link_.snapshot(),
              .history = frozen_ ? &kept_history_ : &link_.history(),
              .address = link_.address().text,
              .node = node_,
              .problem = Problem(),
              .wall_time = WallMicros() / 1'000'000};
    Picture picture(screen_.width(), screen_.height(), charset_);
    Draw(shown_, controls_, picture);
    screen_.Show(picture);
  }

  [[nodiscard]] std::string Problem() const {
    if (link_.problem().empty()) return {};
    if (link_.fd() >= 0) return link_.problem() + " - trying again";
    return fmt::format("{} - trying again in {} s", link_.problem(),
                       link_.SecondsToNext(MonotonicMicros()));
  }

  Link& link_;
  Screen& screen_;
  Charset charset_;
  int64_t period_;
  std::string node_;
  Controls controls_;
  View shown_;
  bool frozen_ = false;
  Snapshot kept_snapshot_;
  History kept_history_;
};

Status AskOnce(Link& link) {
  const int64_t wanted = link.answers() + 1;
  while (link.answers() < wanted && ended == 0) {
    link.Advance(MonotonicMicros());
    if (!link.problem().empty()) return Fail("{}", link.problem());
    if (link.answers() < wanted) Wait(link, -1);
  }
  if (ended != 0) return Fail("interrupted");
  return {};
}

}  // namespace

Status RunScreen(const TopOptions& options) {
  Link link = TRY(MakeLink(options));
  const Charset charset = LocaleCharset();
  const auto screen = TRY(Screen::Open());
  CatchSignals();
  Monitor(link, *screen, charset, Micros(options.frequency)).Run();
  return {};
}

Status RunOnce(const TopOptions& options) {
  Link link = TRY(MakeLink(options));
  const Charset charset = LocaleCharset();
  CatchSignals();
  TRY_STATUS(AskOnce(link));
  TRY_STATUS(AskOnce(link));
  const int64_t now = WallMicros() / 1'000'000;
  const std::string text = options.mode == TopOptions::Mode::kOnceJson
                               ? OnceJson(*link.snapshot(), link.history(), options.address, now)
                               : OnceTable(*link.snapshot(), link.history(), now, charset);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return ErrnoError("write to standard output", errno);
  }
  return {};
}

}  // namespace uwsgi::top

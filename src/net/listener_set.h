// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/listener.h"

namespace uwsgi {

// A descriptor that may be one of our listeners: kept over a reload, or handed to us by who started
// us.
struct InheritedSocket {
  UniqueFd fd;
  ListenerSource source = ListenerSource::kPredecessor;
  std::string address;  // what the predecessor opened it as; empty when nobody knows
};

// All listeners of the server in the order of the specs, activated ones before and standard input
// behind them.
class ListenerSet {
 public:
  // Opens every spec, the shared ones first, and gives each =N the shared socket it names.
  // Inherited sockets serve the specs that name their address. Of the others, those from outside
  // become listeners by the spec `extra`, and those of the predecessor are closed: their address
  // was taken out of the configuration. The same address twice is an error that names both places.
  static Result<ListenerSet> Bind(std::span<const ListenerSpec> specs,
                                  std::vector<InheritedSocket> inherited = {},
                                  const ListenerSpec& extra = {});

  [[nodiscard]] bool empty() const { return listeners_.empty(); }
  // Those that are served.
  [[nodiscard]] std::span<const Listener> listeners() const { return listeners_; }
  // Pointers to the same; good as long as this set stays where it is.
  [[nodiscard]] std::vector<const Listener*> pointers() const;
  // One line for each, for the log.
  [[nodiscard]] const std::vector<std::string>& start_lines() const { return start_lines_; }

  // Before an exec that reloads the server: the descriptors stay open, and these texts, one for
  // each, tell the successor about them.
  [[nodiscard]] Result<std::vector<std::string>> HandOver() const;
  // When that exec has failed.
  [[nodiscard]] Status TakeBack() const;
  // After that exec: what the options say of sockets that came from the predecessor, as far as it
  // can be changed while they listen (listen, chmod-socket, chown-socket). What fails is told.
  void Renew() const;

 private:
  void NumberTheLines();

  std::vector<Listener> listeners_;
  std::vector<Listener> unused_shared_;  // shared sockets that no =N names
  std::vector<std::string> start_lines_;
};

// The sockets of the texts that HandOver() gave to the predecessor's successor; what is no open
// descriptor is left out.
std::vector<InheritedSocket> ParseHandOver(std::span<const std::string> texts);

// The sockets of a service manager (reference 20 section 4): descriptors 3 and on, when
// `listen_pid` (LISTEN_PID) names this process and `listen_fds` (LISTEN_FDS) how many there are.
std::vector<InheritedSocket> TakeActivatedSockets(std::string_view listen_pid,
                                                  std::string_view listen_fds);

// Descriptor 0 when it is a listening socket; /dev/null stands in its place then.
Result<std::vector<InheritedSocket>> TakeStandardInput();

}  // namespace uwsgi

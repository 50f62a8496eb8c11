// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/listen_queue.h"

namespace uwsgi {

// What clients of a listener speak, and by which option's habits they are answered.
enum class ListenerProtocol : uint8_t { kHttp, kHttpSocket, kHttp11Socket, kUwsgi };
// As stats and the log print it: "http", "http", "http11", "uwsgi" (reference 13 section 2,
// `proto`).
std::string_view NameOf(ListenerProtocol protocol);

// One address to listen on; made by net_plan from the options.
struct ListenerSpec {
  ListenerProtocol protocol = ListenerProtocol::kUwsgi;
  std::string address;     // as the user wrote it
  std::string option;      // "http-socket"
  std::string origin;      // "site.ini:4"
  bool is_shared = false;  // bound early, and served only where another listener names it as =N
  int shared_index = -1;   // N when the address is =N
  int backlog = 0;         // 0: as much as the kernel allows
  int chmod = -1;          // of a UNIX socket's file; -1: the umask decides
  std::string chown;       // user[:group] of a UNIX socket's file
  bool reuse_port = false;
  bool freebind = false;
  bool so_keepalive = false;
  int sndbuf = 0;  // bytes; 0: the kernel's choice
  int rcvbuf = 0;
};

// "[http-socket = :9090, site.ini:4]", to stand behind a message.
std::string Where(const ListenerSpec& spec);

// Where a listener's descriptor came from.
enum class ListenerSource : uint8_t {
  kBound,          // made here
  kPredecessor,    // kept over a reload, or given with fd://N
  kActivation,     // opened by the service manager
  kStandardInput,  // was descriptor 0
};

// For addresses that are in use and will soon be free: the workers of a server whose master was
// killed let go of them as soon as they notice. Bounded in all, however many addresses there are.
class BindPatience {
 public:
  // Waits a little, and says so in the log the first time; false when the time is up.
  bool Wait(const ListenerSpec& spec);

 private:
  int64_t until_us_ = 0;  // monotonic; 0: nothing was in use yet
};

// A socket that listens, non-blocking and close-on-exec. Made before the fork, used by all workers
// at once. The file of a UNIX socket stays when the listener goes: see RemoveFile().
class Listener {
 public:
  // Opens the address of the spec. A UNIX socket's file that nobody listens on is replaced;
  // anything else at that path, and an address in use, is an error that names the option and where
  // it was given. With `patience` an address in use is tried again.
  static Result<Listener> Bind(const ListenerSpec& spec, BindPatience* patience = nullptr);
  // Takes over a socket that listens already.
  static Result<Listener> Adopt(const ListenerSpec& spec, UniqueFd fd,
                                ListenerSource source = ListenerSource::kPredecessor);
  // The same socket (a shared one) under another spec, which names it as =N.
  static Listener Map(const ListenerSpec& spec, Listener shared);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const ListenerSpec& spec() const { return spec_; }
  [[nodiscard]] ListenerSource source() const { return source_; }
  // The address as shown: as it was written, with the port that the kernel chose.
  [[nodiscard]] const std::string& name() const { return name_; }
  // The address text that the socket was opened with; differs from the spec's for =N.
  [[nodiscard]] const std::string& bound_as() const { return bound_as_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] int port() const { return address_.port(); }
  [[nodiscard]] bool is_unix() const { return address_.is_unix(); }
  // Of the UNIX socket's file, 0 when there is none.
  [[nodiscard]] ino_t inode() const { return inode_; }
  // The file of a UNIX socket, absolute; empty for other sockets.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] ListenQueue queue() const { return QueueOf(fd()); }
  // How many connections may wait, as far as we decide.
  [[nodiscard]] int backlog() const;

  // A socket that was bound with other options gets what these say of its backlog and its file.
  [[nodiscard]] Status Renew() const;

  // From now on clients are refused, whichever processes have the socket open. Sockets that
  // somebody else opened for us are left alone, as they outlive us.
  void RefuseClients() const;

  // Removes the file of the UNIX socket (`vacuum`), from whatever directory; fails when it is not
  // ours any more. For other sockets there is nothing to do.
  [[nodiscard]] Status RemoveFile() const;
  // It has a file, which is still the one that it was bound to.
  [[nodiscard]] bool OwnsFile() const;

  // What the log says at start (reference 20 section 3); `index` counts the sockets, or the shared
  // sockets.
  [[nodiscard]] std::string StartLine(int index) const;

 private:
  [[nodiscard]] bool IsBoundTo(const struct stat& file) const;
  Listener(const ListenerSpec& spec, UniqueFd fd, ListenerSource source)
      : spec_(spec), fd_(std::move(fd)), source_(source), bound_as_(spec.address) {}
  Status Identify();

  ListenerSpec spec_;
  UniqueFd fd_;
  ListenerSource source_;
  SocketAddress address_;
  std::string name_;
  std::string bound_as_;
  std::string path_;
  ino_t inode_ = 0;
  dev_t device_ = 0;
  bool auto_port_ = false;
};

// net.core.somaxconn: longer queues are cut by the kernel.
int SystemBacklogLimit();

}  // namespace uwsgi

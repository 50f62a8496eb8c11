// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/mailbox.h"

namespace uwsgi {

class Connection;

// A connection that has come from another worker, with a request that waits.
struct MovedConnection {
  UniqueFd socket;
  int front = 0;  // index of its listener, at the receiver
  int moves = 0;  // of this request, this one included
  bool trusted = false;
  PeerAddress peer;
  std::string bytes;  // of the request, and what followed it
};

// What a connection with a waiting request is sent with from one worker to another; its socket goes
// along. Empty when it has to stay: another process could not carry the request out just as well,
// it is too long, or has moved a few times already.
std::string WriteLetter(const Connection& connection, int front);
// nullopt when it is none.
std::optional<MovedConnection> ReadLetter(Message message);

// Programs that name the same format can read each other's letters.
std::string_view LetterFormat();

}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
#include "worker/letter.h"

#include <cstring>
#include <type_traits>

#include "request/connection.h"

namespace uwsgi {
namespace {

constexpr int kMostMoves = 3;

// The front of a message; the bytes of the request follow.
struct Letter {
  int32_t front;
  uint8_t moves;
  uint8_t trusted;
  PeerAddress peer;
};
static_assert(std::is_trivially_copyable_v<Letter>);
// A change of this is a change of the format.
static_assert(sizeof(Letter) == 56);

}  // namespace

std::string_view LetterFormat() { return "letter-1"; }

std::string WriteLetter(const Connection& connection, int front) {
  if (connection.moves() >= kMostMoves) return {};
  const std::string bytes = connection.MovableBytes();
  if (bytes.empty() || bytes.size() + sizeof(Letter) > Mailbox::kMaxBytes) return {};
  const Letter letter{front, static_cast<uint8_t>(connection.moves() + 1),
                      connection.peer_is_trusted() ? uint8_t{1} : uint8_t{0}, connection.peer()};
  std::string message(sizeof letter, '\0');
  std::memcpy(message.data(), &letter, sizeof letter);
  return message.append(bytes);
}

std::optional<MovedConnection> ReadLetter(Message message) {
  if (message.bytes.size() < sizeof(Letter) || !message.fd.valid()) return std::nullopt;
  Letter letter;
  std::memcpy(&letter, message.bytes.data(), sizeof letter);
  if (letter.peer.text().size() > INET6_ADDRSTRLEN) return std::nullopt;
  MovedConnection moved;
  moved.socket = std::move(message.fd);
  moved.front = letter.front;
  moved.moves = letter.moves;
  moved.trusted = letter.trusted == 1;
  moved.peer = letter.peer;
  moved.bytes = message.bytes.substr(sizeof letter);
  return moved;
}

}  // namespace uwsgi

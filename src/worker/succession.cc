// SPDX-License-Identifier: Apache-2.0
#include "worker/succession.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "request/connection.h"

// Why the channel cannot lose a request: letters are sent only after an invitation has been seen,
// which is there as soon as workers take. They wait in the kernel, and the master of the program
// that takes holds the taking end as its workers do, so that they outlive each of these. A program
// that stops, or is about to be followed by another one, first refuses (both ends learn of that
// from the kernel at once), then tells its workers to end; these take what is left until the end.

namespace uwsgi {
namespace {

// What both programs know a listener by.
std::string Describe(const Listener& listener) {
  return fmt::format("{} {}", static_cast<int>(listener.spec().protocol), listener.bound_as());
}

// The format of letters, then the listeners, each in a line.
std::string WriteInvitation(const std::vector<const Listener*>& listeners) {
  std::string text(LetterFormat());
  for (const Listener* listener : listeners) text.append("\n").append(Describe(*listener));
  return text;
}

}  // namespace

Result<std::unique_ptr<Succession>> Succession::Create(std::vector<const Listener*> listeners,
                                                       const std::vector<int>& inlets) {
  std::unique_ptr<Succession> made(
      new Succession(std::move(listeners), TRY(Mailbox::CreatePair())));
  for (const int fd : inlets) made->inlets_.push_back(Mailbox::Adopt(UniqueFd(fd)));
  return made;
}

void Succession::Invite() {
  has_invited_ = true;
  const std::string invitation = WriteInvitation(listeners_);
  for (Mailbox& inlet : inlets_) {
    // Without it they keep what they have.
    if (const auto sent = inlet.Send(invitation); !sent) LogLine(sent.error().text());
  }
}

void Succession::RefuseLetters() {
  for (Mailbox& inlet : inlets_) inlet.RefuseMore();
}

std::vector<int> Succession::HandOver() {
  std::vector<int> fds;
  if (next_inlet_) fds.push_back(next_inlet_->fd());
  if (has_invited_) {
    RefuseLetters();
  } else {
    for (const Mailbox& inlet : inlets_) fds.push_back(inlet.fd());
  }
  return fds;
}

Result<std::optional<MovedConnection>> Succession::Take(Mailbox& inlet) {
  for (;;) {
    std::optional<Message> message = TRY(inlet.Receive());
    if (!message) return std::nullopt;
    if (auto moved = ReadLetter(std::move(*message))) return moved;
  }
}

bool Succession::has_heirs() {
  if (is_refused_) return false;
  if (!is_invited_) {
    const auto invitation = outlet_.Peek();
    if (!invitation) return false;
    ReadInvitation(*invitation);
  }
  return true;
}

void Succession::ReadInvitation(std::string_view invitation) {
  is_invited_ = true;
  const auto lines = Split(invitation, '\n');
  // Another version of the program: everything stays here.
  is_refused_ = lines.front() != LetterFormat();
  for (const Listener* listener : listeners_) {
    const auto found = std::find(lines.begin() + 1, lines.end(), Describe(*listener));
    heirs_fronts_.push_back(found == lines.end() ? -1
                                                 : static_cast<int>(found - lines.begin()) - 1);
  }
}

bool Succession::Give(const Connection& connection) {
  const int front = heirs_fronts_[static_cast<size_t>(connection.front().index)];
  if (front < 0 || is_refused_) return false;
  const std::string letter = WriteLetter(connection, front);
  if (letter.empty()) return false;
  const auto sent = outlet_.Send(letter, connection.fd());
  if (!sent || *sent == Mailbox::Sent::kClosed) is_refused_ = true;
  return sent && *sent == Mailbox::Sent::kYes;
}

}  // namespace uwsgi

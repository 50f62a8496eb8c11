// SPDX-License-Identifier: Apache-2.0
#include "service/remote_signal.h"

#include "service/packet_client.h"

namespace uwsgi {
namespace {

constexpr size_t kAnswerSize = 4;
constexpr char kModifier = 110;

}  // namespace

std::string RemoteSignalPacket(uint8_t signal) {
  return {kModifier, '\0', '\0', static_cast<char>(signal)};
}

std::string RemoteSignalAnswer(bool taken) {
  return {'\xff', '\0', '\0', static_cast<char>(taken ? 1 : 0)};
}

Result<bool> SendRemoteSignal(std::string_view address, uint8_t signal) {
  PacketClient client = TRY(PacketClient::Connect(address));
  TRY_STATUS(client.Send(RemoteSignalPacket(signal)));
  return TRY(client.Receive(kAnswerSize)) == RemoteSignalAnswer(true);
}

}  // namespace uwsgi

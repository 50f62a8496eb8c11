// SPDX-License-Identifier: Apache-2.0
#include "wire/cgi_names.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/strings.h"

// Both look-ups are perfect hashes found by the compiler: a multiplier for which no two names of
// the list share a slot. A look-up hashes five bytes and the length, and compares with the one name
// that can be meant.
namespace uwsgi {
namespace {

struct Row {
  ByteView cgi;
  ByteView header;
};

constexpr Row kRows[] = {
    {"", ""},
#define CGI_NAME(id, cgi, header) {cgi, header},
#include "wire/cgi_names.def"
#undef CGI_NAME
};
constexpr size_t kCount = static_cast<size_t>(CgiName::kCount);
static_assert(std::size(kRows) == kCount);

constexpr size_t kSlots = 1024;
constexpr int kSlotShift = 54;

// The bytes that tell the names apart, and the length; `size` is at least 2. Folding with 0x20
// makes it blind to case.
constexpr uint64_t Fingerprint(const char* name, size_t size) {
  const auto byte = [name](size_t at) { return static_cast<uint64_t>(name[at] | 0x20) & 0xff; };
  return byte(size / 4) | byte(size / 2) << 8 | byte(size * 3 / 4) << 16 | byte(size - 2) << 24 |
         byte(size - 1) << 32 | static_cast<uint64_t>(size) << 40;
}

constexpr size_t SlotOf(uint64_t fingerprint, uint64_t multiplier) {
  return static_cast<size_t>(fingerprint * multiplier >> kSlotShift);
}

struct HashTable {
  uint64_t multiplier = 0;
  std::array<uint8_t, kSlots> ids{};
};

consteval bool Fill(HashTable& table, ByteView Row::*member) {
  table.ids = {};
  for (size_t id = 1; id < kCount; ++id) {
    const ByteView name = kRows[id].*member;
    if (name.empty()) continue;
    uint8_t& slot = table.ids[SlotOf(Fingerprint(name.data(), name.size()), table.multiplier)];
    if (slot != 0) return false;
    slot = static_cast<uint8_t>(id);
  }
  return true;
}

consteval HashTable MakeTable(ByteView Row::*member, uint64_t seed) {
  HashTable table;
  for (int tries = 0; tries < 2000; ++tries) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    table.multiplier = seed | 1;
    if (Fill(table, member)) return table;
  }
  return HashTable{};
}

constexpr HashTable kCgiTable = MakeTable(&Row::cgi, 1);
constexpr HashTable kHeaderTable = MakeTable(&Row::header, 1);
static_assert(kCgiTable.multiplier != 0 && kHeaderTable.multiplier != 0,
              "no multiplier was found: make kSlots larger");

// The header names with, for each byte, the bit that may differ: 0x20 in letters, nothing
// elsewhere.
constexpr size_t kMaxHeader = 32;
struct FoldedName {
  char text[kMaxHeader] = {};
  char fold[kMaxHeader] = {};
};

consteval std::array<FoldedName, kCount> MakeFoldedNames() {
  std::array<FoldedName, kCount> folded{};
  for (size_t id = 0; id < kCount; ++id) {
    for (size_t at = 0; at < kRows[id].header.size(); ++at) {
      const char byte = kRows[id].header[at];
      folded[id].text[at] = byte;
      folded[id].fold[at] = byte >= 'a' && byte <= 'z' ? 0x20 : 0;
    }
  }
  return folded;
}
constexpr std::array<FoldedName, kCount> kFoldedNames = MakeFoldedNames();

template <typename Word>
bool SameFolded(const char* name, const FoldedName& folded, size_t at) {
  Word given;
  Word text;
  Word fold;
  std::memcpy(&given, name + at, sizeof given);
  std::memcpy(&text, folded.text + at, sizeof text);
  std::memcpy(&fold, folded.fold + at, sizeof fold);
  return static_cast<Word>(given | fold) == text;
}

// Whole words first, then the last word again from the end, so that no byte beyond the name is
// read.
template <typename Word>
bool SameFoldedWords(ByteView name, const FoldedName& folded) {
  for (size_t at = 0; at + sizeof(Word) <= name.size(); at += sizeof(Word)) {
    if (!SameFolded<Word>(name.data(), folded, at)) return false;
  }
  return SameFolded<Word>(name.data(), folded, name.size() - sizeof(Word));
}

bool SameFoldedName(ByteView name, const FoldedName& folded) {
  if (name.size() >= 8) return SameFoldedWords<uint64_t>(name, folded);
  if (name.size() >= 4) return SameFoldedWords<uint32_t>(name, folded);
  return SameFoldedWords<uint8_t>(name, folded);
}

}  // namespace

ByteView CgiText(CgiName name) { return kRows[static_cast<size_t>(name)].cgi; }
ByteView HeaderText(CgiName name) { return kRows[static_cast<size_t>(name)].header; }

CgiName LookUpHeader(ByteView header_name) {
  if (header_name.size() < 2 || header_name.size() > kMaxHeader) return CgiName::kUnknown;
  const size_t id = kHeaderTable.ids[SlotOf(Fingerprint(header_name.data(), header_name.size()),
                                            kHeaderTable.multiplier)];
  if (header_name.size() != kRows[id].header.size() ||
      !SameFoldedName(header_name, kFoldedNames[id]))
    return CgiName::kUnknown;
  return static_cast<CgiName>(id);
}

CgiName LookUpCgi(ByteView cgi_name) {
  if (cgi_name.size() < 2) return CgiName::kUnknown;
  const size_t id =
      kCgiTable.ids[SlotOf(Fingerprint(cgi_name.data(), cgi_name.size()), kCgiTable.multiplier)];
  return cgi_name == kRows[id].cgi ? static_cast<CgiName>(id) : CgiName::kUnknown;
}

size_t FormatCgiName(ByteView header_name, char* out) {
  std::memcpy(out, "HTTP_", 5);
  std::transform(header_name.begin(), header_name.end(), out + 5,
                 [](char c) { return c == '-' ? '_' : ToUpper(c); });
  return header_name.size() + 5;
}

}  // namespace uwsgi

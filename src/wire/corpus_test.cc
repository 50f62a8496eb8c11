// SPDX-License-Identifier: Apache-2.0
// Runs the files of tests/wire (format: its README) through the parser and the body decoder, cut in
// several ways.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/strings.h"
#include "testing/wire_corpus.h"
#include "wire/http1_body.h"
#include "wire/target.h"

namespace uwsgi {
namespace {

// What an application would see of one request.
struct Seen {
  std::string method, path, query, host, body;
  std::vector<std::pair<std::string, std::string>> fields;
  bool expects_continue = false;
};

struct Story {
  std::vector<Seen> requests;  // accepted to the end
  int refused = 0;             // status of the refusal that ended the story
  bool keep = true;
  bool incomplete = false;
};

// A connection without sockets: bytes come in, requests come out.
class Replay {
 public:
  // Everything received so far; it may lie elsewhere than before. True when there is no more to
  // expect.
  bool Take(ByteView all) {
    while (!over_ && (reading_body_ ? ReadBody(all) : ReadHead(all))) {
    }
    return over_;
  }

  Story End() {
    story_.incomplete = !over_ && (reading_body_ || parser_.started());
    return std::move(story_);
  }

 private:
  bool ReadHead(ByteView all) {
    const ParseOutcome outcome = parser_.Parse(all.substr(used_), HttpLimits(), head_);
    if (outcome.status == ParseStatus::kNeedMore) return false;
    if (outcome.status == ParseStatus::kError) return Refuse(outcome.error_status);
    used_ += outcome.consumed;
    seen_ =
        Seen{std::string(head_.method), "", std::string(head_.query), std::string(head_.host), ""};
    std::string room(head_.path.size(), '\0');
    const auto path = DecodePath(head_.path, room.data());
    if (!path) return Refuse(400);
    seen_.path = *path;
    for (const HeaderField& field : head_.fields)
      seen_.fields.emplace_back(field.name, field.value);
    seen_.expects_continue = head_.expects_continue;
    keep_ = head_.keep_alive;
    body_ = BodyDecoder(head_);
    parser_.Reset();
    reading_body_ = true;
    return true;
  }

  bool ReadBody(ByteView all) {
    const BodyPiece piece = body_.Next(all.substr(used_));
    if (piece.error) return Refuse(400);
    used_ += piece.consumed;
    seen_.body.append(piece.data);
    if (!piece.done) return !piece.data.empty();
    story_.requests.push_back(std::move(seen_));
    reading_body_ = false;
    story_.keep = keep_;
    over_ = !keep_;
    return true;
  }

  bool Refuse(int status) {
    story_.refused = status;
    story_.keep = false;
    over_ = true;
    return false;
  }

  Story story_;
  Http1Parser parser_;
  HttpHead head_;
  BodyDecoder body_;
  Seen seen_;
  size_t used_ = 0;
  bool reading_body_ = false;
  bool keep_ = true;
  bool over_ = false;
};

Story InPieces(ByteView input, size_t step) {
  // Small inputs move at every step, so that views into the old place would show.
  const bool move = input.size() < 10000;
  Replay replay;
  std::unique_ptr<char[]> place;
  for (size_t size = std::min(step, input.size());; size = std::min(size + step, input.size())) {
    ByteView given = input.substr(0, size);
    if (move) {
      auto next = std::make_unique<char[]>(size);
      std::copy(given.begin(), given.end(), next.get());
      if (place) std::fill_n(place.get(), size - std::min(step, size), '!');
      place = std::move(next);
      given = ByteView(place.get(), size);
    }
    if (replay.Take(given) || size == input.size()) return replay.End();
  }
}

std::string OutcomeOf(const Story& story) {
  if (story.incomplete) return "incomplete";
  return fmt::format("{} {}", story.refused == 0 ? 200 : story.refused,
                     story.keep ? "keep" : "close");
}

bool HasField(const Seen& seen, ByteView name) {
  return std::any_of(seen.fields.begin(), seen.fields.end(),
                     [name](const auto& field) { return EqualsIgnoringCase(field.first, name); });
}

void CheckFact(const Seen& seen, const WireCase::Fact& fact) {
  if (fact.key == "request") {
    EXPECT_EQ(seen.method + " " + seen.path, fact.value);
  } else if (fact.key == "query") {
    EXPECT_EQ(seen.query, fact.value);
  } else if (fact.key == "host") {
    EXPECT_EQ(seen.host, fact.value);
  } else if (fact.key == "body") {
    EXPECT_EQ(seen.body, fact.value);
  } else if (fact.key == "absent") {
    EXPECT_FALSE(HasField(seen, fact.value)) << fact.value;
  } else if (fact.key == "expects-continue") {
    EXPECT_EQ(seen.expects_continue, fact.value == "yes");
  } else if (fact.key == "header") {
    const size_t colon = fact.value.find(": ");
    const std::pair<std::string, std::string> field{fact.value.substr(0, colon),
                                                    fact.value.substr(colon + 2)};
    EXPECT_NE(std::find(seen.fields.begin(), seen.fields.end(), field), seen.fields.end())
        << fact.value;
  } else {
    ADD_FAILURE() << "unknown key " << fact.key;
  }
}

// `ahead` is the number of requests in front of those of the case.
void Check(const WireCase& expected, const Story& story, size_t ahead) {
  EXPECT_EQ(OutcomeOf(story), expected.outcome);
  size_t request = ahead - 1;
  for (const WireCase::Fact& fact : expected.facts) {
    if (fact.key == "request") ++request;
    ASSERT_LT(request, story.requests.size());
    CheckFact(story.requests[request], fact);
  }
  EXPECT_EQ(story.requests.size() + (story.refused != 0 ? 1 : 0), expected.responses + ahead);
}

class Corpus : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Corpus, SameAnswerHoweverTheInputIsCut) {
  const WireCase expected = LoadWireCase(GetParam());
  const std::string behind = "GET /ahead HTTP/1.1\r\nHost: ahead\r\n\r\n" + expected.input;
  for (const size_t step : {expected.input.size(), size_t{1}, size_t{2}, size_t{7}, size_t{17}}) {
    SCOPED_TRACE(fmt::format("{} in pieces of {}", expected.name, step));
    Check(expected, InPieces(expected.input, step), 0);
  }
  for (const size_t step : {behind.size(), size_t{1}, size_t{5}}) {
    SCOPED_TRACE(fmt::format("{} behind another request in pieces of {}", expected.name, step));
    Check(expected, InPieces(behind, step), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Wire, Corpus, testing::ValuesIn(WireCaseFiles()), WireCaseName);

}  // namespace
}  // namespace uwsgi

// SPDX-License-Identifier: Apache-2.0
// What a request head costs: the request of wrk, and one as browsers send it.
#include <benchmark/benchmark.h>

#include "wire/http1_body.h"
#include "wire/http1_parser.h"

namespace uwsgi {
namespace {

constexpr ByteView kSmall = "GET / HTTP/1.1\r\nHost: localhost:9090\r\n\r\n";
constexpr ByteView kBrowser =
    "GET /wiki/Main_Page?action=view&lang=de HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: "
    "Mozilla/5.0 (X11; Linux "
    "x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,"
    "image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, "
    "deflate, br\r\n"
    "Connection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark; "
    "consent=all\r\n"
    "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: "
    "navigate\r\nSec-Fetch-Site: none\r\n"
    "Cache-Control: max-age=0\r\n\r\n";

void ParseHead(benchmark::State& state, ByteView input) {
  Http1Parser parser;
  HttpHead head;
  const HttpLimits limits;
  for (auto _ : state) {
    parser.Reset();
    benchmark::DoNotOptimize(parser.Parse(input, limits, head));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * input.size()));
}
BENCHMARK_CAPTURE(ParseHead, small, kSmall);
BENCHMARK_CAPTURE(ParseHead, browser, kBrowser);

void ParseHeadInTwoPieces(benchmark::State& state) {
  Http1Parser parser;
  HttpHead head;
  const HttpLimits limits;
  for (auto _ : state) {
    parser.Reset();
    benchmark::DoNotOptimize(parser.Parse(kBrowser.substr(0, kBrowser.size() / 2), limits, head));
    benchmark::DoNotOptimize(parser.Parse(kBrowser, limits, head));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(ParseHeadInTwoPieces);

void DecodeChunk(benchmark::State& state) {
  const std::string body = "400\r\n" + std::string(1024, 'x') + "\r\n0\r\n\r\n";
  for (auto _ : state) {
    ChunkedDecoder decoder;
    benchmark::DoNotOptimize(decoder.Next(body));
  }
}
BENCHMARK(DecodeChunk);

}  // namespace
}  // namespace uwsgi

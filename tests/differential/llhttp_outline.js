// SPDX-License-Identifier: Apache-2.0
// Reads inputs (four bytes of length, big-endian, then the bytes) and writes for each a line of JSON: the requests that llhttp,
// as Node.js has it inside, finds in it and how it ends. http1_outline.cc writes the same of our parser.
'use strict';
process.noDeprecation = true;
const { HTTPParser, methods } = process.binding('http_parser');
const hex = (text) => Buffer.from(text, 'latin1').toString('hex');

function outline(input) {
  const messages = [];
  let end = 'more';
  let current = null;
  let held = [];
  let heldUrl = '';
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, 1 << 20);
  parser[HTTPParser.kOnHeaders | 0] = (fields, url) => {
    held = held.concat(fields);
    heldUrl += url;
  };
  parser[HTTPParser.kOnHeadersComplete | 0] = (major, minor, fields, method, url, status, text, upgrade, keepAlive) => {
    const all = held.concat(fields === undefined ? [] : fields);
    const pairs = [];
    for (let i = 0; i < all.length; i += 2) pairs.push([hex(all[i]), hex(all[i + 1])]);
    current = {
      method: hex(typeof method === 'number' ? (HTTPParser.methods || methods)[method] : method), target: hex(heldUrl + (url || '')),
      major, minor, fields: pairs, body: '', whole: false, keepAlive, upgrade,
    };
    messages.push(current);
    held = [];
    heldUrl = '';
    return 0;
  };
  parser[HTTPParser.kOnBody | 0] = (buffer, start, length) => {
    const piece = start === undefined ? buffer : buffer.subarray(start, start + length);
    current.body += piece.toString('hex');
  };
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    // Trailers of a chunked body may have come as fields; they belong to nobody.
    held = [];
    heldUrl = '';
    current.whole = true;
  };
  const result = parser.execute(input, 0, input.length);
  if (result instanceof Error) {
    end = 'error';
    if (messages.length > 0 && !messages[messages.length - 1].whole && messages[messages.length - 1].upgrade !== true) {
      messages.pop();
    }
  } else if (messages.length > 0 && messages[messages.length - 1].whole) {
    end = result < input.length ? 'closed' : 'done';
  }
  parser.free ? parser.free() : parser.close();
  return { messages, end, code: result instanceof Error ? result.code : '' };
}

const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk));
process.stdin.on('end', () => {
  const all = Buffer.concat(chunks);
  const lines = [];
  for (let at = 0; at < all.length;) {
    const size = all.readUInt32BE(at);
    lines.push(JSON.stringify(outline(all.subarray(at + 4, at + 4 + size))));
    at += 4 + size;
  }
  process.stdout.write(lines.join('\n') + '\n');
});

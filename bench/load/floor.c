// SPDX-License-Identifier: Apache-2.0
// The floor of the comparison: one epoll loop per process, no parsing beyond finding the end of a
// request, one fixed answer. No server that speaks HTTP can be much cheaper than this. Usage: floor
// PORT BODY_SIZE PROCESSES; the kernel spreads the connections over the processes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kBufferSize = 16384, kMaxEvents = 256 };

struct Connection {
  int fd;
  int closing;
  size_t used;         // bytes in `in`
  size_t body_left;    // bytes of a request body still to skip
  size_t out_pending;  // bytes of answers not taken by the kernel yet
  size_t out_offset;   // offset in the current answer
  char in[kBufferSize];
};

struct Answer {
  char* bytes;
  size_t size;
};

static struct Answer keep_alive_answer, close_answer;
static int epoll_fd;

static struct Answer MakeAnswer(const char* extra, size_t body_size) {
  struct Answer answer = {malloc(body_size + 256), 0};
  if (answer.bytes == NULL) abort();
  answer.size = (size_t)sprintf(
      answer.bytes, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%sContent-Length: %zu\r\n\r\n",
      extra, body_size);
  memset(answer.bytes + answer.size, 'x', body_size);
  answer.size += body_size;
  return answer;
}

static void Close(struct Connection* c) {
  close(c->fd);
  free(c);
}

// Sends what is owed; returns 0 when the connection is gone.
static int Flush(struct Connection* c) {
  const struct Answer* answer = c->closing ? &close_answer : &keep_alive_answer;
  while (c->out_pending > 0) {
    size_t chunk = answer->size - c->out_offset;
    if (chunk > c->out_pending) chunk = c->out_pending;
    ssize_t sent = send(c->fd, answer->bytes + c->out_offset, chunk, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) return 0;
      struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
      epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
      return 1;
    }
    c->out_pending -= (size_t)sent;
    c->out_offset = (c->out_offset + (size_t)sent) % answer->size;
  }
  return !c->closing;
}

// Counts the complete requests in the buffer and keeps the rest; returns 0 when the connection is
// gone.
static int Consume(struct Connection* c) {
  size_t start = 0;
  for (;;) {
    size_t skipped = c->used - start < c->body_left ? c->used - start : c->body_left;
    start += skipped;
    c->body_left -= skipped;
    if (c->body_left > 0) break;
    char* head = c->in + start;
    char* end = memmem(head, c->used - start, "\r\n\r\n", 4);
    if (end == NULL) break;
    if (*head == 'P') {
      char* length = memmem(head, (size_t)(end - head), "Content-Length: ", 16);
      if (length != NULL) c->body_left = strtoul(length + 16, NULL, 10);
    }
    if (memmem(head, (size_t)(end - head), "Connection: close", 17) != NULL) c->closing = 1;
    c->out_pending += (c->closing ? close_answer : keep_alive_answer).size;
    start = (size_t)(end + 4 - c->in);
  }
  memmove(c->in, c->in + start, c->used - start);
  c->used -= start;
  return c->used < kBufferSize && (c->body_left > 0 || Flush(c));
}

static int Read(struct Connection* c) {
  ssize_t got = recv(c->fd, c->in + c->used, kBufferSize - c->used, 0);
  if (got < 0) return errno == EAGAIN;
  if (got == 0) return 0;
  c->used += (size_t)got;
  return Consume(c);
}

static void Accept(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct Connection* c = malloc(sizeof *c);
    if (c == NULL) abort();
    c->fd = fd;
    c->closing = 0;
    c->used = c->body_left = c->out_pending = c->out_offset = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: floor PORT BODY_SIZE PROCESSES\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  size_t body_size = strtoul(argv[2], NULL, 10);
  keep_alive_answer = MakeAnswer("", body_size);
  close_answer = MakeAnswer("Connection: close\r\n", body_size);

  for (int more = atoi(argv[3]) - 1; more > 0 && fork() != 0;) --more;

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 ||
      listen(listener, 4096) != 0) {
    perror("floor");
    return 1;
  }
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  struct epoll_event events[kMaxEvents];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, kMaxEvents, -1);
    for (int i = 0; i < count; ++i) {
      struct Connection* c = events[i].data.ptr;
      if (c == NULL) {
        Accept(listener);
      } else if ((events[i].events & EPOLLOUT) != 0) {
        struct epoll_event readable = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &readable);
        if (!Flush(c)) Close(c);
      } else if (!Read(c)) {
        Close(c);
      }
    }
  }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve_server.h - a server in a thread on a free loopback port, made-up snapshots, and a client on raw sockets.
 * Used by test_serve*.c. Every wait is bounded; only the main thread asserts.
 */
#ifndef SYSSCOPE_TESTS_SERVE_SERVER_H
#define SYSSCOPE_TESTS_SERVE_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/http.h"
#include "base/util.h"
#include "sysscope/source.h"

#define CLIENT_WAIT_MS 10000 /* after that the test has failed */
#define NS_PER_MS      1000000ULL

/* ---- made-up snapshots ---- */
struct fake {
	struct snapshot_source source;
	struct snapshot snapshot;
	struct container_row *rows;
	char (*names)[32];
	atomic_int error; /* what next() fails with */
	atomic_int samples, published, idles, rests, judges;
	int fd; /* eventfd that idle() empties */
};

void fake_init(struct fake *f, size_t containers);
void fake_free(struct fake *f);

/* ---- the server ---- */
struct server {
	struct fake fake;
	struct http *http;
	struct http_options options;
	pthread_t thread;
	bool runs;
	int stop_fd, result;
	uint16_t port;
};

/* A server whose options may still be changed; server_start starts it. */
void server_init(struct server *s, size_t containers);
void server_start(struct server *s);
void server_tell_stop(struct server *s);

/* Milliseconds until the thread has ended. */
uint64_t server_join(struct server *s);
void server_stop(struct server *s);

/* Setup and teardown of each test: a server that is not started, with `containers` rows. */
int server_setup_rows(void **state, size_t containers);
int server_setup(void **state);
int server_teardown(void **state);
#define server_test(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

/* ---- the client ---- */
int client_socket(int receive_bytes);
int client_connect_receiving(const struct server *s, int receive_bytes);
int client_connect(const struct server *s);

/* A server that has answered already may have closed: no error. */
void client_send(int fd, const void *data, size_t len);
void client_say(int fd, const char *text);

struct answer {
	int status;	       /* 0: none came, or no whole one */
	struct buf head, body; /* head: with the last empty line */
	bool closed;	       /* the server closed before or behind it */
};

void answer_free(struct answer *a);
#define _cleanup_answer_ cleanup(answer_free)

/* The value of a header, NULL when it is not there; valid until the next call. */
const char *answer_header(const struct answer *a, const char *name);
void assert_header(const struct answer *a, const char *name, const char *want);

/* One byte at a time up to the empty line; then as much as Content-Length says, unless `head_only`. */
void client_receive(int fd, struct answer *a, bool head_only);

/* Whether the server closes within `ms`; what it still sends is thrown away. */
bool client_closed_within(int fd, unsigned int ms);

/* Sends the request text as it is and takes one answer. */
void client_ask(const struct server *s, const void *text, size_t len, struct answer *a);

/* GET with further header lines, each ending in \r\n. */
void client_get(const struct server *s, const char *path, const char *headers, struct answer *a);
int client_status(const struct server *s, const char *path);

#endif

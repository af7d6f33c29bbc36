/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients.h - the deadlines of open connections, which libmicrohttpd does not have: its timeout counts inactivity
 * only, so that one byte a second keeps a connection open for ever. Used by http.c; one thread; closes no descriptor,
 * only shuts it down, and libmicrohttpd notices.
 */
#ifndef SYSSCOPE_SERVE_CLIENTS_H
#define SYSSCOPE_SERVE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Beyond `busy` connections, each new one costs the oldest that waits for nothing from us its place: a thousand idle
 * connections cannot keep a scrape out. No limit per address: scrapes over loopback or from behind a proxy share one.
 * What was shut down takes its slot until libmicrohttpd's next turn, hence the larger second number.
 */
#define CLIENTS_BUSY 64
#define CLIENTS_MAX  96

enum client_state {
	CLIENT_FREE,
	CLIENT_HEADERS, /* owes us the rest of a request's headers */
	CLIENT_ANSWER,	/* we owe it an answer, or it is slow to take it */
	CLIENT_BETWEEN, /* answered, kept open */
	CLIENT_CLOSING, /* shut down */
};

struct client {
	enum client_state state;
	int fd;
	uint64_t since_ns, deadline_ns; /* CLOCK_BOOTTIME */
	uint64_t received_bytes;	/* when the last answer was out */
	bool answered;			/* the answer to the request at hand was queued */
	bool scrape;			/* the answer is a body of metrics... */
	uint64_t sequence;		/* ...of this snapshot */
};

struct clients {
	uint64_t headers_ns, answer_ns, between_ns; /* how long each state may last */
	struct client slots[CLIENTS_MAX];
	size_t n;
};

/* NULL when all slots are taken; the connection is shut down then. */
struct client *clients_add(struct clients *cs, int fd, uint64_t now_ns);
void clients_remove(struct clients *cs, struct client *c);

void client_asked(const struct clients *cs, struct client *c, uint64_t now_ns);	   /* its headers are here */
void client_answered(const struct clients *cs, struct client *c, uint64_t now_ns); /* its answer is out */

/* To be called after each turn: shuts down who is late. The next deadline, UINT64_MAX for none. */
uint64_t clients_check(struct clients *cs, uint64_t now_ns);

size_t clients_count(const struct clients *cs, enum client_state state);

#endif

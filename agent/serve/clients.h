/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients.h - deadlines of open connections. libmicrohttpd's own timeout counts inactivity only, so that one byte per second
 * keeps a connection open for ever. Called by http.c; one thread. Never closes a descriptor: it shuts the socket down, and
 * libmicrohttpd closes it.
 */
#ifndef SYSSCOPE_SERVE_CLIENTS_H
#define SYSSCOPE_SERVE_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Above CLIENTS_BUSY connections, each new one evicts the oldest that is not waiting for a response, so that a thousand idle
 * connections cannot keep a scrape out. There is no limit per address, since scrapes through loopback or a proxy share one.
 * CLIENTS_MAX is larger because an evicted connection keeps its slot until libmicrohttpd runs again.
 */
#define CLIENTS_BUSY 64
#define CLIENTS_MAX  96

enum client_state {
	CLIENT_FREE,
	CLIENT_HEADERS, /* has not sent all headers of a request yet */
	CLIENT_ANSWER,	/* waits for a response, or is still receiving it */
	CLIENT_BETWEEN, /* between two requests */
	CLIENT_CLOSING, /* shut down */
};

/* Whether a request may be answered. */
enum client_access {
	CLIENT_UNASKED,
	CLIENT_WAITS, /* its password is being checked */
	CLIENT_RIGHT,
	CLIENT_WRONG,
};

struct MHD_Connection;
struct ask_job;
struct tls;

struct client {
	enum client_state state;
	int fd;
	uint64_t since_ns, deadline_ns; /* CLOCK_BOOTTIME */
	uint64_t received_bytes;	/* when the last response was complete */
	bool answered;			/* the response to the current request is queued */
	enum client_access access;	/* of the current request */
	struct MHD_Connection *waits;	/* suspended until its password is checked, or its job done */
	struct ask_job *job;		/* what it waits for, or gets next; NULL: nothing */
	struct tls *tls;		/* what its session began with; NULL: not encrypted */
	bool scrape;			/* that response has metrics... */
	uint64_t sequence;		/* ...of this snapshot */
};

struct clients {
	uint64_t headers_ns, answer_ns, between_ns; /* how long each state may last */
	struct client slots[CLIENTS_MAX];
	size_t n;
};

/* NULL if all slots are taken; the connection is then shut down. */
struct client *clients_add(struct clients *cs, int fd, uint64_t now_ns);
void clients_remove(struct clients *cs, struct client *c);

void client_asked(const struct clients *cs, struct client *c, uint64_t now_ns);	   /* its headers are complete */
void client_answered(const struct clients *cs, struct client *c, uint64_t now_ns); /* its response is complete */

/* Call after each turn of the loop: shuts down connections past their deadline. Returns the next one; UINT64_MAX: none. */
uint64_t clients_check(struct clients *cs, uint64_t now_ns);

size_t clients_count(const struct clients *cs, enum client_state state);

#endif

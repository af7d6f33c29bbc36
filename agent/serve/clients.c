/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients.c - see clients.h. One slot per connection with its state and absolute deadline. Called from libmicrohttpd's
 * callbacks and after each of its turns. Allocates nothing.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "serve/clients.h"

/* Bytes that the kernel has received on this connection (4.1); 0 if unknown. */
static uint64_t received_bytes(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_bytes_received;
}

static void client_enter(struct client *c, enum client_state state, uint64_t now_ns, uint64_t limit_ns)
{
	c->state = state;
	c->since_ns = now_ns;
	c->deadline_ns = now_ns + limit_ns;
}

static void client_cut(struct client *c)
{
	/* Resets the connection, so that the kernel does not keep megabytes for a client that does not read. */
	const struct linger now = {.l_onoff = 1};

	if (c->state == CLIENT_ANSWER)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	shutdown(c->fd, SHUT_RDWR);
	c->state = CLIENT_CLOSING;
	c->deadline_ns = UINT64_MAX;
}

static void clients_make_room(struct clients *cs)
{
	struct client *oldest = NULL;

	if (cs->n - clients_count(cs, CLIENT_CLOSING) < CLIENTS_BUSY)
		return;
	for (struct client *c = cs->slots; c < cs->slots + CLIENTS_MAX; c++)
		if ((c->state == CLIENT_HEADERS || c->state == CLIENT_BETWEEN) &&
		    (!oldest || c->since_ns < oldest->since_ns))
			oldest = c;
	if (oldest)
		client_cut(oldest);
}

struct client *clients_add(struct clients *cs, int fd, uint64_t now_ns)
{
	struct client *c = cs->slots;

	clients_make_room(cs);
	while (c < cs->slots + CLIENTS_MAX && c->state != CLIENT_FREE)
		c++;
	if (c == cs->slots + CLIENTS_MAX) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	*c = (struct client){.fd = fd};
	client_enter(c, CLIENT_HEADERS, now_ns, cs->headers_ns);
	cs->n++;
	return c;
}

void clients_remove(struct clients *cs, struct client *c)
{
	c->state = CLIENT_FREE;
	cs->n--;
}

void client_asked(const struct clients *cs, struct client *c, uint64_t now_ns)
{
	c->answered = false;
	c->access = CLIENT_UNASKED;
	if (c->state != CLIENT_CLOSING)
		client_enter(c, CLIENT_ANSWER, now_ns, cs->answer_ns);
}

void client_answered(const struct clients *cs, struct client *c, uint64_t now_ns)
{
	if (c->state == CLIENT_CLOSING)
		return;
	client_enter(c, CLIENT_BETWEEN, now_ns, cs->between_ns);
	c->received_bytes = received_bytes(c->fd);
}

uint64_t clients_check(struct clients *cs, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (struct client *c = cs->slots; c < cs->slots + CLIENTS_MAX; c++) {
		if (c->state == CLIENT_FREE)
			continue;
		/* libmicrohttpd does not report the first byte of the next request. */
		if (c->state == CLIENT_BETWEEN && received_bytes(c->fd) != c->received_bytes)
			client_enter(c, CLIENT_HEADERS, now_ns, cs->headers_ns);
		if (c->deadline_ns <= now_ns)
			client_cut(c);
		if (c->deadline_ns < next_ns)
			next_ns = c->deadline_ns;
	}
	return next_ns;
}

size_t clients_count(const struct clients *cs, enum client_state state)
{
	size_t n = 0;

	for (const struct client *c = cs->slots; c < cs->slots + CLIENTS_MAX; c++)
		n += c->state == state;
	return n;
}

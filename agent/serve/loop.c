/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop.c - http_run of http.h: the turns of the one loop, in which libmicrohttpd's daemons run, the source does its idle work, and
 * the clients' deadlines pass. Never logs.
 */
#include <errno.h>
#include <poll.h>

#include "serve/access.h"
#include "serve/http_internal.h"
#include "serve/secure/passwords.h"

/* At its limit libmicrohttpd stops accepting, and resumes in a later turn for which no descriptor becomes readable. */
#define CROWDED_POLL_MS 50

enum { FD_WAKE, FD_SOURCE, FD_USERS, FD_ASKS, FD_DAEMONS };

static int ms_until(uint64_t when_ns, uint64_t now_ns, int at_most)
{
	uint64_t ms = (sub_sat(when_ns, now_ns) + NS_PER_MS - 1) / NS_PER_MS;

	return ms < (uint64_t)at_most ? (int)ms : at_most;
}

static int poll_timeout(struct http *h, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_boot_ns();
	int ms = ms_until(h->idle_ns + h->o.idle_ms * NS_PER_MS, now_ns, INT32_MAX);
	MHD_UNSIGNED_LONG_LONG daemon_ms;

	ms = ms_until(deadline_ns, now_ns, ms);
	ms = ms_until(service_alive(&h->service, now_ns), now_ns, ms);
	if (h->clients.n > CLIENTS_BUSY && ms > CROWDED_POLL_MS)
		ms = CROWDED_POLL_MS;
	for (size_t i = 0; i < ARRAY_SIZE(h->bodies); i++)
		if (h->bodies[i])
			ms = ms_until(h->bodies[i]->made_ns + h->o.share_ms * NS_PER_MS, now_ns, ms);
	for (size_t i = 0; i < h->n_listeners; i++)
		if (MHD_get_timeout(h->listeners[i].daemon, &daemon_ms) == MHD_YES &&
		    daemon_ms < (unsigned long long)ms)
			ms = (int)daemon_ms;
	return ms;
}

/*
 * A snapshot is not used any more once its text is rendered. Its memory is freed only when scrapes are rare: freeing and
 * faulting it in again makes a scrape a fifth more expensive.
 */
static void rest(struct http *h)
{
	if (clock_boot_ns() - h->asked_ns < h->o.rest_ms * NS_PER_MS)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(h->packs); i++)
		pack_drop(&h->packs[i]);
	api_forget(h);
	if (h->source->rest)
		h->source->rest(h->source->ctx);
}

static void idle_work(struct http *h, struct pollfd *source)
{
	uint64_t now_ns = clock_boot_ns();
	static const struct snapshot unchanged;
	const struct snapshot *latest = &unchanged; /* only the text is kept of one that is made */
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(h->bodies); i++)
		if (h->bodies[i] && now_ns - h->bodies[i]->made_ns >= h->o.share_ms * NS_PER_MS) {
			body_unref(h->bodies[i]);
			h->bodies[i] = NULL;
		}
	/* A descriptor that reports only errors would make the loop spin; idle() is then called by time alone. */
	if (source->revents && !(source->revents & POLLIN))
		source->fd = -1;
	if (!(source->revents & POLLIN) && now_ns - h->idle_ns < h->o.idle_ms * NS_PER_MS)
		return;
	h->source->idle(h->source->ctx, &latest);
	/* A response that is still being sent is older than that. */
	if (latest != &unchanged) {
		h->sequence = SEQUENCE_NONE;
		h->latest = NULL;
	}
	if (!h->ready)
		http_sample(h, &error);
	rest(h);
	h->idle_ns = clock_boot_ns();
}

static void http_drain_begin(struct http *h)
{
	for (size_t i = 0; i < h->n_listeners; i++) {
		int fd = MHD_quiesce_daemon(h->listeners[i].daemon);

		closep(&fd);
	}
}

int http_run(struct http *h, const struct snapshot_source *source)
{
	struct pollfd fds[FD_DAEMONS + HTTP_LISTEN_MAX] = {
		[FD_WAKE] = {.fd = h->o.wake_fd, .events = POLLIN},
		[FD_SOURCE] = {.fd = source->fd, .events = POLLIN},
		[FD_USERS] = {.fd = -1, .events = POLLIN},
		[FD_ASKS] = {.fd = h->asks ? asks_fd(h->asks) : -1, .events = POLLIN},
	};
	uint64_t deadline_ns = UINT64_MAX, drain_ns = UINT64_MAX;
	int error;

	for (size_t i = 0; i < h->n_listeners; i++)
		fds[FD_DAEMONS + i] = (struct pollfd){.fd = h->listeners[i].epoll_fd, .events = POLLIN};
	h->source = source;
	http_sample(h, &error); /* for the rates of the first scrape; if it fails, /-/ready says so */
	rest(h);
	h->idle_ns = clock_boot_ns();
	service_ready(&h->service);
	for (;;) {
		int n;

		fds[FD_USERS].fd = web_passwords(h->web) ? passwords_fd(web_passwords(h->web)) : -1;
		n = poll(fds, FD_DAEMONS + h->n_listeners,
			 poll_timeout(h, deadline_ns < drain_ns ? deadline_ns : drain_ns));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[FD_WAKE].revents && h->o.wake(h->o.ctx)) {
			if (drain_ns != UINT64_MAX) /* the second time: at once */
				return 0;
			drain_ns = clock_boot_ns() + h->o.drain_ms * NS_PER_MS;
			http_drain_begin(h);
			service_stopping();
		}
		if (n < 0)
			fds[FD_SOURCE].revents = 0;
		if (h->o.reload && h->o.reload(h->o.ctx))
			access_refresh(h, true);
		access_turn(h);
		api_turn(h);
		idle_work(h, &fds[FD_SOURCE]);
		for (size_t i = 0; i < h->n_listeners; i++)
			if (MHD_run(h->listeners[i].daemon) != MHD_YES)
				return -EIO;
		deadline_ns = clients_check(&h->clients, clock_boot_ns());
		if (drain_ns != UINT64_MAX &&
		    (!clients_count(&h->clients, CLIENT_ANSWER) || clock_boot_ns() >= drain_ns))
			return 0;
	}
}

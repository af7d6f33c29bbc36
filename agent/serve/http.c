/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.c - see http.h. Sockets, libmicrohttpd's daemons, and the loop that runs them, the source's idle work and the clients'
 * deadlines. The pages are in pages.c, who may see them in access.c. Never logs; the only thread is that of passwords.c.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "serve/access.h"
#include "serve/http_internal.h"
#include "serve/listen.h"
#include "serve/secure/tls.h"
#include "serve/secure/passwords.h"
#include "serve/self.h"

/* Per connection, for all headers of a request; larger requests get 431 or 414. */
#define CONNECTION_MEMORY_BYTES ((size_t)16384)
/* At its limit libmicrohttpd stops accepting, and resumes in a later turn for which no descriptor becomes readable. */
#define CROWDED_POLL_MS 50

enum { FD_WAKE, FD_SOURCE, FD_USERS, FD_DAEMONS };

void http_options_init(struct http_options *o)
{
	*o = (struct http_options){
		.listen = {HTTP_LISTEN_DEFAULT},
		.n_listen = 1,
		.telemetry_path = HTTP_TELEMETRY_DEFAULT,
		.max_requests = HTTP_MAX_REQUESTS_DEFAULT,
		.headers_ms = 5000,
		.answer_ms = 30000,
		.between_ms = 75000, /* longer than the usual longest scrape interval, one minute */
		.share_ms = 100,
		.idle_ms = 10000,
		.rest_ms = 90000, /* also longer than that */
		.drain_ms = 700,
		.wake_fd = -1,
	};
}

/* ---- libmicrohttpd's callbacks ---- */

static struct client *connection_client(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *h = ctx;
	const union MHD_ConnectionInfo *info;
	struct client *c;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*socket_context) {
			access_end(*socket_context);
			clients_remove(&h->clients, *socket_context);
		}
		*socket_context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	c = info ? clients_add(&h->clients, info->connect_fd, clock_boot_ns()) : NULL;
	if (c && !access_begin(h, c, connection))
		shutdown(info->connect_fd, SHUT_RDWR);
	*socket_context = c;
}

/*
 * Called when the headers are complete, and again when the body is, which without a body is at once. A response queued in the
 * first call ends the connection: right for a client that sends a body, which is never read.
 */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_size, void **request)
{
	struct http *h = ctx;
	struct client *c = connection_client(connection);
	enum access access;

	(void)version;
	(void)upload;
	if (!c || h->closing)
		return MHD_NO;
	if (!*request) {
		*request = c;
		client_asked(&h->clients, c, clock_boot_ns());
		/* Also for one on a connection that began with other users. */
		access_refresh(h, false);
		if (!request_has_body(connection))
			return MHD_YES;
	} else if (c->answered) {
		*upload_size = 0; /* discard the body */
		return MHD_YES;
	}
	/* libmicrohttpd takes an answer before a body or behind it: one that was suspended gets it behind. */
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	access = access_check(h, c, connection);
	if (access == ACCESS_WAIT)
		return MHD_YES;
	c->answered = true;
	return access == ACCESS_GO ? page_answer(h, c, connection, url, method)
				   : page_refuse(h, c, connection, access == ACCESS_BUSY);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode code)
{
	struct http *h = ctx;
	struct client *c = *request;

	(void)connection;
	if (!c)
		return;
	*request = NULL;
	if (c->scrape) {
		h->scrapes--;
		c->scrape = false;
		/* Only the latest snapshot can be marked as delivered. */
		if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK && c->sequence != SEQUENCE_NONE &&
		    c->sequence == h->sequence)
			h->source->published(h->source->ctx);
	}
	client_answered(&h->clients, c, clock_boot_ns());
}

/* Paths are compared undecoded: no page needs %-escapes, and %00 and %2f stay harmless. */
static size_t on_unescape(void *ctx, struct MHD_Connection *connection, char *s)
{
	(void)ctx;
	(void)connection;
	return strlen(s);
}

/* ---- open and close ---- */

static int daemon_start(struct http *h, struct listener *l)
{
	const struct tls *t = web_tls(h->web);
	const struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, t ? (void *)(uintptr_t)tls_cert_pem(t) : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, t ? (void *)(uintptr_t)tls_key_pem(t) : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, t ? (void *)(uintptr_t)tls_priority_text(t) : NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	const union MHD_DaemonInfo *info;

	l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (t ? MHD_USE_TLS : 0), 0, NULL, NULL,
				     on_request, h, MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_STRICT_FOR_CLIENT, 1,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CLIENTS_MAX,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_NOTIFY_COMPLETED,
				     on_completed, h, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, h, MHD_OPTION_ARRAY,
				     t ? secure : &secure[ARRAY_SIZE(secure) - 1], MHD_OPTION_END);
	if (!l->daemon)
		return -EIO;
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	l->epoll_fd = info->epoll_fd;
	return 0;
}

static int sockets_take(struct http *h, struct buf *error)
{
	int fds[HTTP_LISTEN_MAX], n = service_sockets(fds, HTTP_LISTEN_MAX, error);

	for (int i = 0; i < n; i++) {
		h->listeners[i].fd = fds[i];
		listen_address(fds[i], &h->listeners[i].address);
	}
	h->n_listeners = n < 0 ? 0 : (size_t)n;
	return n < 0 ? n : 0;
}

/* Opens all of them or fails. */
static int listeners_open(struct http *h, struct buf *error)
{
	if (h->o.systemd_sockets)
		return sockets_take(h, error);
	if (!h->o.n_listen || h->o.n_listen > HTTP_LISTEN_MAX)
		return -EINVAL;
	for (size_t i = 0; i < h->o.n_listen; i++) {
		struct listener *l = &h->listeners[i];

		l->fd = listen_open(h->o.listen[i], error);
		if (l->fd < 0)
			return l->fd;
		h->n_listeners++;
		listen_address(l->fd, &l->address);
	}
	return 0;
}

static int http_fill(struct http *h, struct buf *error)
{
	int r;

	if (!telemetry_path_valid(h->o.telemetry_path)) {
		buf_str(error, "not a valid path for metrics: '");
		text_terminal(error, h->o.telemetry_path, strlen(h->o.telemetry_path));
		buf_str(error,
			"'; it must begin with /, have only letters, digits and -._~/, and not be another page's");
		return -EINVAL;
	}
	r = h->o.web_config ? web_open(&h->web, h->o.web_config, error) : 0;
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = listeners_open(h, error);
	if (r < 0)
		return r;
	h->prometheus = prometheus_new(h->o.detail);
	r = landing_write(&h->landing, h->o.telemetry_path);
	if (!h->prometheus || r < 0)
		return -ENOMEM;
	h->self.start_time = self_start_time();
	for (size_t i = 0; i < h->n_listeners && r >= 0; i++)
		r = daemon_start(h, &h->listeners[i]);
	if (r < 0)
		buf_str(error, "cannot start libmicrohttpd");
	return r;
}

int http_open(struct http **ret, const struct http_options *o, struct buf *error)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->o = *o;
	h->clients.headers_ns = o->headers_ms * NS_PER_MS;
	h->clients.answer_ns = o->answer_ms * NS_PER_MS;
	h->clients.between_ns = o->between_ms * NS_PER_MS;
	r = http_fill(h, error);
	if (r < 0) {
		if (!error->len)
			buf_str(error, strerror(-r));
		http_close(h);
		return r;
	}
	*ret = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	h->closing = true;
	access_stop(h);
	for (size_t i = 0; i < h->n_listeners; i++) {
		/* libmicrohttpd ends the process if it is stopped while a connection is suspended. */
		if (h->listeners[i].daemon)
			MHD_run(h->listeners[i].daemon);
		if (h->listeners[i].daemon)
			MHD_stop_daemon(h->listeners[i].daemon); /* also closes the socket, unless http_run did */
		else
			closep(&h->listeners[i].fd);
		buf_free(&h->listeners[i].address);
	}
	for (size_t i = 0; i < ARRAY_SIZE(h->bodies); i++)
		body_unref(h->bodies[i]);
	for (size_t i = 0; i < ARRAY_SIZE(h->packs); i++)
		pack_drop(&h->packs[i]);
	prometheus_free(h->prometheus);
	buf_free(&h->landing);
	web_close(h->web);
	free(h);
}

const char *http_address(const struct http *h, size_t i)
{
	if (i >= h->n_listeners)
		return NULL;
	return h->listeners[i].address.data ? h->listeners[i].address.data : "";
}

bool http_is_open(const struct http *h, size_t i)
{
	return !web_asks_who(h->web) && !listen_is_loopback(h->listeners[i].fd);
}

bool http_is_tls(const struct http *h)
{
	return web_is_tls(h->web);
}

/* ---- the loop ---- */

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
	if (latest != &unchanged)
		h->sequence = SEQUENCE_NONE;
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

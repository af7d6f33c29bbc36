/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.c - see http.h. Sockets, libmicrohttpd's daemons and its callbacks. The loop that runs them is in loop.c, the pages in
 * pages.c, who may see them in access.c. Never logs; the only thread is that of passwords.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "serve/access.h"
#include "serve/http_internal.h"
#include "serve/listen.h"
#include "serve/secure/tls.h"
#include "serve/self.h"

/* Per connection, for all headers of a request; larger requests get 431 or 414. */
#define CONNECTION_MEMORY_BYTES ((size_t)16384)

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
	ask_job_free(c->job);
	c->job = NULL;
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

/* Two labels of one name in a series would be refused by Prometheus, and nobody could say which one is meant. */
static int chosen_check(const struct http_options *o, struct buf *error)
{
	size_t first = 0, second = prometheus_labels_clash(o->chosen, o->n_chosen, &first);

	if (second == o->n_chosen)
		return 0;
	buf_printf(error, "--metrics.container-label '%s' and '%s' would be one label: leave one out", o->chosen[first],
		   o->chosen[second]);
	return -EINVAL;
}

static int telemetry_path_check(const char *path, struct buf *error)
{
	if (telemetry_path_valid(path))
		return 0;
	buf_str(error, "not a valid path for metrics: '");
	text_terminal(error, path, strlen(path));
	buf_str(error, "'; it must begin with /, have only letters, digits and -._~/, and not be another page's");
	return -EINVAL;
}

int http_check(const struct http_options *o, struct buf *error)
{
	struct web *web = NULL;
	int r = telemetry_path_check(o->telemetry_path, error);

	if (!r)
		r = chosen_check(o, error);
	for (size_t i = 0; !r && !o->systemd_sockets && i < o->n_listen; i++)
		r = listen_check(o->listen[i], error);
	if (!r && o->web_config)
		r = web_open(&web, o->web_config, error);
	web_close(web);
	if (r < 0 && !error->len)
		buf_str(error, strerror(-r));
	return r;
}

void http_change(struct http *h, uint64_t max_requests, bool no_self)
{
	h->o.max_requests = max_requests;
	h->o.no_self = no_self;
}

bool http_web_is_wrong(const struct http *h)
{
	return h->web && web_is_refused(h->web);
}

static int http_fill(struct http *h, struct buf *error)
{
	int r = telemetry_path_check(h->o.telemetry_path, error);

	if (r == 0)
		r = chosen_check(&h->o, error);
	if (r < 0)
		return r;
	r = h->o.web_config ? web_open(&h->web, h->o.web_config, error) : 0;
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	r = listeners_open(h, error);
	if (r < 0)
		return r;
	h->prometheus = prometheus_new(h->o.detail);
	r = landing_write(&h->landing, h->o.telemetry_path, h->o.record_path != NULL);
	if (!h->prometheus || r < 0)
		return -ENOMEM;
	r = h->o.record_path ? asks_open(&h->asks, h->o.record_path) : 0;
	if (r < 0)
		return r;
	prometheus_labels(h->prometheus, h->o.minimal, h->o.chosen, h->o.n_chosen);
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
	api_stop(h);
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
	api_forget(h);
	asks_close(h->asks);
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

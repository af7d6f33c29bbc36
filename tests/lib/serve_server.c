/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve_server.h"

static const struct snapshot *fake_next(void *ctx, int *ret_error)
{
	struct fake *f = ctx;

	*ret_error = atomic_load(&f->error);
	if (*ret_error)
		return NULL;
	atomic_fetch_add(&f->samples, 1);
	f->snapshot.sequence++;
	f->snapshot.v[HOST_CPU_TASKS] = 1e9 * (double)f->snapshot.sequence;
	return &f->snapshot;
}

static void fake_published(void *ctx)
{
	struct fake *f = ctx;

	atomic_fetch_add(&f->published, 1);
}

static void fake_idle(void *ctx, const struct snapshot **latest)
{
	struct fake *f = ctx;
	uint64_t n;

	(void)latest;
	if (read(f->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		abort();
	atomic_fetch_add(&f->idles, 1);
}

static void fake_rest(void *ctx)
{
	struct fake *f = ctx;

	atomic_fetch_add(&f->rests, 1);
}

static void fake_judge(void *ctx, bool wanted)
{
	struct fake *f = ctx;

	assert_true(wanted);
	atomic_fetch_add(&f->judges, 1);
}

void fake_init(struct fake *f, size_t containers)
{
	*f = (struct fake){.snapshot = {.kernel = "6.1.0", .hostname = "host", .interval = 1}};
	f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->source = (struct snapshot_source){.next = fake_next,
					     .published = fake_published,
					     .idle = fake_idle,
					     .rest = fake_rest,
					     .fd = f->fd,
					     .ctx = f,
					     .judge = fake_judge};
	for (size_t i = 0; i < HOST_METRICS; i++)
		f->snapshot.v[i] = VALUE_ABSENT;
	f->rows = calloc(containers + 1, sizeof(*f->rows));
	f->names = calloc(containers + 1, sizeof(*f->names));
	assert_non_null(f->rows);
	assert_non_null(f->names);
	for (size_t i = 0; i < containers; i++) {
		struct container_row *c = &f->rows[i];

		snprintf(f->names[i], sizeof(f->names[i]), "container-%06zu", i);
		*c = (struct container_row){.name = f->names[i],
					    .id = f->names[i],
					    .runtime = "docker",
					    .image = "i",
					    .pod = "",
					    .namespace_ = "",
					    .labels = "",
					    .kind = "container",
					    .cgroup = f->names[i],
					    .parent = "",
					    .parent_cgroup = "",
					    .state = "running",
					    .uid = -1};
		for (size_t m = 0; m < CONTAINER_METRICS; m++)
			c->v[m] = (double)(i * 1000 + m);
	}
	f->snapshot.containers = f->rows;
	f->snapshot.n_containers = containers;
}

void fake_free(struct fake *f)
{
	closep(&f->fd);
	free(f->rows);
	free(f->names);
}

static bool server_wake(void *ctx)
{
	struct server *s = ctx;
	uint64_t n;

	return read(s->stop_fd, &n, sizeof(n)) == sizeof(n);
}

static void *server_thread(void *ctx)
{
	struct server *s = ctx;

	s->result = http_run(s->http, &s->fake.source);
	return NULL;
}

void server_init(struct server *s, size_t containers)
{
	*s = (struct server){.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	fake_init(&s->fake, containers);
	http_options_init(&s->options);
	s->options.listen[0] = "127.0.0.1:0";
	s->options.wake_fd = s->stop_fd;
	s->options.wake = server_wake;
	s->options.ctx = s;
}

void server_start(struct server *s)
{
	_cleanup_buf_ struct buf error = {};
	uint64_t port;

	assert_int_equal(http_open(&s->http, &s->options, &error), 0);
	assert_int_equal(parse_u64(strrchr(http_address(s->http, 0), ':') + 1, 1, 65535, &port), 0);
	s->port = (uint16_t)port;
	assert_int_equal(pthread_create(&s->thread, NULL, server_thread, s), 0);
	s->runs = true;
}

void server_tell_stop(struct server *s)
{
	uint64_t one = 1;

	assert_int_equal(write(s->stop_fd, &one, sizeof(one)), sizeof(one));
}

uint64_t server_join(struct server *s)
{
	uint64_t began_ns = clock_boot_ns();

	assert_int_equal(pthread_join(s->thread, NULL), 0);
	s->runs = false;
	assert_int_equal(s->result, 0);
	return (clock_boot_ns() - began_ns) / NS_PER_MS;
}

void server_stop(struct server *s)
{
	if (s->runs) {
		server_tell_stop(s);
		server_join(s);
	}
	http_close(s->http);
	closep(&s->stop_fd);
	fake_free(&s->fake);
}

int server_setup_rows(void **state, size_t containers)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	server_init(s, containers);
	*state = s;
	return 0;
}

int server_setup(void **state)
{
	return server_setup_rows(state, 3);
}

int server_teardown(void **state)
{
	server_stop(*state);
	free(*state);
	return 0;
}

/* ---- the client ---- */
int client_socket(int receive_bytes)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval wait = {.tv_sec = CLIENT_WAIT_MS / 1000};

	assert_true(fd >= 0);
	if (receive_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return fd;
}

int client_connect_receiving(const struct server *s, int receive_bytes)
{
	const struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = client_socket(receive_bytes);

	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

int client_connect(const struct server *s)
{
	return client_connect_receiving(s, 0);
}

void client_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

void client_say(int fd, const char *text)
{
	client_send(fd, text, strlen(text));
}

void answer_free(struct answer *a)
{
	buf_free(&a->head);
	buf_free(&a->body);
}

const char *answer_header(const struct answer *a, const char *name)
{
	static char value[256];
	size_t len = strlen(name);

	for (const char *line = a->head.data; line && *line; line = strstr(line, "\r\n")) {
		line += line == a->head.data ? 0 : 2;
		if (strncasecmp(line, name, len) == 0 && strncmp(line + len, ": ", 2) == 0) {
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
			return value;
		}
	}
	return NULL;
}

void assert_header(const struct answer *a, const char *name, const char *want)
{
	const char *value = answer_header(a, name);

	if (!want && value)
		fail_msg("%s: %s should not be there", name, value);
	if (want && (!value || strcmp(value, want) != 0))
		fail_msg("%s is '%s', not '%s' in\n%s", name, value ? value : "not there", want, a->head.data);
}

void client_receive(int fd, struct answer *a, bool head_only)
{
	char chunk[65536];
	const char *length;
	uint64_t left = 0;

	*a = (struct answer){};
	while (a->head.len < 4 || strcmp(a->head.data + a->head.len - 4, "\r\n\r\n") != 0) {
		ssize_t n = recv(fd, chunk, 1, 0);

		if (n <= 0) {
			a->closed = n == 0 || errno == ECONNRESET;
			return;
		}
		buf_add(&a->head, chunk, 1);
	}
	length = answer_header(a, "Content-Length");
	if (length && !head_only && parse_u64(length, 0, UINT32_MAX, &left) < 0)
		return;
	while (left) {
		ssize_t n = recv(fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk), 0);

		if (n <= 0) {
			a->closed = n == 0 || errno == ECONNRESET;
			return;
		}
		buf_add(&a->body, chunk, (size_t)n);
		left -= (uint64_t)n;
	}
	a->status = atoi(a->head.data + strlen("HTTP/1.1 "));
}

bool client_closed_within(int fd, unsigned int ms)
{
	const struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	char chunk[65536];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	do
		n = recv(fd, chunk, sizeof(chunk), 0);
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

void client_ask(const struct server *s, const void *text, size_t len, struct answer *a)
{
	int fd = client_connect(s);

	client_send(fd, text, len);
	client_receive(fd, a, len >= 5 && memcmp(text, "HEAD ", 5) == 0);
	close(fd);
}

void client_get(const struct server *s, const char *path, const char *headers, struct answer *a)
{
	_cleanup_buf_ struct buf text = {};

	buf_printf(&text, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers);
	client_ask(s, text.data, text.len, a);
}

int client_status(const struct server *s, const char *path)
{
	_cleanup_answer_ struct answer a = {};

	client_get(s, path, "", &a);
	return a.status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket_owners.c - see socket_owners.h. A pass visits every open file of every process, so it is rare: it may take 0.1 %
 * of the time, 0.5 % if a new process looks like a server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/util.h"
#include "sample/socket_owners.h"
#include "sysscope/sample.h"

#define SPACING	      5000000000ULL
#define SPACING_SOON  1000000000ULL
#define SHARE_OF_TIME 1000
#define SHARE_SOON    200
/* A process that lives shorter than this is not worth a pass; an older one has opened its listening sockets. */
#define SETTLED_NS 300000000ULL
/* Further records are dropped: one per listening socket and process that has it open. */
#define OWNERS_MAX 65536
#define READ_BYTES 65536

/* It waits in epoll, or has siblings of the same name: pids are in order, so these come right before it. */
static bool looks_like_server(const struct ss_thread_record *r, const struct ss_thread_record *before)
{
	if (r->blocks & SS_BLOCK_LOOP)
		return true;
	return before && memcmp(r->comm, before->comm, sizeof(r->comm)) == 0 &&
	       (before->ppid == r->ppid || before->tgid == r->ppid);
}

bool socket_owners_due(const struct socket_owners *o, const struct sample *s, uint64_t now_ns)
{
	uint64_t since = sub_sat(now_ns, o->read_ns), soon = SHARE_SOON * o->cost_ns, late = SHARE_OF_TIME * o->cost_ns;
	const struct ss_thread_record *before = NULL;

	if (!o->read_ns || since >= (late > SPACING ? late : SPACING))
		return true;
	if (since < (soon > SPACING_SOON ? soon : SPACING_SOON))
		return false;
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *r = &s->threads[i];

		if (!(r->flags & SS_THREAD_LEADER) || r->flags & SS_THREAD_KERNEL)
			continue;
		/* Too young for the last pass, and old enough now. */
		if (r->start_ns + SETTLED_NS > o->read_ns && r->start_ns + SETTLED_NS <= now_ns &&
		    looks_like_server(r, before))
			return true;
		before = r;
	}
	return false;
}

/* Takes the whole records at the beginning of `data`. Returns the bytes taken, or -ENOMEM. */
static ssize_t records_take(struct socket_owners *o, struct sample *s, const char *data, size_t bytes, size_t *n)
{
	size_t count = bytes / sizeof(struct ss_socket_owner);

	if (*n + count > OWNERS_MAX)
		count = OWNERS_MAX - *n;
	if (*n + count > o->cap) {
		size_t want = (*n + count) * 2 + 64;
		void *more = reallocarray(s->socket_owners, want, sizeof(*s->socket_owners));

		if (!more)
			return -ENOMEM;
		s->socket_owners = more;
		o->cap = want;
	}
	if (count)
		memcpy(&s->socket_owners[*n], data, count * sizeof(*s->socket_owners));
	*n += count;
	return (ssize_t)(bytes / sizeof(struct ss_socket_owner) * sizeof(struct ss_socket_owner));
}

int socket_owners_read(struct socket_owners *o, int link_fd, struct sample *s)
{
	_cleanup_close_ int fd = bpf_iter_create(link_fd);
	_cleanup_free_ char *data = malloc(READ_BYTES);
	size_t left = 0, found = 0;

	if (fd < 0)
		return -errno;
	if (!data)
		return -ENOMEM;
	o->read_ns = clock_boot_ns();
	for (;;) {
		ssize_t n = read(fd, data + left, READ_BYTES - left), taken;

		if (n == 0)
			break;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		left += (size_t)n;
		taken = records_take(o, s, data, left, &found);
		if (taken < 0)
			return (int)taken;
		left -= (size_t)taken;
		memmove(data, data + taken, left);
	}
	o->cost_ns = clock_boot_ns() - o->read_ns;
	s->n_socket_owners = found;
	s->socket_owners_ns = o->read_ns;
	return 0;
}

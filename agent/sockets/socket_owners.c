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
#include "sockets/socket_owners.h"
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
		const struct ss_thread_record *r = s->threads[i].told->record;

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

static int owner_take(struct socket_owners *o, struct sample *s, const struct ss_socket_owner *record, size_t *n)
{
	if (*n >= OWNERS_MAX)
		return 0;
	if (array_reserve(&s->socket_owners, &o->cap, *n + 1, sizeof(*record)) < 0)
		return -ENOMEM;
	s->socket_owners[(*n)++] = *record;
	return 0;
}

/* Takes the whole records at the beginning of `data`. Returns the bytes taken; -ENOMEM or -EBADMSG. */
static ssize_t records_take(struct socket_owners *o, struct sample *s, const char *data, size_t bytes, size_t *n)
{
	union {
		__u64 kind;
		struct ss_socket_owner owner;
		struct ss_tcp_socket tcp;
	} record;
	size_t at = 0, size;
	int r;

	for (; bytes - at >= sizeof(record.kind); at += size) {
		memcpy(&record.kind, data + at, sizeof(record.kind));
		size = record.kind == SS_SOCKET_OWNER ? sizeof(record.owner)
		       : record.kind == SS_SOCKET_TCP ? sizeof(record.tcp)
						      : 0;
		if (!size)
			return -EBADMSG;
		if (bytes - at < size)
			break;
		memcpy(&record, data + at, size);
		r = record.kind == SS_SOCKET_OWNER ? owner_take(o, s, &record.owner, n)
						   : tcp_sockets_add(&o->tcp, &record.tcp);
		if (r < 0)
			return r;
	}
	return (ssize_t)at;
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
	o->tcp.found.n = 0;
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
	s->n_socket_owners = found;
	if (tcp_sockets_sum(&o->tcp, s) < 0)
		return -ENOMEM;
	o->cost_ns = clock_boot_ns() - o->read_ns;
	s->socket_owners_ns = s->tcp_ports_ns = o->read_ns;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket_owners.c - see listeners.h. A pass visits every open file of every process, so it is made seldom: it may take a
 * thousandth of the time, five thousandths when somebody was born who looks as if it had a concurrency model.
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
/* Who lives shorter than this is not worth a pass; by then it has opened what it listens on. */
#define SETTLED_NS 300000000ULL
/* Beyond this many listening sockets, times the processes that share each, the rest is not looked at. */
#define LISTENERS_MAX 65536
#define READ_BYTES    65536

/* It lives in epoll, or has brothers or sisters: they stand beside it in the order of pids. */
static bool is_worth(const struct ss_thread_record *r, const struct ss_thread_record *before)
{
	if (r->blocks & SS_BLOCK_LOOP)
		return true;
	return before && memcmp(r->comm, before->comm, sizeof(r->comm)) == 0 &&
	       (before->ppid == r->ppid || before->tgid == r->ppid);
}

bool listeners_due(const struct listeners *l, const struct sample *s, uint64_t now_ns)
{
	uint64_t since = sub_sat(now_ns, l->read_ns), soon = SHARE_SOON * l->cost_ns, late = SHARE_OF_TIME * l->cost_ns;
	const struct ss_thread_record *before = NULL;

	if (!l->read_ns || since >= (late > SPACING ? late : SPACING))
		return true;
	if (since < (soon > SPACING_SOON ? soon : SPACING_SOON))
		return false;
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *r = &s->threads[i];

		if (!(r->flags & SS_THREAD_LEADER) || r->flags & SS_THREAD_KERNEL)
			continue;
		/* Not yet settled when the last pass was made, and settled now. */
		if (r->start_ns + SETTLED_NS > l->read_ns && r->start_ns + SETTLED_NS <= now_ns && is_worth(r, before))
			return true;
		before = r;
	}
	return false;
}

/* Whole records of `data`; the rest is left for the next reading. -ENOMEM. */
static ssize_t records_take(struct listeners *l, struct sample *s, const char *data, size_t bytes, size_t *n)
{
	size_t count = bytes / sizeof(struct ss_listener);

	if (*n + count > LISTENERS_MAX)
		count = LISTENERS_MAX - *n;
	if (*n + count > l->cap) {
		size_t want = (*n + count) * 2 + 64;
		void *more = reallocarray(s->listeners, want, sizeof(*s->listeners));

		if (!more)
			return -ENOMEM;
		s->listeners = more;
		l->cap = want;
	}
	if (count)
		memcpy(&s->listeners[*n], data, count * sizeof(*s->listeners));
	*n += count;
	return (ssize_t)(bytes / sizeof(struct ss_listener) * sizeof(struct ss_listener));
}

int listeners_read(struct listeners *l, int link_fd, struct sample *s)
{
	_cleanup_close_ int fd = bpf_iter_create(link_fd);
	_cleanup_free_ char *data = malloc(READ_BYTES);
	size_t left = 0, found = 0;

	if (fd < 0)
		return -errno;
	if (!data)
		return -ENOMEM;
	l->read_ns = clock_boot_ns();
	for (;;) {
		ssize_t n = read(fd, data + left, READ_BYTES - left), taken;

		if (n == 0)
			break;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		left += (size_t)n;
		taken = records_take(l, s, data, left, &found);
		if (taken < 0)
			return (int)taken;
		left -= (size_t)taken;
		memmove(data, data + taken, left);
	}
	l->cost_ns = clock_boot_ns() - l->read_ns;
	s->n_listeners = found;
	s->listeners_ns = l->read_ns;
	return 0;
}

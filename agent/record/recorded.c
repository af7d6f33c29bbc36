/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recorded.c - see recorded.h. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "record/recorded.h"

/* Who asks so soon after a snapshot that was taken for the recording gets that one. */
#define SHARE_NS (100 * 1000000ULL)
/* Memory of a snapshot is kept for the next one, if that comes so soon. */
#define REST_NS (90 * 1000000000ULL)
/* Facts may come one by one, each of which would wake it. */
#define QUIET_NS (100 * 1000000ULL)

static void timer_set(const struct recorded_source *r)
{
	uint64_t ns = r->quiet_ns && r->quiet_ns < r->due_ns ? r->quiet_ns : r->due_ns;
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)}};

	timerfd_settime(r->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void timer_arm(struct recorded_source *r, uint64_t due_ns)
{
	r->due_ns = due_ns;
	timer_set(r);
}

/* Facts were just taken: those that follow are taken together, some time later. */
static void facts_pace(struct recorded_source *r, uint64_t now_ns)
{
	struct epoll_event event = {};

	if (r->inner->fd < 0 || (r->quiet_ns && now_ns < r->quiet_ns))
		return;
	event.events = r->quiet_ns ? EPOLLIN : 0;
	r->quiet_ns = r->quiet_ns ? 0 : now_ns + QUIET_NS;
	epoll_ctl(r->wake, EPOLL_CTL_MOD, r->inner->fd, &event);
	timer_set(r);
}

static void snapshot_pass(const struct recorded_source *r, const struct snapshot *s)
{
	if (r->passed)
		r->passed(r->ctx, s);
}

/* `s` was asked for at this time; NULL: it could not be taken. */
static void snapshot_record(struct recorded_source *r, const struct snapshot *s, uint64_t asked_ns)
{
	if (r->recorded_ns && asked_ns - r->recorded_ns < r->interval_ns / 2)
		return;
	if (s)
		keeper_note(r->keeper, s);
	else
		keeper_missed(r->keeper);
	r->recorded_ns = asked_ns;
	timer_arm(r, asked_ns + r->interval_ns);
	if (r->noted)
		r->noted(r->ctx);
}

static const struct snapshot *recorded_next(void *ctx, int *ret_error)
{
	struct recorded_source *r = ctx;
	uint64_t now_ns = clock_boot_ns();
	const struct snapshot *s;

	*ret_error = 0;
	if (r->latest && sub_sat(now_ns, r->latest_ns) < SHARE_NS)
		return r->latest;
	r->latest = NULL;
	s = r->inner->next(r->inner->ctx, ret_error);
	snapshot_pass(r, s);
	snapshot_record(r, s, now_ns);
	return s;
}

static void recorded_published(void *ctx)
{
	struct recorded_source *r = ctx;

	r->inner->published(r->inner->ctx);
}

static void recorded_idle(void *ctx, const struct snapshot **latest)
{
	static const struct snapshot unchanged;
	struct recorded_source *r = ctx;
	const struct snapshot *s = &unchanged;
	uint64_t now_ns = clock_boot_ns();
	int error;

	r->inner->idle(r->inner->ctx, &s);
	if (s == &unchanged && now_ns >= r->due_ns)
		s = r->inner->next(r->inner->ctx, &error);
	facts_pace(r, now_ns);
	if (s == &unchanged)
		return;
	snapshot_pass(r, s);
	/* A timer that comes late does not move those that follow. */
	snapshot_record(r, s, now_ns >= r->due_ns && now_ns - r->due_ns < r->interval_ns / 4 ? r->due_ns : now_ns);
	*latest = r->latest = s;
	r->latest_ns = clock_boot_ns();
}

static void recorded_rest(void *ctx)
{
	struct recorded_source *r = ctx;

	if (!r->inner->rest || r->interval_ns < REST_NS)
		return;
	r->latest = NULL;
	snapshot_pass(r, NULL);
	r->inner->rest(r->inner->ctx);
}

static void recorded_loops(void *ctx)
{
	struct recorded_source *r = ctx;

	if (r->inner->loops)
		r->inner->loops(r->inner->ctx);
}

static int descriptor_add(int to, int fd)
{
	struct epoll_event readable = {.events = EPOLLIN};

	return fd < 0 || epoll_ctl(to, EPOLL_CTL_ADD, fd, &readable) == 0 ? 0 : -errno;
}

int recorded_source_open(struct recorded_source *r, const struct snapshot_source *inner, struct keeper *keeper,
			 double interval)
{
	int error;

	r->inner = inner;
	r->keeper = keeper;
	r->interval_ns = (uint64_t)(interval * 1e9);
	r->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	r->wake = epoll_create1(EPOLL_CLOEXEC);
	error = r->timer < 0 || r->wake < 0 ? -errno : 0;
	error = error ?: descriptor_add(r->wake, r->timer);
	error = error ?: descriptor_add(r->wake, inner->fd);
	if (error < 0)
		return error;
	r->outer = (struct snapshot_source){
		.next = recorded_next,
		.published = recorded_published,
		.idle = recorded_idle,
		.rest = recorded_rest,
		.fd = r->wake,
		.ctx = r,
		.loops = recorded_loops,
	};
	timer_arm(r, clock_boot_ns() + r->interval_ns);
	return 0;
}

void recorded_source_last(struct recorded_source *r)
{
	int error;

	r->recorded_ns = 0;
	recorded_next(r, &error);
}

void recorded_source_close(struct recorded_source *r)
{
	if (!r->inner)
		return;
	if (r->timer >= 0)
		close(r->timer);
	if (r->wake >= 0)
		close(r->wake);
	r->inner = NULL;
}

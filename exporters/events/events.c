/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events.c - see events.h; events as text. Every name from outside goes through text_terminal. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/text.h"
#include "base/util.h"
#include "exporters/events/events.h"
#include "exporters/table/oom.h"
#include "exporters/table/table.h"

/* From linux/sched.h, since 5.5, 5.6 and 5.7; the C library's header lacks some. */
#define FLAG_NEWTIME	   0x00000080ULL
#define FLAG_PIDFD	   0x00001000ULL
#define FLAG_CLEAR_SIGHAND 0x100000000ULL
#define FLAG_INTO_CGROUP   0x200000000ULL
#define FLAG_IO		   0x80000000ULL

const char *const event_type_names[EVENT_TYPES] = {
#define FACT(kind, number, type, name, ...) [EVENT_##type] = (name),
#define EVENT(type, name, ...)		    [EVENT_##type] = (name),
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
};

uint32_t event_types_shown(bool narrowed)
{
	enum { ALWAYS, NARROWED, ASKED };
	static const int shown[EVENT_TYPES] = {
#define FACT(kind, number, type, name, size, check, detail, when) [EVENT_##type] = (when),
#define EVENT(type, name, detail, when)				  [EVENT_##type] = (when),
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
	};
	uint32_t types = 0;

	for (int t = 0; t < EVENT_LOST; t++)
		if (shown[t] == ALWAYS || (shown[t] == NARROWED && narrowed))
			types |= 1u << t;
	return types;
}

const struct clone_flag clone_flags[] = {
	{CLONE_VM, "memory", "CLONE_VM"},
	{CLONE_FS, "working directory", "CLONE_FS"},
	{CLONE_FILES, "open files", "CLONE_FILES"},
	{CLONE_SIGHAND, "signal handlers", "CLONE_SIGHAND"},
	{FLAG_PIDFD, NULL, "CLONE_PIDFD"},
	{CLONE_PTRACE, NULL, "CLONE_PTRACE"},
	{CLONE_VFORK, NULL, "CLONE_VFORK"},
	{CLONE_PARENT, NULL, "CLONE_PARENT"},
	{CLONE_THREAD, NULL, "CLONE_THREAD"},
	{CLONE_NEWNS, NULL, "CLONE_NEWNS"},
	{CLONE_SYSVSEM, "semaphore undo", "CLONE_SYSVSEM"},
	{CLONE_SETTLS, NULL, "CLONE_SETTLS"},
	{CLONE_PARENT_SETTID, NULL, "CLONE_PARENT_SETTID"},
	{CLONE_CHILD_CLEARTID, NULL, "CLONE_CHILD_CLEARTID"},
	{CLONE_DETACHED, NULL, "CLONE_DETACHED"},
	{CLONE_UNTRACED, NULL, "CLONE_UNTRACED"},
	{CLONE_CHILD_SETTID, NULL, "CLONE_CHILD_SETTID"},
	{CLONE_NEWCGROUP, NULL, "CLONE_NEWCGROUP"},
	{CLONE_NEWUTS, NULL, "CLONE_NEWUTS"},
	{CLONE_NEWIPC, NULL, "CLONE_NEWIPC"},
	{CLONE_NEWUSER, NULL, "CLONE_NEWUSER"},
	{CLONE_NEWPID, NULL, "CLONE_NEWPID"},
	{CLONE_NEWNET, NULL, "CLONE_NEWNET"},
	{FLAG_IO, "I/O context", "CLONE_IO"},
	{FLAG_NEWTIME, NULL, "CLONE_NEWTIME"},
	{FLAG_CLEAR_SIGHAND, NULL, "CLONE_CLEAR_SIGHAND"},
	{FLAG_INTO_CGROUP, NULL, "CLONE_INTO_CGROUP"},
	{0, NULL, NULL},
};

uint32_t clone_namespaces(uint64_t flags)
{
	/* In the order of namespace_names. */
	static const uint64_t of[] = {CLONE_NEWPID, CLONE_NEWNS,   CLONE_NEWNET,    CLONE_NEWUTS,
				      CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWCGROUP, FLAG_NEWTIME};
	uint32_t kinds = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE(of); i++)
		if (flags & of[i])
			kinds |= 1u << i;
	return kinds;
}

/* ---- parts of a line ---- */

/* Local time of day with milliseconds; with the date if it is not on the same day as `beside`. */
static void put_time(struct buf *out, double seconds, double beside)
{
	/* What is not a number is no integer either. */
	time_t whole = isfinite(seconds) ? (time_t)seconds : 0, other = isfinite(beside) ? (time_t)beside : 0;
	struct tm tm, day;
	char text[32] = "";

	if (!isfinite(seconds) || !localtime_r(&whole, &tm)) {
		buf_char(out, '?');
		return;
	}
	if (localtime_r(&other, &day) && (day.tm_yday != tm.tm_yday || day.tm_year != tm.tm_year))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	else
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buf_printf(out, "%s.%03d", text, (int)((seconds - (double)whole) * 1000));
}

static void put_name(struct buf *out, const char *name)
{
	text_terminal(out, name ? name : "", name ? strlen(name) : 0);
}

static void put_number(struct buf *out, enum metric_unit unit, double v)
{
	struct metric_desc d = {.unit = unit};

	format_value(out, &d, v);
}

/* The names of the kinds, separated by `between`. */
static void put_kinds(struct buf *out, uint32_t kinds, const char *between)
{
	bool first = true;

	for (uint32_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(kinds >> i & 1))
			continue;
		buf_printf(out, "%s%s", first ? "" : between, namespace_names[i]);
		first = false;
	}
}

static void start_text(struct buf *out, const struct event *e)
{
	const char *before = "; shares ";

	buf_printf(out, "by %u", e->parent_pid);
	if (e->parent_tid != e->parent_pid)
		buf_printf(out, "/%u", e->parent_tid);
	/* Not for threads, which always share all of these. */
	for (const struct clone_flag *f = clone_flags; f->flag && e->type == EVENT_PROCESS_START; f++) {
		if (!f->shared || !(e->clone_flags & f->flag))
			continue;
		buf_printf(out, "%s%s", before, f->shared);
		before = ", ";
	}
	if (e->clone_flags & CLONE_VFORK)
		buf_str(out, "; vfork");
	if (e->clone_flags & FLAG_INTO_CGROUP)
		buf_str(out, "; into another cgroup");
	if (clone_namespaces(e->clone_flags)) {
		buf_str(out, "; new namespaces: ");
		put_kinds(out, clone_namespaces(e->clone_flags), ", ");
	}
}

static void exec_text(struct buf *out, const struct event *e)
{
	const char *end = e->arguments + e->arguments_bytes;

	if (!e->path)
		buf_str(out, "path not known");
	put_name(out, e->path);
	if (e->path_cut)
		buf_str(out, "...");
	if (!e->arguments)
		return;
	/* Without the first argument, which repeats the program's name. */
	for (const char *a = e->arguments; a < end; a += strlen(a) + 1) {
		if (a == e->arguments)
			continue;
		buf_char(out, ' ');
		put_name(out, *a ? a : "''");
	}
	if (e->arguments_cut)
		buf_str(out, " ...");
}

static void exit_text(struct buf *out, const struct event *e)
{
	if (WIFSIGNALED(e->status))
		buf_printf(out, "killed by SIG%s%s",
			   sigabbrev_np(WTERMSIG(e->status)) ? sigabbrev_np(WTERMSIG(e->status)) : "?",
			   WCOREDUMP(e->status) ? ", core dumped" : "");
	else
		buf_printf(out, "code %d", WEXITSTATUS(e->status));
	buf_str(out, " after ");
	sentence_time(out, e->lifetime);
	buf_str(out, "; CPU ");
	sentence_time(out, e->cpu);
	buf_str(out, ", peak ");
	put_number(out, UNIT_BYTES, e->peak_rss);
	buf_printf(out, ", switches %.0f + %.0f", e->voluntary_switches, e->involuntary_switches);
}

static void namespace_text(struct buf *out, const struct event *e)
{
	bool first = true;

	if (strcmp(e->how, "unknown") != 0)
		buf_printf(out, "%s: ", e->how);
	for (uint32_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(e->kinds >> i & 1))
			continue;
		buf_printf(out, "%s%s %u to %u", first ? "" : ", ", namespace_names[i], e->from[i], e->to[i]);
		first = false;
	}
	if (e->expected)
		buf_str(out, " (a runtime's own)");
}

static void container_text(struct buf *out, const struct event *e)
{
	put_name(out, e->runtime && *e->runtime ? e->runtime : "container");
	if (e->image && *e->image) {
		buf_char(out, ' ');
		put_name(out, e->image);
	}
	if (e->type == EVENT_CONTAINER_EXIT && isfinite(e->lifetime)) {
		buf_str(out, ", after ");
		sentence_time(out, e->lifetime);
	}
}

/* If it is not known what was exhausted, the smallest limit says what it may have been. */
static void oom_text(struct buf *out, const struct event *e)
{
	const char *of = e->memory_limit_of;

	oom_sentence(out, e->oom);
	if (!e->oom->exhausted[0] && of && isfinite(e->memory_limit)) {
		buf_str(out, "; the memory limit of ");
		put_name(out, e->container && e->container_cgroup && strcmp(of, e->container_cgroup) == 0 ? e->container
													  : of);
		buf_str(out, " is ");
		put_number(out, UNIT_BYTES, e->memory_limit);
	}
	if (!e->oom->n_largest)
		return;
	buf_str(out, "; largest ");
	sentence_time(out, e->oom->largest_age);
	buf_str(out, " before: ");
	oom_largest(out, e->oom, ", ");
}

static void lost_of(struct buf *out, const uint64_t *counts, const char *why)
{
	bool any = false;

	for (int i = 0; i < EVENT_TYPES; i++) {
		if (!counts[i])
			continue;
		buf_printf(out, "%s%llu %s", any ? ", " : "", (unsigned long long)counts[i], event_type_names[i]);
		any = true;
	}
	if (any)
		buf_str(out, why);
}

static bool any_of(const uint64_t *counts)
{
	for (int i = 0; i < EVENT_TYPES; i++)
		if (counts[i])
			return true;
	return false;
}

static void lost_text(struct buf *out, const struct event *e)
{
	lost_of(out, e->lost_ring, ": no room in the kernel's ring");
	if (any_of(e->lost_ring) && any_of(e->lost_unread))
		buf_str(out, "; ");
	lost_of(out, e->lost_unread,
		e->recorded ? ": no room for so many in the recording" : ": nobody read them in time");
}

static void cgroup_text(struct buf *out, const struct event *e)
{
	put_name(out, e->cgroup);
}

static void stall_text(struct buf *out, const struct event *e)
{
	stall_sentence(out, e->stall);
}

static void denial_text(struct buf *out, const struct event *e)
{
	buf_str(out, "CAP_");
	capability_name(out, e->capability);
}

/* ---- lines ---- */

static void (*const texts[EVENT_TYPES])(struct buf *out, const struct event *e) = {
#define FACT(kind, number, type, name, size, check, detail, ...) [EVENT_##type] = detail##_text,
#define EVENT(type, name, detail, ...)				 [EVENT_##type] = detail##_text,
#include "sysscope/abi/facts.def"
#undef FACT
#undef EVENT
};

static void thread_text(struct buf *out, const struct event *e)
{
	put_name(out, e->container ? e->container : "-");
	buf_char(out, ' ');
	put_name(out, e->comm && *e->comm ? e->comm : "-");
	if (e->comm && e->thread && *e->thread && strcmp(e->comm, e->thread) != 0) {
		buf_char(out, '/');
		put_name(out, e->thread);
	}
	buf_printf(out, " %u", e->pid);
	if (e->tid != e->pid)
		buf_printf(out, "/%u", e->tid);
	buf_str(out, " (");
	put_time(out, e->start_time, e->time);
	buf_str(out, "): ");
}

void event_how(struct buf *out, const struct event *e)
{
	texts[e->type](out, e);
}

int event_text(struct buf *out, const struct event *e)
{
	put_time(out, e->time, e->time);
	buf_printf(out, " %s ", event_type_names[e->type]);
	/* Losses belong to no thread. */
	if (e->type != EVENT_LOST)
		thread_text(out, e);
	texts[e->type](out, e);
	buf_char(out, '\n');
	return out->failed ? -ENOMEM : 0;
}

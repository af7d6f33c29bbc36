/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events.c - see events.h; here as text. Every name from outside goes through text_terminal. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/text.h"
#include "base/util.h"
#include "exporters/events/events.h"
#include "exporters/table/table.h"

/* linux/sched.h, since 5.5, 5.6 and 5.7; not all in the C library's header. */
#define FLAG_NEWTIME	   0x00000080ULL
#define FLAG_PIDFD	   0x00001000ULL
#define FLAG_CLEAR_SIGHAND 0x100000000ULL
#define FLAG_INTO_CGROUP   0x200000000ULL
#define FLAG_IO		   0x80000000ULL

const char *const event_type_names[EVENT_TYPES] = {
	"process_start",   "thread_start",	"exec",		 "exit",	  "namespace",
	"container_start", "container_exit",	"cgroup_create", "cgroup_remove", "oom_kill",
	"loop_stall",	   "capability_denied", "lost",
};

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

/* Local time of day with milliseconds; with the date when that is not the day of `beside`. */
static void add_time(struct buf *out, double seconds, double beside)
{
	time_t whole = (time_t)seconds, other = (time_t)beside;
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

static void add_name(struct buf *out, const char *name)
{
	text_terminal(out, name ? name : "", name ? strlen(name) : 0);
}

static void add_number(struct buf *out, enum metric_unit unit, double v)
{
	struct metric_desc d = {.unit = unit};

	format_value(out, &d, v);
}

/* The names of the kinds, separated by `between`. */
static void add_kinds(struct buf *out, uint32_t kinds, const char *between)
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
	/* Every thread shares these, or it would be none. */
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
		add_kinds(out, clone_namespaces(e->clone_flags), ", ");
	}
}

static void exec_text(struct buf *out, const struct event *e)
{
	const char *end = e->arguments + e->arguments_bytes;

	if (!e->path)
		buf_str(out, "path not known");
	add_name(out, e->path);
	if (e->path_cut)
		buf_str(out, "...");
	if (!e->arguments)
		return;
	/* The first is what it calls itself. */
	for (const char *a = e->arguments; a < end; a += strlen(a) + 1) {
		if (a == e->arguments)
			continue;
		buf_char(out, ' ');
		add_name(out, *a ? a : "''");
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
	add_number(out, UNIT_BYTES, e->peak_rss);
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
	add_name(out, e->runtime && *e->runtime ? e->runtime : "container");
	if (e->image && *e->image) {
		buf_char(out, ' ');
		add_name(out, e->image);
	}
	if (e->type == EVENT_CONTAINER_EXIT && isfinite(e->lifetime)) {
		buf_str(out, ", after ");
		sentence_time(out, e->lifetime);
	}
}

static void oom_text(struct buf *out, const struct event *e)
{
	if (!isfinite(e->peak_rss)) {
		buf_str(out, "no memory left");
		return;
	}
	buf_str(out, "no memory left; it had ");
	add_number(out, UNIT_BYTES, e->peak_rss);
	buf_printf(out, ", oom_score_adj %d", e->score_adjust);
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
	lost_of(out, e->lost_unread, ": nobody read them in time");
}

/* ---- lines ---- */

static void event_detail(struct buf *out, const struct event *e)
{
	switch (e->type) {
	case EVENT_PROCESS_START:
	case EVENT_THREAD_START:
		start_text(out, e);
		break;
	case EVENT_EXEC:
		exec_text(out, e);
		break;
	case EVENT_EXIT:
		exit_text(out, e);
		break;
	case EVENT_NAMESPACE:
		namespace_text(out, e);
		break;
	case EVENT_CONTAINER_START:
	case EVENT_CONTAINER_EXIT:
		container_text(out, e);
		break;
	case EVENT_CGROUP_CREATE:
	case EVENT_CGROUP_REMOVE:
		add_name(out, e->cgroup);
		break;
	case EVENT_OOM_KILL:
		oom_text(out, e);
		break;
	case EVENT_LOOP_STALL:
		stall_sentence(out, e->stall);
		break;
	case EVENT_CAPABILITY_DENIED:
		buf_str(out, "CAP_");
		capability_name(out, e->capability);
		break;
	case EVENT_LOST:
	case EVENT_TYPES:
		break;
	}
}

int event_text(struct buf *out, const struct event *e)
{
	add_time(out, e->time, e->time);
	buf_printf(out, " %s ", event_type_names[e->type]);
	if (e->type == EVENT_LOST) {
		lost_text(out, e);
		buf_char(out, '\n');
		return out->failed ? -ENOMEM : 0;
	}
	add_name(out, e->container ? e->container : "-");
	buf_char(out, ' ');
	add_name(out, e->comm && *e->comm ? e->comm : "-");
	buf_printf(out, " %u", e->pid);
	if (e->tid != e->pid)
		buf_printf(out, "/%u", e->tid);
	buf_str(out, " (");
	add_time(out, e->start_time, e->time);
	buf_str(out, "): ");
	event_detail(out, e);
	buf_char(out, '\n');
	return out->failed ? -ENOMEM : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor.c - `sysscope doctor`: what this kernel and this user offer, which hook each collector got, what is missing and how
 * to get it. Loads the programs to know; takes no sample and changes nothing.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <jansson.h>

#include "base/text.h"
#include "cgroup/cgroupfs.h"
#include "cli/doctor.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "kernel/loader.h"
#include "kernel/price.h"
#include "kernel/probe.h"

/* A difference below either is noise. The share is for emulated CPUs, which are slower and vary accordingly. */
#define MEASURABLE_NS	 15
#define MEASURABLE_SHARE 0.1
#define PRICE_TURNS_MAX	 3

struct doctor {
	struct kernel kernel;
	struct cgroupfs *fs;
	struct loader *loader;
	struct utsname uts;
	int fs_error, load_error;
	struct buf why;
	struct price without, with; /* the programs */
	bool price_sure;	    /* a second measurement gave the same */
};

/* Keeps the smaller of both; true if they agree. */
static bool price_join(struct price *p, const struct price *again)
{
	bool same = price_alike(p->syscall_ns, again->syscall_ns) && price_alike(p->epoll_ns, again->epoll_ns);

	p->syscall_ns = fmin(p->syscall_ns, again->syscall_ns);
	p->epoll_ns = fmin(p->epoll_ns, again->epoll_ns);
	return same;
}

/*
 * Measures by turns with and without the programs, until both gave the same twice: on a busy machine one measurement can
 * be twice as long as the next. Detaching tracepoints takes a third of a second. A signal ends it.
 */
static void doctor_price(struct doctor *d)
{
	struct collector_status s = loader_status(d->loader, COLLECTOR_EPOLL);
	struct price again;

	d->with = price_measure();
	for (int i = 1; i < PRICE_TURNS_MAX && s.has_programs && !d->price_sure && !run_stopped(); i++) {
		loader_pause(d->loader, COLLECTOR_EPOLL, true);
		again = price_measure();
		d->price_sure = price_join(&d->without, &again);
		loader_pause(d->loader, COLLECTOR_EPOLL, false);
		again = price_measure();
		d->price_sure = price_join(&d->with, &again) && d->price_sure;
	}
}

static void doctor_examine(struct doctor *d, const struct pipeline_options *o)
{
	_cleanup_buf_ struct buf warnings = {};
	struct loader_options lo = {.disabled = o->disabled,
				    .break_collector = o->break_collector,
				    .epoll_hook = o->epoll_hook,
				    .stall_ns = o->stall_ns,
				    .requested = ~0U};

	uname(&d->uts);
	kernel_probe(&d->kernel);
	d->fs_error = cgroupfs_open(&d->fs, "");
	if (d->fs_error >= 0)
		loader_options_hierarchy(&lo, &d->kernel, cgroupfs_layout(d->fs));
	d->without = price_measure();
	d->load_error = loader_open(&d->loader, &d->kernel, &lo, &d->why);
	if (!d->loader)
		return;
	pipeline_warnings(d->loader, &d->kernel, o, &warnings);
	run_warn(&warnings);
	doctor_price(d);
}

static void doctor_free(struct doctor *d)
{
	loader_close(d->loader);
	cgroupfs_close(d->fs);
	kernel_free(&d->kernel);
	buf_free(&d->why);
}

/* ---- text ---- */

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

/* Lines from outside, each with the prefix. */
static void text_untrusted(struct buf *out, const char *prefix, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		buf_str(out, prefix);
		text_terminal(out, text, (size_t)(end - text));
		buf_char(out, '\n');
	}
}

static void text_indent(struct buf *out)
{
	buf_printf(out, "  %-12s %-14s ", "", "");
}

/* The better hooks, which are not available: lines "HOOK: REASON". */
static void text_tried(struct buf *out, const char *tried)
{
	for (const char *end; *tried; tried = *end ? end + 1 : end) {
		int hook = (int)strcspn(tried, ":\n");

		end = strchrnul(tried, '\n');
		text_indent(out);
		buf_printf(out, "%.*s unavailable%.*s\n", hook, tried, (int)(end - tried) - hook, tried + hook);
	}
}

static void text_price(struct buf *out, const struct doctor *d, const struct collector_status *s)
{
	double one = d->with.syscall_ns - d->without.syscall_ns, wait = d->with.epoll_ns - d->without.epoll_ns;

	text_indent(out);
	if (!s->has_programs) {
		buf_str(out, "costs nothing: it has no hooks of its own\n");
		return;
	}
	buf_printf(out, "costs, measured just now%s: ", d->price_sure ? "" : " (uncertain: the machine is busy)");
	if (one >= MEASURABLE_NS && one >= d->without.syscall_ns * MEASURABLE_SHARE)
		buf_printf(out, "+%.0f ns on every system call of every process (an empty one takes %.0f ns)", one,
			   d->without.syscall_ns);
	else if (strcmp(s->hook, "tracepoint") == 0)
		buf_str(out, "system calls: no extra cost now, because another tracer has slowed them already");
	else
		buf_str(out, "nothing on other system calls");
	if (d->without.epoll_ns > 0)
		buf_printf(out, ", +%.0f ns on each wait in epoll (one that returns at once takes %.0f ns)",
			   wait > 0 ? wait : 0, d->without.epoll_ns);
	buf_char(out, '\n');
}

/* A controller that no hierarchy has is why a column is empty. */
static void text_lacking(struct buf *out, const char *controller, const char *gives)
{
	_cleanup_free_ char *text = NULL;

	if (read_file("/proc/cmdline", 65536, &text, NULL) == 0 && cgroup_turned_off(text, controller))
		buf_printf(out, "  %-12s OFF            turned off on the kernel's command line: cgroup_disable=%s\n",
			   controller, controller);
	else
		buf_printf(out, "  %-12s OFF            no hierarchy that is mounted here has this controller\n",
			   controller);
	text_indent(out);
	buf_printf(out, "not shown: %s\n", gives);
}

static void text_cgroups(struct buf *out, const struct doctor *d)
{
	const struct cgroup_layout_info *c;

	if (d->fs_error < 0) {
		buf_printf(out, "cgroups       none found: %s. Mount the host's /sys/fs/cgroup\n",
			   strerror(-d->fs_error));
		return;
	}
	c = cgroupfs_layout(d->fs);
	buf_printf(out, "cgroups       %s; resources are read from %s%s\n", cgroup_layout_name(c->layout),
		   c->carrying_v2 ? "the v2 hierarchy" : "v1 ", c->carrying_controller);
	if (!c->whole)
		buf_str(out,
			"  only a part of the hierarchy is visible: run outside of a container, or with the host's "
			"cgroup namespace\n");
	text_untrusted(out, "  ", c->mounts);
	if (c->lacks_cpu)
		text_lacking(out, "cpu", "CPU limits, throttling and weights of containers");
	if (c->lacks_memory)
		text_lacking(out, "memory", "memory of containers: usage, working set, limits");
	if (c->pressure_reason)
		buf_printf(out, "  no pressure of containers (waits for CPU, memory, disks): %s\n", c->pressure_reason);
	if (c->lacks_pids)
		text_lacking(out, "pids", "limits of processes, and who reached them");
}

static void text_attributed(struct buf *out)
{
	buf_printf(out, "attributed    %s\n",
		   access("/proc/schedstat", R_OK) == 0
			   ? "the share of CPU time that has an owner is checked against /proc/schedstat"
			   : "not known: /proc/schedstat is missing (a kernel without CONFIG_SCHEDSTATS)");
}

static void text_network_price(struct buf *out, const struct collector_status *s)
{
	text_indent(out);
	buf_str(out, strcmp(s->hook, "cgroup_skb") == 0
			     ? "costs some 60 ns for each packet, on either side\n"
			     : "costs nothing for a packet, and some 15 ns for a call that sends or receives\n");
}

static void text_collector(struct buf *out, const struct doctor *d, enum collector c)
{
	struct collector_status s = loader_status(d->loader, c);

	buf_printf(out, "  %-12s %-14s %s\n", s.name, s.loaded ? s.hook : "OFF", s.loaded ? s.programs : s.reason);
	if (s.loaded && s.reason[0]) {
		text_indent(out);
		buf_printf(out, "limits: %s\n", s.reason);
	}
	if (!s.loaded) {
		text_indent(out);
		if (s.instead)
			buf_printf(out, "nothing is missing: %s\n", s.instead);
		else
			buf_printf(out, "not shown: %s\n", s.gives);
	}
	text_tried(out, s.tried);
	if (c == COLLECTOR_EPOLL && s.loaded)
		text_price(out, d, &s);
	if (c == COLLECTOR_NETWORK && s.loaded)
		text_network_price(out, &s);
}

static int doctor_text(struct buf *out, const struct doctor *d)
{
	const struct kernel *k = &d->kernel;

	buf_printf(out, "kernel        %s %s\n", d->uts.release, d->uts.machine);
	buf_printf(out, "  type information (BTF)      %s\n", yes_no(k->btf));
	buf_printf(out, "  task iterator (5.8)         %s\n", yes_no(k->iter_task));
	buf_printf(out, "  ring buffer (5.8)           %s\n", yes_no(k->ring_buffer));
	buf_printf(out, "  task storage (5.11)         %s\n", yes_no(k->task_storage));
	buf_printf(out, "  lockdown                    %s\n", k->lockdown[0] ? k->lockdown : "unknown");
	buf_printf(out, "privileges\n");
	buf_printf(out, "  load programs (CAP_BPF)     %s\n", yes_no(k->cap_bpf));
	buf_printf(out, "  trace (CAP_PERFMON)         %s\n", yes_no(k->cap_perfmon));
	if (k->pids_hidden)
		buf_str(out,
			"  only processes of this pid namespace are visible: run outside of a container, or with the "
			"host's pid namespace (--pid=host)\n");
	text_cgroups(out, d);
	text_attributed(out);
	buf_str(out, "collectors\n");
	if (!d->loader)
		buf_printf(out, "  none: %s\n", d->why.data ? d->why.data : strerror(-d->load_error));
	for (int c = 0; d->loader && c < COLLECTORS; c++)
		text_collector(out, d, c);
	return out->failed ? -ENOMEM : 0;
}

/* ---- JSON ---- */

static json_t *json_collector(const struct doctor *d, enum collector c)
{
	struct collector_status s = loader_status(d->loader, c);
	json_t *one = json_pack("{s:s,s:b,s:b,s:s,s:s,s:s,s:s,s:s,s:s?,s:I}", "name", s.name, "on_request",
				collector_on_request(c), "loaded", s.loaded, "hook", s.hook, "programs", s.programs,
				"reason", s.reason, "tried", s.tried, "gives", s.gives, "instead", s.instead,
				"verified_instructions", (json_int_t)loader_verified_instructions(d->loader, c));

	if (c == COLLECTOR_EPOLL && s.has_programs)
		json_object_set_new(one, "price",
				    json_pack("{s:f,s:f,s:f,s:f}", "syscall_ns",
					      d->with.syscall_ns - d->without.syscall_ns, "epoll_wait_ns",
					      d->with.epoll_ns - d->without.epoll_ns, "syscall_without_ns",
					      d->without.syscall_ns, "epoll_wait_without_ns", d->without.epoll_ns));
	return one;
}

static json_t *json_lacking(const struct cgroup_layout_info *layout)
{
	json_t *names = json_array();

	if (layout && layout->lacks_cpu)
		json_array_append_new(names, json_string("cpu"));
	if (layout && layout->lacks_memory)
		json_array_append_new(names, json_string("memory"));
	if (layout && layout->lacks_pids)
		json_array_append_new(names, json_string("pids"));
	return names;
}

static int doctor_json(struct buf *out, const struct doctor *d)
{
	const struct cgroup_layout_info *layout = d->fs_error < 0 ? NULL : cgroupfs_layout(d->fs);
	const struct kernel *k = &d->kernel;
	json_t *root, *list = json_array();
	char *text;

	for (int c = 0; d->loader && c < COLLECTORS; c++)
		json_array_append_new(list, json_collector(d, c));
	root = json_pack("{s:s,s:s,s:b,s:b,s:b,s:b,s:s,s:b,s:b,s:s,s:s,s:o,s:s,s:s,s:o}", "kernel", d->uts.release,
			 "machine", d->uts.machine, "btf", k->btf != NULL, "task_iterator", k->iter_task, "ring_buffer",
			 k->ring_buffer, "task_storage", k->task_storage, "lockdown", k->lockdown, "cap_bpf",
			 k->cap_bpf, "cap_perfmon", k->cap_perfmon, "cgroups",
			 layout ? cgroup_layout_name(layout->layout) : "", "carrying",
			 !layout	       ? ""
			 : layout->carrying_v2 ? "v2"
					       : layout->carrying_controller,
			 "controllers_lacking", json_lacking(layout), "container_pressure_reason",
			 layout && layout->pressure_reason ? layout->pressure_reason : "", "error",
			 d->loader || !d->why.data ? "" : d->why.data, "collectors", list);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (text) {
		buf_str(out, text);
		buf_char(out, '\n');
	}
	free(text);
	return text && !out->failed ? 0 : -ENOMEM;
}

/* ---- the verb ---- */

int doctor_report(struct buf *out, const struct run *run)
{
	struct doctor d = {};
	int r;

	doctor_examine(&d, &run->pipeline);
	r = doctor_text(out, &d);
	doctor_free(&d);
	return r;
}

static int doctor_body(struct run *run)
{
	_cleanup_buf_ struct buf out = {};
	struct doctor d = {};
	bool json = false;
	const struct option_row rows[] = {
		ROW_FLAG("json", 0, &json, "one JSON object"),
	};
	int r = run_parse(run, rows, ARRAY_SIZE(rows));

	if (r != RUN_CONTINUE)
		return r;
	doctor_examine(&d, &run->pipeline);
	r = json ? doctor_json(&out, &d) : doctor_text(&out, &d);
	r = run_end(r ?: run_write(&out));
	if (r == EXIT_DONE && (!d.loader || d.fs_error < 0))
		r = EXIT_CANNOT;
	doctor_free(&d);
	return r;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "what this kernel offers, what is missing and how to get it",
	.about = "Shows what this kernel offers, which hook each collector uses and what it costs, and what "
		 "is missing.",
	.examples = "  sysscope doctor\n"
		    "  sysscope doctor --collector.epoll sched\n"
		    "  sysscope doctor --json | jq .collectors\n",
	.shares = VERB_COLLECTORS,
	.body = doctor_body,
};

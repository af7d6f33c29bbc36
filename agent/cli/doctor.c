/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor.c - `sysscope doctor`: what this kernel and this user offer, which hook each collector got, what is missing
 * and how to get it. Loads the programs to know, takes no sample, changes nothing.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <jansson.h>

#include "base/text.h"
#include "cgroup/cgroupfs.h"
#include "cli/collector_options.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "kernel/loader.h"
#include "kernel/price.h"
#include "kernel/probe.h"
#include "pipeline.h"

/* Less than both is noise: ten per cent, since an emulated CPU is slower and no more even. */
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
	bool price_sure;	    /* it came out the same a second time */
};

/* The less of both; true if they agree. */
static bool price_join(struct price *p, const struct price *again)
{
	bool same = price_alike(p->syscall_ns, again->syscall_ns) && price_alike(p->epoll_ns, again->epoll_ns);

	p->syscall_ns = fmin(p->syscall_ns, again->syscall_ns);
	p->epoll_ns = fmin(p->epoll_ns, again->epoll_ns);
	return same;
}

/*
 * With and without by turns, until both came out the same twice: on a busy machine one time can be twice as long as the
 * next. To detach tracepoints takes a third of a second.
 */
static void doctor_price(struct doctor *d)
{
	struct collector_status s = loader_status(d->loader, COLLECTOR_EPOLL);
	struct price again;

	d->with = price_measure();
	for (int i = 1; i < PRICE_TURNS_MAX && s.has_programs && !d->price_sure; i++) {
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
	struct loader_options lo = {.disabled = o->disabled,
				    .break_collector = o->break_collector,
				    .epoll_hook = o->epoll_hook,
				    .stall_ns = o->stall_ns};

	lo.requested = ~0U;
	uname(&d->uts);
	kernel_probe(&d->kernel);
	d->fs_error = cgroupfs_open(&d->fs, "");
	if (d->fs_error >= 0)
		loader_options_hierarchy(&lo, &d->kernel, cgroupfs_layout(d->fs));
	d->without = price_measure();
	d->load_error = loader_open(&d->loader, &d->kernel, &lo, &d->why);
	if (d->loader)
		doctor_price(d);
}

static void doctor_free(struct doctor *d)
{
	loader_close(d->loader);
	cgroupfs_close(d->fs);
	kernel_free(&d->kernel);
	buf_free(&d->why);
}

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

static void print_untrusted(const char *prefix, const char *text)
{
	_cleanup_buf_ struct buf line = {};

	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		buf_reset(&line);
		text_terminal(&line, text, (size_t)(end - text));
		printf("%s%s\n", prefix, line.data ? line.data : "");
	}
}

/* Better ways than the one in use. */
static void print_tried(const char *tried)
{
	for (const char *end; *tried; tried = *end ? end + 1 : end) {
		end = strchrnul(tried, '\n');
		printf("  %-12s %-14s not by %.*s\n", "", "", (int)(end - tried), tried);
	}
}

static void print_price(const struct doctor *d, const struct collector_status *s)
{
	double one = d->with.syscall_ns - d->without.syscall_ns, wait = d->with.epoll_ns - d->without.epoll_ns;

	printf("  %-12s %-14s costs", "", "");
	if (!s->has_programs) {
		printf(" nothing: it has no hooks of its own\n");
		return;
	}
	printf(", measured just now%s: ", d->price_sure ? "" : ", though the machine is too busy to be sure");
	if (one < MEASURABLE_NS || one < d->without.syscall_ns * MEASURABLE_SHARE)
		printf(strcmp(s->hook, "tracepoint") == 0
			       ? "nothing more on system calls, which another tracer has slowed down already"
			       : "nothing on other system calls");
	else
		printf("+%.0f ns on every system call of every process (one that does next to nothing takes %.0f)", one,
		       d->without.syscall_ns);
	if (d->without.epoll_ns > 0)
		printf(", +%.0f ns on each wait in epoll (one that does not wait takes %.0f)", wait > 0 ? wait : 0,
		       d->without.epoll_ns);
	printf("\n");
}

static void print_text(const struct doctor *d)
{
	const struct kernel *k = &d->kernel;

	printf("kernel        %s %s\n", d->uts.release, d->uts.machine);
	printf("  type information (BTF)      %s\n", yes_no(k->btf));
	printf("  task iterator (5.8)         %s\n", yes_no(k->iter_task));
	printf("  ring buffer (5.8)           %s\n", yes_no(k->ring_buffer));
	printf("  task storage (5.11)         %s\n", yes_no(k->task_storage));
	printf("  lockdown                    %s\n", k->lockdown[0] ? k->lockdown : "not known");
	printf("privileges\n");
	printf("  load programs (CAP_BPF)     %s\n", yes_no(k->cap_bpf));
	printf("  trace (CAP_PERFMON)         %s\n", yes_no(k->cap_perfmon));
	if (k->pids_hidden)
		printf("  only processes of this pid namespace are visible: run outside of a container, or with the "
		       "host's (--pid=host)\n");
	if (d->fs_error < 0) {
		printf("cgroups       none found: %s. Mount the host's /sys/fs/cgroup\n", strerror(-d->fs_error));
	} else {
		const struct cgroup_layout_info *c = cgroupfs_layout(d->fs);

		printf("cgroups       %s; resources are taken from %s%s\n", cgroup_layout_name(c->layout),
		       c->carrying_v2 ? "the v2 hierarchy" : "v1 ", c->carrying_controller);
		if (!c->whole)
			printf("  only a part of the hierarchy is visible: run outside of a container, or with the "
			       "host's "
			       "cgroup namespace\n");
		print_untrusted("  ", c->mounts);
	}
	printf("collectors\n");
	if (!d->loader) {
		printf("  none: %s\n", d->why.data ? d->why.data : strerror(-d->load_error));
		return;
	}
	for (int c = 0; c < COLLECTORS; c++) {
		struct collector_status s = loader_status(d->loader, c);

		printf("  %-12s %-14s %s\n", s.name, s.loaded ? s.hook : "OFF", s.loaded ? s.programs : s.reason);
		if (s.loaded && s.reason[0])
			printf("  %-12s %-14s lacks: %s\n", "", "", s.reason);
		if (!s.loaded)
			printf("  %-12s %-14s not shown: %s\n", "", "", s.gives);
		print_tried(s.tried);
		if (c == COLLECTOR_EPOLL && s.loaded)
			print_price(d, &s);
	}
}

static int print_json(const struct doctor *d)
{
	const struct kernel *k = &d->kernel;
	json_t *root, *list = json_array();
	char *text;

	for (int c = 0; d->loader && c < COLLECTORS; c++) {
		struct collector_status s = loader_status(d->loader, c);

		json_t *one =
			json_pack("{s:s,s:b,s:b,s:s,s:s,s:s,s:s,s:s,s:I}", "name", s.name, "on_request",
				  collector_on_request(c), "loaded", s.loaded, "hook", s.hook, "programs", s.programs,
				  "reason", s.reason, "tried", s.tried, "gives", s.gives, "verified_instructions",
				  (json_int_t)loader_verified_instructions(d->loader, c));

		if (c == COLLECTOR_EPOLL && s.has_programs)
			json_object_set_new(
				one, "price",
				json_pack("{s:f,s:f,s:f,s:f}", "syscall_ns", d->with.syscall_ns - d->without.syscall_ns,
					  "epoll_wait_ns", d->with.epoll_ns - d->without.epoll_ns, "syscall_without_ns",
					  d->without.syscall_ns, "epoll_wait_without_ns", d->without.epoll_ns));
		json_array_append_new(list, one);
	}
	root = json_pack("{s:s,s:s,s:b,s:b,s:b,s:b,s:s,s:b,s:b,s:s,s:s,s:s,s:o}", "kernel", d->uts.release, "machine",
			 d->uts.machine, "btf", k->btf != NULL, "task_iterator", k->iter_task, "ring_buffer",
			 k->ring_buffer, "task_storage", k->task_storage, "lockdown", k->lockdown, "cap_bpf",
			 k->cap_bpf, "cap_perfmon", k->cap_perfmon, "cgroups",
			 d->fs_error < 0 ? "" : cgroup_layout_name(cgroupfs_layout(d->fs)->layout), "carrying",
			 d->fs_error < 0		       ? ""
			 : cgroupfs_layout(d->fs)->carrying_v2 ? "v2"
							       : cgroupfs_layout(d->fs)->carrying_controller,
			 "error", d->loader || !d->why.data ? "" : d->why.data, "collectors", list);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!text)
		return -ENOMEM;
	puts(text);
	free(text);
	return 0;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct verb verb = {
		.name = "doctor",
		.summary = "what this kernel offers, which hook each collector got, what is missing",
		.examples = "  sysscope doctor\n  sysscope doctor --json | jq .collectors\n",
	};
	bool json = false;
	struct option_row rows[1 + COLLECTOR_OPTION_ROWS] = {
		{.name = "json", .kind = OPTION_FLAG, .target = &json, .help = "one JSON object"},
	};
	struct collector_options collectors;
	struct pipeline_options pipeline;
	size_t n = 1 + collector_options_rows(&collectors, rows + 1);
	struct doctor d = {};
	int r = options_parse(&verb, rows, n, argc, argv, NULL);

	if (r)
		return r < 0 ? EXIT_USAGE : EXIT_DONE;
	pipeline_options_init(&pipeline);
	collector_options_apply(&collectors, &pipeline);
	doctor_examine(&d, &pipeline);
	if (json)
		r = print_json(&d);
	else
		print_text(&d);
	r = r < 0 || fflush(stdout) != 0 ? EXIT_FAILED : d.loader && d.fs_error >= 0 ? EXIT_DONE : EXIT_CANNOT;
	doctor_free(&d);
	return r;
}

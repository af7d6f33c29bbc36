/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader_attach.c - attaches the programs of a collector, each where it belongs, and takes them off again; gives libbpf the types
 * that they need before they are loaded. Called by loader.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "kernel/loader_internal.h"
#include "kernel/tracefs.h"

void types_make(struct loader *l)
{
	const char *broken = l->options.break_collector;
	const void *object;
	size_t size;

	object = sysscope_bpf__elf_bytes(&size);
	l->types = broken && strcmp(broken, "types") == 0
			   ? -ENOENT
			   : needed_types_make(l->kernel->btf, object, size, l->types_path);
}

void types_drop(struct loader *l)
{
	if (l->types >= 0)
		close(l->types);
	l->types = -1;
}

void collector_detach(struct loader *l, enum collector c)
{
	for (int p = 0; p < MAX_PROGRAMS; p++) {
		bpf_link__destroy(l->state[c].links[p]);
		l->state[c].links[p] = NULL;
	}
}

/* The iterator over sockets that have state. */
static struct bpf_link *socket_iterator_attach(const struct loader *l, struct bpf_program *prog)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)bpf_map__fd(l->skeleton->maps.socket_cgroups)};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(prog, &o);
}

/* Proves that the kernel can list this hierarchy; the sampler makes a link of its own for each one (sample/tables.c). */
static struct bpf_link *cgroup_iterator_attach(const struct loader *l, struct bpf_program *prog)
{
	union bpf_iter_link_info info = {.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));
	_cleanup_close_ int root = open(l->options.cgroup_root ?: "", O_PATH | O_DIRECTORY | O_CLOEXEC);

	info.cgroup.cgroup_fd = (__u32)root;
	return root < 0 ? NULL : bpf_program__attach_iter(prog, &o);
}

/* io_uring calls this one since 7.3, and no longer do_epoll_ctl. See compat_epoll_descriptor() of the kernel half. */
#define EPOLL_CTL_FILE "do_epoll_ctl_file"

void epoll_target_choose(struct loader *l)
{
	if (!kernel_has_function(l->kernel, EPOLL_CTL_FILE))
		return;
	l->skeleton->rodata->cfg_epoll_keys = true;
	/* The program that is not loaded may have any target. */
	bpf_program__set_attach_target(l->skeleton->progs.epoll_ctl_fentry, 0, EPOLL_CTL_FILE);
}

/* NULL and errno. A link at a cgroup stands beside the programs of others, and goes with the agent (5.7). */
static struct bpf_link *program_attach(const struct loader *l, struct bpf_program *prog, const char *event)
{
	enum bpf_prog_type type = bpf_program__type(prog);
	_cleanup_close_ int root = -1;

	if (event)
		return tracefs_attach(l->tracefs, prog, event);
	if (prog == l->skeleton->progs.network_tcp)
		return socket_iterator_attach(l, prog);
	if (prog == l->skeleton->progs.cgroup_values)
		return cgroup_iterator_attach(l, prog);
	if (prog == l->skeleton->progs.epoll_ctl_kprobe && l->skeleton->rodata->cfg_epoll_keys)
		return bpf_program__attach_kprobe(prog, false, EPOLL_CTL_FILE);
	if (type != BPF_PROG_TYPE_CGROUP_SKB && type != BPF_PROG_TYPE_CGROUP_SOCK)
		return bpf_program__attach(prog);
	root = open(l->options.cgroup_v2_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? NULL : bpf_program__attach_cgroup(prog, root);
}

void tracefs_need(struct loader *l, const struct alternative *w)
{
	if (w->events[0] && l->tracefs <= 0)
		l->tracefs = tracefs_open();
}

int collector_attach(struct loader *l, enum collector c)
{
	const struct alternative *w = loader_way(l, c);
	size_t used = 0;

	l->state[c].programs[0] = '\0';
	if (!w)
		return 0;
	tracefs_need(l, w);
	if (!w->programs[0])
		snprintf(l->state[c].programs, sizeof(l->state[c].programs), "in those of %s",
			 w->programs_of_tcp	     ? "tcp"
			 : c == COLLECTOR_NAMESPACES ? "tasks, lifecycle and sched"
						     : "tasks and sched");
	for (int p = 0; p < MAX_PROGRAMS && w->programs[p]; p++) {
		struct bpf_program *prog = loader_program(l, w->programs[p]);
		struct bpf_link *link = program_attach(l, prog, w->events[p]);
		int r = -errno;

		if (!link) {
			snprintf(l->state[c].reason, sizeof(l->state[c].reason), "%s could not be attached: %s",
				 w->programs[p], strerror(-r));
			collector_detach(l, c);
			return r;
		}
		l->state[c].links[p] = link;
		if (alternative_repeats(w, p))
			continue;
		used += (size_t)snprintf(l->state[c].programs + used, sizeof(l->state[c].programs) - used, "%s%s",
					 p ? " " : "", w->programs[p]);
	}
	return 0;
}

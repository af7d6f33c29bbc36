/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracefs.c - see tracefs.h. Only tracefs has the ids of tracepoints. If it is not mounted, this file mounts it for this
 * process alone: a detached mount (5.2) is in no mount namespace, and goes away when its descriptor is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "kernel/tracefs.h"

int tracefs_open(void)
{
	static const char *const mounted[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	_cleanup_close_ int context = -1;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(mounted); i++) {
		fd = open(mounted[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && faccessat(fd, "events", F_OK, 0) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int tracepoint_id(int root, const char *event)
{
	_cleanup_close_ int file = -1;
	char path[128], text[16] = "";
	uint64_t id;
	ssize_t n;

	if (root < 0)
		return root;
	snprintf(path, sizeof(path), "events/%s/id", event);
	file = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	n = read(file, text, sizeof(text) - 1);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	text[text[n - 1] == '\n' ? n - 1 : n] = '\0';
	return parse_u64(text, 0, INT32_MAX, &id) < 0 ? -EBADMSG : (int)id;
}

struct bpf_link *tracefs_attach(int root, struct bpf_program *program, const char *event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .sample_period = 1, .wakeup_events = 1};
	struct bpf_link *link;
	int id = tracepoint_id(root, event), fd;

	if (id < 0) {
		errno = -id;
		return NULL;
	}
	attr.config = (uint64_t)id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* The link owns the descriptor. */
	link = bpf_program__attach_perf_event(program, fd);
	if (!link) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return link;
}

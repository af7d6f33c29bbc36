/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_proc_files.c - the files of /proc that are read as they are: mountinfo and cgroup, which hold paths of others'
 * choosing, and stat, meminfo, loadavg, schedstat, net/dev. One after the other in the input, a zero byte between.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroupfs.h"
#include "fuzz.h"
#include "machine/disks.h"
#include "network/netdev.h"
#include "sample/host.h"
#include "sample/schedstat.h"

static char root[64];

static const char *const files[] = {"proc/self/mountinfo", "proc/self/cgroup", "proc/stat",	"proc/meminfo",
				    "proc/loadavg",	   "proc/7/cgroup",    "proc/schedstat"};
static const struct ss_run_queue open_runs[SS_RUN_QUEUES];
static struct devices devices;

static void root_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command) != 0)
		perror(command);
}

static void root_make(void)
{
	static const char *const folders[] = {"proc", "proc/self", "proc/7", "m", "m/cpu"};
	char path[128];

	strcpy(root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/sysscope-fuzz-XXXXXX" : "/tmp/sysscope-fuzz-XXXXXX");
	must(mkdtemp(root));
	atexit(root_remove);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		must(mkdir(path, 0700) == 0);
	}
}

static void file_write(const char *name, const uint8_t *data, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static int cgroup_seen(void *ctx, uint64_t id, uint64_t parent_id, const char *path)
{
	must(path[0] == '/' && id != parent_id);
	return ++*(int *)ctx > 64;
}

/* What is left of the input, as the text of /proc/PID/net/dev. */
static void netdev_run(const uint8_t *data, size_t size)
{
	struct sample_interface rows[3];
	char *text = strndup((const char *)data, size);
	size_t n;

	must(text);
	n = netdev_parse(text, rows, 3);
	must(n <= 3);
	for (size_t i = 0; i < n; i++)
		must(rows[i].name[0] && strnlen(rows[i].name, sizeof(rows[i].name)) < sizeof(rows[i].name));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cgroup_counters counters;
	struct sample_run_queues queues;
	struct sample_host host;
	struct cgroupfs *fs = NULL;
	int seen = 0;

	if (!root[0])
		root_make();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const uint8_t *end = memchr(data, '\0', size);
		size_t length = end ? (size_t)(end - data) : size;

		file_write(files[i], data, length);
		data += end ? length + 1 : length;
		size -= end ? length + 1 : length;
	}
	if (cgroupfs_open(&fs, root) == 0) {
		const struct cgroup_layout_info *layout = cgroupfs_layout(fs);

		must(layout->mounts && layout->carrying_controller);
		must(layout->carrying_v2 || layout->carrying_controller[0]);
		cgroupfs_walk(fs, cgroup_seen, &seen, NULL);
		cgroupfs_read(fs, 1, "/", &counters);
	}
	cgroupfs_close(fs);
	netdev_run(data, size);
	file_write("proc/diskstats", data, size); /* the rest again */
	must(devices_read(&devices, root, 1) <= 0 && devices.list.n <= DEVICES_MAX);
	host_read(root, &host);
	schedstat_read(root, open_runs, &queues);
	return 0;
}

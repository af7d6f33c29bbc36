/* SPDX-License-Identifier: GPL-2.0-or-later */
/* running.c - see running.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "past/running.h"
#include "record/format.h"

#define COMM "sysscope\n"

/* A process of that name, whose owner is to be believed. */
static bool process_may_record(const char *pid)
{
	char path[64], comm[32] = "";
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%.20s", pid);
	return strcmp(comm, COMM) == 0 && stat(path, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid());
}

/* The folder of the mark that a link of /proc/PID/fd leads to. False: it leads elsewhere. */
static bool mark_link_read(int folder, const char *name, char *out, size_t size)
{
	ssize_t n = readlinkat(folder, name, out, size - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash || strcmp(slash + 1, RECORDING_MARK) != 0)
		return false;
	*slash = '\0';
	return true;
}

/* The folder that a process records into, as it is called from here: one in a container has a root of its own. */
static bool process_folder(const char *pid, struct buf *out)
{
	char path[64], folder[4096];
	const struct dirent *entry;
	struct stat ours, theirs;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = mark_link_read(dirfd(dir), entry->d_name, folder, sizeof(folder));
	if (dir)
		closedir(dir);
	if (!found)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/root/", pid);
	if (stat("/", &ours) == 0 && stat(path, &theirs) == 0 &&
	    (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev))
		buf_printf(out, "/proc/%.20s/root", pid);
	buf_str(out, folder);
	return true;
}

int running_recording(struct buf *path, uint32_t *ret_pid)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	size_t found = 0;
	uint64_t pid;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		_cleanup_buf_ struct buf folder = {};

		if (parse_u64(entry->d_name, 1, UINT32_MAX, &pid) < 0 || !process_may_record(entry->d_name) ||
		    !process_folder(entry->d_name, &folder))
			continue;
		buf_str(path, found++ ? ", " : "");
		buf_str(path, folder.data ?: "");
		*ret_pid = (uint32_t)pid;
	}
	closedir(dir);
	return found == 0 ? -ENODATA : found > 1 ? -ENOTUNIQ : path->failed ? -ENOMEM : 0;
}

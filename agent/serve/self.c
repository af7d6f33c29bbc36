/* SPDX-License-Identifier: GPL-2.0-or-later */
/* self.c - see self.h. CPU, memory and descriptors of this process, from /proc/self. Keeps no state. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "exporters/prometheus/prometheus.h"
#include "serve/self.h"

#define STAT_BYTES_MAX	     4096
#define STAT_FIELD_STATE     3	/* the first one after the comm */
#define STAT_FIELD_START     22 /* clock ticks since boot */
#define STATM_FIELD_SIZE     0	/* pages of address space */
#define STATM_FIELD_RESIDENT 1
#define UNLIMITED_BYTES	     18446744073709551615.0 /* like client_golang's process collector */

/* The nth number, from 0, in a line of numbers separated by blanks. */
static int number_nth(char *line, int nth, uint64_t *ret)
{
	char *state = NULL, *word = strtok_r(line, " \n", &state);

	while (word && nth-- > 0)
		word = strtok_r(NULL, " \n", &state);
	return parse_u64(word, 0, UINT64_MAX, ret);
}

double self_start_time(void)
{
	_cleanup_free_ char *stat = NULL;
	char *fields;
	uint64_t ticks;
	long hertz = sysconf(_SC_CLK_TCK);

	if (hertz <= 0 || read_file("/proc/self/stat", STAT_BYTES_MAX, &stat, NULL) < 0)
		return VALUE_ABSENT;
	/* The comm in parentheses may contain blanks and parentheses. */
	fields = strrchr(stat, ')');
	if (!fields || number_nth(fields + 1, STAT_FIELD_START - STAT_FIELD_STATE, &ticks) < 0)
		return VALUE_ABSENT;
	return (double)(clock_wall_ns() - clock_boot_ns()) / 1e9 + (double)ticks / (double)hertz;
}

/* Both from one read, so that resident memory is never larger than all of it. */
static void memory_read(struct prometheus_self *ret)
{
	_cleanup_free_ char *statm = NULL, *again = NULL;
	double page = (double)sysconf(_SC_PAGESIZE);
	uint64_t all, resident;

	ret->virtual_bytes = ret->resident_bytes = VALUE_ABSENT;
	if (read_file("/proc/self/statm", STAT_BYTES_MAX, &statm, NULL) < 0)
		return;
	again = strdup(statm);
	if (again && number_nth(again, STATM_FIELD_SIZE, &all) == 0)
		ret->virtual_bytes = (double)all * page;
	if (number_nth(statm, STATM_FIELD_RESIDENT, &resident) == 0)
		ret->resident_bytes = (double)resident * page;
}

/* Since 6.2 (f1f1f2569901) the size of the folder is the number of descriptors, and need not be counted. */
static double open_fds(void)
{
	double n = -1; /* the open folder itself is not counted */
	struct stat st;
	DIR *d;

	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (double)st.st_size;
	d = opendir("/proc/self/fd");
	if (!d)
		return VALUE_ABSENT;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (e->d_name[0] != '.')
			n++;
	closedir(d);
	return n;
}

void self_read(struct prometheus_self *ret)
{
	struct rusage use;
	struct rlimit files, space;

	/* getrusage is exact; /proc/self/stat counts ticks. */
	ret->cpu_seconds = VALUE_ABSENT;
	if (getrusage(RUSAGE_SELF, &use) == 0)
		ret->cpu_seconds = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
				   (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	memory_read(ret);
	ret->open_fds = open_fds();
	ret->max_fds = VALUE_ABSENT;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
		ret->max_fds = (double)files.rlim_cur;
	ret->virtual_max_bytes = VALUE_ABSENT;
	if (getrlimit(RLIMIT_AS, &space) == 0)
		ret->virtual_max_bytes = space.rlim_cur == RLIM_INFINITY ? UNLIMITED_BYTES : (double)space.rlim_cur;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sleepers.c - many sleeping processes in many cgroups, for tests/bench/run. Says "ready N" when all are there; when
 * its standard input ends, as it does when the bench dies, it ends them all and removes the cgroups.
 * Usage: sleepers PROCESSES CGROUPS [NAME HIERARCHY...]: cgroups NAME/0, NAME/1, ... below each hierarchy's folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

#define PATH_BYTES 512

struct set {
	uint64_t processes, cgroups;
	const char *name;
	char **hierarchies;
	int n_hierarchies;
	int gate[2]; /* nobody writes to it: whoever reads sleeps until the parent is gone */
	pid_t *pids;
	uint64_t n_pids;
};

static void path_print(char *path, const struct set *s, int hierarchy, uint64_t cgroup, const char *file)
{
	snprintf(path, PATH_BYTES, "%s/%s/%lu%s", s->hierarchies[hierarchy], s->name, cgroup, file);
}

static int write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int cgroups_make(const struct set *s)
{
	char path[PATH_BYTES];

	for (int h = 0; h < s->n_hierarchies; h++) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", s->hierarchies[h]);
		write_text(path, "+cpu +memory +pids"); /* v2 only; what cannot be turned on is not measured */
		snprintf(path, sizeof(path), "%s/%s", s->hierarchies[h], s->name);
		if (mkdir(path, 0755) < 0)
			return -errno;
		snprintf(path, sizeof(path), "%s/%s/cgroup.subtree_control", s->hierarchies[h], s->name);
		write_text(path, "+cpu +memory +pids");
		for (uint64_t i = 0; i < s->cgroups; i++) {
			path_print(path, s, h, i, "");
			if (mkdir(path, 0755) < 0)
				return -errno;
		}
	}
	return 0;
}

/* A cgroup stays busy for a while after its last process was reaped. */
static void folder_remove(const char *path)
{
	for (int tries = 0; tries < 500 && rmdir(path) < 0 && errno == EBUSY; tries++)
		usleep(10000);
}

static void cgroups_remove(const struct set *s)
{
	char path[PATH_BYTES];

	for (int h = 0; h < s->n_hierarchies; h++) {
		for (uint64_t i = 0; i < s->cgroups; i++) {
			path_print(path, s, h, i, "");
			folder_remove(path);
		}
		snprintf(path, sizeof(path), "%s/%s", s->hierarchies[h], s->name);
		folder_remove(path);
	}
}

static int enter(const struct set *s, uint64_t cgroup)
{
	char path[PATH_BYTES];
	int r = 0;

	for (int h = 0; h < s->n_hierarchies && r == 0; h++) {
		path_print(path, s, h, cgroup, "/cgroup.procs");
		r = write_text(path, "0");
	}
	return r;
}

static int leave(const struct set *s)
{
	char path[PATH_BYTES];
	int r = 0;

	for (int h = 0; h < s->n_hierarchies; h++) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", s->hierarchies[h]);
		r |= write_text(path, "0");
	}
	return r ? -EIO : 0;
}

static int sleeper_start(struct set *s)
{
	pid_t pid = fork();
	char c;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(s->gate[1]);
		close(STDIN_FILENO);
		_exit(read(s->gate[0], &c, 1) != 0);
	}
	s->pids[s->n_pids++] = pid;
	return 0;
}

/* Cgroup by cgroup: the parent goes into each and forks there, which is one move for many processes. */
static int sleepers_start(struct set *s)
{
	uint64_t groups = s->cgroups ? s->cgroups : 1;
	int r = 0;

	for (uint64_t g = 0; g < groups && r == 0; g++) {
		uint64_t first = s->processes * g / groups, end = s->processes * (g + 1) / groups;

		if (s->cgroups)
			r = enter(s, g);
		for (uint64_t i = first; i < end && r == 0; i++)
			r = sleeper_start(s);
	}
	return r;
}

static void sleepers_stop(struct set *s)
{
	close(s->gate[1]);
	for (uint64_t i = 0; i < s->n_pids; i++)
		kill(s->pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	struct set s = {};
	char c;
	int r;

	if (argc < 3 || parse_u64(argv[1], 0, 1000000, &s.processes) < 0 ||
	    parse_u64(argv[2], 0, 100000, &s.cgroups) < 0 || (s.cgroups && argc < 5) || pipe(s.gate) < 0) {
		fprintf(stderr, "usage: sleepers PROCESSES CGROUPS [NAME HIERARCHY...]\n");
		return 2;
	}
	s.name = argv[3];
	s.hierarchies = argv + 4;
	s.n_hierarchies = s.cgroups ? argc - 4 : 0;
	s.pids = calloc(s.processes + 1, sizeof(*s.pids));
	if (!s.pids)
		return 1;
	setrlimit(RLIMIT_NPROC, &limit);
	/* Only the end of standard input ends it, so that nothing stays behind. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	r = cgroups_make(&s);
	if (r == 0)
		r = sleepers_start(&s);
	if (s.n_hierarchies)
		leave(&s);
	if (r < 0)
		fprintf(stderr, "sleepers: after %lu processes: %s\n", s.n_pids, strerror(-r));
	else
		printf("ready %lu\n", s.n_pids);
	fflush(stdout);
	while (r == 0 && read(STDIN_FILENO, &c, 1) > 0)
		;
	sleepers_stop(&s);
	cgroups_remove(&s);
	free(s.pids);
	return r < 0;
}

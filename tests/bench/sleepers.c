/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sleepers.c - many sleeping processes in many cgroups, for tests/bench/run. Says "ready N" when all are there; when
 * its standard input ends, as it does when the bench dies, it ends them all and removes the cgroups.
 * Usage: sleepers [-t THREADS] [-w N] [-c] PROCESSES CGROUPS [NAME HIERARCHY...]: cgroups NAME/0, NAME/1, ... below each
 * hierarchy's folder. -t: so many threads in each process; -w: one of N threads wakes four times a second; -c: the cgroups
 * have names of containers, NAME/docker/ID.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
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

#define PATH_BYTES     512
#define WAKES_EVERY_US 250000

struct set {
	uint64_t processes, cgroups, threads;
	uint64_t one_of; /* so many threads wakes now and then; 0: none */
	bool containers;
	const char *name;
	char **hierarchies;
	int n_hierarchies;
	int gate[2]; /* nobody writes to it: whoever reads sleeps until the parent is gone */
	pid_t *pids;
	uint64_t n_pids;
};

static void path_print(char *path, const struct set *s, int hierarchy, uint64_t cgroup, const char *file)
{
	if (s->containers)
		snprintf(path, PATH_BYTES, "%s/%s/docker/%08x%048lx%08x%s", s->hierarchies[hierarchy], s->name,
			 (unsigned int)cgroup * 2654435761U, cgroup, (unsigned int)getpid(), file);
	else
		snprintf(path, PATH_BYTES, "%s/%s/%lu%s", s->hierarchies[hierarchy], s->name, cgroup, file);
}

static int write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* The folder `name` below a hierarchy's, whose controllers the folders in it get. */
static int parent_make(const struct set *s, int hierarchy, const char *more)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s%s", s->hierarchies[hierarchy], s->name, more);
	if (mkdir(path, 0755) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/%s%s/cgroup.subtree_control", s->hierarchies[hierarchy], s->name, more);
	write_text(path, "+cpu +memory +pids"); /* v2 only; what cannot be turned on is not measured */
	return 0;
}

static int cgroups_make(const struct set *s)
{
	char path[PATH_BYTES];
	int r;

	for (int h = 0; h < s->n_hierarchies; h++) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", s->hierarchies[h]);
		write_text(path, "+cpu +memory +pids");
		r = parent_make(s, h, "");
		if (r == 0 && s->containers)
			r = parent_make(s, h, "/docker");
		if (r < 0)
			return r;
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
		snprintf(path, sizeof(path), "%s/%s/docker", s->hierarchies[h], s->name);
		if (s->containers)
			folder_remove(path);
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

/* Until the parent is gone, whose end ends the whole process. */
static int thread_sleep(const struct set *s, uint64_t number)
{
	bool wakes = s->one_of && number % s->one_of == 0;
	char c;

	if (wakes)
		usleep((useconds_t)(number * 7919 % WAKES_EVERY_US)); /* not all at once */
	while (wakes)
		usleep(WAKES_EVERY_US);
	return read(s->gate[0], &c, 1) != 0;
}

struct thread_start {
	const struct set *set;
	uint64_t number;
};

static void *thread_run(void *start)
{
	struct thread_start t = *(struct thread_start *)start;

	free(start);
	thread_sleep(t.set, t.number);
	return NULL;
}

/* The least of a stack and no guard, so that one process may have a hundred thousand; all but the first. */
static int threads_start(const struct set *s, uint64_t first)
{
	pthread_attr_t attributes;
	int r = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
	pthread_attr_setguardsize(&attributes, 0);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (uint64_t i = 1; i < s->threads && r == 0; i++) {
		struct thread_start *t = malloc(sizeof(*t));
		pthread_t id;

		if (!t)
			return -ENOMEM;
		*t = (struct thread_start){s, first + i};
		r = pthread_create(&id, &attributes, thread_run, t);
	}
	pthread_attr_destroy(&attributes);
	return -r;
}

/* In the child: says so once all of its threads are there. */
static int sleeper_run(const struct set *s, uint64_t number, int said)
{
	int r = threads_start(s, number * s->threads);

	if (write(said, &r, sizeof(r)) != sizeof(r))
		return 1;
	close(said);
	return r < 0 ? 1 : thread_sleep(s, number * s->threads);
}

static int sleeper_start(struct set *s)
{
	int said[2], r = -EIO;
	pid_t pid;

	if (pipe(said) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(s->gate[1]);
		close(said[0]);
		close(STDIN_FILENO);
		_exit(sleeper_run(s, s->n_pids, said[1]));
	}
	close(said[1]);
	if (pid < 0)
		r = -errno;
	else
		s->pids[s->n_pids++] = pid;
	if (pid > 0 && read(said[0], &r, sizeof(r)) != sizeof(r))
		r = -EIO; /* it has ended */
	close(said[0]);
	return r;
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

static int usage(void)
{
	fprintf(stderr, "usage: sleepers [-t THREADS] [-w N] [-c] PROCESSES CGROUPS [NAME HIERARCHY...]\n");
	return 2;
}

static int options_parse(struct set *s, int argc, char **argv)
{
	int c, r = 0;

	s->threads = 1;
	while ((c = getopt(argc, argv, "+t:w:c")) >= 0) {
		if (c == 't')
			r |= parse_u64(optarg, 1, 1000000, &s->threads);
		else if (c == 'w')
			r |= parse_u64(optarg, 1, 1000000, &s->one_of);
		else if (c == 'c')
			s->containers = true;
		else
			return -EINVAL;
	}
	argv += optind;
	argc -= optind;
	if (r < 0 || argc < 2 || parse_u64(argv[0], 0, 1000000, &s->processes) < 0 ||
	    parse_u64(argv[1], 0, 100000, &s->cgroups) < 0 || (s->cgroups && argc < 4))
		return -EINVAL;
	s->name = argv[2];
	s->hierarchies = argv + 3;
	s->n_hierarchies = s->cgroups ? argc - 3 : 0;
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	struct set s = {};
	char c;
	int r;

	if (options_parse(&s, argc, argv) < 0 || pipe(s.gate) < 0)
		return usage();
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

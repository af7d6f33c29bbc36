/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth.c - both ends of a container's start, for test_starts; linked statically.
 *   birth watch FOLDER         writes "TIME NAME" for each folder that is made in FOLDER, as soon as it is
 *   birth listen|epoll FILE    in the container: works, gets ready, and writes to FILE when it began, when it was about to
 *                              be ready, when it was, and how much CPU time it had used
 * Times are CLOCK_BOOTTIME in nanoseconds.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define WORK_NS 20000000

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int watch(const char *folder)
{
	_Alignas(struct inotify_event) char text[64 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	struct sched_param urgent = {.sched_priority = 50};
	int fd = inotify_init1(IN_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Where that is not allowed it is late now and then. */
	sched_setscheduler(0, SCHED_FIFO, &urgent);
	if (fd < 0 || inotify_add_watch(fd, folder, IN_CREATE) < 0)
		return 1;
	puts("watching");
	fflush(stdout);
	for (;;) {
		ssize_t n = read(fd, text, sizeof(text));
		uint64_t now = clock_ns(CLOCK_BOOTTIME);

		if (n <= 0)
			return 1;
		for (char *p = text; p < text + n;) {
			struct inotify_event *e = (struct inotify_event *)p;

			printf("%" PRIu64 " %s\n", now, e->name);
			p += sizeof(*e) + e->len;
		}
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	/* The process's CPU time goes on from what the runtime has used in it. */
	uint64_t began = clock_ns(CLOCK_BOOTTIME), had = clock_ns(CLOCK_PROCESS_CPUTIME_ID), before, after;
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct epoll_event event;
	char path[4096];
	FILE *f;
	int fd;

	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "watch") == 0)
		return watch(argv[2]);
	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - had < WORK_NS)
		;
	before = clock_ns(CLOCK_BOOTTIME);
	if (strcmp(argv[1], "listen") == 0) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 5) < 0)
			return 3;
	} else {
		epoll_wait(epoll_create1(0), &event, 1, 1);
	}
	after = clock_ns(CLOCK_BOOTTIME);
	snprintf(path, sizeof(path), "%s.new", argv[2]);
	f = fopen(path, "w");
	if (!f)
		return 4;
	fprintf(f, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", began, before, after,
		clock_ns(CLOCK_PROCESS_CPUTIME_ID) - had);
	if (fclose(f) != 0 || rename(path, argv[2]) < 0)
		return 4;
	for (;;)
		pause();
}

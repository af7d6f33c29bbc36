/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sockets.c - who listens, as the pass over open files says it, against what fstat and getsockname said to the
 * processes themselves; sockets that do not listen are not there. And that children that wait in accept are a prefork tree.
 */
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/kernel_test.h"
#include "sysscope/sample.h"

#define WORKERS 3

struct told {
	uint64_t inode;
	uint32_t port, family;
	bool nonblocking;
};

struct report {
	struct told sockets[4];
	pid_t workers[WORKERS];
	volatile int ready;
};

static int listener_open(struct told *t, int family, int type, bool listens)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} a = {.any = {.sa_family = (sa_family_t)family}};
	socklen_t size = family == AF_UNIX ? sizeof(sa_family_t) : sizeof(a.in);
	int fd = socket(family, type, 0);
	struct stat st;

	if (family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* A UNIX socket bound to no more than its family is given a name that is no file's. */
	if (fd < 0 || bind(fd, &a.any, size) < 0 || (listens && listen(fd, 5) < 0) || fstat(fd, &st) < 0)
		_exit(1);
	size = sizeof(a);
	getsockname(fd, &a.any, &size);
	if (t)
		*t = (struct told){.inode = st.st_ino,
				   .port = family == AF_INET ? ntohs(a.in.sin_port) : 0,
				   .family = (uint32_t)family,
				   .nonblocking = type & SOCK_NONBLOCK};
	return fd;
}

static void work(void *ctx)
{
	struct report *r = ctx;
	int pair[2], fd = listener_open(&r->sockets[0], AF_INET, SOCK_STREAM, true);

	listener_open(&r->sockets[1], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, true);
	listener_open(&r->sockets[2], AF_UNIX, SOCK_STREAM, true);
	listener_open(&r->sockets[3], AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, true);
	/* Those do not listen. */
	listener_open(NULL, AF_INET, SOCK_STREAM, false);
	listener_open(NULL, AF_INET, SOCK_DGRAM, false);
	listener_open(NULL, AF_UNIX, SOCK_STREAM, false);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pipe(pair) < 0)
		_exit(1);
	for (int i = 0; i < WORKERS; i++) {
		pid_t worker = fork();

		if (worker == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			__sync_fetch_and_add(&r->ready, 1);
			accept(fd, NULL, NULL);
			_exit(0);
		}
		r->workers[i] = worker; /* shared: the child must not write its 0 */
	}
	pause();
}

static bool same(const struct ss_socket_owner *l, const struct told *t)
{
	return l->inode == t->inode && l->port == t->port && l->family == t->family &&
	       !!l->nonblocking == t->nonblocking;
}

static void test_records(const struct sample *s, const struct report *r, pid_t pid, int has, const char *who)
{
	int records = 0, right = 0;

	for (size_t i = 0; i < s->n_socket_owners; i++) {
		if (s->socket_owners[i].tgid != (uint32_t)pid)
			continue;
		records++;
		for (size_t j = 0; j < ARRAY_SIZE(r->sockets); j++)
			right += same(&s->socket_owners[i], &r->sockets[j]);
	}
	check(records == has && right == has, "listening sockets of %s: saw %d, %d of them as they are, true is %d",
	      who, records, right, has);
}

/* All of them asleep in accept; on a slow machine not at the first look. */
static void test_model(const struct report *r, pid_t pid)
{
	const struct process_row *p = NULL, *worker = NULL;

	for (double end = now_seconds() + PATIENCE_SECONDS; now_seconds() < end; usleep(50000)) {
		const struct snapshot *s = snapshot_take();

		p = process_row_find(s, pid);
		worker = process_row_find(s, r->workers[0]);
		if (p && p->v[PROCESS_MODEL_IDLE] >= WORKERS)
			break;
	}
	check(p && p->model && strcmp(p->model, "prefork") == 0, "the parent's model: saw %s, true is prefork",
	      p && p->model ? p->model : "none");
	check(worker && worker->model && strcmp(worker->model, "prefork") == 0,
	      "a worker's model: saw %s, true is prefork", worker && worker->model ? worker->model : "none");
	check_equal("workers", p ? p->v[PROCESS_MODEL_WORKERS] : -1, WORKERS);
	/* A worker whose going to sleep no program saw, as happens on emulated CPUs, is not known to wait until it sleeps again. */
	check(p && p->v[PROCESS_MODEL_IDLE] >= WORKERS - 1 && p->v[PROCESS_MODEL_IDLE] <= WORKERS,
	      "workers that wait in accept: saw %.0f, true is %d", p ? p->v[PROCESS_MODEL_IDLE] : -1, WORKERS);
}

int main(void)
{
	struct report *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *box = cgroup_make("listeners");
	const struct sample *s;
	pid_t pid = run_in(box, work, r);

	poll_until(r->ready >= WORKERS);
	pipeline_start();
	snapshot_take();
	s = pipeline_sample(test_pipeline);
	if (!s->socket_owners_ns) {
		printf("ok %d - listening sockets # SKIP this kernel offers no pass over them (5.11)\n", ++test_number);
	} else {
		test_records(s, r, pid, ARRAY_SIZE(r->sockets), "the one that opened them");
		test_records(s, r, r->workers[0], ARRAY_SIZE(r->sockets), "one that inherited them");
		test_records(s, r, getpid(), 0, "who has none");
		test_model(r, pid);
	}
	for (int i = 0; i < WORKERS; i++)
		if (r->workers[i] > 0)
			kill(r->workers[i], SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return test_finish();
}

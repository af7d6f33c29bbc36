/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guests.c - see guests.h. Each process is asked once. The answers come through a pipe which holds all of them, so the child
 * never waits for the agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/list.h"
#include "base/util.h"
#include "machine/guests.h"
#include "machine/programs.h"

#define GUESTS_MAX    4096	  /* processes in the cache; further ones have no names */
#define BATCH_MAX     128	  /* processes that one child asks: their answers fit into a pipe */
#define ARGUMENTS_MAX (16 * 1024) /* of a command line; libvirt and Proxmox have the name at its beginning */
#define WAIT_MS	      50
#define STUCK_NS      1000000000ULL

_Static_assert(sizeof(((struct sample_guest *)NULL)->name) == GUEST_NAME_MAX, "the same length");

struct guest {
	struct {
		uint64_t tgid, start_ns;
	} key;
	char name[GUEST_NAME_MAX];
	enum { GUEST_NEW, GUEST_ASKED, GUEST_ANSWERED } state;
	uint64_t seen; /* number of the last sample that had it */
	UT_hash_handle hh;
};

struct guests {
	char *proc;
	struct guest *all;
	LIST(struct sample_guest) list;
	uint64_t samples;
	/* The child: */
	pid_t pid; /* 0: none */
	int answers;
	uint64_t began_ns;
	size_t n_asked, n_answered;
	struct guest *asked[BATCH_MAX]; /* in the order of the answers; NULL: it has ended meanwhile */
};

/* ---- the child: nothing here takes memory, since other threads may hold the allocator's lock ---- */

static void name_answer(const char *proc, uint64_t tgid, int answers)
{
	static char text[ARGUMENTS_MAX];
	char path[256], name[GUEST_NAME_MAX] = "";
	size_t len = 0;
	ssize_t n = 1;
	int fd;

	snprintf(path, sizeof(path), "%s/%llu/cmdline", proc, (unsigned long long)tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && len < sizeof(text) && n > 0) {
		n = read(fd, text + len, sizeof(text) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	guest_name_find(text, len, name);
	if (write(answers, name, sizeof(name)) != sizeof(name))
		_exit(1);
}

static void child_run(const struct guests *g, int answers)
{
	/* Nothing stays behind when the agent is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "sysscope-names");
	for (size_t i = 0; i < g->n_asked; i++)
		name_answer(g->proc, g->asked[i]->key.tgid, answers);
	_exit(0);
}

static void child_start(struct guests *g, uint64_t now_ns)
{
	int ends[2];

	g->n_asked = g->n_answered = 0;
	for (struct guest *one = g->all; one && g->n_asked < BATCH_MAX; one = one->hh.next)
		if (one->state == GUEST_NEW)
			g->asked[g->n_asked++] = one;
	if (!g->n_asked || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	g->pid = fork();
	if (g->pid == 0)
		child_run(g, ends[1]);
	close(ends[1]);
	if (g->pid < 0) {
		g->pid = 0;
		close(ends[0]);
		return;
	}
	for (size_t i = 0; i < g->n_asked; i++)
		g->asked[i]->state = GUEST_ASKED;
	g->answers = ends[0];
	g->began_ns = now_ns;
}

/* ---- answers ---- */

/* It has ended, or is about to: whoever was next in turn made it so, and is not asked again. */
static void child_over(struct guests *g)
{
	if (g->answers >= 0) {
		close(g->answers);
		g->answers = -1;
		for (size_t i = g->n_answered; i < g->n_asked; i++)
			if (g->asked[i])
				g->asked[i]->state = i == g->n_answered ? GUEST_ANSWERED : GUEST_NEW;
	}
	if (waitpid(g->pid, NULL, WNOHANG) != 0)
		g->pid = 0;
}

/* False: there will be no more. */
static bool answers_read(struct guests *g)
{
	while (g->n_answered < g->n_asked) {
		char name[GUEST_NAME_MAX];
		ssize_t n = read(g->answers, name, sizeof(name));
		struct guest *one;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n != sizeof(name))
			return false;
		one = g->asked[g->n_answered++];
		if (!one)
			continue;
		name[sizeof(name) - 1] = '\0';
		strcpy(one->name, name);
		one->state = GUEST_ANSWERED;
	}
	return false;
}

static void child_look(struct guests *g, int wait_ms, uint64_t now_ns)
{
	struct pollfd p = {.fd = g->answers, .events = POLLIN};
	uint64_t until_ns = clock_boot_ns() + (uint64_t)wait_ms * 1000000;
	bool more = g->answers >= 0;

	while (more && (more = answers_read(g)) && wait_ms > 0 && clock_boot_ns() < until_ns)
		poll(&p, 1, wait_ms);
	if (more && now_ns < g->began_ns + STUCK_NS)
		return;
	if (more)
		kill(g->pid, SIGKILL);
	child_over(g);
}

/* ---- one sample ---- */

/* The processes that run virtual machines, by their main threads. */
static void guests_note(struct guests *g, const struct sample *s)
{
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *r = s->threads[i].told->record;
		struct guest *one, key = {.key = {r->tgid, r->process_start_ns}};
		char comm[SS_COMM_LEN + 1] = "";

		if ((r->flags & (SS_THREAD_LEADER | SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)) != SS_THREAD_LEADER)
			continue;
		memcpy(comm, r->comm, SS_COMM_LEN);
		if (!program_runs_machines(comm))
			continue;
		HASH_FIND(hh, g->all, &key.key, sizeof(key.key), one);
		if (!one && HASH_COUNT(g->all) < GUESTS_MAX) {
			one = calloc(1, sizeof(*one));
			if (!one)
				return;
			one->key = key.key;
			HASH_ADD(hh, g->all, key, sizeof(one->key), one);
			if (!one->hh.tbl) {
				free(one);
				return;
			}
		}
		if (one)
			one->seen = g->samples;
	}
}

static void guest_drop(struct guests *g, struct guest *one)
{
	for (size_t i = g->n_answered; i < g->n_asked; i++)
		if (g->asked[i] == one)
			g->asked[i] = NULL;
	HASH_DEL(g->all, one);
	free(one);
}

static void guests_list(struct guests *g, struct sample *s)
{
	struct guest *one, *next;

	g->list.n = 0;
	HASH_ITER (hh, g->all, one, next) {
		if (one->seen != g->samples) {
			guest_drop(g, one);
			continue;
		}
		if (!one->name[0] || list_reserve(&g->list, g->list.n + 1) < 0)
			continue;
		g->list.at[g->list.n] = (struct sample_guest){.tgid = one->key.tgid, .start_ns = one->key.start_ns};
		strcpy(g->list.at[g->list.n++].name, one->name);
	}
	s->guests = g->list.at;
	s->n_guests = g->list.n;
}

void guests_take(struct guests *g, struct sample *s, uint64_t now_ns)
{
	g->samples++;
	guests_note(g, s);
	if (g->pid)
		child_look(g, 0, now_ns);
	if (!g->pid) {
		child_start(g, now_ns);
		if (g->pid)
			child_look(g, WAIT_MS, now_ns);
	}
	guests_list(g, s);
}

struct guests *guests_new(const char *proc)
{
	struct guests *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->answers = -1;
	g->proc = strdup(proc);
	if (g->proc)
		return g;
	free(g);
	return NULL;
}

void guests_free(struct guests *g)
{
	struct guest *one, *next;

	if (!g)
		return;
	if (g->pid) {
		kill(g->pid, SIGKILL);
		child_over(g);
	}
	HASH_ITER (hh, g->all, one, next) {
		HASH_DEL(g->all, one);
		free(one);
	}
	list_free(&g->list);
	free(g->proc);
	free(g);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk.c - rules about block devices: requests that take long, and containers that fill a device for others. Called by judge.c
 * through the table in rules.def.
 *
 * The measure of both is the time that threads lose: they wait in files and page faults, and a device has requests of theirs
 * meanwhile. What the kernel writes back later may take as long as it likes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice_io.h"
#include "diagnose/measure/disk_load.h"

/* ---- who fills a device ---- */

struct disk_victim {
	uint32_t waiter, filler, row; /* containers; the waiter's row of the device */
	struct disk_load load, theirs;
	double lost;	    /* by its threads because of the filler, seconds in each second */
	double share, each; /* of its latency; of a request, seconds */
};

/* Whether this pair is a finding: what is true of it is in *ret then. */
static bool disk_victim_judge(struct judging *j, uint32_t pair, struct disk_victim *ret)
{
	const struct disk_neighbour_row *n = &j->now->disk_neighbours[pair];
	double wait = judge_seconds(j, window_gained(j->w, WINDOW_DISK_NEIGHBOURS, pair, DISK_NEIGHBOUR_WAIT));
	uint32_t theirs;

	if (!(wait > 0) || n->filler == NEIGHBOUR_OTHERS || j->now->containers[n->waiter].dead ||
	    !judge_is_own_home(&j->now->containers[n->waiter]))
		return false;
	*ret = (struct disk_victim){.waiter = n->waiter, .filler = n->filler};
	ret->row = disk_row_find(j, n->waiter, n->device);
	theirs = disk_row_find(j, n->filler, n->device);
	if (ret->row == UINT32_MAX || theirs == UINT32_MAX)
		return false;
	ret->load = disk_load(j, ret->row);
	ret->theirs = disk_load(j, theirs);
	if (!(ret->load.requests > 0))
		return false;
	ret->share = fmin(1, wait / ret->load.time);
	ret->each = wait / ret->load.requests;
	ret->lost = disk_waited(j, n->waiter, &ret->load) * ret->share;
	if (ret->each >= judge_threshold(j, DISK_NEIGHBOUR_EACH) &&
	    ret->share >= judge_threshold(j, DISK_NEIGHBOUR_PART) &&
	    ret->lost >= judge_threshold(j, DISK_NEIGHBOUR_LOST) &&
	    ret->theirs.time >= ret->load.time * judge_threshold(j, DISK_NEIGHBOUR_MORE))
		return true;
	if (j->rule == &rules[RULE_DISK_NEIGHBOUR])
		judge_near(j, n->waiter,
			   fmin(ret->each / judge_threshold(j, DISK_NEIGHBOUR_EACH),
				ret->lost / judge_threshold(j, DISK_NEIGHBOUR_LOST)),
			   1, "its requests to %s waited %s each for those of %s", n->device,
			   advice_duration(j, ret->each), j->now->containers[n->filler].name);
	return false;
}

/* ---- disk_latency ---- */

/* The process that waits for most of the time; NULL: none for half of it. */
static const struct process_row *disk_waiter(struct judging *j, uint32_t container, double blocked)
{
	size_t n;
	const uint32_t *rows = index_processes(j, container, &n);

	for (size_t i = 0; i < n; i++) {
		double waits = judge_seconds(j, window_process(j->w, rows[i], PROCESS_BLOCKED_FILE) +
							window_process(j->w, rows[i], PROCESS_BLOCKED_FAULT));

		if (waits * 2 >= blocked)
			return &j->now->processes[rows[i]];
	}
	return NULL;
}

static void disk_operation_say(struct judging *j, struct finding *f, const char *what, double requests, double time)
{
	if (requests > 0)
		finding_evidence(j, f, "", time / requests, "seconds", "%.*f %s a second took %s each on average",
				 requests < 10 ? 1 : 0, requests, what, advice_duration(j, time / requests));
}

static void disk_device_say(struct judging *j, struct finding *f, const char *device)
{
	for (uint32_t i = 0; i < j->now->n_devices; i++) {
		double busy = window_average(j->w, WINDOW_DEVICES, i, TREND_DEVICE_BUSY);

		if (strcmp(j->now->devices[i].name, device) == 0 && !value_absent(busy))
			finding_evidence(j, f, "busy_ratio", busy, "ratio", "%s had requests for %.0f %% of the time",
					 device, busy * 100);
	}
}

static void disk_blocked_say(struct judging *j, struct finding *f, uint32_t container)
{
	double blocked = disk_blocked(j, container);
	const struct process_row *p;

	if (value_absent(blocked))
		return;
	p = disk_waiter(j, container, blocked);
	if (p) {
		f->pid = p->pid;
		f->comm = p->comm;
	}
	finding_evidence(j, f, "blocked_seconds_total.file", blocked, "seconds_per_second",
			 "its threads were blocked in files and page faults for %.2f s in each second%s", blocked,
			 p ? judge_text(j, ", most of it in %s (pid %u)", p->comm, p->pid) : "");
}

static void disk_latency_advise(struct judging *j, struct finding *f, const struct disk_row *d,
				const struct disk_load *l)
{
	if (l->time >= 4)
		finding_advice(
			j, f,
			"it had %.0f requests at the disk at a time: let it do fewer at once, read less (give it "
			"memory to cache files), or give it a faster disk",
			l->time);
	else if (d->upon_others)
		finding_advice(j, f, "look at what %s lies upon: lsblk -s /dev/%s", d->device, d->device);
	else
		finding_advice(j, f,
			       "the disk itself is slow: smartctl -a /dev/%s, dmesg; in a cloud, its quota of "
			       "operations may be spent",
			       d->device);
}

/* `first`: where the container's disk neighbours begin; UINT32_MAX: it has none. */
static void disk_latency_find(struct judging *j, uint32_t row, const struct disk_load *l, double waited, uint32_t first)
{
	const struct disk_row *d = &j->now->disks[row];
	const struct container_row *c = &j->now->containers[d->container];
	bool tail = l->mean < l->may_take, known = !value_absent(disk_blocked(j, d->container));
	struct disk_victim victim;
	struct finding *f =
		judge_find(j, d->container,
			   l->mean >= judge_threshold(j, DISK_LATENCY_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	f->confidence = known ? FINDING_HIGH : FINDING_MEDIUM;
	if (tail)
		finding_headline(j, f, fmin(1, waited),
				 "%s waits for disk %s: more than 1 of 100 requests takes longer than %s", c->name,
				 d->device, advice_duration(j, l->tail));
	else
		finding_headline(j, f, fmin(1, waited), "%s waits for disk %s: a request takes %s on average", c->name,
				 d->device, advice_duration(j, l->mean));
	disk_operation_say(j, f, "reads", l->reads, l->read_time);
	disk_operation_say(j, f, "writes", l->writes, l->write_time);
	disk_operation_say(j, f, "flushes", l->flushes, l->flush_time);
	if (l->tail > l->mean && !tail)
		finding_evidence(j, f, "latency_p99_seconds", l->tail, "seconds",
				 "more than 1 of 100 took longer than %s", advice_duration(j, l->tail));
	disk_blocked_say(j, f, d->container);
	finding_evidence(j, f, "", l->may_take, "seconds",
			 "when it is not full, such a disk needs at most %s for a request like these",
			 advice_duration(j, l->may_take));
	disk_device_say(j, f, d->device);
	finding_ruled_out(j, f, "an I/O limit: time in which that holds a request back is not in these numbers");
	disk_latency_advise(j, f, d, l);
	for (uint32_t i = first; i < j->now->n_disk_neighbours && j->now->disk_neighbours[i].waiter == d->container;
	     i++)
		if (disk_victim_judge(j, i, &victim) && victim.row == row)
			finding_culprit(j, f, victim.filler);
}

/* Whether it is slow, and somebody waits. */
static bool disk_latency_judge(struct judging *j, uint32_t row, struct disk_load *l, double *ret_waited)
{
	const struct disk_row *d = &j->now->disks[row];
	const struct container_row *c = &j->now->containers[d->container];
	double slow, waited;

	if (c->dead || !judge_is_own_home(c))
		return false;
	/* It cannot have waited for longer than it was blocked, and most containers are not. */
	waited = disk_blocked(j, d->container) / judge_threshold(j, DISK_LATENCY_WAIT);
	if (waited < 1 && judge_near_share(j, waited, 1) == 0)
		return false;
	*l = disk_load(j, row);
	if (!(l->requests > 0))
		return false;
	*ret_waited = disk_waited(j, d->container, l);
	/* Most disks keep nobody waiting. */
	waited = *ret_waited / judge_threshold(j, DISK_LATENCY_WAIT);
	if (waited < 1 && judge_near_share(j, waited, 1) == 0)
		return false;
	l->tail = disk_tail(j, row);
	slow = fmax(l->mean, l->tail / judge_threshold(j, DISK_LATENCY_TAIL)) / l->may_take;
	if (slow >= 1 && waited >= 1)
		return true;
	judge_near(j, d->container, fmin(slow, waited), 1, "its requests to %s took %s on average", d->device,
		   advice_duration(j, l->mean));
	return false;
}

/* Where the neighbours of each waiter begin, which are adjacent. NULL: no memory. Freed by the caller. */
static uint32_t *disk_neighbours_first(struct judging *j)
{
	uint32_t *first = malloc((j->now->n_containers + 1) * sizeof(*first));

	j->failed |= !first;
	if (first)
		memset(first, 0xff, (j->now->n_containers + 1) * sizeof(*first));
	for (size_t i = j->now->n_disk_neighbours; first && i > 0; i--)
		first[j->now->disk_neighbours[i - 1].waiter] = (uint32_t)(i - 1);
	return first;
}

/* One finding for each container: the disk for which it waits most; what lies upon others only if that below is not slow. */
void judge_disk_latency(struct judging *j)
{
	_cleanup_free_ uint32_t *first = disk_neighbours_first(j);
	const struct disk_row *disks = j->now->disks;

	for (uint32_t i = 0; first && i < j->now->n_disks;) {
		uint32_t container = disks[i].container, worst = UINT32_MAX;
		struct disk_load load, worst_load = {};
		double waited, worst_waited = 0;

		for (; i < j->now->n_disks && disks[i].container == container; i++) {
			if (!disk_latency_judge(j, i, &load, &waited))
				continue;
			if (worst != UINT32_MAX &&
			    (disks[i].upon_others > disks[worst].upon_others ||
			     (disks[i].upon_others == disks[worst].upon_others && waited <= worst_waited)))
				continue;
			worst = i;
			worst_load = load;
			worst_waited = waited;
		}
		if (worst != UINT32_MAX)
			disk_latency_find(j, worst, &worst_load, worst_waited, first[container]);
	}
}

/* ---- disk_neighbour ---- */

/* By filler, the one that loses most first. */
static int disk_victim_order(const void *a, const void *b)
{
	const struct disk_victim *x = a, *y = b;

	if (x->filler != y->filler)
		return x->filler < y->filler ? -1 : 1;
	return x->lost < y->lost ? 1 : x->lost > y->lost ? -1 : 0;
}

/* On cgroup v1 what is written back is the host's: the container that has made most pages dirty, if it did most of that. */
static uint32_t disk_writer(const struct judging *j, double *ret_rate)
{
	double all = 0, most = 0;
	uint32_t writer = NO_CONTAINER;

	for (uint32_t i = 0; i < j->now->n_containers; i++) {
		double wrote = judge_rate(j, window_container(j->w, i, CONTAINER_WRITE_BYTES));

		if (!(wrote > 0))
			continue;
		all += wrote;
		if (wrote > most) {
			most = wrote;
			writer = i;
		}
	}
	*ret_rate = most;
	return most * 2 > all && judge_is_own_home(&j->now->containers[writer]) ? writer : NO_CONTAINER;
}

static void disk_filler_advise(struct judging *j, struct finding *f, const struct disk_victim *v)
{
	const struct container_row *filler = &j->now->containers[v->filler];
	bool writes = v->theirs.write_bytes > v->theirs.read_bytes;
	uint32_t blamed = v->filler;
	double rate = fmax(v->theirs.write_bytes, v->theirs.read_bytes);

	if (!judge_is_own_home(filler)) {
		blamed = writes ? disk_writer(j, &rate) : NO_CONTAINER;
		f->confidence = FINDING_MEDIUM;
		if (blamed == NO_CONTAINER)
			return;
		finding_evidence(
			j, f, "write_bytes_total", rate, "bytes_per_second",
			"what the kernel writes back counts for the host here; %s wrote most to files: %s a second",
			j->now->containers[blamed].name, advice_bytes(j, rate));
	}
	finding_advice(j, f, "limit it: %s",
		       advice_disk_limit(j, blamed, j->now->disks[v->row].device, rate / 2, writes));
	if (!j->now->containers[blamed].pod[0])
		finding_advice(j, f, "or let it go last, if the disk's scheduler is bfq: %s",
			       advice_disk_weight(j, blamed));
	finding_advice(j, f, "or run it when nobody waits, or on another disk");
}

/* `v`: the victims of one filler, n of them. */
static void disk_neighbour_find(struct judging *j, const struct disk_victim *v, size_t n)
{
	const struct container_row *c = &j->now->containers[v->waiter], *filler = &j->now->containers[v->filler];
	const char *device = j->now->disks[v->row].device;
	struct finding *f =
		judge_find(j, v->waiter,
			   v->each >= judge_threshold(j, DISK_NEIGHBOUR_CRITICAL) ? FINDING_CRITICAL : FINDING_WARNING);

	if (!f)
		return;
	finding_culprit(j, f, v->filler);
	finding_headline(j, f, fmin(1, v->lost),
			 "%s fills disk %s, for which %s waits: %s of the %s that a request takes", filler->name,
			 device, c->name, advice_duration(j, v->each), advice_duration(j, v->load.mean));
	finding_evidence(j, f, "wait_ratio", v->share, "ratio",
			 "%.0f %% of the latency of the requests of %s was for those of %s", v->share * 100, c->name,
			 filler->name);
	disk_blocked_say(j, f, v->waiter);
	finding_evidence(j, f, "", v->theirs.time, "count",
			 "%s had %.1f requests there at a time: it read %s and wrote %s a second", filler->name,
			 v->theirs.time, advice_bytes(j, v->theirs.read_bytes), advice_bytes(j, v->theirs.write_bytes));
	finding_evidence(j, f, "", v->load.time, "count", "%s had %.1f there at a time, in %.0f requests a second",
			 c->name, v->load.time, v->load.requests);
	disk_device_say(j, f, device);
	for (size_t i = 1; i < n && i < 3; i++)
		finding_evidence(j, f, "wait_seconds_total", v[i].lost, "seconds_per_second",
				 "%s waits for it too: %.2f s in each second", j->now->containers[v[i].waiter].name,
				 v[i].lost);
	finding_ruled_out(j, f, "its own requests: they make up %s of each",
			  advice_duration(j, fmax(0, v->load.mean - v->each)));
	disk_filler_advise(j, f, v);
}

void judge_disk_neighbour(struct judging *j)
{
	LIST(struct disk_victim) found = {};
	struct disk_victim victim;

	for (uint32_t i = 0; i < j->now->n_disk_neighbours; i++) {
		if (!disk_victim_judge(j, i, &victim))
			continue;
		if (list_reserve(&found, found.n + 1) < 0) {
			j->failed = true;
			break;
		}
		found.at[found.n++] = victim;
	}
	if (found.n)
		qsort(found.at, found.n, sizeof(*found.at), disk_victim_order);
	for (size_t i = 0, n; i < found.n; i += n) {
		for (n = 1; i + n < found.n && found.at[i + n].filler == found.at[i].filler;)
			n++;
		disk_neighbour_find(j, &found.at[i], n);
	}
	list_free(&found);
}

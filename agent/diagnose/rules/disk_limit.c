/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk_limit.c - the rule about containers that an I/O limit holds back, which is no fault of the disk. Called by judge.c through
 * the table in rules.def.
 *
 * The kernel counts a request at a device only from when the limit has let it pass. So the limit shows in what the container does
 * there in a second, which is as much as it may, and in threads that wait in files for longer than the device has their requests.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/case/advice_io.h"
#include "diagnose/measure/disk_load.h"

struct disk_limited {
	uint32_t row;
	enum disk_limit which; /* the one that is used up most */
	double full;	       /* share of it */
	double rate, limit;    /* in each second */
	double lost;	       /* by its threads, seconds in each second; absent: not known */
};

static bool disk_below(const char *path, const char *of)
{
	size_t length = strlen(of);

	return strncmp(path, of, length) == 0 && (!path[length] || path[length] == '/');
}

static void disk_rates(const struct judging *j, uint32_t row, double *rates)
{
	struct disk_load l = disk_load(j, row);

	rates[DISK_LIMIT_READ_BYTES] += l.read_bytes;
	rates[DISK_LIMIT_WRITE_BYTES] += l.write_bytes;
	/* The limit counts them as they are sent, as io.stat does; the device may get several at once. */
	rates[DISK_LIMIT_READS] += fmax(l.reads, judge_rate(j, window_gained(j->w, WINDOW_DISKS, row, DISK_READS)));
	rates[DISK_LIMIT_WRITES] += fmax(l.writes, judge_rate(j, window_gained(j->w, WINDOW_DISKS, row, DISK_WRITES)));
}

/* What all that one limit holds does at a device: the same for all of them. */
struct disk_below {
	const char *of, *device;
	double rates[DISK_LIMITS];
};

static void disk_rates_below(const struct judging *j, const struct disk_row *d, struct disk_below *sum)
{
	const struct disk_row *disks = j->now->disks;

	if (sum->of == d->limit_of && strcmp(sum->device, d->device) == 0)
		return;
	*sum = (struct disk_below){d->limit_of, d->device, {}};
	for (uint32_t i = 0; i < j->now->n_disks; i++)
		if (strcmp(disks[i].device, d->device) == 0 &&
		    disk_below(j->now->containers[disks[i].container].cgroup, d->limit_of))
			disk_rates(j, i, sum->rates);
}

/* Time that its threads were blocked and no device had a request of theirs; absent: not known. */
static double disk_lost(const struct judging *j, uint32_t row)
{
	const struct container_row *c = &j->now->containers[j->now->disks[row].container];
	double at_devices = 0, blocked = disk_blocked(j, j->now->disks[row].container);

	for (size_t i = 0; i < c->n_disks; i++) {
		uint32_t other = (uint32_t)(&c->disks[i] - j->now->disks);

		/* What lies upon others has its requests there, too. */
		if (!c->disks[i].upon_others || other == row)
			at_devices = fmax(at_devices, disk_load(j, other).time);
	}
	return value_absent(blocked) ? blocked : fmax(0, blocked - at_devices);
}

/* False: no limit holds it here, or next to nothing waits. */
static bool disk_limited_measure(const struct judging *j, uint32_t row, struct disk_below *sum,
				 struct disk_limited *ret)
{
	const struct disk_row *d = &j->now->disks[row];
	const double limits[DISK_LIMITS] = {
		[DISK_LIMIT_READ_BYTES] = d->v[DISK_READ_LIMIT],
		[DISK_LIMIT_WRITE_BYTES] = d->v[DISK_WRITE_LIMIT],
		[DISK_LIMIT_READS] = d->v[DISK_READS_LIMIT],
		[DISK_LIMIT_WRITES] = d->v[DISK_WRITES_LIMIT],
	};
	double rates[DISK_LIMITS] = {};
	bool any = false;

	for (int i = 0; i < DISK_LIMITS; i++)
		any |= limits[i] > 0;
	if (!any || j->now->containers[d->container].dead)
		return false;
	*ret = (struct disk_limited){.row = row, .full = -1, .lost = disk_lost(j, row)};
	if (!d->limit_of)
		disk_rates(j, row, rates);
	else if (value_absent(ret->lost) ? !(disk_load(j, row).requests > 0)
					 : ret->lost < judge_threshold(j, DISK_THROTTLED_WAIT))
		return false;
	else
		disk_rates_below(j, d, sum);
	if (d->limit_of)
		memcpy(rates, sum->rates, sizeof(rates));
	for (int i = 0; i < DISK_LIMITS; i++)
		if (limits[i] > 0 && rates[i] / limits[i] > ret->full) {
			ret->which = (enum disk_limit)i;
			ret->full = rates[i] / limits[i];
			ret->rate = rates[i];
			ret->limit = limits[i];
		}
	return ret->full >= 0;
}

static const char *disk_amount(struct judging *j, enum disk_limit which, double amount)
{
	if (which == DISK_LIMIT_READ_BYTES || which == DISK_LIMIT_WRITE_BYTES)
		return advice_bytes(j, amount);
	return judge_text(j, "%.0f", amount);
}

/* `l`: those that one limit holds up, n of them, the one that loses most first. */
static void disk_limited_find(struct judging *j, const struct disk_limited *l, size_t n)
{
	static const char *const did[DISK_LIMITS] = {"read %s a second", "wrote %s a second", "read %s times a second",
						     "wrote %s times a second"};
	bool reads = l->which == DISK_LIMIT_READ_BYTES || l->which == DISK_LIMIT_READS;
	const struct disk_row *d = &j->now->disks[l->row];
	const struct container_row *c = &j->now->containers[d->container];
	struct disk_load load = disk_load(j, l->row);
	bool known = !value_absent(l->lost);
	struct finding *f = judge_find(j, d->container, FINDING_WARNING);

	if (!f)
		return;
	f->confidence = known ? FINDING_HIGH : FINDING_MEDIUM;
	finding_headline(j, f, known ? fmin(1, l->lost) : l->full - 1, "%s is held up by %s I/O limit%s%s at disk %s",
			 c->name, d->limit_of ? "the" : "its", d->limit_of ? " of " : "", d->limit_of ?: "", d->device);
	finding_evidence(j, f, "", l->rate, l->which < DISK_LIMIT_READS ? "bytes_per_second" : "rate",
			 "%s %s, and may %s", d->limit_of ? "what is below it" : "it",
			 judge_text(j, did[l->which], disk_amount(j, l->which, l->rate)),
			 disk_amount(j, l->which, l->limit));
	if (known)
		finding_evidence(
			j, f, "blocked_seconds_total.file", l->lost, "seconds_per_second",
			"its threads were blocked in files and page faults for %.2f s in each second while no disk "
			"had a request of theirs",
			l->lost);
	for (size_t i = 1; known && i < n && i < 3; i++)
		finding_evidence(j, f, "", l[i].lost, "seconds_per_second",
				 "%s is held up as well: %.2f s in each second",
				 j->now->containers[j->now->disks[l[i].row].container].name, l[i].lost);
	if (known && n > 3)
		finding_evidence(j, f, "", (double)(n - 3), "count", "and %zu more containers", n - 3);
	if (load.requests > 0)
		finding_ruled_out(j, f, "the disk: once the limit has let it pass, a request takes %s on average",
				  advice_duration(j, load.mean));
	finding_advice(j, f, "if it is not meant to be that slow, give it twice as much: %s",
		       advice_disk_limit_raise(j, l->row, l->which, l->limit * 2));
	finding_advice(j, f, reads ? "or let it read less: give it memory to cache files" : "or let it write less");
}

static bool disk_limited_is(struct judging *j, const struct disk_limited *l)
{
	double waited = value_absent(l->lost) ? 1 : l->lost / judge_threshold(j, DISK_THROTTLED_WAIT);
	double full = l->full / judge_threshold(j, DISK_THROTTLED_FULL);
	const struct disk_row *d = &j->now->disks[l->row];

	if (full >= 1 && waited >= 1)
		return true;
	judge_near(j, d->container, fmin(full, waited), 1, "it did %.0f %% of what its I/O limit at %s allows",
		   l->full * 100, d->device);
	return false;
}

/* By limit and device, the one that loses most first. Own limits are each by themselves. */
static int disk_limited_order(const void *a, const void *b, void *snapshot)
{
	const struct snapshot *s = snapshot;
	const struct disk_limited *l = a, *m = b;
	const struct disk_row *x = &s->disks[l->row], *y = &s->disks[m->row];
	int order = strcmp(x->limit_of ?: "", y->limit_of ?: "");

	order = order ?: x->limit_of ? strcmp(x->device, y->device) : 0;
	if (order)
		return order;
	if (x->limit_of && (l->lost < m->lost || l->lost > m->lost))
		return l->lost < m->lost ? 1 : -1;
	return l->row < m->row ? -1 : l->row > m->row;
}

static bool disk_limited_same(const struct judging *j, const struct disk_limited *l, const struct disk_limited *m)
{
	const struct disk_row *x = &j->now->disks[l->row], *y = &j->now->disks[m->row];

	return x->limit_of && y->limit_of && strcmp(x->limit_of, y->limit_of) == 0 && strcmp(x->device, y->device) == 0;
}

void judge_disk_throttled(struct judging *j)
{
	LIST(struct disk_limited) found = {};
	struct disk_below sum = {};
	struct disk_limited l;

	for (uint32_t i = 0; i < j->now->n_disks; i++) {
		if (!disk_limited_measure(j, i, &sum, &l) || !disk_limited_is(j, &l))
			continue;
		if (list_reserve(&found, found.n + 1) < 0) {
			j->failed = true;
			break;
		}
		found.at[found.n++] = l;
	}
	if (found.n)
		qsort_r(found.at, found.n, sizeof(*found.at), disk_limited_order, (void *)j->now);
	for (size_t i = 0, n; i < found.n; i += n) {
		for (n = 1; i + n < found.n && disk_limited_same(j, &found.at[i], &found.at[i + n]);)
			n++;
		disk_limited_find(j, &found.at[i], n);
	}
	list_free(&found);
}

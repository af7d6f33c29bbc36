/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uses.c - what each home does at each block device. Called by model_update.c. Operations and bytes are io.stat's where the
 * cgroup has that file; else, and for what a container did after its file was last read, they are the kernel half's.
 */
#include <errno.h>

#include "base/util.h"
#include "disk/uses.h"
#include "homes/arithmetic.h"
#include "homes/incarnations.h"

/* Pairs of home and device that are kept apart; beyond that all devices of a home are one. */
#define USES_MAX 16384

static struct disk_use *use_get(struct disk_uses *uses, const struct moment *now, struct home *home, uint64_t device,
				bool final)
{
	struct disk_use *u, key;

	memset(&key.key, 0, sizeof(key.key));
	key.key.home = home;
	key.key.device = device;
	HASH_FIND(hh, uses->all, &key.key, sizeof(key.key), u);
	if (u)
		return u;
	if (device != DISK_OTHER_DEVICES && HASH_COUNT(uses->all) >= USES_MAX) {
		uses->folded += final;
		return use_get(uses, now, home, DISK_OTHER_DEVICES, final);
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->key.home = home;
	u->key.device = device;
	u->first = now->number;
	for (int i = 0; i < DISK_METRICS; i++)
		u->held[i] = u->before[i] = VALUE_ABSENT;
	HASH_ADD(hh, uses->all, key, sizeof(u->key), u);
	if (!u->hh.tbl) {
		free(u);
		return NULL;
	}
	return u;
}

static void disk_add(struct ss_disk *to, const struct ss_disk *what)
{
	__u64 *a = (__u64 *)to;
	const __u64 *b = (const __u64 *)what;

	for (size_t i = 0; i < SS_DISK_FIELDS; i++)
		a[i] += b[i];
}

/* ---- what the kernel half counted ---- */

static int hook_rows_add(struct disk_uses *uses, const struct homes *homes, const struct moment *now,
			 const struct sample_disk *rows, size_t n, bool final)
{
	for (size_t i = 0; i < n; i++) {
		const struct ss_disk_key *key = &rows[i].key;
		struct disk_use *u;

		if (key->cgroup_id == SS_CGROUP_OTHERS || key->operation >= SS_DISK_OPERATIONS)
			continue;
		u = use_get(uses, now, home_of_cgroup(homes, key->cgroup_id), key->device, final);
		if (!u)
			return -ENOMEM;
		disk_add(&u->now[key->operation], &rows[i].value);
		if (final)
			disk_add(&u->carried[key->operation], &rows[i].value);
	}
	return 0;
}

static void hook_counts(const struct disk_use *u, uint64_t *counts)
{
	static const enum ss_disk_operation operations[] = {SS_DISK_READ, SS_DISK_WRITE, SS_DISK_DISCARD};

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		counts[IO_READ_BYTES + i] = u->now[operations[i]].bytes;
		counts[IO_READS + i] = u->now[operations[i]].requests;
	}
}

/* ---- what the files say ---- */

static struct disk_file *file_get(struct disk_uses *uses, uint64_t cgroup_id, uint64_t device)
{
	struct disk_file *f, key;

	key.key.cgroup_id = cgroup_id;
	key.key.device = device;
	HASH_FIND(hh, uses->files, &key.key, sizeof(key.key), f);
	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->key = key.key;
	HASH_ADD(hh, uses->files, key, sizeof(f->key), f);
	if (!f->hh.tbl) {
		free(f);
		return NULL;
	}
	return f;
}

static int file_take(struct disk_uses *uses, const struct homes *homes, const struct moment *now,
		     const struct sample_io *io)
{
	const struct home_cgroup *c = incarnation_find(homes, io->cgroup_id);
	const uint64_t *counts = &io->read_bytes;
	struct disk_file *f;
	struct disk_use *u;

	if (!c || !c->home || !c->is_root)
		return 0;
	u = use_get(uses, now, c->home, io->device, true);
	f = u ? file_get(uses, io->cgroup_id, io->device) : NULL;
	if (!f)
		return -ENOMEM;
	for (int i = 0; i < IO_COUNTS; i++) {
		u->file[i] += sub_sat(counts[i], f->last[i]);
		if (counts[i] > f->last[i])
			f->last[i] = counts[i];
	}
	u->filed = true;
	hook_counts(u, u->hook_then);
	return 0;
}

/* A home that was forgotten is freed at the next homes_settle. */
static void forgotten_drop(struct disk_uses *uses, const struct homes *homes)
{
	struct disk_file *f, *next_file;
	struct disk_use *u, *next;

	HASH_ITER (hh, uses->all, u, next) {
		memcpy(u->now, u->carried, sizeof(u->now));
		if (!u->key.home->forgotten)
			continue;
		HASH_DEL(uses->all, u);
		free(u);
	}
	HASH_ITER (hh, uses->files, f, next_file) {
		if (home_known(homes, f->key.cgroup_id))
			continue;
		HASH_DEL(uses->files, f);
		free(f);
	}
}

int disk_uses_take(struct disk_uses *uses, const struct homes *homes, const struct moment *now, const struct sample *s)
{
	int r;

	_Static_assert(offsetof(struct sample_io, discards) - offsetof(struct sample_io, read_bytes) ==
			       (IO_COUNTS - 1) * sizeof(uint64_t),
		       "in the order of enum io_count");
	forgotten_drop(uses, homes);
	r = hook_rows_add(uses, homes, now, s->disks_final, s->n_disks_final, true);
	if (r == 0)
		r = hook_rows_add(uses, homes, now, s->disks_open, s->n_disks_open, false);
	for (size_t i = 0; i < s->n_ios && r == 0; i++)
		r = file_take(uses, homes, now, &s->ios[i]);
	return r;
}

/* ---- rows ---- */

/* What a dead container did after its last reading: at most the requests that were under way then count twice. */
static void counts_fill(const struct disk_use *u, const struct moment *now, double *v)
{
	uint64_t counts[IO_COUNTS], hook[IO_COUNTS];

	hook_counts(u, hook);
	for (int i = 0; i < IO_COUNTS; i++) {
		counts[i] = u->filed ? u->file[i] : hook[i];
		if (u->filed && u->key.home->dead_since_ns)
			counts[i] += sub_sat(hook[i], u->hook_then[i]);
	}
	if (!u->filed && !now->disks_known)
		return;
	v[DISK_READS] = (double)counts[IO_READS];
	v[DISK_READ_BYTES] = v[DISK_USAGE_READ] = (double)counts[IO_READ_BYTES];
	v[DISK_WRITES] = (double)counts[IO_WRITES];
	v[DISK_WRITE_BYTES] = v[DISK_USAGE_WRITE] = (double)counts[IO_WRITE_BYTES];
	v[DISK_DISCARDS] = (double)counts[IO_DISCARDS];
	v[DISK_USAGE_DISCARD] = (double)counts[IO_DISCARD_BYTES];
}

#define BUCKET_BITS(NAME, LE, BITS, ...) BITS,
static const unsigned char bucket_bits[] = {DISK_BUCKETS(BUCKET_BITS, )};

/* `v`: where the lines of the operation begin. An operation that never was has none. */
static void histogram_fill(const struct ss_disk *d, double *v)
{
	size_t bucket = 0;
	uint64_t sum = 0;

	if (!d->requests)
		return;
	for (unsigned int slot = 0; slot < SS_DISK_SLOTS; slot++) {
		sum += d->slots[slot];
		/* Slot i ends at 2^(i+1). */
		if (bucket < ARRAY_SIZE(bucket_bits) && slot + 1 == bucket_bits[bucket])
			v[bucket++] = (double)sum;
	}
	v[bucket++] = (double)sum;
	v[bucket++] = (double)d->latency_ns;
	v[bucket] = (double)sum;
}

static void latencies_fill(const struct disk_use *u, double *v)
{
	uint64_t divided = 0, measured = 0, queued = 0, unmeasured = 0;

	for (int i = 0; i < SS_DISK_OPERATIONS; i++) {
		histogram_fill(&u->now[i], &v[DISK_READ_64US + i * (DISK_WRITE_64US - DISK_READ_64US)]);
		queued += u->now[i].queued_ns;
		divided += u->now[i].divided;
		unmeasured += u->now[i].unmeasured;
		measured += sub_sat(u->now[i].requests, u->now[i].unmeasured);
	}
	v[DISK_READ_TIME] = (double)u->now[SS_DISK_READ].latency_ns;
	v[DISK_WRITE_TIME] = (double)u->now[SS_DISK_WRITE].latency_ns;
	v[DISK_FLUSHES] = (double)u->now[SS_DISK_FLUSH].requests;
	v[DISK_UNMEASURED] = (double)unmeasured;
	if (divided >= measured)
		v[DISK_QUEUED] = (double)queued;
}

/* The upper edge of the slot in which this share of the interval's reads and writes lies. */
static double percentile(const uint64_t *counts, uint64_t percent)
{
	uint64_t total = 0, below = 0;

	for (int i = 0; i < SS_DISK_SLOTS; i++)
		total += counts[i];
	for (int i = 0; i < SS_DISK_SLOTS && total; i++) {
		below += counts[i];
		if (below * 100 >= total * percent)
			return (double)(2000ULL << i);
	}
	return VALUE_ABSENT;
}

static void latency_rates(struct disk_use *u, const struct moment *now, double *v, bool known)
{
	uint64_t latency = 0, counts[SS_DISK_SLOTS];

	for (int i = 0; i < SS_DISK_OPERATIONS; i++)
		latency += u->now[i].latency_ns;
	for (int i = 0; i < SS_DISK_SLOTS; i++) {
		uint64_t all = u->now[SS_DISK_READ].slots[i] + u->now[SS_DISK_WRITE].slots[i];

		counts[i] = sub_sat(all, u->slots_before[i]);
		if (all > u->slots_before[i])
			u->slots_before[i] = all;
	}
	if (known) {
		v[DISK_LATENCY_P50] = percentile(counts, 50);
		v[DISK_LATENCY_P99] = percentile(counts, 99);
		v[DISK_QUEUE] = (double)sub_sat(latency, u->latency_before_ns) / 1e9 / now->interval;
	}
	if (latency > u->latency_before_ns)
		u->latency_before_ns = latency;
}

/* A row that is new in this interval began at 0, unless its file tells of the time before. */
static void rates_fill(struct disk_use *u, const struct moment *now, double *v)
{
	const struct home *h = u->key.home;
	bool fresh = u->first == now->number && now->number > 1;
	bool since_zero = fresh && (!u->filed || (h->first_sample == now->number && h->born_ns >= now->before_ns));
	bool interval = now->interval > 0;

	if (since_zero)
		u->before[DISK_READS] = u->before[DISK_WRITES] = u->before[DISK_READ_BYTES] =
			u->before[DISK_WRITE_BYTES] = 0;
	if (interval) {
		v[DISK_READ_RATE] = (v[DISK_READ_BYTES] - u->before[DISK_READ_BYTES]) / now->interval;
		v[DISK_WRITE_RATE] = (v[DISK_WRITE_BYTES] - u->before[DISK_WRITE_BYTES]) / now->interval;
		v[DISK_OPERATION_RATE] =
			(v[DISK_READS] + v[DISK_WRITES] - u->before[DISK_READS] - u->before[DISK_WRITES]) /
			now->interval;
	}
	if (now->disks_known)
		latency_rates(u, now, v, interval && (fresh || u->known_before));
	u->known_before = true;
	memcpy(u->before, v, sizeof(u->before));
}

/* Without memory for its name the device has none. */
static void use_row(struct disk_use *u, struct disk_devices *devices, const struct moment *now, struct disk_row *row)
{
	const struct disk_device *d = NULL;

	*row = (struct disk_row){.container = u->key.home->row, .device = "~other"};
	if (u->key.device != DISK_OTHER_DEVICES)
		d = disk_device_get(devices, now, (uint32_t)u->key.device);
	if (d) {
		row->device = d->name;
		row->major = d->number >> SS_DISK_MINOR_BITS;
		row->minor = d->number & ((1u << SS_DISK_MINOR_BITS) - 1);
		row->upon_others = d->upon_others;
	}
	for (int i = 0; i < DISK_METRICS; i++)
		row->v[i] = VALUE_ABSENT;
	counts_fill(u, now, row->v);
	if (now->disks_known)
		latencies_fill(u, row->v);
	counters_hold(SCOPE_DISK, row->v, u->held, u->key.home->dead_since_ns != 0);
	rates_fill(u, now, row->v);
}

/* ---- the sums of containers ---- */

static const struct {
	int container, disk;
} summed[] = {
	{CONTAINER_DISK_READ_BYTES, DISK_READ_BYTES}, {CONTAINER_DISK_WRITE_BYTES, DISK_WRITE_BYTES},
	{CONTAINER_DISK_READS, DISK_READS},	      {CONTAINER_DISK_WRITES, DISK_WRITES},
	{CONTAINER_DISK_READ_RATE, DISK_READ_RATE},   {CONTAINER_DISK_WRITE_RATE, DISK_WRITE_RATE},
};

/* Whether the kernel charges requests to its cgroup. Of the dead it is known if they have a row. */
static bool home_is_charged(const struct home *h, const struct homes *homes, const struct moment *now)
{
	const struct cgroup_counters *f = home_files(h);

	if (h == homes->host)
		return now->disks_known;
	return f && f->io_charged != SS_UNKNOWN;
}

static void sums_begin(const struct homes *homes, const struct moment *now, struct container_row *containers)
{
	for (const struct home *h = homes->all; h; h = h->hh.next) {
		if (h->row == HOME_NO_ROW || !home_is_charged(h, homes, now))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(summed); i++)
			if (summed[i].container < CONTAINER_DISK_READ_RATE || now->interval > 0)
				containers[h->row].v[summed[i].container] = 0;
	}
}

static void sums_add(const struct disk_row *row, struct container_row *c)
{
	if (row->upon_others)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(summed); i++) {
		double *to = &c->v[summed[i].container], more = row->v[summed[i].disk];

		/* A dead container has no file any more, and its row. */
		if (value_absent(*to) && c->dead)
			*to = 0;
		*to += more;
	}
}

static int disk_row_compare(const void *a, const void *b)
{
	const struct disk_row *x = a, *y = b;

	if (x->container != y->container)
		return x->container < y->container ? -1 : 1;
	return strcmp(x->device, y->device);
}

int disk_rows_fill(struct disk_uses *uses, struct disk_devices *devices, const struct homes *homes,
		   const struct moment *now, struct container_row *containers, struct snapshot *snapshot)
{
	if (list_reserve(&uses->rows, HASH_COUNT(uses->all)) < 0)
		return -ENOMEM;
	uses->rows.n = 0;
	sums_begin(homes, now, containers);
	for (struct disk_use *u = uses->all; u; u = u->hh.next) {
		if (u->key.home->row == HOME_NO_ROW)
			continue;
		use_row(u, devices, now, &uses->rows.at[uses->rows.n]);
		sums_add(&uses->rows.at[uses->rows.n++], &containers[u->key.home->row]);
	}
	if (uses->rows.n)
		qsort(uses->rows.at, uses->rows.n, sizeof(*uses->rows.at), disk_row_compare);
	for (size_t i = 0; i < uses->rows.n; i++) {
		struct container_row *c = &containers[uses->rows.at[i].container];

		if (!c->n_disks++)
			c->disks = &uses->rows.at[i];
	}
	snapshot->disks = uses->rows.at;
	snapshot->n_disks = uses->rows.n;
	return 0;
}

double disk_use_latency_ns(const struct disk_uses *uses, struct home *home, uint64_t device)
{
	struct disk_use *u, key;
	uint64_t sum = 0;

	memset(&key.key, 0, sizeof(key.key));
	key.key.home = home;
	key.key.device = device;
	HASH_FIND(hh, uses->all, &key.key, sizeof(key.key), u);
	for (int i = 0; u && i < SS_DISK_OPERATIONS; i++)
		sum += u->now[i].latency_ns;
	return u ? (double)sum : VALUE_ABSENT;
}

void disk_uses_free(struct disk_uses *uses)
{
	struct disk_file *f, *next_file;
	struct disk_use *u, *next;

	HASH_ITER (hh, uses->all, u, next) {
		HASH_DEL(uses->all, u);
		free(u);
	}
	HASH_ITER (hh, uses->files, f, next_file) {
		HASH_DEL(uses->files, f);
		free(f);
	}
	list_free(&uses->rows);
}

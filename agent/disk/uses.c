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
	u->costs |= io->costs;
	disk_use_hook_counts(u, u->hook_then);
	return 0;
}

/* A limit is shown although nothing has been done at the device yet. */
static int limited_take(struct disk_uses *uses, const struct homes *homes, const struct moment *now,
			const struct sample_io_limit *l)
{
	const struct home_cgroup *c = incarnation_find(homes, l->cgroup_id);

	if (!c || !c->home || !c->is_root)
		return 0;
	return use_get(uses, now, c->home, l->device, true) ? 0 : -ENOMEM;
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

	_Static_assert(offsetof(struct sample_io, cost_indelay_us) - offsetof(struct sample_io, read_bytes) ==
			       (IO_COUNTS - 1) * sizeof(uint64_t),
		       "in the order of enum io_count");
	forgotten_drop(uses, homes);
	r = hook_rows_add(uses, homes, now, s->disks_final, s->n_disks_final, true);
	if (r == 0)
		r = hook_rows_add(uses, homes, now, s->disks_open, s->n_disks_open, false);
	for (size_t i = 0; i < s->n_ios && r == 0; i++)
		r = file_take(uses, homes, now, &s->ios[i]);
	for (size_t i = 0; i < s->n_io_limits && r == 0; i++)
		r = limited_take(uses, homes, now, &s->io_limits[i]);
	return r;
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

static void limits_fill(const struct limits *limits, const struct disk_use *u, struct disk_row *row)
{
	struct io_limit l;

	if (u->key.device == DISK_OTHER_DEVICES || u->key.home->dead_since_ns ||
	    !limits_io(limits, u->key.home, (uint32_t)u->key.device, &l))
		return;
	row->limit_of = l.of;
	if (l.read_bytes != SS_UNLIMITED)
		row->v[DISK_READ_LIMIT] = (double)l.read_bytes;
	if (l.write_bytes != SS_UNLIMITED)
		row->v[DISK_WRITE_LIMIT] = (double)l.write_bytes;
	if (l.reads != SS_UNLIMITED)
		row->v[DISK_READS_LIMIT] = (double)l.reads;
	if (l.writes != SS_UNLIMITED)
		row->v[DISK_WRITES_LIMIT] = (double)l.writes;
}

int disk_rows_fill(struct disk_uses *uses, struct disk_devices *devices, const struct homes *homes,
		   const struct limits *limits, const struct moment *now, struct container_row *containers,
		   struct snapshot *snapshot)
{
	if (list_fit(&uses->rows, HASH_COUNT(uses->all)) < 0)
		return -ENOMEM;
	uses->rows.n = 0;
	sums_begin(homes, now, containers);
	for (struct disk_use *u = uses->all; u; u = u->hh.next) {
		if (u->key.home->row == HOME_NO_ROW)
			continue;
		disk_use_row(u, devices, now, &uses->rows.at[uses->rows.n]);
		limits_fill(limits, u, &uses->rows.at[uses->rows.n]);
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

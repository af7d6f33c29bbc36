/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk.bpf.c - owner of block_rq_complete: counts completed requests, their bytes and their latency by cgroup, device and
 * operation, and whose requests were at the device meanwhile.
 *
 * There is no hook at the beginning of a request and no table of requests: the kernel notes in each request when it was taken
 * up and when the driver got it, and the bio in it has the cgroup that is charged, which for writeback is the writer's.
 * Devices that work on bios (dm, md, brd, zram) complete no request: what is below dm and md does.
 */
#include "compat.bpf.h"
#include "sysscope/abi/disk.h"

/* Preallocated hashes, because requests complete in interrupts. Used in turn, as the gone tables are. */
struct disk_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct ss_disk_key);
	__type(value, struct ss_disk);
};
struct disk_map disks_a SEC(".maps");
struct disk_map disks_b SEC(".maps");

struct disk_pair_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct ss_disk_pair_key);
	__type(value, struct ss_disk_pair);
};
struct disk_pair_map disk_pairs_a SEC(".maps");
struct disk_pair_map disk_pairs_b SEC(".maps");

/*
 * How long requests were at a device, by cgroup: the latencies of those that it completed. Time is cut into windows of 17 ms;
 * a window in which something was completed keeps what the counters were at its beginning. What was added since says whose
 * requests were at the device, and how many, while another one waited: over its latency, and at least over 0.1 s, because a
 * request of the other that takes longer than that of the waiter is added only when it completes.
 */
#define WINDOW_SHIFT	 24
#define WINDOWS		 16
#define WINDOWS_AT_LEAST 6
#define HOLDERS		 8  /* cgroups kept apart; the last place is that of all others */
#define UNIT_SHIFT	 10 /* latencies are counted in units of 1,024 ns, at least one for each request */

struct disk_window {
	__u64 number; /* CLOCK_MONOTONIC >> WINDOW_SHIFT; 0: never used */
	__u64 units[HOLDERS];
};

struct served_device {
	__u64 holder[HOLDERS]; /* kernfs id, 0: free */
	__u64 latest[HOLDERS]; /* the last window in which its requests were completed */
	__u64 units[HOLDERS];
	__u64 head; /* windows so far */
	struct disk_window windows[WINDOWS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, struct served_device);
} disk_devices SEC(".maps");

static const struct ss_disk disk_zero = {};
static const struct served_device served_zero = {};

struct disk_request {
	struct ss_disk_key key;
	__u64 now;
	__u64 start_ns;	  /* 0: not known */
	__u64 latency_ns; /* of a request that is complete */
	__u32 bytes;
};

/* ---- who else was served ---- */

/* Two CPUs may give one place to two cgroups: one of them then counts as the other for a few windows. */
static __always_inline __u32 holder_place(struct served_device *d, __u64 id)
{
	__u64 oldest = d->windows[(d->head + 1) % WINDOWS].number;
	__u32 free = HOLDERS - 1;

	for (__u32 i = 0; i < HOLDERS - 1; i++) {
		if (d->holder[i] == id)
			return i;
		if (free == HOLDERS - 1 && (!d->holder[i] || d->latest[i] < oldest))
			free = i;
	}
	d->holder[free] = free == HOLDERS - 1 ? SS_CGROUP_OTHERS : id;
	return free;
}

static __always_inline void window_begin(struct served_device *d, __u64 number)
{
	struct disk_window *w = &d->windows[d->head % WINDOWS];

	if (w->number >= number)
		return;
	w = &d->windows[(d->head + 1) % WINDOWS];
	for (__u32 i = 0; i < HOLDERS; i++)
		w->units[i] = d->units[i];
	w->number = number;
	d->head++;
}

static __always_inline struct ss_disk_pair *disk_pair_entry(const struct ss_disk_pair_key *key)
{
	void *table = gone_in_use & 1 ? (void *)&disk_pairs_b : (void *)&disk_pairs_a;
	struct ss_disk_pair *pair = bpf_map_lookup_elem(table, key), zero = {};

	if (pair)
		return pair;
	bpf_map_update_elem(table, key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(table, key);
}

/* A global function of numbers: the verifier goes through such a one once, and not for each holder on each path. */
__noinline int disk_pair_add(__u64 waiter, __u64 filler, __u32 device, __u64 ns)
{
	struct ss_disk_pair_key key = {.waiter = waiter, .filler = filler, .device = device};
	struct ss_disk_pair *pair = disk_pair_entry(&key);

	if (!pair) {
		loss_count(SS_LOSS_DISK_PAIR_LOST);
		return 0;
	}
	__sync_fetch_and_add(&pair->wait_ns, ns);
	__sync_fetch_and_add(&pair->requests, 1);
	return 0;
}

/* Whether requests of another cgroup were completed in this window or later. */
static __always_inline bool others_since(const struct served_device *d, __u32 own, __u64 number)
{
	for (__u32 i = 0; i < HOLDERS; i++)
		if (i != own && d->latest[i] >= number)
			return true;
	return false;
}

/* Divides the latency by how the counters have grown. */
static __always_inline void latency_divide(struct served_device *d, const struct disk_request *r, __u32 own)
{
	__u64 number = r->start_ns >> WINDOW_SHIFT, lately = (r->now >> WINDOW_SHIFT) - WINDOWS_AT_LEAST;
	__u64 latency = r->latency_ns >> UNIT_SHIFT, head = d->head, total = 0, units[HOLDERS];
	struct disk_window *since = &d->windows[head % WINDOWS], *w;

	if (number > lately)
		number = lately;
	if (!others_since(d, own, number))
		return;
	for (__u32 i = 1; i < WINDOWS; i++) {
		w = &d->windows[(head - i) % WINDOWS];
		if (w->number < number || !w->number)
			break;
		since = w;
	}
	for (__u32 i = 0; i < HOLDERS; i++) {
		units[i] = d->units[i] - since->units[i];
		total += units[i];
	}
	for (__u32 i = 0; i < HOLDERS; i++)
		if (i != own && units[i])
			disk_pair_add(r->key.cgroup_id, d->holder[i], r->key.device,
				      latency * units[i] / total << UNIT_SHIFT);
}

static __noinline int device_serve(const struct disk_request *r)
{
	struct served_device *d;
	__u64 units;
	__u32 own;

	if (!r)
		return 0;
	d = bpf_map_lookup_elem(&disk_devices, &r->key.device);
	if (!d) {
		bpf_map_update_elem(&disk_devices, &r->key.device, &served_zero, BPF_NOEXIST);
		d = bpf_map_lookup_elem(&disk_devices, &r->key.device);
	}
	if (!d) {
		loss_count(SS_LOSS_DISK_PAIR_LOST);
		return 0;
	}
	window_begin(d, r->now >> WINDOW_SHIFT);
	own = holder_place(d, r->key.cgroup_id);
	d->latest[own & (HOLDERS - 1)] = r->now >> WINDOW_SHIFT;
	units = r->latency_ns >> UNIT_SHIFT;
	__sync_fetch_and_add(&d->units[own & (HOLDERS - 1)], units ? units : 1);
	latency_divide(d, r, own);
	return 0;
}

/* ---- requests ---- */

/* Which operation it is; SS_DISK_OPERATIONS: a driver's own command, or a step of a flush. */
static __always_inline __u32 request_operation(__u32 flags, __u32 length)
{
	switch (flags & REQ_OP_MASK) {
	case REQ_OP_READ:
		return SS_DISK_READ;
	case REQ_OP_WRITE:
		/* What fsync() and the like send: a write of nothing. */
		return length ? SS_DISK_WRITE : SS_DISK_FLUSH;
	case REQ_OP_DISCARD:
	case REQ_OP_SECURE_ERASE:
		return SS_DISK_DISCARD;
	case REQ_OP_ZONE_APPEND: /* WRITE_SAME before 5.18 */
	case REQ_OP_WRITE_ZEROES:
		return SS_DISK_WRITE;
	}
	return SS_DISK_OPERATIONS;
}

static __always_inline struct ss_disk *disk_entry(const struct ss_disk_key *key)
{
	void *table = gone_in_use & 1 ? (void *)&disks_b : (void *)&disks_a;
	struct ss_disk *entry = bpf_map_lookup_elem(table, key);

	if (entry)
		return entry;
	bpf_map_update_elem(table, key, &disk_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(table, key);
}

/* 2^i microseconds to the next power are slot i. */
static __always_inline __u32 latency_slot(__u64 ns)
{
	__u64 us = ns / 1000;
	__u32 slot = 0;

	for (__u32 bits = 16; bits; bits >>= 1)
		if (us >> bits) {
			us >>= bits;
			slot += bits;
		}
	return slot < SS_DISK_SLOTS ? slot : SS_DISK_SLOTS - 1;
}

static __always_inline void request_count(const struct disk_request *r, bool complete, __u64 issued_ns)
{
	struct ss_disk *entry = disk_entry(&r->key);

	if (!entry) {
		loss_count(SS_LOSS_DISK_LOST);
		return;
	}
	if (r->bytes)
		__sync_fetch_and_add(&entry->bytes, r->bytes);
	if (!complete)
		return;
	__sync_fetch_and_add(&entry->requests, 1);
	if (!r->start_ns) {
		__sync_fetch_and_add(&entry->unmeasured, 1);
		return;
	}
	__sync_fetch_and_add(&entry->latency_ns, r->latency_ns);
	__sync_fetch_and_add(&entry->slots[latency_slot(r->latency_ns)], 1);
	if (!issued_ns)
		return;
	__sync_fetch_and_add(&entry->divided, 1);
	if (issued_ns > r->start_ns)
		__sync_fetch_and_add(&entry->queued_ns, issued_ns - r->start_ns);
}

/*
 * The second argument is an errno until 5.15 and a blk_status_t since. A request that completes in parts comes here for each
 * part, before its remaining length is reduced; the last one completes it. A write that flushes the device's cache first or
 * afterwards comes with its data, and once more without a bio.
 */
SEC("?tp_btf/block_rq_complete")
int disk_complete(__u64 *ctx)
{
	struct request *rq = (struct request *)ctx[0];
	__u32 bytes = (__u32)ctx[2], length = rq->__data_len;
	struct bio *bio = rq->bio; /* read once: see task_cgroup_id_untyped */
	struct disk_request r = {};
	bool complete = bytes >= length;

	if (!bio)
		return 0;
	r.key.device = compat_request_device(rq);
	r.key.operation = request_operation(rq->cmd_flags, length);
	if (r.key.operation == SS_DISK_OPERATIONS)
		return 0;
	r.key.cgroup_id = compat_bio_cgroup_id(bio);
	r.now = bpf_ktime_get_ns();
	r.start_ns = rq->start_time_ns;
	r.bytes = bytes;
	if (complete && r.start_ns && r.now > r.start_ns)
		r.latency_ns = r.now - r.start_ns;
	request_count(&r, complete, rq->io_start_time_ns);
	if (r.latency_ns)
		device_serve(&r);
	return 0;
}

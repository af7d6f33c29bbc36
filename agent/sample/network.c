/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.c - what the sockets of each cgroup have sent and received so far, from the kernel half's table, into the table of
 * cgroups. Called by cgroups.c and sampler.c. The table is read in parts, because each of its values has a copy per CPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "base/util.h"
#include "kernel/loader.h"
#include "sample/sampler_internal.h"

#define ENTRIES_AT_ONCE 512

int sampler_network_open(struct sampler *s)
{
	int cpus = libbpf_num_possible_cpus();

	if (!loader_status(s->loader, COLLECTOR_NETWORK).loaded)
		return 0;
	s->network.cpus = cpus > 0 ? (size_t)cpus : 1;
	s->network.values = calloc(ENTRIES_AT_ONCE * s->network.cpus, sizeof(struct ss_network));
	return s->network.values ? 0 : -ENOMEM;
}

void sampler_network_close(struct sampler *s)
{
	free(s->network.values);
}

static struct ss_network sum_of(const struct ss_network *copies, size_t cpus)
{
	struct ss_network sum = {};

	for (size_t i = 0; i < cpus; i++) {
		sum.receive_bytes += copies[i].receive_bytes;
		sum.receive_packets += copies[i].receive_packets;
		sum.transmit_bytes += copies[i].transmit_bytes;
		sum.transmit_packets += copies[i].transmit_packets;
	}
	return sum;
}

/* `use` makes an entry in the table of cgroups. It is not called for those that are there: the dead shall be forgotten. */
static int entry_take(struct sampler *s, uint64_t id, const struct ss_network *copies,
		      int (*use)(struct sampler *s, uint64_t id, void *ctx), void *ctx)
{
	struct cgroup_entry *e = cgroup_table_find(s->table, id);
	int r = e ? 0 : use(s, id, ctx);

	if (r < 0)
		return r;
	if (!e)
		e = cgroup_table_find(s->table, id);
	if (!e)
		return 0;
	e->network = sum_of(copies, s->network.cpus);
	e->in_kernel = true;
	return 0;
}

/* The iterator adds what TCP has counted to the table; it says nothing. 0 or negative errno. */
static int sockets_iterate(const struct sampler *s)
{
	int link = loader_network_fd(s->loader);
	_cleanup_close_ int fd = -1;
	char nothing[64];

	if (link < 0)
		return 0;
	fd = bpf_iter_create(link);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, nothing, sizeof(nothing));

		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

int sampler_network_read(struct sampler *s, int (*use)(struct sampler *s, uint64_t id, void *ctx), void *ctx)
{
	int fd = bpf_map__fd(s->skeleton->maps.network), r = 0, taken = 0;
	uint64_t began = clock_boot_ns(), ids[ENTRIES_AT_ONCE];
	bool first = true;
	__u32 next = 0;

	s->network.read = false;
	if (!s->network.values || sockets_iterate(s) < 0)
		return 0;
	for (; r == 0 && taken >= 0; first = false) {
		__u32 count = ENTRIES_AT_ONCE;

		r = bpf_map_lookup_batch(fd, first ? NULL : &next, &next, ids, s->network.values, &count, NULL);
		if (r < 0 && r != -ENOENT)
			break;
		for (__u32 i = 0; i < count && taken >= 0; i++)
			taken = entry_take(s, ids[i], &s->network.values[i * s->network.cpus], use, ctx);
	}
	s->network.read = r == -ENOENT && taken >= 0;
	s->network.duration_ns = clock_boot_ns() - began;
	return taken;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rollup.c - see rollup.h. Called by the sampler once per sample. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "sample/rollup.h"

void rollup_watch(struct rollup *r, uint32_t tgid, uint64_t start_ns)
{
	if (r->tgid == tgid && r->start_ns == start_ns)
		return;
	*r = (struct rollup){.tgid = tgid, .start_ns = start_ns};
}

static uint64_t kib_find(const char *text, const char *key)
{
	char line[32];
	const char *at;
	uint64_t kib;

	snprintf(line, sizeof(line), "\n%s:", key);
	at = strstr(text, line);
	/* The kernel writes these numbers, and they fit. NOLINTNEXTLINE(cert-err34-c) */
	if (!at || sscanf(at + strlen(line), " %" SCNu64 " kB", &kib) != 1)
		return SS_UNKNOWN;
	return kib * 1024;
}

bool rollup_parse(const char *text, struct sample_rollup *ret)
{
	ret->pss = kib_find(text, "Pss");
	ret->pss_anonymous = kib_find(text, "Pss_Anon");
	ret->pss_file = kib_find(text, "Pss_File");
	ret->pss_shmem = kib_find(text, "Pss_Shmem");
	ret->swap_pss = kib_find(text, "SwapPss");
	return ret->pss != SS_UNKNOWN;
}

static const struct ss_thread_record *leader_find(const struct rollup *r, const struct sample_thread *threads, size_t n)
{
	const struct ss_thread_record *found;
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (threads[middle].tid < r->tgid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == n || threads[low].tid != r->tgid)
		return NULL;
	found = threads[low].told->record;
	return found->start_ns == r->start_ns ? found : NULL;
}

/* A process that ended since the iterator saw it has no file, or that of its successor for one sample. */
static void rollup_file_read(struct rollup *r, const struct ss_thread_record *leader)
{
	uint64_t units = (uint64_t)leader->anonymous_units + leader->file_units + leader->shmem_units, began;
	_cleanup_free_ char *text = NULL;
	char path[64];

	if (units * SS_MEMORY_UNIT > ROLLUP_RESIDENT_MAX) {
		r->latest.reason = "it has more than 32 GiB, too much to walk";
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", r->tgid);
	began = clock_boot_ns();
	r->latest.reason = read_file(path, 1 << 16, &text, NULL) < 0 ? "/proc/PID/smaps_rollup cannot be read"
			   : rollup_parse(text, &r->latest)	     ? NULL
								     : "/proc/PID/smaps_rollup has none";
	r->took_ns = clock_boot_ns() - began;
}

void rollup_read(struct rollup *r, const struct sample_thread *threads, size_t n, uint64_t now,
		 struct sample_rollup *ret)
{
	const struct ss_thread_record *leader = r->tgid ? leader_find(r, threads, n) : NULL;

	*ret = (struct sample_rollup){};
	if (!leader)
		return;
	if (!r->read_ns || now - r->read_ns >= ROLLUP_EVERY_NS + ROLLUP_PART * r->took_ns) {
		r->latest = (struct sample_rollup){.tgid = r->tgid, .start_ns = r->start_ns, .read_ns = now};
		r->read_ns = now;
		rollup_file_read(r, leader);
	}
	*ret = r->latest;
}

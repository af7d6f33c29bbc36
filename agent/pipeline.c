/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipeline.c - opens kernel probe, cgroup files, identities, loader, sampler and model in this order, and is the live
 * snapshot_source of every command. Closes them in reverse.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/cgroupfs.h"
#include "identity/identity.h"
#include "kernel/loader.h"
#include "kernel/probe.h"
#include "pipeline.h"
#include "sample/sampler.h"
#include "sysscope/model.h"

/*
 * A sample of its own when nobody asks for one, so that tables stay small and the dead are noticed: the sooner when more
 * have died than a fifth of the smallest table of the dead can hold.
 */
#define IDLE_SAMPLE_NS	    (60 * 1000000000ULL)
#define IDLE_SAMPLE_SOON_NS (30 * 1000000000ULL)
#define IDLE_DEAD	    100
#define IDLE_DEAD_MANY	    4096 /* half of the tables, if each had another name */

/* From this size on memory is asked of the kernel directly: malloc's own first threshold, which it then raises. */
#define ARRAY_OF_ITS_OWN_BYTES (1024 * 1024)

struct pipeline {
	struct kernel kernel;
	struct cgroupfs *fs;
	struct identities *ids;
	struct loader *loader;
	struct sampler *sampler;
	struct model *model;
	struct snapshot_source source;
	const struct sample *sample; /* the latest */
	uint64_t sampled_ns;
	bool serves; /* somebody asks when he likes, maybe never */
};

void pipeline_options_init(struct pipeline_options *o)
{
	*o = (struct pipeline_options){.break_collector = getenv("SYSSCOPE_TEST_BREAK_COLLECTOR")};
}

static const struct snapshot *source_next(void *ctx, int *ret_error)
{
	struct pipeline *p = ctx;
	const struct sample *sample;
	int r = sampler_read(p->sampler, &sample);

	if (r >= 0)
		r = model_update(p->model, sample);
	*ret_error = r;
	if (r < 0)
		return NULL;
	p->sample = sample;
	p->sampled_ns = clock_boot_ns();
	return model_snapshot(p->model);
}

static void source_published(void *ctx)
{
	struct pipeline *p = ctx;

	model_published(p->model);
}

/*
 * A server knows who was there though nobody asked for minutes. A view has its own time between two snapshots, over which its
 * rates are: that is cut short only before the tables of the dead are full.
 */
static void source_idle(void *ctx, const struct snapshot **latest)
{
	struct pipeline *p = ctx;
	uint64_t age_ns, dead;
	bool due;
	int error;

	sampler_facts(p->sampler);
	age_ns = clock_boot_ns() - p->sampled_ns;
	dead = sampler_dead(p->sampler);
	if (p->serves)
		due = age_ns > IDLE_SAMPLE_NS || (age_ns > IDLE_SAMPLE_SOON_NS && dead > IDLE_DEAD);
	else
		due = age_ns > IDLE_SAMPLE_SOON_NS && dead > IDLE_DEAD_MANY;
	if (due)
		*latest = source_next(p, &error);
}

static void source_rest(void *ctx)
{
	struct pipeline *p = ctx;

	model_rest(p->model);
	sampler_rest(p->sampler);
}

static void collectors_missing(const struct pipeline *p, uint32_t requested, struct buf *out)
{
	for (int c = 0; c < COLLECTORS; c++) {
		struct collector_status s = loader_status(p->loader, c);

		if (!s.loaded && (!collector_on_request(c) || requested >> c & 1))
			buf_printf(out, "%scollector %s is off: %s; not shown: %s", out->len ? "\n" : "", s.name,
				   s.reason, s.gives);
	}
	if (p->kernel.pids_hidden)
		buf_printf(out,
			   "%sthis is a pid namespace, and only processes inside of it are seen: run outside of a "
			   "container, or with the host's (--pid=host)",
			   out->len ? "\n" : "");
}

static int pipeline_fill(struct pipeline *p, const struct pipeline_options *o, struct buf *error)
{
	struct loader_options lo = {.disabled = o->disabled,
				    .break_collector = o->break_collector,
				    .epoll_hook = o->epoll_hook,
				    .stall_ns = o->stall_ns,
				    .requested = o->requested,
				    .facts = o->facts,
				    .facts_arguments = o->facts_arguments,
				    .ring_bytes = o->ring_bytes,
				    .pairs_named = o->pairs_named};
	int r = kernel_probe(&p->kernel);

	if (r < 0)
		return r;
	r = cgroupfs_open(&p->fs, "");
	if (r < 0) {
		buf_printf(error,
			   "no cgroup hierarchy with CPU or memory control is mounted (%s); sysscope needs the "
			   "host's /sys/fs/cgroup",
			   strerror(-r));
		return r;
	}
	loader_options_hierarchy(&lo, &p->kernel, cgroupfs_layout(p->fs));
	p->ids = identities_new("");
	p->model = model_new();
	if (!p->ids || !p->model)
		return -ENOMEM;
	if (o->docker_root)
		identities_add_docker_root(p->ids, o->docker_root);
	model_keep_unpublished(p->model, o->keep_unpublished);
	p->serves = o->keep_unpublished;
	r = loader_open(&p->loader, &p->kernel, &lo, error);
	if (r < 0)
		return r;
	r = sampler_open(&p->sampler, p->loader, p->fs, p->ids);
	if (r < 0) {
		buf_printf(error, "cannot read the cgroup tree: %s", strerror(-r));
		return r;
	}
	sampler_no_socket_owners(p->sampler, o->no_socket_owners);
	sampler_subscribe(p->sampler, &o->subscriber);
	collectors_missing(p, o->requested, error);
	/* Loading has left megabytes of type information and of free heap behind, which nothing needs from here on. */
	kernel_free(&p->kernel);
	malloc_trim(0);
	return 0;
}

int pipeline_open(struct pipeline **ret, const struct pipeline_options *o, struct buf *error)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	/*
	 * The large arrays of a sample grow by moving pages and go back to the kernel when freed. Left alone, malloc would
	 * keep them in its heap after the first time, with holes below each.
	 */
	mallopt(M_MMAP_THRESHOLD, ARRAY_OF_ITS_OWN_BYTES);
	mallopt(M_TRIM_THRESHOLD, 2 * ARRAY_OF_ITS_OWN_BYTES);
	r = pipeline_fill(p, o, error);
	if (r < 0) {
		if (!error->len)
			buf_str(error, strerror(-r));
		pipeline_close(p);
		return r;
	}
	p->source = (struct snapshot_source){
		.next = source_next,
		.published = source_published,
		.idle = source_idle,
		.rest = source_rest,
		.fd = sampler_facts_fd(p->sampler),
		.ctx = p,
	};
	*ret = p;
	return 0;
}

void pipeline_close(struct pipeline *p)
{
	if (!p)
		return;
	sampler_close(p->sampler);
	loader_close(p->loader);
	model_free(p->model);
	identities_free(p->ids);
	cgroupfs_close(p->fs);
	kernel_free(&p->kernel);
	free(p);
}

const struct sample *pipeline_sample(const struct pipeline *p)
{
	return p->sample;
}

void pipeline_facts_count(const struct pipeline *p, uint64_t *produced, uint64_t *lost)
{
	loader_facts_count(p->loader, produced, lost);
}

void pipeline_facts_end(struct pipeline *p)
{
	loader_facts_end(p->loader);
}

int pipeline_map_memory(const struct pipeline *p, uint64_t *ret)
{
	return loader_map_memory(p->loader, ret);
}

const struct snapshot_source *pipeline_source(struct pipeline *p)
{
	return &p->source;
}

const char *pipeline_hook(const struct pipeline *p, const char *collector)
{
	for (int c = 0; c < COLLECTORS; c++) {
		struct collector_status s = loader_status(p->loader, c);

		if (strcmp(s.name, collector) == 0)
			return s.loaded ? s.hook : "";
	}
	return "";
}

const char *pipeline_hook_reason(const struct pipeline *p, const char *collector)
{
	for (int c = 0; c < COLLECTORS; c++)
		if (strcmp(collector_name(c), collector) == 0)
			return loader_status(p->loader, c).reason;
	return "";
}

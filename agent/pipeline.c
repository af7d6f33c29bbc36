/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pipeline.c - see pipeline.h. Opens kernel probe, cgroup files, identities, loader, model and sampler, and closes them in
 * reverse. The snapshot_source of every verb that shows live data.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cgroup/cgroupfs.h"
#include "identity/identity.h"
#include "kernel/loader.h"
#include "kernel/probe.h"
#include "pipeline.h"
#include "sample/sampler.h"
#include "sysscope/model.h"

/*
 * When no snapshot is asked for, a sample is taken all the same, so that the kernel's tables are drained before they are full:
 * earlier if many processes have ended.
 */
#define IDLE_SAMPLE_NS	    (60 * 1000000000ULL)
#define IDLE_SAMPLE_SOON_NS (30 * 1000000000ULL)
#define IDLE_DEAD	    100
#define IDLE_DEAD_MANY	    4096 /* fills half of the tables if every name is different */

/* malloc maps larger blocks directly. Set explicitly, because malloc raises its own threshold as blocks are freed. */
#define MAPPED_ARRAY_BYTES (1024 * 1024)

/*
 * Rows come and go one by one, so that after a churn the heap is full of holes, which free() alone does not give back. They are
 * looked for at most so often, and given back where they are that much, and that share of what is in use.
 */
#define HEAP_LOOK_NS	(30 * 1000000000ULL)
#define HEAP_FREE_MOST	(16UL << 20)
#define HEAP_FREE_SHARE 4

struct pipeline {
	struct kernel kernel;
	struct cgroupfs *fs;
	struct identities *ids;
	struct loader *loader;
	struct sampler *sampler;
	struct model *model;
	struct snapshot_source source;
	const struct sample *sample;  /* the latest */
	uint64_t sampled_ns, heap_ns; /* when that was; when holes in the heap were looked for */
	bool serves;		      /* snapshots are asked for at any time, possibly never */
	struct {
		bool on_request; /* they are watched only while somebody looks at them */
		bool watched;
		uint64_t idle_ns, looked_ns; /* for how long after the last look; when that was */
	} loops;
};

void pipeline_options_init(struct pipeline_options *o)
{
	*o = (struct pipeline_options){.break_collector = getenv("SYSSCOPE_TEST_BREAK_COLLECTOR")};
}

static bool loops_unwanted(const struct pipeline *p)
{
	return p->loops.on_request && p->loops.watched && clock_boot_ns() - p->loops.looked_ns >= p->loops.idle_ns;
}

static void source_loops(void *ctx)
{
	struct pipeline *p = ctx;

	p->loops.looked_ns = clock_boot_ns();
	/* If the kernel refuses, it is asked again at the next look. */
	if (p->loops.on_request && !p->loops.watched)
		p->loops.watched = sampler_loops_watch(p->sampler, true) == 0;
}

static const struct snapshot *source_next(void *ctx, int *ret_error)
{
	struct pipeline *p = ctx;
	const struct sample *sample;
	bool last = loops_unwanted(p);
	int r;

	if (last)
		sampler_loops_watch(p->sampler, false);
	r = sampler_read(p->sampler, &sample);
	if (r >= 0)
		r = model_update(p->model, sample);
	if (last) {
		sampler_loops_end(p->sampler);
		p->loops.watched = false;
	}
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

static void heap_tidy(struct pipeline *p)
{
	uint64_t now_ns = clock_boot_ns();
	struct mallinfo2 heap;

	if (now_ns - p->heap_ns < HEAP_LOOK_NS)
		return;
	p->heap_ns = now_ns;
	heap = mallinfo2();
	if (heap.fordblks > HEAP_FREE_MOST && heap.fordblks > heap.uordblks / HEAP_FREE_SHARE)
		malloc_trim(0);
}

/*
 * A server samples even if no scrape comes for minutes. The rates of a view are over its own interval, which an extra sample
 * would cut short: it is taken only before the tables of ended processes are full.
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
		due = age_ns > IDLE_SAMPLE_NS || (age_ns > IDLE_SAMPLE_SOON_NS && dead > IDLE_DEAD) ||
		      loops_unwanted(p);
	else
		due = age_ns > IDLE_SAMPLE_SOON_NS && dead > IDLE_DEAD_MANY;
	if (due)
		*latest = source_next(p, &error);
	heap_tidy(p);
}

static void source_watch(void *ctx, uint32_t pid, uint64_t start_ns)
{
	struct pipeline *p = ctx;

	sampler_watch(p->sampler, pid, start_ns);
}

static void source_look(void *ctx, uint32_t what)
{
	struct pipeline *p = ctx;

	model_look(p->model, what);
}

static void source_rest(void *ctx)
{
	struct pipeline *p = ctx;

	model_rest(p->model);
	p->sample = NULL;
	sampler_rest(p->sampler);
}

/* ---- warnings ---- */

static void warning_begin(struct buf *said)
{
	if (said->len)
		buf_char(said, '\n');
}

void pipeline_warnings(const struct loader *l, const struct kernel *k, const struct pipeline_options *o,
		       struct buf *said)
{
	uint32_t requested = o->requested | collectors_for_facts(o->facts);

	for (int c = 0; c < COLLECTORS; c++) {
		struct collector_status s = loader_status(l, c);

		if (s.loaded || s.instead || o->unneeded >> c & 1 || (collector_on_request(c) && !(requested >> c & 1)))
			continue;
		warning_begin(said);
		buf_printf(said, "collector %s is off: %s; not shown: %s", s.name, s.reason, s.gives);
	}
	if (k->pids_hidden) {
		warning_begin(said);
		buf_str(said,
			"only processes of this pid namespace are visible: run outside of a container, or with the "
			"host's pid namespace (--pid=host)");
	}
}

/* 0 or negative errno: why no container will be looked up in it. A folder may appear later: then it is read all the same. */
static int docker_root_check(struct identities *ids, const char *path)
{
	struct stat st;
	int r = identities_add_docker_root(ids, path);

	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static void docker_roots_add(struct identities *ids, const struct pipeline_options *o, struct buf *said)
{
	for (size_t i = 0; i < o->n_docker_roots; i++) {
		int r = docker_root_check(ids, o->docker_roots[i]);

		if (r == 0)
			continue;
		warning_begin(said);
		buf_str(said, "--docker.data-root: no containers are named from '");
		text_terminal(said, o->docker_roots[i], strlen(o->docker_roots[i]));
		buf_printf(said, "': %s",
			   r == -EINVAL	  ? "not an absolute path"
			   : r == -ENOSPC ? "too many data roots"
					  : strerror(-r));
	}
}

/* ---- open and close ---- */

static int pipeline_fill(struct pipeline *p, const struct pipeline_options *o, struct buf *said)
{
	struct loader_options lo = {.disabled = o->disabled | o->unneeded,
				    .break_collector = o->break_collector,
				    .epoll_hook = o->epoll_hook,
				    .epoll_on_request = o->loops_idle_ns && !o->loops_wanted,
				    .stall_ns = o->stall_ns,
				    .requested = o->requested | collectors_for_facts(o->facts),
				    .facts = o->facts,
				    .facts_arguments = o->facts_arguments,
				    .facts_unhurried = o->facts_unhurried,
				    .ring_bytes = o->ring_bytes,
				    .pairs_named = o->pairs_named};
	struct collector_status status;
	int r = kernel_probe(&p->kernel);

	if (r < 0)
		return r;
	r = cgroupfs_open(&p->fs, "");
	if (r < 0) {
		buf_printf(said,
			   "no cgroup hierarchy with a cpu or memory controller is mounted (%s); sysscope needs the "
			   "host's /sys/fs/cgroup",
			   strerror(-r));
		return r;
	}
	loader_options_hierarchy(&lo, &p->kernel, cgroupfs_layout(p->fs));
	p->ids = identities_new("");
	p->model = model_new();
	if (!p->ids || !p->model)
		return -ENOMEM;
	model_keep_unpublished(p->model, o->keep_unpublished);
	p->serves = o->keep_unpublished;
	r = loader_open(&p->loader, &p->kernel, &lo, said);
	if (r < 0)
		return r;
	docker_roots_add(p->ids, o, said);
	/* Without its thread names are read in turn with everything else. */
	identities_start(p->ids);
	r = sampler_open(&p->sampler, p->loader, p->fs, p->ids);
	if (r < 0) {
		buf_printf(said, "cannot read the cgroup tree: %s", strerror(-r));
		return r;
	}
	status = loader_status(p->loader, COLLECTOR_EPOLL);
	p->loops.idle_ns = o->loops_idle_ns;
	p->loops.on_request = status.slows_calls && !status.attached;
	p->loops.watched = status.slows_calls && status.attached;
	sampler_no_socket_owners(p->sampler, o->no_socket_owners);
	sampler_subscribe(p->sampler, &o->subscriber);
	pipeline_warnings(p->loader, &p->kernel, o, said);
	/* Loading left megabytes of type information and free heap, which nothing needs any more. */
	kernel_free(&p->kernel);
	malloc_trim(0);
	return 0;
}

int pipeline_open(struct pipeline **ret, const struct pipeline_options *o, struct buf *said)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	/*
	 * The large arrays of a sample shall grow by moving pages, and return to the kernel when freed. By default malloc
	 * would keep them in its heap from the second time on, with holes below each.
	 */
	mallopt(M_MMAP_THRESHOLD, MAPPED_ARRAY_BYTES);
	mallopt(M_TRIM_THRESHOLD, 2 * MAPPED_ARRAY_BYTES);
	/* The thread that reads names allocates little: it needs no heap of its own. */
	mallopt(M_ARENA_MAX, 1);
	r = pipeline_fill(p, o, said);
	if (r < 0) {
		if (!said->len)
			buf_str(said, strerror(-r));
		pipeline_close(p);
		return r;
	}
	p->source = (struct snapshot_source){
		.next = source_next,
		.published = source_published,
		.idle = source_idle,
		.rest = source_rest,
		.watch = source_watch,
		.loops = source_loops,
		.look = source_look,
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
	loader_facts_want(p->loader, 0);
}

void pipeline_facts_want(struct pipeline *p, uint32_t kinds)
{
	loader_facts_want(p->loader, kinds);
}

const char *pipeline_loops_cost(const struct pipeline *p)
{
	if (p->loops.watched)
		return "watching event loops makes every system call slower here, by about 50 ns (`sysscope doctor` "
		       "measures it); --collector.epoll sched avoids it";
	return p->loops.on_request && p->serves ? "while it is scraped, watching event loops makes every system call "
						  "slower here, by about 50 ns "
						  "(`sysscope doctor` measures it); --collector.epoll sched avoids it"
						: NULL;
}

int pipeline_map_memory(const struct pipeline *p, uint64_t *ret)
{
	return loader_map_memory(p->loader, ret);
}

int pipeline_storage_memory(const struct pipeline *p, uint64_t *ret)
{
	struct stored_tasks n = {};

	if (!p->sample)
		return -ENODATA;
	for (size_t i = 0; i < p->sample->n_threads; i++) {
		const struct ss_thread_record *r = p->sample->threads[i].told->record;

		n.threads += (r->flags & SS_THREAD_STATE) != 0;
		/* Of what has ended everything is charged, and nothing is stored for that. */
		n.charged += r->charged.timeslices && !(r->flags & SS_THREAD_ZOMBIE);
		n.outlived += (r->blocks & SS_BLOCK_WAITS_DEAD) != 0;
		n.loops += (r->blocks & SS_BLOCK_LOOP) != 0;
	}
	return loader_storage_memory(p->loader, &n, ret);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_recording_state.c - the codec of recordings, behind checksums and compression: whatever its bytes are, a state is refused,
 * or it is a snapshot that is written as JSON without a read past any end; and what was refused is not the base of what follows.
 * The first byte chooses what the others are: the bytes of two states, or changes to two real ones, a whole one and a difference.
 */
#include "base/util.h"
#include "concurrency/concurrency.h"
#include "exporters/json/json.h"
#include "record/state/codec.h"
#include "fuzz.h"

/* ---- two real states ---- */

static struct buf real_whole, real_difference;

static void scene_fill(struct snapshot *s, struct container_row *c, struct process_row *p, struct concurrency *one)
{
	static const struct concurrency_tree tree = {.head = 2, .workers = 1};
	static const struct oom_row kill = {
		.container_name = "db", .comm = "b", .n_largest = 1, .largest = {{3, 4, "b", "db"}}};
	static struct port_row port = {.container = 1, .port = 80, .direction = "to"};
	static const struct loop_row loop = {.process = 1, .tid = 3, .thread = "b", .threads = 1};
	static const struct neighbour_row pair = {.waiter = 0, .runner = 1};
	static const struct loss_row loss = {"ring", 2};

	for (uint32_t i = 0; i < 2; i++) {
		c[i] = (struct container_row){.name = i ? "db" : "web", .id = i ? "d1" : "e2", .kind = "container"};
		c[i].cgroup = i ? "/docker/d1" : "/docker/e2";
		p[i] = (struct process_row){
			.pid = 2 + i, .start_ns = 5, .comm = i ? "b" : "a", .container = i, .state = 'R'};
		one[i] = (struct concurrency){.tree = &tree, .head = &one[0].evidence};
		p[i].concurrency = &one[i];
	}
	c[1].ports = &port;
	c[1].n_ports = 1;
	c[1].last_oom = &kill;
	*s = (struct snapshot){.sequence = 2, .time = 1e9, .interval = 5, .kernel = "6.1", .hostname = "h"};
	s->clock_ns = 7000000000;
	s->sleeps_ns = 1024;
	s->containers = c;
	s->processes = p;
	s->n_containers = s->n_processes = 2;
	s->oom_kills = &kill;
	s->ports = &port;
	s->loops = &loop;
	s->neighbours = &pair;
	s->losses = &loss;
	s->n_oom_kills = s->n_ports = s->n_loops = s->n_neighbours = s->n_losses = 1;
}

static void states_prepare(void)
{
	struct container_row c[2];
	struct process_row p[2];
	struct concurrency one[2];
	struct encoder *e = NULL;
	struct snapshot s;

	scene_fill(&s, c, p, one);
	must(encoder_new(&e) == 0 && encode(e, &s, true, &real_whole) == 0);
	s.sequence++;
	s.n_processes = 1;
	s.n_loops = 0;
	one[0].tree = NULL;
	c[0].v[0] = 77;
	p[0].comm = "exec";
	/* Some of it as its rules expect it, some not. */
	s.clock_ns += 5000000000;
	s.sleeps_ns += 5000000 * 1024ULL;
	p[0].v[PROCESS_AGE] = 12e9 - 5;
	p[0].v[PROCESS_CPU_USAGE] = 5e9;
	p[0].v[PROCESS_CPU_CORES] = 1;
	p[0].v[PROCESS_SWITCH_RATE] = 3.25;
	p[0].v[PROCESS_BLOCKED_EPOLL] = 5000000 * 1024.0;
	must(encode(e, &s, false, &real_difference) == 0);
	encoder_free(e);
}

/* ---- what is tried ---- */

static bool state_try(struct decoder *d, const uint8_t *bytes, size_t n)
{
	/* A copy of its own, so that a read past its end is seen. */
	char *copy = fuzz_string(bytes, n), *exact = realloc(copy, n + !n);
	const struct snapshot *s = NULL;
	struct buf out = {0};
	int r;

	must(exact);
	r = decode(d, exact, n, &s);
	must(r <= 0);
	if (r == 0)
		must(json_write_snapshot(&out, s, NULL) == 0 && out.len > 0);
	buf_free(&out);
	free(exact);
	return r == 0;
}

static void states_try(const uint8_t *first, size_t n_first, const uint8_t *second, size_t n_second)
{
	struct decoder *d = NULL;
	bool whole;

	must(decoder_new(&d) == 0);
	whole = state_try(d, first, n_first);
	if (n_second && second[0] == 'D')
		must(!state_try(d, second, n_second) || whole);
	else
		state_try(d, second, n_second);
	decoder_free(d);
}

/* Each three bytes are a place and what is changed there; the second half of all places is in the difference. */
static void changes_try(const uint8_t *data, size_t size)
{
	uint8_t *first = (uint8_t *)fuzz_string((uint8_t *)real_whole.data, real_whole.len),
		*second = (uint8_t *)fuzz_string((uint8_t *)real_difference.data, real_difference.len);

	for (; size >= 3; data += 3, size -= 3) {
		size_t at = (size_t)data[0] << 8 | data[1];

		if (at < 0x8000)
			first[at % real_whole.len] ^= data[2];
		else
			second[at % real_difference.len] ^= data[2];
	}
	states_try(first, real_whole.len, second, real_difference.len);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first;

	if (!real_whole.len)
		states_prepare();
	if (size < 3)
		return 0;
	if (data[0] & 1) {
		changes_try(data + 1, size - 1);
		return 0;
	}
	first = (size_t)data[1] << 8 | data[2];
	data += 3;
	size -= 3;
	if (first > size)
		first = size;
	states_try(data, first, data + first, size - first);
	return 0;
}

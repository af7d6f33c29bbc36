/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_codec_sleep.c - the states of a recording, of processes that sleep: the encoder does not work out anew what is expected of a
 * row where only clocks went on, and each value that changes after that, whichever it is, is decoded to the bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/snapshot_fixture.h"
#include "record/shape/wire.h"
#include "record/state/codec.h"

#define SLEEP_NS 5000000000ULL

/* All sleep for one interval, as the model tells it. */
static void sleep_on(struct fixture *f, double interval)
{
	f->s.sequence++;
	f->s.time += 5;
	f->s.interval = interval;
	f->s.clock_ns += SLEEP_NS;
	f->s.sleeps_ns += SLEEP_NS;
	for (uint32_t i = 0; i < f->s.n_processes; i++) {
		struct process_row *p = &f->processes[i];

		p->v[PROCESS_AGE] = (double)(f->s.clock_ns - p->start_ns);
		p->v[PROCESS_BLOCKED_SLEEP] += (double)SLEEP_NS * (i + 1);
		f->containers[p->container].v[CONTAINER_BLOCKED_SLEEP] += (double)SLEEP_NS;
	}
}

static void same_rows(const struct fixture *f, const struct snapshot *s)
{
	assert_int_equal(s->n_processes, f->s.n_processes);
	assert_int_equal(s->n_containers, f->s.n_containers);
	for (size_t i = 0; i < s->n_processes; i++)
		assert_memory_equal(s->processes[i].v, f->processes[i].v, sizeof(f->processes[i].v));
	for (size_t i = 0; i < s->n_containers; i++)
		assert_memory_equal(s->containers[i].v, f->containers[i].v, sizeof(f->containers[i].v));
}

struct sleepers {
	struct fixture f;
	struct encoder *e;
	struct decoder *d;
};

/* Returns the length of the state, without what it begins with: the number of its frame, and its own in it. */
static size_t sleep_pass(struct sleepers *z, double interval)
{
	_cleanup_buf_ struct buf bytes = {};
	const struct snapshot *s;
	struct wire_input in;

	sleep_on(&z->f, interval);
	assert_int_equal(encode(z->e, &z->f.s, z->f.s.sequence == 1, &bytes), 0);
	assert_int_equal(decode(z->d, bytes.data, bytes.len, &s), 0);
	same_rows(&z->f, s);
	in = (struct wire_input){(const uint8_t *)bytes.data + 2, (const uint8_t *)bytes.data + bytes.len, false};
	wire_get(&in);
	wire_get(&in);
	return wire_left(&in);
}

/* One value changes, then all sleep again. The interval may be unknown meanwhile, and values be absent, and whole or not. */
static void one_wakes(struct sleepers *z, double *v, unsigned int round)
{
	static const double steps[] = {1, 0.25, 3e9};
	size_t quiet;

	*v = round % 5 == 4 ? VALUE_ABSENT : (value_absent(*v) ? 0 : *v) + steps[round % ARRAY_SIZE(steps)];
	sleep_pass(z, round % 7 == 3 ? 0 : 5.000123);
	sleep_pass(z, round % 7 == 5 ? 0 : 4.999);
	sleep_pass(z, 5);
	quiet = sleep_pass(z, 5);
	/* Nothing is told of who only sleeps; what no rule expects takes a byte more or less from time to time. */
	assert_in_range(sleep_pass(z, 5), quiet - 2, quiet + 2);
}

static void slept(void **state)
{
	struct sleepers z = {};

	(void)state;
	fixture_init(&z.f, 3, 0, 6);
	z.f.s.sequence = 0;
	z.f.s.clock_ns = 1000000000;
	for (uint32_t i = 0; i < z.f.s.n_processes; i++) {
		z.f.processes[i].pid = 10 + i;
		z.f.processes[i].container = i % 3;
		for (size_t k = 0; k < PROCESS_METRICS; k++)
			z.f.processes[i].v[k] = k % 3 ? 0 : (double)(k * 1000 + i);
	}
	for (uint32_t i = 0; i < z.f.s.n_containers; i++)
		for (size_t k = 0; k < CONTAINER_METRICS; k++)
			z.f.containers[i].v[k] = k % 3 ? 0 : (double)(k * 1000 + i);
	assert_int_equal(encoder_new(&z.e), 0);
	assert_int_equal(decoder_new(&z.d), 0);
	for (int i = 0; i < 4; i++)
		sleep_pass(&z, 5);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int k = 0; k < PROCESS_METRICS; k++)
			one_wakes(&z, &z.f.processes[(k + round) % 6].v[k], k + round);
		for (unsigned int k = 0; k < CONTAINER_METRICS; k++)
			one_wakes(&z, &z.f.containers[(k + round) % 3].v[k], k + round);
	}
	encoder_free(z.e);
	decoder_free(z.d);
	fixture_free(&z.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(slept)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_record.c - what it takes to encode the states of a recording once more, without sampling them. Prints the CPU time of one
 * state in microseconds with cold caches (the least and the median of all turns), the bytes of all states, and a sum of them: two
 * builds that print the same sum record the same. Called by hand, each build with its own. Asserts nothing about time.
 * Usage: bench_record RECORDING [TURNS [FILE]]; the states are written to the file, to be compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/list.h"
#include "record/archive.h"
#include "record/shape/shape.h"
#include "record/state/codec.h"

struct told_state {
	bool whole;
	struct buf bytes;
};

struct all_states {
	LIST(struct told_state) list;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_record: %s\n", what);
	exit(1);
}

static void states_read(struct all_states *all, const char *path)
{
	_cleanup_buf_ struct buf error = {};
	struct archive *archive;
	struct archive_block block;

	if (archive_open(&archive, path, &error) < 0)
		die(error.data ?: path);
	archive_rewind(archive, 0);
	while (archive_next(archive, false, &block) == 1) {
		struct told_state *state;

		if (block.kind != BLOCK_STATE)
			continue;
		if (list_reserve(&all->list, all->list.n + 1) < 0)
			die("no memory");
		state = &all->list.at[all->list.n++];
		*state = (struct told_state){.whole = block.begins_frame};
		buf_add(&state->bytes, block.bytes, block.n);
	}
	archive_close(archive);
}

/* Between two samples others have the caches. */
#define COLD_BYTES ((size_t)24 << 20)
static void caches_lose(void)
{
	static char *other;
	static char value;

	if (!other)
		other = malloc(COLD_BYTES);
	if (!other)
		die("no memory");
	memset(other, ++value, COLD_BYTES);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The state without what is made by chance: the number of its frame. */
static void state_write(const struct buf *state, FILE *out, uint64_t *sum)
{
	struct wire_input in = {(const uint8_t *)state->data + 2, (const uint8_t *)state->data + state->len, false};

	wire_get(&in);
	*sum = crc32((uLong)*sum, in.at, (uInt)wire_left(&in));
	if (out)
		fwrite(in.at, 1, wire_left(&in), out);
}

/* Microseconds of one state that is a difference, in the mean. */
static double turn(const struct all_states *all, FILE *out, uint64_t *sum, size_t *bytes)
{
	struct encoder *e;
	struct decoder *d;
	uint64_t ns = 0, n = 0;

	*sum = *bytes = 0;
	if (encoder_new(&e) < 0 || decoder_new(&d) < 0)
		die("no memory");
	for (size_t i = 0; i < all->list.n; i++) {
		const struct told_state *state = &all->list.at[i];
		_cleanup_buf_ struct buf again = {};
		const struct snapshot *s;
		uint64_t began;

		if (decode(d, state->bytes.data, state->bytes.len, &s) < 0)
			die("a state cannot be read");
		caches_lose();
		began = cpu_ns();
		if (encode(e, s, state->whole, &again) < 0)
			die("a state cannot be encoded");
		if (!state->whole) {
			ns += cpu_ns() - began;
			n++;
		}
		state_write(&again, out, sum);
		*bytes += again.len;
	}
	encoder_free(e);
	decoder_free(d);
	return n ? (double)ns / (double)n / 1e3 : 0;
}

static int values_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	int turns = argc > 2 ? atoi(argv[2]) : 21;
	FILE *out = argc > 3 ? fopen(argv[3], "w") : NULL;
	struct all_states all = {};
	uint64_t sum = 0;
	size_t bytes = 0;
	double *us;

	if (argc < 2 || turns < 1 || (argc > 3 && !out)) {
		fprintf(stderr, "usage: bench_record RECORDING [TURNS [FILE]]\n");
		return 2;
	}
	us = calloc((size_t)turns, sizeof(*us));
	if (!us)
		die("no memory");
	states_read(&all, argv[1]);
	for (int i = 0; i < turns; i++)
		us[i] = turn(&all, i ? NULL : out, &sum, &bytes);
	qsort(us, (size_t)turns, sizeof(*us), values_compare);
	printf("{\"states\": %zu, \"bytes\": %zu, \"sum\": \"%08lx\", \"least_us\": %.1f, \"median_us\": %.1f}\n",
	       all.list.n, bytes, (unsigned long)sum, us[0], us[turns / 2]);
	for (size_t i = 0; i < all.list.n; i++)
		buf_free(&all.list.at[i].bytes);
	list_free(&all.list);
	free(us);
	return out && fclose(out) != 0;
}

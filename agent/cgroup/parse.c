/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.c - the parsers of the text of cgroup files: one pass, no copy, no allocation. Called by reading.c for each file of the
 * table in files.c at every sample. Opens nothing.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "cgroup/files.h"
#include "cgroup/pressure.h"

/* More than any kernel can have; bounds the numbers of a list of CPUs. */
#define CPUS_MAX 65536

static uint64_t *counter_at(struct cgroup_counters *c, size_t offset)
{
	return (uint64_t *)((char *)c + offset);
}

void cgroup_counters_clear(struct cgroup_counters *c)
{
	for (size_t i = 0; i < CGROUP_COUNTERS_FIELDS; i++)
		*counter_at(c, i * sizeof(uint64_t)) = SS_UNKNOWN;
}

/* Digits only, to the end; times `scale`; less than SS_UNLIMITED and SS_UNKNOWN. */
static int digits_parse(const char *s, size_t length, uint32_t scale, uint64_t *ret)
{
	uint64_t v = 0;

	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			return -ERANGE;
	if (__builtin_mul_overflow(v, scale, &v) || v >= SS_UNLIMITED)
		return -ERANGE;
	*ret = v;
	return 0;
}

static size_t without_newline(const char *text, size_t length)
{
	return length > 0 && text[length - 1] == '\n' ? length - 1 : length;
}

static bool word_is(const char *text, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(text, word, length) == 0;
}

int cgroup_parse_number(const char *text, size_t length, uint64_t *ret)
{
	return digits_parse(text, without_newline(text, length), 1, ret);
}

int cgroup_parse_limit(const char *text, size_t length, uint64_t *ret)
{
	uint64_t v;
	int r;

	length = without_newline(text, length);
	if (word_is(text, length, "max")) {
		*ret = SS_UNLIMITED;
		return 0;
	}
	r = digits_parse(text, length, 1, &v);
	if (r < 0)
		return r;
	*ret = v >= 1ULL << 62 ? SS_UNLIMITED : v;
	return 0;
}

int cgroup_parse_quota(const char *text, size_t length, uint64_t *ret)
{
	length = without_newline(text, length);
	if (word_is(text, length, "-1")) {
		*ret = SS_UNLIMITED;
		return 0;
	}
	return digits_parse(text, length, 1, ret);
}

int cgroup_parse_cpu_max(const char *text, size_t length, uint64_t *ret_quota_us, uint64_t *ret_period_us)
{
	uint64_t quota = SS_UNLIMITED, period;
	const char *space;
	size_t first;
	int r;

	length = without_newline(text, length);
	space = memchr(text, ' ', length);
	if (!space)
		return -EINVAL;
	first = (size_t)(space - text);
	r = word_is(text, first, "max") ? 0 : digits_parse(text, first, 1, &quota);
	if (r < 0)
		return r;
	r = digits_parse(space + 1, length - first - 1, 1, &period);
	if (r < 0)
		return r;
	*ret_quota_us = quota;
	*ret_period_us = period;
	return 0;
}

/* One of the list: "5" or "0-3", which ends at `end`. */
static int cpu_range_parse(const char *text, const char *end, uint64_t *ret_count)
{
	const char *dash = memchr(text, '-', (size_t)(end - text));
	uint64_t first, last;
	int r = digits_parse(text, (size_t)((dash ?: end) - text), 1, &first);

	if (r < 0)
		return r;
	last = first;
	if (dash)
		r = digits_parse(dash + 1, (size_t)(end - dash - 1), 1, &last);
	if (r < 0)
		return r;
	if (last < first || last >= CPUS_MAX)
		return -EINVAL;
	*ret_count = last - first + 1;
	return 0;
}

/* A v1 cpuset that was never set up is empty: no task can be in it, so it limits nobody. */
int cgroup_parse_cpus(const char *text, size_t length, uint64_t *ret)
{
	const char *end = text + without_newline(text, length);
	uint64_t count = 0, more;

	if (text == end) {
		*ret = SS_UNKNOWN;
		return 0;
	}
	for (const char *next; text <= end; text = next + 1) {
		int r;

		next = memchr(text, ',', (size_t)(end - text)) ?: end;
		r = cpu_range_parse(text, next, &more);
		if (r < 0)
			return r;
		count += more;
	}
	*ret = count;
	return 0;
}

int cgroup_parse_stat(const char *text, size_t length, const struct cgroup_key *keys, size_t n_keys,
		      struct cgroup_counters *c)
{
	const char *end = text + length;
	int result = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *space;

		if (!newline)
			return result < 0 ? result : -EINVAL;
		space = memchr(text, ' ', (size_t)(newline - text));
		for (size_t i = 0; space && i < n_keys; i++) {
			int r;

			if (keys[i].length != space - text || memcmp(keys[i].key, text, keys[i].length) != 0)
				continue;
			r = digits_parse(space + 1, (size_t)(newline - space - 1), keys[i].scale,
					 counter_at(c, keys[i].offset));
			if (r < 0)
				result = r;
			break;
		}
		text = newline + 1;
	}
	return result;
}

int cgroup_file_parse(const struct cgroup_file *file, const char *text, size_t length, struct cgroup_counters *c)
{
	uint64_t *field = counter_at(c, file->offset);

	switch (file->kind) {
	case CGROUP_FILE_NUMBER:
		return cgroup_parse_number(text, length, field);
	case CGROUP_FILE_LIMIT:
		return cgroup_parse_limit(text, length, field);
	case CGROUP_FILE_QUOTA:
		return cgroup_parse_quota(text, length, field);
	case CGROUP_FILE_CPU_MAX:
		return cgroup_parse_cpu_max(text, length, &c->cpu_quota_us, &c->cpu_period_us);
	case CGROUP_FILE_STAT:
		return cgroup_parse_stat(text, length, file->keys, file->n_keys, c);
	case CGROUP_FILE_PRESSURE:
		return pressure_parse(text, length, field, field + 1);
	case CGROUP_FILE_CPUS:
		return cgroup_parse_cpus(text, length, field);
	case CGROUP_FILE_IO: /* its lines are taken by io.c */
		*field = 1;
		return 0;
	case CGROUP_FILE_IO_MAX: /* by io_limits.c */
	case CGROUP_FILE_IO_LIMIT:
		return 0;
	}
	return -EINVAL;
}

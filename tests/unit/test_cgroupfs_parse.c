/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cgroupfs_parse.c - the text of cgroup files and of mountinfo lines, good and hostile, by table.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "cgroup/files.h"
#include "cgroup/pressure.h"
#include "base/util.h"

#define UNTOUCHED 4242

struct value_case {
	const char *text;
	int result;
	uint64_t value;
};

static void values_check(const struct value_case *cases, size_t n,
			 int (*parse)(const char *text, size_t length, uint64_t *ret))
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;
		int r = parse(cases[i].text, strlen(cases[i].text), &value);

		if (r != cases[i].result || value != (r == 0 ? cases[i].value : UNTOUCHED))
			fail_msg("\"%s\": %d, %llu", cases[i].text, r, (unsigned long long)value);
	}
}

static void numbers(void **state)
{
	static const struct value_case cases[] = {
		{"0\n", 0, 0},
		{"123\n", 0, 123},
		{"123", 0, 123},
		{"18446744073709551613\n", 0, UINT64_MAX - 2},
		{"18446744073709551614\n", -ERANGE, 0}, /* would read as "unlimited" */
		{"18446744073709551615\n", -ERANGE, 0}, /* would read as "unknown" */
		{"18446744073709551616\n", -ERANGE, 0},
		{"99999999999999999999999999999999\n", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"max\n", -EINVAL, 0},
		{"-1\n", -EINVAL, 0},
		{"+1\n", -EINVAL, 0},
		{" 1\n", -EINVAL, 0},
		{"1 \n", -EINVAL, 0},
		{"1\n\n", -EINVAL, 0},
		{"1\n2\n", -EINVAL, 0},
		{"0x10\n", -EINVAL, 0},
		{"1e3\n", -EINVAL, 0},
		{"12\xd9\xa3\n", -EINVAL, 0},
	};
	uint64_t value = UNTOUCHED;

	(void)state;
	values_check(cases, ARRAY_SIZE(cases), cgroup_parse_number);
	assert_int_equal(cgroup_parse_number("12\0003\n", 5, &value), -EINVAL);
	assert_int_equal(cgroup_parse_number("1234", 2, &value), 0); /* no byte past the length is looked at */
	assert_int_equal(value, 12);
}

static void limits(void **state)
{
	static const struct value_case cases[] = {
		{"max\n", 0, SS_UNLIMITED},
		{"max", 0, SS_UNLIMITED},
		{"67108864\n", 0, 64 << 20},
		{"0\n", 0, 0},
		{"4611686018427387903\n", 0, (1ULL << 62) - 1},
		{"4611686018427387904\n", 0, SS_UNLIMITED},
		{"9223372036854771712\n", 0, SS_UNLIMITED}, /* v1's LONG_MAX, rounded to 4 KiB pages */
		{"9223372036854710272\n", 0, SS_UNLIMITED}, /* to 64 KiB pages */
		{"18446744073709551615\n", -ERANGE, 0},
		{"maximum\n", -EINVAL, 0},
		{"ma", -EINVAL, 0},
		{"MAX\n", -EINVAL, 0},
		{"-1\n", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	values_check(cases, ARRAY_SIZE(cases), cgroup_parse_limit);
}

static void quotas(void **state)
{
	static const struct value_case cases[] = {
		{"-1\n", 0, SS_UNLIMITED}, {"25000\n", 0, 25000}, {"-2\n", -EINVAL, 0},
		{"-10\n", -EINVAL, 0},	   {"max\n", -EINVAL, 0}, {"-", -EINVAL, 0},
	};

	(void)state;
	values_check(cases, ARRAY_SIZE(cases), cgroup_parse_quota);
}

static void cpu_max(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t quota, period;
	} cases[] = {
		{"max 100000\n", 0, SS_UNLIMITED, 100000},
		{"25000 100000\n", 0, 25000, 100000},
		{"25000 100000", 0, 25000, 100000},
		{"25000\n", -EINVAL, 0, 0},
		{"25000 \n", -EINVAL, 0, 0},
		{" 100000\n", -EINVAL, 0, 0},
		{"25000 max\n", -EINVAL, 0, 0},
		{"25000  100000\n", -EINVAL, 0, 0},
		{"25000 100000 1\n", -EINVAL, 0, 0},
		{"-1 100000\n", -EINVAL, 0, 0},
		{"99999999999999999999 100000\n", -ERANGE, 0, 0},
		{"", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t quota = UNTOUCHED, period = UNTOUCHED;
		int r = cgroup_parse_cpu_max(cases[i].text, strlen(cases[i].text), &quota, &period);

		if (r != cases[i].result || quota != (r ? UNTOUCHED : cases[i].quota) ||
		    period != (r ? UNTOUCHED : cases[i].period))
			fail_msg("\"%s\": %d, %llu %llu", cases[i].text, r, (unsigned long long)quota,
				 (unsigned long long)period);
	}
}

static const struct cgroup_key three_keys[] = {
	{"usage_usec", 10, offsetof(struct cgroup_counters, cpu_usage_ns), 1000},
	{"file", 4, offsetof(struct cgroup_counters, memory_cache), 1},
	{"file_mapped", 11, offsetof(struct cgroup_counters, memory_mapped), 1},
};

static void stats(void **state)
{
#define NO SS_UNKNOWN
	static const struct {
		const char *text;
		size_t length; /* 0: up to the NUL */
		int result;
		uint64_t usage, file, mapped;
	} cases[] = {
		{"usage_usec 7\nfile 1\nfile_mapped 2\n", 0, 0, 7000, 1, 2},
		{"file_mapped 2\nfile 1\nusage_usec 7\n", 0, 0, 7000, 1, 2}, /* any order */
		{"", 0, 0, NO, NO, NO},
		{"anon 5\nfile_dirty 6\nxfile 7\nfile 1\n", 0, 0, NO, 1, NO}, /* keys are exact */
		{"file 1\nfile 3\n", 0, 0, NO, 3, NO},
		{"file 1\nfile_mapped 23", 0, -EINVAL, NO, 1, NO}, /* cut: 23 may have been 2345 */
		{"file 1\nfile_map", 0, -EINVAL, NO, 1, NO},
		{"file 12345", 6, -EINVAL, NO, NO, NO},
		{"file -1\nfile_mapped 2\n", 0, -EINVAL, NO, NO, 2},
		{"file\nfile_mapped 2\n", 0, 0, NO, NO, 2},
		{"file \nfile_mapped 2\n", 0, -EINVAL, NO, NO, 2},
		{"file 1 2\nfile_mapped 2\n", 0, -EINVAL, NO, NO, 2},
		{"file  1\n", 0, -EINVAL, NO, NO, NO},
		{"file\t1\n", 0, 0, NO, NO, NO},
		{"file 18446744073709551616\nfile_mapped 2\n", 0, -ERANGE, NO, NO, 2},
		{"usage_usec 18446744073709552\n", 0, -ERANGE, NO, NO, NO}, /* past 2^64 as nanoseconds */
		{"usage_usec 18446744073709551\n", 0, 0, 18446744073709551000ULL, NO, NO},
		{"\n\n \nfile 1\n", 0, 0, NO, 1, NO},
		{"file\0 9\nfile_mapped 2\n", 22, 0, NO, NO, 2},
		{"file 9\0\nfile_mapped 2\n", 22, -EINVAL, NO, NO, 2},
		{"\xff\xfe\x1b[31m 1\nfile 1\n", 0, 0, NO, 1, NO},
	};
#undef NO

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t length = cases[i].length ? cases[i].length : strlen(cases[i].text);
		struct cgroup_counters c;
		int r;

		cgroup_counters_clear(&c);
		r = cgroup_parse_stat(cases[i].text, length, three_keys, ARRAY_SIZE(three_keys), &c);
		if (r != cases[i].result || c.cpu_usage_ns != cases[i].usage || c.memory_cache != cases[i].file ||
		    c.memory_mapped != cases[i].mapped)
			fail_msg("case %zu \"%s\": %d, %lld %lld %lld", i, cases[i].text, r, (long long)c.cpu_usage_ns,
				 (long long)c.memory_cache, (long long)c.memory_mapped);
	}
}

/* 16 KiB of one line, of empty lines, of long keys: no key, no fault. */
static void stats_of_rubbish(void **state)
{
	static char text[16384];
	struct cgroup_counters c;

	(void)state;
	cgroup_counters_clear(&c);
	for (int byte = 0; byte < 256; byte++) {
		memset(text, byte, sizeof(text));
		cgroup_parse_stat(text, sizeof(text), three_keys, ARRAY_SIZE(three_keys), &c);
		memcpy(text, "file ", 5);
		text[sizeof(text) - 1] = '\n';
		cgroup_parse_stat(text, sizeof(text), three_keys, ARRAY_SIZE(three_keys), &c);
		if (byte == '0')
			assert_int_equal(c.memory_cache, 0);
		else
			assert_true(c.memory_cache == SS_UNKNOWN || byte > '0');
	}
	assert_true(c.cpu_usage_ns == SS_UNKNOWN && c.memory_mapped == SS_UNKNOWN);
}

static void cpu_lists(void **state)
{
	static const struct value_case cases[] = {
		{"0\n", 0, 1},
		{"0-3", 0, 4},
		{"0-3,8,10-11\n", 0, 7},
		{"1023\n", 0, 1},
		{"\n", 0, SS_UNKNOWN}, /* a v1 cpuset that was never set up */
		{"", 0, SS_UNKNOWN},
		{"3-1\n", -EINVAL, 0},
		{"0-\n", -EINVAL, 0},
		{"-3\n", -EINVAL, 0},
		{"0,,2\n", -EINVAL, 0},
		{"0,\n", -EINVAL, 0},
		{"0-3-5\n", -EINVAL, 0},
		{"all\n", -EINVAL, 0},
		{"0-65536\n", -EINVAL, 0},
		{"0-18446744073709551616\n", -ERANGE, 0},
	};

	(void)state;
	values_check(cases, ARRAY_SIZE(cases), cgroup_parse_cpus);
}

static void pressures(void **state)
{
#define NO (-1)
	static const struct {
		const char *text;
		int result;
		int64_t some, full;
	} cases[] = {
		{"some avg10=1.50 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
		 0, 123000, 7000},
		{"some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", 0, 5000, NO}, /* cpu.pressure before 5.13 */
		{"full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", 0, NO, 5000}, /* irq.pressure */
		{"", 0, NO, NO},
		{"some avg10=0.00 total=5\nfull avg10=0.00 total=6", -EINVAL, 5000, NO}, /* cut */
		{"some avg10=0.00\n", -EINVAL, NO, NO},
		{"some total=\n", -EINVAL, NO, NO},
		{"some total=1 2\n", -EINVAL, NO, NO},
		{"some total=-1\n", -EINVAL, NO, NO},
		{"sometotal=1\n", 0, NO, NO},
		{"other total=1\nsome total=2\n", 0, 2000, NO},
		{"some total=18446744073709552\nfull total=1\n", -ERANGE, NO, 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t some = (uint64_t)NO, full = (uint64_t)NO;
		int r = pressure_parse(cases[i].text, strlen(cases[i].text), &some, &full);

		if (r != cases[i].result || some != (uint64_t)cases[i].some || full != (uint64_t)cases[i].full)
			fail_msg("\"%s\": %d, %lld %lld", cases[i].text, r, (long long)some, (long long)full);
	}
#undef NO
}

static void mark_field(uint64_t *filled, size_t offset)
{
	filled[offset / sizeof(uint64_t)]++;
}

#define FIELD(name) offsetof(struct cgroup_counters, name)
static const size_t not_on_v1[] = {
	FIELD(cpu_weight),
	FIELD(memory_min),
	FIELD(memory_high),
	FIELD(swap_high),
	FIELD(slab_reclaimable),
	FIELD(slab_unreclaimable),
	FIELD(pages_scanned),
	FIELD(pages_reclaimed),
	FIELD(events_low),
	FIELD(events_high),
	FIELD(events_oom),
	FIELD(events_oom_group),
	FIELD(pressure_cpu_some_ns),
	FIELD(pressure_cpu_full_ns),
	FIELD(pressure_memory_some_ns),
	FIELD(pressure_memory_full_ns),
	FIELD(pressure_io_some_ns),
	FIELD(pressure_io_full_ns),
};
static const size_t not_on_v2[] = {FIELD(cpu_shares), FIELD(under_oom), FIELD(oom_kill_disabled)};

/* struct cgroup_counters promises a source for each field, on v2 and on v1. */
static void every_field_has_a_source(void **state)
{
	uint64_t filled[2][CGROUP_COUNTERS_FIELDS] = {0};
	const struct cgroup_file *files;
	size_t n;

	(void)state;
	files = cgroup_files(&n);
	for (size_t i = 0; i < n; i++) {
		uint64_t *mine = filled[files[i].slot == CGROUP_SLOT_V2 ? 0 : 1];

		for (size_t k = 0; k < files[i].n_keys; k++) {
			assert_int_equal(files[i].keys[k].length, strlen(files[i].keys[k].key));
			mark_field(mine, files[i].keys[k].offset);
		}
		if (files[i].kind != CGROUP_FILE_STAT)
			mark_field(mine, files[i].offset);
		if (files[i].kind == CGROUP_FILE_PRESSURE)
			mark_field(mine, files[i].offset + sizeof(uint64_t));
		if (files[i].kind == CGROUP_FILE_CPU_MAX)
			mark_field(mine, offsetof(struct cgroup_counters, cpu_period_us));
	}
	for (size_t i = 0; i < ARRAY_SIZE(not_on_v1); i++)
		filled[1][not_on_v1[i] / sizeof(uint64_t)]++;
	for (size_t i = 0; i < ARRAY_SIZE(not_on_v2); i++)
		filled[0][not_on_v2[i] / sizeof(uint64_t)]++;
	for (size_t i = 0; i < HUGE_PAGE_SIZES; i++) /* of v1 */
		filled[0][offsetof(struct cgroup_counters, hugetlb_peak[i]) / sizeof(uint64_t)]++;
	for (size_t version = 0; version < 2; version++)
		for (size_t f = 0; f < CGROUP_COUNTERS_FIELDS; f++)
			if (filled[version][f] == 0)
				fail_msg("field %zu has no source on v%zu", f, 2 - version);
}

static void mount_lines(void **state)
{
	static const struct {
		const char *line;
		int result;
		const char *root, *point, *options;
		bool v2;
	} cases[] = {
		{"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw", 0, "/",
		 "/sys/fs/cgroup/unified", "rw", true},
		{"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct", 0, "/",
		 "/sys/fs/cgroup/cpu,cpuacct", "rw,cpu,cpuacct", false},
		{"1 2 0:3 /a\\040b\\134c /m\\011n\\012 rw - cgroup x rw,memory", 0, "/a b\\c", "/m\tn\n", "rw,memory",
		 false},
		{"1 2 0:3 /a\\04 /m\\999 rw - cgroup x rw", 0, "/a\\04", "/m\\999", "rw", false},
		{"1 2 0:3 / /m rw - cgroup2  rw", 0, "/", "/m", "rw", true}, /* no source */
		{"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,cpu", -ENOMSG, 0, 0, 0, false},
		{"31 23 0:28 / /x rw - cgroupX cgroup2 rw", -ENOMSG, 0, 0, 0, false},
		{"31 23 0:28 / /x rw cgroup2 cgroup2 rw", -EINVAL, 0, 0, 0, false},
		{"31 23 0:28 / /x rw - cgroup2 cgroup2", -EINVAL, 0, 0, 0, false},
		{"31 23 0:28 / /x rw - cgroup2", -EINVAL, 0, 0, 0, false},
		{"31 23 0:28 / /x rw -", -EINVAL, 0, 0, 0, false},
		{"31 23 0:28 relative /x rw - cgroup2 cgroup2 rw", -EINVAL, 0, 0, 0, false},
		{"31 23 0:28 /", -EINVAL, 0, 0, 0, false},
		{"", -EINVAL, 0, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cgroup_mount_line parsed;
		char line[256];
		int r;

		strcpy(line, cases[i].line);
		r = cgroup_mount_line_parse(line, &parsed);
		if (r != cases[i].result)
			fail_msg("\"%s\": %d", cases[i].line, r);
		if (r < 0)
			continue;
		assert_string_equal(parsed.root, cases[i].root);
		assert_string_equal(parsed.point, cases[i].point);
		assert_string_equal(parsed.options, cases[i].options);
		assert_int_equal(parsed.v2, cases[i].v2);
	}
	assert_true(cgroup_list_has("rw,cpu,cpuacct", "cpu"));
	assert_true(cgroup_list_has("rw,cpu,cpuacct", "cpuacct"));
	assert_false(cgroup_list_has("rw,cpuacct,cpuset", "cpu"));
	assert_false(cgroup_list_has("rw,name=cpu", "cpu"));
	assert_false(cgroup_list_has("", "cpu"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),     cmocka_unit_test(limits),    cmocka_unit_test(quotas),
		cmocka_unit_test(cpu_max),     cmocka_unit_test(stats),	    cmocka_unit_test(stats_of_rubbish),
		cmocka_unit_test(cpu_lists),   cmocka_unit_test(pressures), cmocka_unit_test(every_field_has_a_source),
		cmocka_unit_test(mount_lines),
	};

	return cmocka_run_group_tests_name("cgroupfs_parse", tests, NULL, NULL);
}

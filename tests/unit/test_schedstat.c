/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_schedstat.c - the run queues' clocks from texts of /proc/schedstat, with runs that are under way. */
#include "lib/cgroupfs_tree.h"
#include "sample/schedstat.h"

static struct ss_run_queue open_runs[SS_RUN_QUEUES];

static struct sample_run_queues schedstat_of(const struct tree *t, const char *text)
{
	struct sample_run_queues r;

	tree_file(t, "/proc/schedstat", text);
	schedstat_read(t->root, open_runs, &r);
	return r;
}

/* Versions 15 to 17 differ in the lines of domains only. */
#define CPU0	"cpu0 0 0 1013 404 620 311 7000000123 88 609\n"
#define CPU1	"cpu1 0 0 5 4 3 2 3000000000 9 1\n"
#define CPU3	"cpu3 0 0 5 4 3 2 100 9 1\n"
#define DOMAIN	"domain0 3 17 17 0 0 0 0 0 0\ndomain1 MC f 17 17 0\n"
#define VERSION "version 15\ntimestamp 4295237121\n"

static void sums(void **state)
{
	const struct tree *t = *state;
	struct sample_run_queues two, other;

	memset(open_runs, 0, sizeof(open_runs));
	two = schedstat_of(t, VERSION CPU0 DOMAIN CPU1 DOMAIN);
	assert_int_equal(two.ns, 10000000123);
	other = schedstat_of(t, VERSION CPU0 CPU3);
	assert_int_equal(other.ns, 7000000223);
	assert_true(other.cpus != two.cpus);
	assert_true(schedstat_of(t, CPU0 CPU1).cpus == two.cpus);
}

/* A run that ended after its thread was visited is in the file already. */
static void under_way(void **state)
{
	const struct tree *t = *state;

	memset(open_runs, 0, sizeof(open_runs));
	open_runs[0] = (struct ss_run_queue){.finished_ns = 7000000123, .open_ns = 900000000};
	open_runs[1] = (struct ss_run_queue){.finished_ns = 2100000000, .open_ns = 900000000};
	assert_int_equal(schedstat_of(t, VERSION CPU0 CPU1).ns, 10900000123);
}

static void not_there(void **state)
{
	static const char *const texts[] = {
		"",
		VERSION,
		"cpu0 0 0 1 2 3 4\n",
		"cpu0 0 0 1 2 3 4 x 8 9\n",
		"cpu0 0 0 1 2 3 4 -5 8 9\n",
		"cpux 0 0 1 2 3 4 5 8 9\n",
		"cpu0 0 0 1 2 3 4 18446744073709551615 8 9\n",
		"cpu0 0 0 0 0 0 0 0 0 0\n", /* this kernel does not count */
		"cpu99999999999 0 0 1 2 3 4 5 8 9\n",
		CPU0 "cpu1",
	};
	const struct tree *t = *state;
	struct sample_run_queues r = {};

	schedstat_read(t->root, open_runs, &r);
	assert_true(r.ns == SS_UNKNOWN);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_true(schedstat_of(t, texts[i]).ns == SS_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sums),
		TEST(under_way),
		TEST(not_there),
	};

	return cmocka_run_group_tests_name("schedstat", tests, NULL, NULL);
}

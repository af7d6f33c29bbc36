/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_facts.c - what of the ring is taken for a fact (agent/facts.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "facts.h"
#include "sysscope/util.h"

static struct ss_fact cgroup_fact(void)
{
	struct ss_fact f = {.size = sizeof(f), .kind = SS_FACT_CGROUP_CREATE, .time_ns = 7, .cgroup = {.id = 3}};

	strcpy(f.cgroup.name, "docker-abc");
	return f;
}

static struct ss_fact stall_fact(void)
{
	struct ss_fact f = {.size = sizeof(f), .kind = SS_FACT_LOOP_STALL, .stall = {.tgid = 100, .tid = 101}};

	f.stall.cause = SS_STALL_CAUSES - 1;
	memset(f.stall.comm, 'x', sizeof(f.stall.comm));
	return f;
}

static void test_whole(void **state)
{
	struct ss_fact f = cgroup_fact(), got;

	(void)state;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), 0);
	assert_int_equal(got.cgroup.id, 3);
	assert_string_equal(got.cgroup.name, "docker-abc");
	f = stall_fact();
	assert_int_equal(fact_decode(&f, sizeof(f), &got), 0);
	assert_int_equal(got.stall.tid, 101);
	/* A name that does not end is cut. */
	assert_int_equal(strlen(got.stall.comm), SS_COMM_LEN - 1);
}

/* Each breaks one thing; what was in *ret stays. */
static void test_broken(void **state)
{
	static const struct {
		const char *what;
		int want;
		size_t size;
		bool stall;
		size_t at; /* byte that is overwritten with 0xff, behind the end: none */
	} rows[] = {
		{"nothing", -EBADMSG, 0, false, SIZE_MAX},
		{"half a head", -EBADMSG, 8, false, SIZE_MAX},
		{"a head alone", -EBADMSG, 16, false, SIZE_MAX},
		{"one byte short", -EBADMSG, sizeof(struct ss_fact) - 1, true, SIZE_MAX},
		{"larger than it is", -EBADMSG, sizeof(struct ss_fact), false, offsetof(struct ss_fact, size) + 3},
		{"another kind", -ENOTSUP, sizeof(struct ss_fact), false, offsetof(struct ss_fact, kind)},
		{"another cause", -EBADMSG, sizeof(struct ss_fact), true, offsetof(struct ss_fact, stall.cause)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ss_fact f = rows[i].stall ? stall_fact() : cgroup_fact(), got = {.kind = 77};

		if (rows[i].at < sizeof(f))
			((unsigned char *)&f)[rows[i].at] = 0xff;
		if (fact_decode(&f, rows[i].size, &got) != rows[i].want || got.kind != 77)
			fail_msg("%s", rows[i].what);
	}
}

static void test_name_without_end(void **state)
{
	struct ss_fact f = cgroup_fact(), got;

	(void)state;
	memset(f.cgroup.name, 'x', sizeof(f.cgroup.name));
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f.cgroup.name[sizeof(f.cgroup.name) - 1] = '\0';
	assert_int_equal(fact_decode(&f, sizeof(f), &got), 0);
}

static void test_namespaces(void **state)
{
	struct ss_fact whole = {.size = sizeof(whole), .kind = SS_FACT_NAMESPACE}, f, got;

	(void)state;
	whole.namespaces.tgid = whole.namespaces.tid = 5;
	whole.namespaces.kinds = 1u << SS_NS_NET;
	whole.namespaces.how = SS_NS_SETNS;
	memset(whole.namespaces.comm, 'x', sizeof(whole.namespaces.comm));
	assert_int_equal(fact_decode(&whole, sizeof(whole), &got), 0);
	assert_int_equal(strlen(got.namespaces.comm), SS_COMM_LEN - 1);
	f = whole;
	f.namespaces.how = SS_NS_HOWS;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f = whole;
	f.namespaces.kinds = 0;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f.namespaces.kinds = 1u << SS_NAMESPACES;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f = whole;
	f.namespaces.tid = 0;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_name_without_end),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

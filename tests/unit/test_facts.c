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

#include "sample/fact.h"
#include "base/util.h"

static struct ss_fact cgroup_fact(void)
{
	struct ss_fact f = {.size = sizeof(f), .kind = SS_FACT_CGROUP_CREATE, .time_ns = 7, .cgroup = {.id = 3}};

	strcpy(f.cgroup.name, "docker-abc");
	return f;
}

static struct ss_fact task_fact(enum ss_fact_kind kind)
{
	struct ss_fact f = {.size = sizeof(f), .kind = kind, .time_ns = 7, .tgid = 100, .tid = 101};

	memset(f.comm, 'x', sizeof(f.comm));
	return f;
}

static struct ss_fact stall_fact(void)
{
	struct ss_fact f = task_fact(SS_FACT_LOOP_STALL);

	f.stall.cause = SS_STALL_CAUSES - 1;
	return f;
}

static struct ss_fact exec_fact(void)
{
	struct ss_fact f = task_fact(SS_FACT_EXEC);

	f.exec.path_bytes = 10;
	f.exec.arguments_bytes = 6;
	f.exec.arguments_size = 4000;
	strcpy(f.exec.path, "/bin/true");
	memcpy(f.exec.arguments, "true\0x", 6);
	memset(f.exec.arguments + 6, 0xa5, SS_ARGUMENTS_LEN - 6);
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
	assert_int_equal(got.tid, 101);
	/* A name that does not end is cut. */
	assert_int_equal(strlen(got.comm), SS_COMM_LEN - 1);
}

/* Records end behind what their kind has. */
static void test_sizes(void **state)
{
	static const struct {
		enum ss_fact_kind kind;
		size_t size;
	} rows[] = {
		{SS_FACT_PROCESS_START, SS_FACT_HEAD + 16},
		{SS_FACT_THREAD_START, SS_FACT_HEAD + 16},
		{SS_FACT_EXIT, SS_FACT_HEAD + 64},
		{SS_FACT_CGROUP_ENTER, SS_FACT_HEAD + 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ss_fact f = task_fact(rows[i].kind), got;

		memset((char *)&f + SS_FACT_HEAD, 0x5a, sizeof(f) - SS_FACT_HEAD);
		f.size = (uint32_t)rows[i].size;
		assert_int_equal(fact_decode(&f, rows[i].size, &got), 0);
		/* What lies behind it in memory is not taken. */
		for (size_t at = rows[i].size; at < sizeof(got); at++)
			assert_int_equal(((unsigned char *)&got)[at], 0);
		f.size--;
		assert_int_equal(fact_decode(&f, rows[i].size, &got), -EBADMSG);
	}
}

/* Behind the last name of the path lies what the kernel half did not write. */
static void test_oom(void **state)
{
	const size_t size = SS_FACT_HEAD + 64 + SS_OOM_LEVELS * SS_CGROUP_NAME_LEN;
	struct ss_fact f = task_fact(SS_FACT_OOM_KILL), got;

	(void)state;
	memset(f.oom.path, 0x5a, sizeof(f.oom.path));
	f.size = (uint32_t)size;
	f.oom.exhausted = SS_OOM_CGROUP;
	f.oom.levels = 1;
	strcpy(f.oom.path[0], "docker");
	assert_int_equal(fact_decode(&f, size, &got), 0);
	assert_string_equal(got.oom.path[0], "docker");
	for (size_t i = 0; i < SS_CGROUP_NAME_LEN; i++)
		assert_int_equal(got.oom.path[1][i], 0);
	f.oom.levels = 2;
	assert_int_equal(fact_decode(&f, size, &got), -EBADMSG);
	f.oom.levels = SS_OOM_LEVELS + 1;
	assert_int_equal(fact_decode(&f, size, &got), 0);
	assert_int_equal(got.oom.path[0][0], 0);
	f.oom.levels++;
	assert_int_equal(fact_decode(&f, size, &got), -EBADMSG);
	f.oom.levels = 0;
	f.oom.exhausted = SS_OOM_KINDS;
	assert_int_equal(fact_decode(&f, size, &got), -EBADMSG);
	f.oom.exhausted = SS_OOM_UNKNOWN;
	f.size--;
	assert_int_equal(fact_decode(&f, size, &got), -EBADMSG);
}

static void test_exec(void **state)
{
	const size_t short_size = SS_FACT_HEAD + 16 + SS_EXEC_PATH_MOST;
	struct ss_fact f = exec_fact(), got;

	(void)state;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), 0);
	assert_string_equal(got.exec.path, "/bin/true");
	assert_memory_equal(got.exec.arguments, "true\0x\0\0", 8);
	/* More than there are. */
	f.exec.arguments_bytes = SS_ARGUMENTS_LEN + 1;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f.exec.arguments_bytes = 4001;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	/* The short form has neither arguments nor a long path. */
	f.size = (uint32_t)short_size;
	f.exec.arguments_bytes = 6;
	assert_int_equal(fact_decode(&f, short_size, &got), -EBADMSG);
	f.exec.arguments_bytes = 0;
	assert_int_equal(fact_decode(&f, short_size, &got), 0);
	assert_string_equal(got.exec.path, "/bin/true");
	f.exec.path_bytes = SS_EXEC_PATH_MOST + 1;
	assert_int_equal(fact_decode(&f, short_size, &got), -EBADMSG);
	/* A path without end. */
	f = exec_fact();
	f.exec.path_bytes = SS_EXEC_PATH_LEN;
	memset(f.exec.path, 'x', SS_EXEC_PATH_LEN);
	assert_int_equal(fact_decode(&f, sizeof(f), &got), 0);
	assert_int_equal(strlen(got.exec.path), SS_EXEC_PATH_LEN - 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(fact_kind_name(SS_FACT_EXEC), "exec");
	assert_string_equal(fact_kind_name(0), "unknown");
	assert_string_equal(fact_kind_name(SS_FACT_KINDS), "unknown");
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
		{"a head alone", -EBADMSG, SS_FACT_HEAD, false, SIZE_MAX},
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
	whole.tgid = whole.tid = 5;
	whole.namespaces.kinds = 1u << SS_NS_NET;
	whole.namespaces.how = SS_NS_SETNS;
	memset(whole.comm, 'x', sizeof(whole.comm));
	assert_int_equal(fact_decode(&whole, sizeof(whole), &got), 0);
	assert_int_equal(strlen(got.comm), SS_COMM_LEN - 1);
	f = whole;
	f.namespaces.how = SS_NS_HOWS;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f = whole;
	f.namespaces.kinds = 0;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f.namespaces.kinds = 1u << SS_NAMESPACES;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
	f = whole;
	f.tid = 0;
	assert_int_equal(fact_decode(&f, sizeof(f), &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_oom),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_name_without_end),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

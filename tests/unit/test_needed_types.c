/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_needed_types.c - of a kernel's types those that the programs name are taken, with all that is embedded in them; that their
 * fields are found where they are, with all programs of this kernel: tests/kernel/test_needed_types.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/needed_types.h"
#include "sysscope/abi/cgroup.h"
#include "sysscope/abi/task.h"
#include "sysscope/abi/tcp.h"
#include "sysscope.skel.h"

/* A kernel of a few types: task_struct has what is embedded in it, and a pointer to what is not taken. */
static struct btf *kernel_make(void)
{
	struct btf *k = btf__new_empty();
	int number, few, inner, constant, aside, pointer;

	assert_non_null(k);
	number = btf__add_int(k, "unsigned int", 4, 0);
	few = btf__add_array(k, number, number, 3);
	inner = btf__add_struct(k, "inner", 12);
	assert_int_equal(btf__add_field(k, "few", few, 0, 0), 0);
	constant = btf__add_const(k, inner);
	aside = btf__add_struct(k, "aside", 4);
	assert_int_equal(btf__add_field(k, "x", number, 0, 0), 0);
	pointer = btf__add_ptr(k, aside);
	assert_true(btf__add_struct(k, "task_struct", 24) > 0);
	assert_int_equal(btf__add_field(k, "aside", pointer, 0, 0), 0);
	assert_int_equal(btf__add_field(k, "inner", constant, 64, 0), 0);
	assert_int_equal(btf__add_field(k, "bits", number, 160, 3), 0);
	assert_true(btf__add_struct(k, "unrelated", 4) > 0);
	assert_int_equal(btf__add_field(k, "x", number, 0, 0), 0);
	assert_true(btf__add_enum(k, "cgroup_subsys_id", 4) > 0);
	assert_int_equal(btf__add_enum_value(k, "memory_cgrp_id", 4), 0);
	return k;
}

static const struct btf_type *type_named(const struct btf *btf, const char *name, uint32_t kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	return id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
}

static void taken(void **state)
{
	struct btf *kernel = kernel_make(), *made;
	const struct btf_type *task, *inner;
	char path[NEEDED_TYPES_PATH];
	const void *object;
	size_t size;
	int fd;

	(void)state;
	object = sysscope_bpf__elf_bytes(&size);
	fd = needed_types_make(kernel, object, size, path);
	assert_true(fd >= 0);
	made = btf__parse(path, NULL);
	assert_non_null(made);
	task = type_named(made, "task_struct", BTF_KIND_STRUCT);
	assert_non_null(task);
	assert_int_equal(task->size, 24);
	assert_int_equal(btf_vlen(task), 3);
	assert_string_equal(btf__name_by_offset(made, btf_members(task)[1].name_off), "inner");
	assert_int_equal(btf_member_bit_offset(task, 1), 64);
	assert_int_equal(btf_member_bitfield_size(task, 2), 3);
	inner = btf__type_by_id(made, btf_members(task)[1].type);
	assert_true(btf_is_const(inner));
	inner = btf__type_by_id(made, inner->type);
	assert_int_equal(inner->size, 12);
	assert_int_equal(btf__resolve_size(made, btf_members(inner)[0].type), 12);
	/* A pointer stays one. */
	assert_true(btf_is_ptr(btf__type_by_id(made, btf_members(task)[0].type)));
	assert_null(type_named(made, "aside", BTF_KIND_STRUCT));
	assert_null(type_named(made, "unrelated", BTF_KIND_STRUCT));
	assert_non_null(type_named(made, "cgroup_subsys_id", BTF_KIND_ENUM));
	btf__free(made);
	close(fd);
	btf__free(kernel);
}

/* What is no file of programs has no names. */
static void refused(void **state)
{
	struct btf *kernel = kernel_make();
	char path[NEEDED_TYPES_PATH];
	const char text[] = "no ELF file";

	(void)state;
	assert_true(needed_types_make(kernel, text, sizeof(text), path) < 0);
	assert_true(needed_types_make(kernel, text, 0, path) < 0);
	btf__free(kernel);
}

/* libbpf loads nothing from a file that it cannot open: then there is none. */
static void unreadable(void **state)
{
	struct btf *kernel = kernel_make();
	char path[NEEDED_TYPES_PATH];
	struct rlimit all, few;
	const void *object;
	size_t size;
	int fd = dup(0), none;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	/* Room for one descriptor more. */
	few = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = all.rlim_max};
	object = sysscope_bpf__elf_bytes(&size);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	none = needed_types_make(kernel, object, size, path);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_true(none < 0);
	assert_int_equal(dup(0), fd); /* nothing is left open */
	close(fd);
	btf__free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(unreadable),
	};

	return cmocka_run_group_tests_name("needed_types", tests, NULL, NULL);
}

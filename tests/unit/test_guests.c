/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_guests.c - names of guests from command lines: of QEMU and Firecracker, hostile ones, and of processes whose command line
 * never comes.
 */
#include "lib/cgroupfs_tree.h"
#include "lib/model_scene.h"
#include "machine/guests.h"
#include "machine/programs.h"

#define SECOND 1000000000ULL

/* The literal's own NUL is the last argument's. */
#define LINE(s) s, sizeof(s)

static void arguments(void **state)
{
	static const struct {
		const char *line;
		size_t size;
		const char *name;
	} rows[] = {
		{LINE("/usr/bin/qemu-system-x86_64\0-name\0guest=web-01,debug-threads=on\0-S"), "web-01"},
		{LINE("kvm\0-id\0"
		      "104\0-name\0shop,debug-threads=on"),
		 "shop"},
		{LINE("qemu-system-x86_64\0-name\0a,,b,process=x"), "a,b"},
		{LINE("qemu-system-x86_64\0-name\0process=x,guest=last"), "last"},
		{LINE("qemu-system-x86_64\0--name\0two"), "two"},
		{LINE("qemu-system-x86_64\0-name\0process=x"), ""},
		{LINE("qemu-system-x86_64\0-name"), ""},
		{LINE("qemu-system-x86_64\0-name\0"), ""},
		{LINE("qemu-system-x86_64\0-m\0"
		      "64"),
		 ""},
		{LINE("firecracker\0--id\0"
		      "551e7604-e35c\0--api-sock\0/a"),
		 "551e7604-e35c"},
		{LINE("firecracker\0--id=vm7"), "vm7"},
		{LINE("x\0-name\0\x1b[31m\xff"), "\x1b[31m\xff"}, /* raw: each output has its own sanitiser */
		{LINE("x\0-name\0guest="), ""},
		{LINE("x\0-name\0,"), ""},
		{"x\0-name\0cut", 10, "cu"}, /* only part of the line was read */
		{"", 0, ""},
	};
	char name[GUEST_NAME_MAX], line[GUEST_NAME_MAX * 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		guest_name_find(rows[i].line, rows[i].size, name);
		if (strcmp(name, rows[i].name) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, name, rows[i].name);
	}
	memcpy(line, "-name\0guest=", 12);
	memset(line + 12, 'a', sizeof(line) - 12);
	guest_name_find(line, sizeof(line), name);
	assert_int_equal(strlen(name), GUEST_NAME_MAX - 1);
	memcpy(line, "--id\0", 5);
	memset(line + 5, 'b', sizeof(line) - 5);
	guest_name_find(line, sizeof(line), name);
	assert_int_equal(strlen(name), GUEST_NAME_MAX - 1);
}

static void line_of(const struct tree *t, unsigned int pid, const char *data, size_t size)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "/%u", pid);
	tree_dir(t, path);
	snprintf(path, sizeof(path), "%s/%u/cmdline", t->root, pid);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

/* "": it is not known. */
static const char *name_of(const struct sample *s, uint64_t pid)
{
	for (size_t i = 0; i < s->n_guests; i++)
		if (s->guests[i].tgid == pid)
			return s->guests[i].name;
	return "";
}

static void asked_once(void **state)
{
	const struct tree *t = *state;
	static struct scene scene;
	struct sample *s = &scene.sample;
	struct guests *g = guests_new(t->root);

	scene_init(&scene);
	line_of(t, 100, LINE("qemu\0-name\0web"));
	line_of(t, 101, LINE("firecracker\0--id\0vm7"));
	line_of(t, 102, LINE("nginx\0-name\0no"));
	scene_process(&scene, 100, 1, "qemu-system-x86", 1);
	scene_process(&scene, 101, 1, "firecracker", 1);
	scene_process(&scene, 102, 1, "nginx", 1);
	scene_process(&scene, 103, 1, "kvm", 1); /* ends before it is asked */
	scene_process(&scene, 104, 1, "kvm", 1)->flags |= SS_THREAD_KERNEL;
	guests_take(g, s, SECOND);
	/* The child may not have been given a CPU in time. */
	for (int i = 0; i < 400 && s->n_guests < 2; i++) {
		usleep(10000);
		guests_take(g, s, SECOND);
	}
	assert_int_equal(s->n_guests, 2);
	assert_string_equal(name_of(s, 100), "web");
	assert_string_equal(name_of(s, 101), "vm7");

	/* A program has its command line from its start on: later ones are somebody's wish. */
	line_of(t, 100, LINE("qemu\0-name\0other"));
	guests_take(g, s, 2 * SECOND);
	assert_string_equal(name_of(s, 100), "web");
	/* Another process with the number of the old one. */
	scene.threads[0].process_start_ns++;
	guests_take(g, s, 3 * SECOND);
	for (int i = 0; i < 400 && s->n_guests < 2; i++) {
		usleep(10000);
		guests_take(g, s, 3 * SECOND);
	}
	assert_string_equal(name_of(s, 100), "other");
	s->n_threads = 0;
	guests_take(g, s, 4 * SECOND);
	assert_int_equal(s->n_guests, 0);
	guests_free(g);
}

/* The first of two never answers: a pipe that nobody writes to. */
static void never_answers(void **state)
{
	const struct tree *t = *state;
	static struct scene scene;
	struct sample *s = &scene.sample;
	struct guests *g = guests_new(t->root);
	uint64_t now = SECOND, began = clock_boot_ns();
	char path[512];

	scene_init(&scene);
	tree_dir(t, "/100");
	snprintf(path, sizeof(path), "%s/100/cmdline", t->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	line_of(t, 101, LINE("firecracker\0--id\0vm7"));
	scene_process(&scene, 100, 1, "qemu-system-x86", 1);
	scene_process(&scene, 101, 1, "firecracker", 1);
	guests_take(g, s, now);
	assert_true(clock_boot_ns() - began < 20 * SECOND);
	assert_int_equal(s->n_guests, 0);
	for (int i = 0; i < 400 && s->n_guests < 1; i++) {
		usleep(10000);
		guests_take(g, s, now += 2 * SECOND);
	}
	assert_int_equal(s->n_guests, 1);
	assert_string_equal(name_of(s, 101), "vm7");
	guests_take(g, s, now += 2 * SECOND);
	assert_string_equal(name_of(s, 100), "");
	guests_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		TEST(asked_once),
		TEST(never_answers),
	};

	return cmocka_run_group_tests_name("guests", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_top_settings.c - the columns that somebody has chosen: kept as they were chosen, laid out in their order, and what the file
 * may be instead.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "top/keys.h"
#include "top/settings/settings.h"

static char config[64], folder[96], file[128];
static struct table_chosen chosen[VIEWS];

static int config_make(void **state)
{
	(void)state;
	strcpy(config, "/tmp/sysscope-config.XXXXXX");
	if (!mkdtemp(config))
		return -1;
	snprintf(folder, sizeof(folder), "%s/sysscope", config);
	snprintf(file, sizeof(file), "%s/columns", folder);
	return setenv("XDG_CONFIG_HOME", config, 1);
}

static int config_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", config);
	return system(command);
}

static void load_expect(int want, const char *said)
{
	_cleanup_buf_ struct buf error = {};

	chosen[1].n = 5;
	assert_int_equal(settings_load(chosen, &error), want);
	if (want < 0)
		for (size_t i = 0; i < VIEWS; i++)
			assert_int_equal(chosen[i].n, 0);
	if (said && (!error.data || !strstr(error.data, said) || strchr(error.data, '\n')))
		fail_msg("'%s' has no '%s'", error.data ?: "", said);
	if (!said)
		assert_int_equal(error.len, 0);
}

static void file_write(const void *text, size_t n)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Every column of every view has a name of its own that is found again, in any order. */
static void test_kept(void **state)
{
	struct table_chosen all[VIEWS] = {};
	_cleanup_buf_ struct buf error = {};
	struct stat st;

	(void)state;
	load_expect(0, NULL); /* there is none yet */
	for (size_t i = 0; i < VIEWS; i++) {
		all[i].n = table_columns_all(views[i], all[i].columns);
		assert_in_range(all[i].n, 2, TABLE_CHOICES_MAX - 1); /* one more would be left out */
		for (size_t k = 0; k < all[i].n / 2; k++) {
			int moved = all[i].columns[k];

			all[i].columns[k] = all[i].columns[all[i].n - 1 - k];
			all[i].columns[all[i].n - 1 - k] = moved;
		}
	}
	all[2].n = 0;
	assert_int_equal(settings_save(all, &error), 0);
	load_expect(0, NULL);
	for (size_t i = 0; i < VIEWS; i++) {
		assert_int_equal(chosen[i].n, all[i].n);
		assert_memory_equal(chosen[i].columns, all[i].columns, all[i].n * sizeof(int));
	}
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_hostile(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"containers name nonsense\n", "containers has no column nonsense"},
		{"containers name cpu_cores NAME\n", "containers has twice the column NAME"},
		{"elsewhere name\n", "no view is called elsewhere"},
		{"processes pid\nx\x1b[31m pid\n", "no view is called x\\x1b[31m"},
		{"processes \xff\xfe\n", "processes has no column \xef\xbf\xbd"},
	};
	static char large[20 << 10];
	char text[64] = "processes pid\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		file_write(cases[i].text, strlen(cases[i].text));
		load_expect(-EINVAL, cases[i].said);
	}
	file_write("processes pid\0comm\n", 19);
	load_expect(-EINVAL, "it is no text");
	memset(large, '#', sizeof(large));
	file_write(large, sizeof(large));
	load_expect(-EFBIG, "File too large");
	file_write(text, strlen(text));
	load_expect(0, NULL);
	assert_int_equal(chosen[1].n, 1);
	chmod(file, 0622);
	load_expect(-EPERM, "only this user can write");
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0); /* does not wait for a writer */
	load_expect(-EPERM, "only this user can write");
	unlink(file);
	assert_int_equal(mkdir(file, 0700), 0);
	load_expect(-EPERM, "only this user can write");
	rmdir(file);
	assert_int_equal(symlink("/dev/zero", file), 0);
	load_expect(-EPERM, "only this user can write");
	unlink(file);
}

/* Whatever bytes it has: an error or columns that there are. */
static void test_any_bytes(void **state)
{
	static const char letters[] = "containers processes pid name cpu_cores\n\t#\\\x1b\xe2";
	unsigned int seed = 5;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		_cleanup_buf_ struct buf error = {};
		char text[80];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);

		memcpy(text, "processes pid user comm\ncontainers name\n", 40);
		for (size_t k = 0; k < n; k++)
			if (rand_r(&seed) % 3 == 0 || k >= 40)
				text[k] = letters[(size_t)rand_r(&seed) % sizeof(letters)];
		if (settings_parse(chosen, text, n, &error) < 0)
			assert_true(error.len > 0);
		for (size_t v = 0; v < VIEWS; v++)
			assert_true(chosen[v].n < TABLE_CHOICES_MAX);
	}
}

/* A folder that others can write, as with `sudo -E` that of somebody else: nothing is read from there and nothing put there. */
static void test_folder_of_others(void **state)
{
	_cleanup_buf_ struct buf error = {};

	(void)state;
	file_write("processes pid\n", 14);
	chmod(folder, 0777);
	load_expect(-EPERM, "only this user can write");
	assert_int_equal(settings_save(chosen, &error), -EPERM);
	assert_non_null(strstr(error.data, "only this user can write"));
	unlink(file);
	load_expect(0, NULL); /* nothing is there that could be believed */
	chmod(folder, 0700);
}

static void test_nowhere(void **state)
{
	_cleanup_buf_ struct buf error = {};

	(void)state;
	setenv("XDG_CONFIG_HOME", "relative", 1);
	unsetenv("HOME");
	load_expect(0, NULL);
	assert_int_equal(settings_save(chosen, &error), -ENOENT);
	buf_reset(&error);
	setenv("XDG_CONFIG_HOME", "/proc/nonexistent", 1);
	load_expect(0, NULL);
	assert_true(settings_save(chosen, &error) < 0);
	assert_non_null(strstr(error.data, ": /proc/nonexistent/sysscope/columns"));
	setenv("XDG_CONFIG_HOME", config, 1);
}

/* ---- the list ---- */

static struct top_state top;

static void press(int key)
{
	static const struct snapshot none;
	static const struct table_rows no_rows;

	top_state_key(&top, key, &none, &no_rows, 10);
}

static void titles_expect(int width, const char *want)
{
	struct table_column columns[TABLE_COLUMNS_MAX];
	size_t n = table_columns_of(&top.choice, width, columns);
	char titles[256] = "";
	int used = -1;

	for (size_t i = 0; i < n; i++) {
		snprintf(titles + strlen(titles), sizeof(titles) - strlen(titles), "%s%s", i ? " " : "",
			 columns[i].title);
		used += columns[i].width + 1;
	}
	assert_string_equal(titles, want);
	assert_true(used <= width || n == 1);
}

static void test_list(void **state)
{
	struct table_choice c;

	(void)state;
	table_choice_init(&c, &view_processes);
	top_state_init(&top, &c, 1);
	top.width = 60;
	titles_expect(60, "PID COMMAND CONTAINER CPU RSS");
	press(KEY_TOP_SETUP);
	assert_true(top.setup.open);
	press(' '); /* hides PID */
	press(KEY_TOP_DOWN);
	press('>'); /* COMMAND behind CONTAINER */
	titles_expect(60, "CONTAINER COMMAND CPU RSS");
	assert_string_equal(table_sort_title(&view_processes, top.setup.entries[top.setup.selected].column), "COMMAND");
	press('>');
	press('>');
	press('>'); /* behind one that is hidden */
	titles_expect(60, "CONTAINER CPU RSS COMMAND");
	titles_expect(20, "CONTAINER CPU");
	titles_expect(3, "CONTAINER");
	press('z');
	press('5'); /* are no keys here */
	assert_ptr_equal(top.choice.view, &view_processes);
	press(27);
	assert_false(top.setup.open);
	assert_true(top.setup.changed);
	press('1');
	titles_expect(40, "NAME CPU THR% MEM");
	press('2');
	titles_expect(60, "CONTAINER CPU RSS COMMAND");
	press('S');
	press('r');
	titles_expect(60, "PID COMMAND CONTAINER CPU RSS");
	for (int i = 0; i < 5; i++) { /* all hidden: its own */
		press(' ');
		press(KEY_TOP_DOWN);
	}
	for (size_t i = 0; i < top.setup.n; i++)
		assert_false(top.setup.entries[i].shown);
	titles_expect(60, "PID COMMAND CONTAINER CPU RSS");
	press('S');
	assert_false(top.setup.open);
	press('q');
	assert_true(top.quit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),	  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_folder_of_others),
		cmocka_unit_test(test_nowhere),	  cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, config_make, config_remove);
}

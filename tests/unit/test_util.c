/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_util.c - buffers, number parsers, bounded reads, scope cleanup and clocks of util.h; arrays of list.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/util.h"

static void test_parse_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int r;
		uint64_t want;
	} rows[] = {
		{"0", 0, 10, 0, 0},
		{"10", 0, 10, 0, 10},
		{"007", 0, 10, 0, 7},
		{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
		{"99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0},
		{"11", 0, 10, -ERANGE, 0},
		{"0", 1, 10, -ERANGE, 0},
		{"", 0, 10, -EINVAL, 0},
		{" 1", 0, 10, -EINVAL, 0},
		{"1 ", 0, 10, -EINVAL, 0},
		{"1\n", 0, 10, -EINVAL, 0},
		{"+1", 0, 10, -EINVAL, 0},
		{"-1", 0, UINT64_MAX, -EINVAL, 0},
		{"0x1", 0, 10, -EINVAL, 0},
		{"1.0", 0, 10, -EINVAL, 0},
		{"1e1", 0, 10, -EINVAL, 0},
		{"99999999999999999999999x", 0, UINT64_MAX, -EINVAL, 0},
		{NULL, 0, 10, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 4711;
		int r = parse_u64(rows[i].text, rows[i].min, rows[i].max, &v);

		if (r != rows[i].r || v != (r ? 4711 : rows[i].want)) {
			print_error("'%s': %d, %llu\n", rows[i].text ? rows[i].text : "NULL", r, (unsigned long long)v);
			fail();
		}
	}
}

static void test_parse_double(void **state)
{
	static const struct {
		const char *text;
		int r;
		double want;
	} rows[] = {
		{"1", 0, 1},	       {"0.5", 0, 0.5},	    {".5", 0, 0.5},	   {"-1.5e1", 0, -15},
		{"1e2", 0, 100},       {"100", 0, 100},	    {"100.1", -ERANGE, 0}, {"-101", -ERANGE, 0},
		{"1e999", -ERANGE, 0}, {"", -EINVAL, 0},    {"-", -EINVAL, 0},	   {".", -EINVAL, 0},
		{"1,5", -EINVAL, 0},   {" 1", -EINVAL, 0},  {"1 ", -EINVAL, 0},	   {"+1", -EINVAL, 0},
		{"nan", -EINVAL, 0},   {"inf", -EINVAL, 0}, {"0x10", -EINVAL, 0},  {"1s", -EINVAL, 0},
		{"1.2.3", -EINVAL, 0}, {"1e", -EINVAL, 0},  {NULL, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double v = 4711;
		int r = parse_double(rows[i].text, -100, 100, &v);

		if (r != rows[i].r || v != (r ? 4711 : rows[i].want)) {
			print_error("'%s': %d, %g\n", rows[i].text ? rows[i].text : "NULL", r, v);
			fail();
		}
	}
}

static void test_buf(void **state)
{
	_cleanup_buf_ struct buf b = {0};
	size_t cap;

	(void)state;
	buf_str(&b, "");
	assert_string_equal(b.data, "");
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 20000);
	assert_int_equal(strlen(b.data), 20000);
	assert_memory_equal(b.data + 19980, "0,1,2,3,4,5,6,7,8,9,", 20);
	cap = b.cap;
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, cap);
	buf_add(&b, "a\0b", 3);
	buf_char(&b, '\0');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0b\0", 5);
	buf_free(&b);
	assert_null(b.data);
	/* A text that is longer than what is there, at once. */
	buf_printf(&b, "%*s|", 5000, "x");
	assert_int_equal(b.len, 5001);
	assert_memory_equal(b.data + 4998, " x|", 4);
}

/* Every length around the growth of the buffer, so that the NUL always fits. */
static void test_buf_growth(void **state)
{
	(void)state;
	for (int first = 0; first < 600; first++) {
		_cleanup_buf_ struct buf b = {0};

		buf_printf(&b, "%*s", first, "");
		buf_printf(&b, "%s", "0123456789");
		buf_char(&b, '!');
		assert_int_equal(b.len, first + 11);
		assert_string_equal(b.data + first, "0123456789!");
	}
}

static void test_buf_failure(void **state)
{
	_cleanup_buf_ struct buf b = {0};

	(void)state;
	buf_str(&b, "kept");
	buf_add(&b, "x", SIZE_MAX - 2);
	assert_true(b.failed);
	buf_str(&b, "not added");
	buf_printf(&b, "%d", 1);
	buf_char(&b, 'x');
	assert_string_equal(b.data, "kept");
	assert_int_equal(b.len, 4);
	buf_reset(&b);
	assert_false(b.failed);
	buf_str(&b, "again");
	assert_string_equal(b.data, "again");
}

static void test_locale(void **state)
{
	_cleanup_buf_ struct buf b = {0};
	double v = 0;

	(void)state;
	/* A decimal comma, where such a locale is installed; elsewhere this proves only that nothing breaks. */
	setlocale(LC_ALL, "de_DE.UTF-8");
	buf_printf(&b, "%.2f", 1.5);
	assert_string_equal(b.data, "1.50");
	assert_int_equal(parse_double("1.5", 0, 10, &v), 0);
	assert_true(v == 1.5);
	setlocale(LC_ALL, "C");
}

static int folder_make(void **state)
{
	char *folder;
	const char *base = getenv("TMPDIR");

	if (asprintf(&folder, "%s/sysscope-util-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(folder))
		return -1;
	*state = folder;
	return 0;
}

static int folder_remove(void **state)
{
	_cleanup_free_ char *folder = *state;
	char path[256];

	snprintf(path, sizeof(path), "%s/file", folder);
	unlink(path);
	return rmdir(folder);
}

static void file_write(const char *path, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (size_t i = 0; i < len; i++)
		fputc('a' + (int)(i % 26), f);
	assert_int_equal(fclose(f), 0);
}

static void test_read_file(void **state)
{
	static const struct {
		size_t size, cap;
		int r;
	} rows[] = {
		{0, 0, 0},	  {0, 10, 0},		{1, 0, -EFBIG},		 {10, 10, 0},
		{11, 10, -EFBIG}, {4095, 4096, 0},	{4096, 4096, 0},	 {4097, 4096, -EFBIG},
		{4097, 10000, 0}, {100000, 1 << 20, 0}, {100000, 99999, -EFBIG},
	};
	char path[256];

	snprintf(path, sizeof(path), "%s/file", (char *)*state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *untouched = path, *data = untouched;
		size_t len = 4711;
		int r;

		file_write(path, rows[i].size);
		r = read_file(path, rows[i].cap, &data, &len);
		assert_int_equal(r, rows[i].r);
		if (r) {
			assert_ptr_equal(data, untouched);
			assert_int_equal(len, 4711);
			continue;
		}
		assert_int_equal(len, rows[i].size);
		assert_int_equal(strlen(data), rows[i].size);
		for (size_t j = 0; j < len; j++)
			assert_int_equal(data[j], 'a' + (int)(j % 26));
		free(data);
	}
}

static void test_read_kernel_file(void **state)
{
	_cleanup_free_ char *data = NULL;
	char *none = NULL;

	(void)state;
	/* Its size is said to be 0. */
	assert_int_equal(read_file("/proc/self/status", 1 << 16, &data, NULL), 0);
	assert_non_null(strstr(data, "\nPid:"));
	assert_int_equal(read_file("/proc/self/status", 10, &none, NULL), -EFBIG);
	assert_int_equal(read_file("/proc/self/no-such", 10, &none, NULL), -ENOENT);
	assert_int_equal(read_file("/proc/self", 10, &none, NULL), -EISDIR);
	assert_null(none);
}

static void test_cleanup(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd, none = -1;

	(void)state;
	assert_true(fd >= 0);
	{
		_cleanup_close_ int closed = copy;
		_cleanup_free_ char *freed = strdup("x");

		assert_non_null(freed);
		assert_int_equal(closed, copy);
	}
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	errno = ENOTTY;
	closep(&fd); /* a bad descriptor: close fails, errno is kept */
	assert_int_equal(errno, ENOTTY);
	closep(&none);
	assert_int_equal(errno, ENOTTY);
}

static void test_clocks(void **state)
{
	uint64_t boot = clock_boot_ns(), wall = clock_wall_ns();

	(void)state;
	assert_true(clock_boot_ns() >= boot);
	assert_true(boot > 0);
	assert_true(wall > 1600000000ULL * 1000000000ULL);
	/* What was said of the boot stays, unless the clock was set. */
	boot = clock_wall_at_boot_ns(0);
	assert_true(boot > 1600000000ULL * 1000000000ULL && boot < wall);
	assert_int_equal(clock_wall_at_boot_ns(boot + 400000), boot + 400000);
	assert_int_equal(clock_wall_at_boot_ns(boot - 400000), boot - 400000);
	assert_true(clock_wall_at_boot_ns(boot + 4000000) < boot + 2000000);
	assert_true(clock_wall_at_boot_ns(boot - 4000000) > boot - 2000000);
	assert_int_equal(sub_sat(5, 3), 2);
	assert_int_equal(sub_sat(3, 5), 0);
}

static void test_list_fit(void **state)
{
	LIST(uint64_t) list = {};
	size_t burst = 100000, room;

	(void)state;
	assert_int_equal(list_fit(&list, 10), 0);
	assert_true(list.cap >= 10);
	for (list.n = 0; list.n < 10; list.n++)
		list.at[list.n] = list.n;
	assert_int_equal(list_fit(&list, burst), 0);
	assert_true(list.cap >= burst);
	/* What is half as much will come again; what is small is not worth it. */
	room = list.cap;
	assert_int_equal(list_fit(&list, burst / 2), 0);
	assert_int_equal(list.cap, room);
	assert_int_equal(list_fit(&list, 100), 0);
	assert_true(list.cap >= 100 && list.cap < 1000);
	room = list.cap;
	assert_int_equal(list_fit(&list, 1), 0);
	assert_int_equal(list.cap, room);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(list.at[i], i);
	list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_parse_double),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_growth),
		cmocka_unit_test(test_buf_failure),
		cmocka_unit_test(test_locale),
		cmocka_unit_test_setup_teardown(test_read_file, folder_make, folder_remove),
		cmocka_unit_test(test_read_kernel_file),
		cmocka_unit_test(test_cleanup),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_list_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

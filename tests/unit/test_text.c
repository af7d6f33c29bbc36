/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_text.c - the four sanitisers: the same hostile input and what each output has to make of it; then every
 * byte pair and random bytes, of which nothing ill-formed and no control character may come out.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"

#define FFFD "\xef\xbf\xbd"

typedef void (*sanitiser)(struct buf *out, const char *s, size_t len);

/* `s` may hold NUL: its length is that of the literal. */
#define IN(s) s, sizeof(s) - 1

static const struct {
	const char *in;
	size_t len;
	const char *terminal, *label, *csv, *utf8;
} rows[] = {
	{IN(""), "", "", "", ""},
	{IN("nginx"), "nginx", "nginx", "nginx", "nginx"},
	{IN("a b"), "a b", "a b", "a b", "a b"},
	{IN(" a"), " a", " a", "\" a\"", " a"},
	{IN("a\\b"), "a\\b", "a\\\\b", "a\\b", "a\\b"},
	{IN("a\"b"), "a\"b", "a\\\"b", "\"a\"\"b\"", "a\"b"},
	{IN("\"\""), "\"\"", "\\\"\\\"", "\"\"\"\"\"\"", "\"\""},
	{IN("a,b"), "a,b", "a,b", "\"a,b\"", "a,b"},
	{IN("a\nb"), "a\\x0ab", "a\\nb", "a\\x0ab", "a\nb"},
	{IN("a\r\tb"), "a\\x0d\\x09b", "a\\\\x0d\\\\x09b", "a\\x0d\\x09b", "a\r\tb"},
	{IN("\x1b[31m"), "\\x1b[31m", "\\\\x1b[31m", "\\x1b[31m", "\x1b[31m"},
	{IN("\x1b]52;c;x\x07"), "\\x1b]52;c;x\\x07", "\\\\x1b]52;c;x\\\\x07", "\\x1b]52;c;x\\x07", "\x1b]52;c;x\x07"},
	{IN("a\0b"), "a\\x00b", "a\\\\x00b", "a\\x00b", "a\\x00b"},
	{IN("\x7f"), "\\x7f", "\\\\x7f", "\\x7f", "\\x7f"},
	{IN("\xc2\x80\xc2\x9b\xc2\x9f"), "\\x80\\x9b\\x9f", "\\\\x80\\\\x9b\\\\x9f", "\\x80\\x9b\\x9f",
	 "\\x80\\x9b\\x9f"},
	{IN("\xc2\xa0"), "\xc2\xa0", "\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
	{IN("caf\xc3\xa9"), "caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9"},
	/* Cut in the middle, a lone byte, overlong, a surrogate, past the end, never used. */
	{IN("caf\xc3"), "caf" FFFD, "caf" FFFD, "caf" FFFD, "caf" FFFD},
	{IN("caf\xe9!"), "caf" FFFD "!", "caf" FFFD "!", "caf" FFFD "!", "caf" FFFD "!"},
	{IN("\xc0\xaf"), FFFD FFFD, FFFD FFFD, FFFD FFFD, FFFD FFFD},
	{IN("\xe0\x80\xaf"), FFFD FFFD FFFD, FFFD FFFD FFFD, FFFD FFFD FFFD, FFFD FFFD FFFD},
	{IN("\xf0\x80\x80\xaf"), FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD},
	{IN("\xed\xa0\x80"), FFFD FFFD FFFD, FFFD FFFD FFFD, FFFD FFFD FFFD, FFFD FFFD FFFD},
	{IN("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD, FFFD FFFD FFFD FFFD},
	{IN("\xfe\xff"), FFFD FFFD, FFFD FFFD, FFFD FFFD, FFFD FFFD},
	{IN("\xe2\x82"
	    "a"),
	 FFFD FFFD "a", FFFD FFFD "a", FFFD FFFD "a", FFFD FFFD "a"},
	/* The borders of what is well-formed. */
	{IN("\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"), "\xdf\xbf\xe0\xa0\x80\\uffff", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf",
	 "\xdf\xbf\xe0\xa0\x80\\uffff", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
	{IN("\xed\x9f\xbf\xee\x80\x80"), "\\ud7ff\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80", "\\ud7ff\xee\x80\x80",
	 "\xed\x9f\xbf\xee\x80\x80"},
	{IN("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "\xf0\x90\x80\x80\\U0010ffff", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	 "\xf0\x90\x80\x80\\U0010ffff", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
	/* Text that runs backwards on a screen. */
	{IN("a\xe2\x80\xae"
	    "b"),
	 "a\\u202eb",
	 "a\xe2\x80\xae"
	 "b",
	 "a\\u202eb",
	 "a\xe2\x80\xae"
	 "b"},
	{IN("\"} 1\nevil 1"), "\"} 1\\x0aevil 1", "\\\"} 1\\nevil 1", "\"\"\"} 1\\x0aevil 1\"", "\"} 1\nevil 1"},
	{IN("a) R 1\n\x1b[31m\"\\\xe9"), "a) R 1\\x0a\\x1b[31m\"\\" FFFD, "a) R 1\\n\\\\x1b[31m\\\"\\\\" FFFD,
	 "\"a) R 1\\x0a\\x1b[31m\"\"\\" FFFD "\"", "a) R 1\n\x1b[31m\"\\" FFFD},
};

static void check(sanitiser f, size_t i, const char *want)
{
	_cleanup_buf_ struct buf out = {0};

	f(&out, rows[i].in, rows[i].len);
	assert_false(out.failed);
	if (strcmp(out.data ? out.data : "", want) != 0 || strlen(want) != out.len) {
		print_error("row %zu: '%s' is not '%s'\n", i, out.data ? out.data : "", want);
		fail();
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check(text_terminal, i, rows[i].terminal);
		check(text_label, i, rows[i].label);
		check(text_csv, i, rows[i].csv);
		check(text_utf8, i, rows[i].utf8);
	}
}

/* What a screen draws as nothing or turns the line round with is shown; people's languages stay as they are. */
static void test_invisible(void **state)
{
	static const struct {
		uint32_t first, last;
	} never[] = {{0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2069},   {0xfeff, 0xfeff}, {0xad, 0xad},
		     {0x61c, 0x61c},   {0x2028, 0x2029}, {0xe0001, 0xe0001}, {0xfe0f, 0xfe0f}};
	static const struct {
		const char *in, *out;
	} table[] = {
		{"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
		{"\xd8\xb9\xd8\xb1\xd8\xa8", "\xd8\xb9\xd8\xb1\xd8\xa8"}, /* letters that run from right to left */
		{"\xf0\x9f\x90\xb3", "\xf0\x9f\x90\xb3"},
		{"e\xcc\x81", "e\xcc\x81"}, /* a combining mark on its letter */
		{"\xe6\x97\xa5\xcc\x81", "\xe6\x97\xa5\xcc\x81"},
		{"\xcc\x81", "\\u0301"}, /* on nothing */
		{"\xcc\x81\xcc\x82", "\\u0301\\u0302"},
		{"e\xcc\x81\xcc\x82\xcc\x83\xcc\x84", "e\xcc\x81\xcc\x82\\u0303\\u0304"}, /* a tower */
		{"\x1b\xcc\x81", "\\x1b\\u0301"},					  /* not on an escape */
		{"a\xe2\x80\x8d\xcc\x81", "a\\u200d\\u0301"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		for (uint32_t c = never[i].first; c <= never[i].last; c++) {
			_cleanup_buf_ struct buf in = {}, out = {}, csv = {};
			char want[32];

			if (c >= 0x10000)
				buf_char(&in, (char)(0xf0 | c >> 18));
			if (c >= 0x10000)
				buf_char(&in, (char)(0x80 | (c >> 12 & 0x3f)));
			else if (c >= 0x800)
				buf_char(&in, (char)(0xe0 | c >> 12));
			buf_char(&in, (char)(c < 0x800 ? 0xc0 | c >> 6 : 0x80 | (c >> 6 & 0x3f)));
			buf_char(&in, (char)(0x80 | (c & 0x3f)));
			snprintf(want, sizeof(want), c > 0xffff ? "\\U%08x" : "\\u%04x", c);
			text_terminal(&out, in.data, in.len);
			text_csv(&csv, in.data, in.len);
			assert_string_equal(out.data, want);
			assert_string_equal(csv.data, want);
		}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_buf_ struct buf out = {};

		text_terminal(&out, table[i].in, strlen(table[i].in));
		assert_string_equal(out.data, table[i].out);
	}
}

/* Fails on ill-formed UTF-8, DEL and C1, and on C0 unless `c0` is allowed. Its own decoder, on purpose. */
static void assert_clean(const struct buf *out, bool c0)
{
	const unsigned char *p = (const unsigned char *)out->data;

	for (size_t i = 0; i < out->len;) {
		size_t n = p[i] < 0x80 ? 1 : p[i] < 0xe0 ? 2 : p[i] < 0xf0 ? 3 : 4;
		uint32_t c = n == 1 ? p[i] : p[i] & (0x7fU >> n);

		assert_true(p[i] < 0x80 || (p[i] >= 0xc2 && p[i] <= 0xf4));
		assert_true(i + n <= out->len);
		for (size_t j = 1; j < n; j++) {
			assert_int_equal(p[i + j] & 0xc0, 0x80);
			c = c << 6 | (p[i + j] & 0x3f);
		}
		assert_true(c != 0 && (c0 || c >= 0x20) && !(c >= 0x7f && c < 0xa0));
		assert_true(!(c >= 0xd800 && c < 0xe000) && c <= 0x10ffff);
		assert_true(n == 1 || (n == 2 && c >= 0x80) || (n == 3 && c >= 0x800) || (n == 4 && c >= 0x10000));
		i += n;
	}
}

static void check_all(const char *s, size_t len)
{
	static const sanitiser all[] = {text_terminal, text_label, text_csv, text_utf8};
	static struct buf out;

	for (size_t f = 0; f < ARRAY_SIZE(all); f++) {
		buf_reset(&out);
		all[f](&out, s, len);
		if (out.len)
			assert_clean(&out, all[f] == text_utf8);
	}
	if (!len)
		buf_free(&out);
}

static void test_any_bytes(void **state)
{
	unsigned int random = 2463534242;

	(void)state;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char s[2] = {(char)a, (char)b};

			check_all(s, 2);
		}
	}
	for (int i = 0; i < 20000; i++) {
		char s[300];
		size_t len = (size_t)i % sizeof(s);

		for (size_t j = 0; j < len; j++) {
			random ^= random << 13;
			random ^= random >> 17;
			random ^= random << 5;
			/* Lead and trail bytes oftener than chance gives them. */
			s[j] = (char)(random & 1 ? random >> 8 : 0x80 | random >> 9);
		}
		check_all(s, len);
	}
	check_all("", 0);
}

/* What is inside the quotes must not end them: every quote is behind a backslash that is none itself. */
static void test_label_cannot_break_out(void **state)
{
	static const char alphabet[] = {'\\', '"', '\n', 'n', '\x1b'};

	(void)state;
	for (int i = 0; i < 5 * 5 * 5 * 5 * 5; i++) {
		_cleanup_buf_ struct buf out = {0};
		char s[5];

		for (int j = 0, rest = i; j < 5; j++, rest /= 5)
			s[j] = alphabet[rest % 5];
		text_label(&out, s, sizeof(s));
		for (size_t j = 0; j < out.len; j++) {
			assert_true(out.data[j] != '\n' && out.data[j] != '"');
			if (out.data[j] == '\\') {
				j++;
				assert_non_null(memchr("\\\"n", out.data[j], 3));
			}
		}
	}
}

/* Long labels are bounded, stay apart, and are not cut inside a character. */
static void test_label_length(void **state)
{
	char a[4096], b[4096];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	b[sizeof(b) - 1] = 'y';
	for (size_t len = 250; len < 270; len++) {
		_cleanup_buf_ struct buf out = {0};

		text_label(&out, a, len);
		assert_int_equal(out.len, len <= 256 ? len : 256);
	}
	{
		_cleanup_buf_ struct buf one = {0}, other = {0}, again = {0};

		text_label(&one, a, sizeof(a));
		text_label(&other, b, sizeof(b));
		text_label(&again, a, sizeof(a));
		assert_int_equal(one.len, 256);
		assert_string_not_equal(one.data, other.data);
		assert_string_equal(one.data, again.data);
	}
	/* Three bytes a character, at every offset from the cut. */
	for (size_t shift = 0; shift < 3; shift++) {
		_cleanup_buf_ struct buf out = {0};

		for (size_t i = 0; i < sizeof(a); i++)
			a[i] = i < shift ? 'x' : "\xe2\x82\xac"[(i - shift) % 3];
		text_label(&out, a, sizeof(a));
		assert_clean(&out, false);
		assert_null(strstr(out.data, FFFD));
		assert_true(out.len <= 256 && out.len >= 253);
	}
}

/* No word is cut, no line is wider than it may be, unless a word is. */
static void test_wrap(void **state)
{
	static const struct {
		const char *text;
		int column, indent, width;
		const char *want;
	} cases[] = {
		{"one two three", 0, 2, 80, "one two three"},
		{"one two three", 0, 2, 7, "one two\n  three"},
		{"one two three", 0, 2, 6, "one\n  two\n  three"},
		{"one two three", 4, 4, 11, "one two\n    three"},
		{"/a/path/that/is/long b", 0, 1, 5, "/a/path/that/is/long\n b"},
		{"\xe6\x97\xa5\xe6\x9c\xac b", 0, 1, 6, "\xe6\x97\xa5\xe6\x9c\xac b"},
		{"\xe6\x97\xa5\xe6\x9c\xac b", 0, 1, 5, "\xe6\x97\xa5\xe6\x9c\xac\n b"},
		{"", 0, 2, 5, ""},
	};

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf out = {};

		text_wrap(&out, cases[i].text, cases[i].column, cases[i].indent, cases[i].width);
		assert_string_equal(out.data ?: "", cases[i].want);
	}
	setlocale(LC_CTYPE, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_invisible),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_label_cannot_break_out),
		cmocka_unit_test(test_label_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

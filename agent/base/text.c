/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.c - see text.h. The four sanitisers share one UTF-8 decoder and differ in what they escape.
 */
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "base/util.h"

#define LABEL_MAX_BYTES	 256
#define LABEL_HASH_BYTES 17 /* "~" and 16 hexadecimal digits */

/* The length of the well-formed character at s (Unicode 15, table 3-7); 0: it is ill-formed. */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	unsigned char low = 0x80, high = 0xbf;
	uint32_t c;
	size_t n;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	/* The range of the second byte excludes overlong forms, surrogates, and code points above U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	c = s[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	*ret = c;
	return n;
}

static bool is_c0(uint32_t c)
{
	return c < 0x20;
}

static bool is_del_or_c1(uint32_t c)
{
	return c >= 0x7f && c <= 0x9f;
}

/*
 * Characters that a screen does not draw, or that change how the rest of the line is drawn: different names would look alike,
 * and a name could reverse its line. Unicode 15: default ignorable, line breaks, bidirectional controls.
 */
static bool is_invisible(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0xad, 0xad},	    {0x34f, 0x34f},	{0x61c, 0x61c},	  {0x115f, 0x1160}, {0x17b4, 0x17b5},
		{0x180b, 0x180f},   {0x200b, 0x200f},	{0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},
		{0xfe00, 0xfe0f},   {0xfeff, 0xfeff},	{0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	};

	if (c < ranges[0].first)
		return false;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static locale_t utf8;

static void utf8_make(void)
{
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Columns on a screen, the same in every locale. -1: unknown to the C library, hence also what curses does with it. */
static int char_columns(uint32_t c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t before;
	int columns;

	if (c < 0x80)
		return 1;
	pthread_once(&once, utf8_make);
	if (!utf8)
		return 1;
	before = uselocale(utf8);
	columns = wcwidth((wchar_t)c);
	uselocale(before);
	return columns;
}

/* The state while a text is written. */
struct text_cursor {
	int marks_left; /* how many combining marks may follow; 0 without a base character */
};
/* Enough for any language; stacks of more reach into the lines above and below. */
#define MARKS_MAX 2

typedef void (*text_writer)(struct buf *out, struct text_cursor *t, const unsigned char *s, size_t n, uint32_t c);

static void text_each(struct buf *out, const char *s, size_t len, text_writer write_char)
{
	const unsigned char *p = (const unsigned char *)s;
	struct text_cursor t = {};

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c;

		/* Most names are plain ASCII, which is copied in one piece. */
		for (n = 0; i + n < len && p[i + n] >= 0x20 && p[i + n] < 0x7f && p[i + n] != '\\' && p[i + n] != '"';)
			n++;
		if (n) {
			buf_add(out, p + i, n);
			t.marks_left = MARKS_MAX;
			continue;
		}
		n = utf8_decode(p + i, len - i, &c);
		if (n) {
			write_char(out, &t, p + i, n, c);
		} else {
			buf_str(out, "\xef\xbf\xbd");
			t.marks_left = 0;
			n = 1;
		}
	}
}

static void write_terminal(struct buf *out, struct text_cursor *t, const unsigned char *s, size_t n, uint32_t c)
{
	int columns;

	if (is_c0(c) || is_del_or_c1(c)) {
		buf_printf(out, "\\x%02x", c);
		t->marks_left = 0;
		return;
	}
	columns = is_invisible(c) ? -1 : char_columns(c);
	if (columns > 0) {
		buf_add(out, s, n);
		t->marks_left = MARKS_MAX;
	} else if (columns == 0 && t->marks_left > 0) {
		buf_add(out, s, n);
		t->marks_left--;
	} else {
		buf_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
		t->marks_left = 0;
	}
}

void text_terminal(struct buf *out, const char *s, size_t len)
{
	text_each(out, s, len, write_terminal);
}

/* The format has only three escapes, so that the backslash of a text like \x1b is escaped itself. */
static void write_label(struct buf *out, struct text_cursor *t, const unsigned char *s, size_t n, uint32_t c)
{
	(void)t;
	if (c == '\n')
		buf_str(out, "\\n");
	else if (c == '\\' || c == '"')
		buf_printf(out, "\\%c", (char)c);
	else if (is_c0(c) || is_del_or_c1(c))
		buf_printf(out, "\\\\x%02x", c);
	else
		buf_add(out, s, n);
}

static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3ULL;
	return h;
}

void text_label(struct buf *out, const char *s, size_t len)
{
	size_t cut = LABEL_MAX_BYTES - LABEL_HASH_BYTES;

	if (len <= LABEL_MAX_BYTES) {
		text_each(out, s, len, write_label);
		return;
	}
	/* Cut between two characters; the hash keeps long paths with the same beginning apart. */
	for (size_t back = 1; back <= 3; back++) {
		uint32_t c;

		if (utf8_decode((const unsigned char *)s + cut - back, len - cut + back, &c) > back) {
			cut -= back;
			break;
		}
	}
	text_each(out, s, cut, write_label);
	buf_printf(out, "~%016llx", (unsigned long long)hash_bytes(s, len));
}

void text_csv(struct buf *out, const char *s, size_t len)
{
	bool quoted = len && (memchr(s, ',', len) || memchr(s, '"', len) || s[0] == ' ' || s[len - 1] == ' ');

	if (!quoted) {
		text_each(out, s, len, write_terminal);
		return;
	}
	buf_char(out, '"');
	while (len) {
		const char *quote = memchr(s, '"', len);
		size_t n = quote ? (size_t)(quote - s) : len;

		text_each(out, s, n, write_terminal);
		if (quote) {
			buf_str(out, "\"\"");
			n++;
		}
		s += n;
		len -= n;
	}
	buf_char(out, '"');
}

static void write_utf8(struct buf *out, struct text_cursor *t, const unsigned char *s, size_t n, uint32_t c)
{
	(void)t;
	if (c == 0 || is_del_or_c1(c))
		buf_printf(out, "\\x%02x", c);
	else
		buf_add(out, s, n);
}

void text_utf8(struct buf *out, const char *s, size_t len)
{
	text_each(out, s, len, write_utf8);
}

/* ---- lines ---- */

/* Columns that the `length` bytes of valid UTF-8 take. */
static int word_columns(const char *word, size_t length)
{
	mbstate_t state = {};
	int columns = 0;

	while (length) {
		wchar_t c;
		size_t n = mbrtowc(&c, word, length, &state);

		if (n == 0 || n > length) { /* the C locale: a byte is a column */
			memset(&state, 0, sizeof(state));
			n = 1;
			columns++;
		} else {
			columns += wcwidth(c) > 0 ? wcwidth(c) : 0;
		}
		word += n;
		length -= n;
	}
	return columns;
}

void text_wrap(struct buf *out, const char *clean, int column, int indent, int width)
{
	bool begins = true;

	while (*clean) {
		size_t length = strcspn(clean, " ");
		int columns = word_columns(clean, length);

		if (!begins && column + 1 + columns > width) {
			buf_printf(out, "\n%*s", indent, "");
			column = indent;
			begins = true;
		}
		if (!begins)
			buf_char(out, ' ');
		buf_add(out, clean, length);
		column += columns + !begins;
		begins = false;
		clean += length;
		clean += strspn(clean, " ");
	}
}

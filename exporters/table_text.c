/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table_text.c - see table_text.h. Called for each cell of each frame: appends to a buffer that its caller keeps,
 * allocates nothing else.
 */
#include <langinfo.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "table_text.h"

#define REPLACEMENT 0xfffd
/* More marks on one character than any script needs, and as many as a terminal's cell can hold. */
#define MARKS_MAX 4

bool text_locale_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* ---- columns ---- */

/* The next character of valid UTF-8. */
static size_t utf8_next(const unsigned char *s, size_t len, uint32_t *ret)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n > len) {
		*ret = REPLACEMENT;
		return len;
	}
	*ret = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++)
		*ret = *ret << 6 | (s[i] & 0x3f);
	return n;
}

/* Takes no room and leaves no mark: two names that differ in these alone would look the same. */
static bool is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 || (c >= 0x17b4 && c <= 0x17b5) ||
	       (c >= 0x180b && c <= 0x180e) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
	       c == 0xffa0 || (c >= 0xe0000 && c <= 0xe0fff);
}

struct glyph {
	const char *bytes;
	size_t len;
	int width;
};

/* What is shown of the character at `s`: a width of 0 is a mark on the character before. */
static size_t glyph_next(const char *s, size_t len, bool utf8, struct glyph *ret)
{
	uint32_t c;
	size_t n = utf8_next((const unsigned char *)s, len, &c);

	*ret = (struct glyph){s, n, 1};
	if (c >= 0x20 && c < 0x7f)
		return n;
	if (!utf8) {
		*ret = (struct glyph){"?", 1, 1};
		return n;
	}
	ret->width = is_invisible(c) ? -1 : wcwidth((wchar_t)c);
	if (ret->width < 0)
		*ret = (struct glyph){"\xef\xbf\xbd", 3, 1};
	return n;
}

int text_columns(const char *s, size_t len, bool utf8)
{
	struct glyph g;
	int width = 0;

	for (size_t i = 0; i < len;) {
		i += glyph_next(s + i, len - i, utf8, &g);
		width += g.width;
	}
	return width;
}

static void add_blanks(struct buf *out, int n)
{
	for (; n > 0; n--)
		buf_char(out, ' ');
}

void text_fit(struct buf *out, const char *s, size_t len, int width, enum text_align align, bool utf8)
{
	int whole = text_columns(s, len, utf8), room = width, used = 0, marks = 0;
	struct glyph g;

	if (width <= 0)
		return;
	if (whole > width)
		room = width - 1;
	else if (align == TEXT_RIGHT)
		add_blanks(out, width - whole);
	for (size_t i = 0; i < len;) {
		i += glyph_next(s + i, len - i, utf8, &g);
		if (used + g.width > room)
			break;
		marks = g.width ? 0 : marks + 1;
		/* A mark at the very beginning would sit on whatever stands to the left. */
		if (g.width || (used && marks <= MARKS_MAX))
			buf_add(out, g.bytes, g.len);
		used += g.width;
	}
	if (whole > width) {
		buf_str(out, utf8 ? "\xe2\x80\xa6" : "~");
		used++;
	}
	if (align == TEXT_LEFT || (align == TEXT_RIGHT && whole > width))
		add_blanks(out, width - used);
}

/* ---- values ---- */

/* Three to four digits and a letter. `base`: 1024 or 1000. */
static void scaled_text(struct buf *out, double v, double base, const char *letters)
{
	size_t i = 0;

	/* From where rounding would write 1024. */
	while (v >= base - 0.5 && letters[i + 1]) {
		v /= base;
		i++;
	}
	if (i == 0)
		buf_printf(out, "%.0f", v);
	else
		buf_printf(out, v < 99.95 ? "%.1f%c" : "%.0f%c", v, letters[i]);
}

void bytes_text(struct buf *out, double bytes)
{
	scaled_text(out, bytes, 1024, " KMGTPE");
}

void age_text(struct buf *out, double seconds)
{
	uint64_t s = seconds < 0 ? 0 : seconds > 1e15 ? 1000000000000000 : (uint64_t)seconds;

	if (s < 60)
		buf_printf(out, "%us", (unsigned int)s);
	else if (s < 3600)
		buf_printf(out, "%um%02us", (unsigned int)(s / 60), (unsigned int)(s % 60));
	else if (s < 100 * 3600)
		buf_printf(out, "%uh%02um", (unsigned int)(s / 3600), (unsigned int)(s / 60 % 60));
	else if (s < 100 * 86400)
		buf_printf(out, "%ud%02uh", (unsigned int)(s / 86400), (unsigned int)(s / 3600 % 24));
	else
		scaled_text(out, (double)(s / 86400), 1e4, "d");
	if (s >= 100 * 86400)
		buf_char(out, 'd');
}

/* Time that was used, as it grows: 0.25s, 59.9s, 1:02.3, 3h12m. */
static void used_time_text(struct buf *out, double seconds)
{
	uint64_t tenths = (uint64_t)(seconds < 1e15 ? seconds * 10 : 0);

	if (seconds < 9.995)
		buf_printf(out, "%.2fs", seconds);
	else if (tenths < 600)
		buf_printf(out, "%.1fs", (double)tenths / 10);
	else if (tenths < 36000)
		buf_printf(out, "%u:%02u.%u", (unsigned int)(tenths / 600), (unsigned int)(tenths / 10 % 60),
			   (unsigned int)(tenths % 10));
	else
		age_text(out, seconds);
}

static void date_text(struct buf *out, double ns)
{
	time_t t = (time_t)(ns / 1e9);
	struct tm tm;

	if (localtime_r(&t, &tm))
		buf_printf(out, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			   tm.tm_min);
}

/* The exact number while it fits. */
static void count_text(struct buf *out, double v, int width)
{
	size_t before = out->len;

	buf_printf(out, "%.0f", v);
	if (out->failed || out->len - before <= (size_t)width)
		return;
	out->len = before;
	scaled_text(out, v, 1000, " kMGTPE");
	/* 12.3k may still be one too long where 12k is not. */
	if (!out->failed && out->len - before > (size_t)width) {
		char *point = memchr(out->data + before, '.', out->len - before);

		if (point) {
			memmove(point, point + 2, strlen(point + 2) + 1);
			out->len -= 2;
		}
	}
}

void value_text(struct buf *out, const struct metric_desc *d, double v, int width)
{
	if (!isfinite(v)) {
		buf_char(out, '-');
		return;
	}
	if (v < 0)
		v = 0;
	switch (d->unit) {
	case UNIT_BYTES:
		bytes_text(out, v);
		break;
	case UNIT_CORES:
		buf_printf(out, v < 99.995 ? "%.2f" : "%.1f", v);
		break;
	case UNIT_RATIO:
		buf_printf(out, v < 0.9995 ? "%.1f%%" : "%.0f%%", v * 100);
		break;
	case UNIT_RATE:
		if (v < 9.95)
			buf_printf(out, "%.1f", v);
		else
			count_text(out, v, width);
		break;
	case UNIT_NS:
		if (d->kind == METRIC_COUNTER)
			used_time_text(out, v / 1e9);
		else
			age_text(out, v / 1e9);
		break;
	case UNIT_UNIX_NS:
		date_text(out, v);
		break;
	case UNIT_COUNT:
		count_text(out, v, width);
		break;
	}
}

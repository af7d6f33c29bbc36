/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.c - see format.h.
 */
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "exporters/table/format.h"

/* ---- numbers ---- */

static void format_bytes(struct buf *out, double v)
{
	static const char units[] = "KMGTPE";
	int u = -1;

	while (v >= 999.5 && u < (int)sizeof(units) - 2) {
		v /= 1024;
		u++;
	}
	if (u < 0)
		buf_printf(out, "%.0f", v);
	else
		buf_printf(out, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[u]);
}

static void format_duration(struct buf *out, double seconds)
{
	unsigned long tenths = (unsigned long)(seconds * 10 + 0.5), s = (unsigned long)(seconds + 0.5);

	if (seconds < 59.995)
		buf_printf(out, "%.2fs", seconds);
	else if (tenths < 6000)
		buf_printf(out, "%lu:%02lu.%lu", tenths / 600, tenths % 600 / 10, tenths % 10);
	else if (s < 3600)
		buf_printf(out, "%lum%02lus", s / 60, s % 60);
	else if (s < 100 * 3600)
		buf_printf(out, "%luh%02lum", s / 3600, s % 3600 / 60);
	else if (s < 100 * 86400)
		buf_printf(out, "%lud%02luh", s / 86400, s % 86400 / 3600);
	else
		buf_printf(out, "%lud", s / 86400);
}

static void format_delay(struct buf *out, double us)
{
	if (us < 999.5)
		buf_printf(out, us < 9.95 && us > 0 ? "%.1fus" : "%.0fus", us);
	else if (us < 999.5e3)
		buf_printf(out, us < 9.95e3 ? "%.1fms" : "%.0fms", us / 1e3);
	else
		buf_printf(out, us < 99.95e6 ? "%.1fs" : "%.0fs", us / 1e6);
}

static void format_count(struct buf *out, double v)
{
	if (v < 99999.5)
		buf_printf(out, v == floor(v) || v >= 99.95 ? "%.0f" : "%.1f", v);
	else if (v < 999.5e6)
		buf_printf(out, v < 9.95e6 ? "%.2fM" : "%.0fM", v / 1e6);
	else
		buf_printf(out, "%.2fG", v / 1e9);
}

void format_value(struct buf *out, const struct metric_desc *d, double v)
{
	if (value_absent(v)) {
		buf_char(out, '-');
		return;
	}
	switch (d->unit) {
	case UNIT_NS:
		format_duration(out, v / 1e9);
		break;
	case UNIT_DELAY:
		format_delay(out, v / 1e3);
		break;
	case UNIT_UNIX_NS:
		buf_printf(out, "%.0f", v / 1e9);
		break;
	case UNIT_BYTES:
		format_bytes(out, v);
		break;
	case UNIT_CORES:
		buf_printf(out, v < 99.995 ? "%.2f" : "%.0f", v);
		break;
	case UNIT_RATIO:
		buf_printf(out, v < 0.0995 ? "%.1f" : "%.0f", v * 100);
		break;
	case UNIT_COUNT:
	case UNIT_RATE:
		format_count(out, v);
		break;
	}
}

void format_metric(struct buf *out, enum metric_scope scope, const double *v, int metric)
{
	size_t n;
	const struct metric_desc *d = metric_table(scope, &n);

	format_value(out, &d[metric], v[metric]);
}

/* ---- texts on a screen ---- */

bool format_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Length of the character at s in bytes, and its width in columns; s is well-formed UTF-8. */
static size_t character_length(const char *s, bool utf8, int *ret_columns)
{
	unsigned char c = (unsigned char)*s;
	size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	wchar_t wide = 0;

	*ret_columns = 1;
	for (size_t i = 1; i < length; i++)
		if (!s[i])
			return i;
	if (length > 1 && utf8 && mbtowc(&wide, s, length) > 0)
		*ret_columns = wcwidth(wide) < 0 ? 1 : wcwidth(wide);
	return length;
}

static int text_width(const char *text, bool utf8)
{
	int width = 0, columns;

	while (*text) {
		text += character_length(text, utf8, &columns);
		width += columns;
	}
	return width;
}

void text_fit(struct buf *out, const char *text, int width, bool right)
{
	bool utf8 = format_is_utf8();
	int total = text_width(text, utf8), used = 0, columns;
	bool cut = total > width;

	if (right && !cut)
		buf_printf(out, "%*s", width - total, "");
	while (*text) {
		size_t length = character_length(text, utf8, &columns);

		if (used + columns > width - cut)
			break;
		if (length > 1 && !utf8)
			buf_char(out, '?');
		else
			buf_add(out, text, length);
		used += columns;
		text += length;
	}
	if (cut && width > 0) {
		buf_str(out, utf8 ? "\xe2\x80\xa6" : "~");
		used++;
	}
	if (!right || cut)
		buf_printf(out, "%*s", width - used, "");
}

void line_below(struct buf *out, int width, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if ((int)strlen(text) < width)
		width = (int)strlen(text);
	text_fit(out, text, width, false);
	buf_char(out, '\n');
}

/* ---- names ---- */

void format_name(struct buf *out, const char *name)
{
	text_terminal(out, name, strlen(name));
}

#define INDENT_MAX 16

void format_indent(struct buf *out, uint8_t depth)
{
	for (int i = 0; i < depth && i < INDENT_MAX; i++)
		buf_str(out, i + 1 == depth || i == INDENT_MAX - 1 ? "`-" : "  ");
}

int format_indent_width(uint8_t depth)
{
	return 2 * (depth < INDENT_MAX ? depth : INDENT_MAX);
}

int format_fold(struct buf *out, uint32_t below)
{
	size_t before = out->len;

	if (below)
		buf_printf(out, "[+%u] ", below);
	return (int)(out->len - before);
}

/* A path is cut from the front only if at least this much remains. */
#define PATH_MIN 12

void format_path(struct buf *out, const char *name, int width)
{
	_cleanup_buf_ struct buf text = {};
	bool utf8 = format_is_utf8();
	const char *rest;
	int left, columns;

	text_terminal(&text, name, strlen(name));
	rest = text.data ? text.data : "";
	left = text_width(rest, utf8);
	if (name[0] != '/' || left <= width || width < PATH_MIN) {
		buf_str(out, rest);
		return;
	}
	/* Combining marks go with the character that they stand on. */
	for (size_t n = character_length(rest, utf8, &columns); *rest && (left > width - 1 || columns == 0);
	     n = character_length(rest, utf8, &columns)) {
		rest += n;
		left -= columns;
	}
	buf_str(out, utf8 ? "\xe2\x80\xa6" : "~");
	buf_str(out, rest);
}

void format_csv(struct buf *out, const char *text)
{
	buf_char(out, ',');
	text_csv(out, text, strlen(text));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings_text.c - findings for people: see findings.h. Names pass through text_terminal. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "base/text.h"
#include "exporters/findings/findings.h"

#define COLUMNS 80
#define INDENT	12 /* of everything below a headline */

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

void findings_wrap(struct buf *out, const char *first, int indent, const char *text)
{
	_cleanup_buf_ struct buf clean = {};
	const char *word;
	int column = indent;
	bool begins = true;

	buf_printf(out, "%-*s", indent, first);
	text_terminal(&clean, text, strlen(text));
	for (word = clean.data ?: ""; *word;) {
		size_t length = strcspn(word, " ");
		int columns = word_columns(word, length);

		if (!begins && column + 1 + columns > COLUMNS) {
			buf_printf(out, "\n%*s", indent, "");
			column = indent;
			begins = true;
		}
		if (!begins)
			buf_char(out, ' ');
		buf_add(out, word, length);
		column += columns + !begins;
		begins = false;
		word += length;
		word += strspn(word, " ");
	}
	buf_char(out, '\n');
	out->failed |= clean.failed;
}

static const char *const confidence_words[FINDING_CONFIDENCES] = {"possible", "likely", "sure"};
static const char *const severity_marks[FINDING_SEVERITIES] = {"notice", "WARNING", "CRITICAL"};

static void add_duration(struct buf *out, double seconds)
{
	if (seconds < 10)
		buf_printf(out, "%.1f s", seconds);
	else if (seconds < 120)
		buf_printf(out, "%.0f s", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%.0f min", seconds / 60);
	else
		buf_printf(out, "%.1f h", seconds / 3600);
}

static void add_list(struct buf *out, const char *title, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		findings_wrap(out, i ? "" : title, INDENT, lines[i]);
}

static void add_evidence(struct buf *out, const struct finding *f)
{
	for (size_t i = 0; i < f->n_evidence; i++)
		findings_wrap(out, i ? "" : "  because", INDENT, f->evidence[i].text);
}

static void add_consequences(struct buf *out, const struct finding *f)
{
	for (size_t i = 0; i < f->n_explains; i++)
		findings_wrap(out, i ? "" : "  explains", INDENT, f->explains[i].headline);
	if (f->explains_more)
		buf_printf(out, "%*sand %lu more\n", INDENT, "", f->explains_more);
}

static void add_finding(struct buf *out, const struct finding *f)
{
	findings_wrap(out, severity_marks[f->severity], INDENT, f->headline);
	add_evidence(out, f);
	add_consequences(out, f);
	add_list(out, "  it is not", f->ruled_out, f->n_ruled_out);
	add_list(out, "  do", f->advice, f->n_advice);
	buf_printf(out, "%-*s%s (rule %s)\n\n", INDENT, "  how sure", confidence_words[f->confidence], f->rule);
}

static void add_head(struct buf *out, const struct findings *f, const struct snapshot *s)
{
	char when[32] = "";
	time_t seconds = (time_t)f->time;
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	buf_str(out, "host ");
	text_terminal(out, s->hostname ?: "", strlen(s->hostname ?: ""));
	buf_printf(out, ", %s, watched for ", when);
	add_duration(out, f->watched_seconds);
	buf_str(out, "\n\n");
}

static void add_looked_at(struct buf *out, const struct findings *f)
{
	buf_printf(out, "looked at   %zu containers and services, %zu processes, %zu event loops,\n%*swith %zu rules\n",
		   f->containers, f->processes, f->loops, INDENT, "", f->rules - f->n_unjudged);
}

static void add_nothing(struct buf *out, const struct findings *f)
{
	buf_str(out,
		f->n_unjudged ? "Nothing wrong found by the rules that could judge.\n\n" : "Nothing wrong found.\n\n");
	for (size_t i = 0; i < f->n_near; i++) {
		_cleanup_buf_ struct buf text = {};

		buf_printf(&text, "%s%s%s (%.0f %% of the threshold of %s)", f->near[i].container,
			   *f->near[i].container ? ": " : "", f->near[i].text, f->near[i].share * 100, f->near[i].rule);
		findings_wrap(out, i ? "" : "closest", INDENT, text.data ?: "");
	}
}

static void add_unjudged(struct buf *out, const struct findings *f)
{
	for (size_t i = 0; i < f->n_unjudged; i++) {
		_cleanup_buf_ struct buf text = {};

		buf_printf(&text, "%s: %s", f->unjudged[i].rule, f->unjudged[i].reason);
		findings_wrap(out, i ? "" : "not judged", INDENT, text.data ?: "");
	}
}

int findings_text(struct buf *out, const struct findings *f, const struct snapshot *s)
{
	add_head(out, f, s);
	for (size_t i = 0; i < f->n; i++)
		add_finding(out, &f->all[i]);
	if (!f->n)
		add_nothing(out, f);
	add_looked_at(out, f);
	add_unjudged(out, f);
	return out->failed ? -ENOMEM : 0;
}

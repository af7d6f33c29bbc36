/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings_text.c - findings for people: see findings.h. Names pass through text_terminal. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "exporters/findings/findings.h"

#define COLUMNS 80 /* where nobody says how wide */
#define INDENT	12 /* of everything below a headline */
/* Rules times severities; there are 38 rules. */
#define FINDING_RULES_MAX 128

/* A sheet that is so many columns wide. */
struct sheet {
	struct buf *out;
	int width;
	double span; /* of the recording that is judged, in seconds; 0: it is so now */
};

static void sheet_wrap(const struct sheet *p, const char *first, int indent, const char *text)
{
	_cleanup_buf_ struct buf clean = {};

	buf_printf(p->out, "%-*s", indent, first);
	text_terminal(&clean, text, strlen(text));
	text_wrap(p->out, clean.data ?: "", indent, indent, p->width);
	buf_char(p->out, '\n');
	p->out->failed |= clean.failed;
}

void findings_wrap(struct buf *out, const char *first, int indent, const char *text)
{
	const struct sheet p = {.out = out, .width = COLUMNS};

	sheet_wrap(&p, first, indent, text);
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

static void add_list(const struct sheet *p, const char *title, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sheet_wrap(p, i ? "" : title, INDENT, lines[i]);
}

static void add_evidence(const struct sheet *p, const struct finding *f)
{
	for (size_t i = 0; i < f->n_evidence; i++)
		sheet_wrap(p, i ? "" : "  because", INDENT, f->evidence[i].text);
}

static void add_consequences(const struct sheet *p, const struct finding *f)
{
	for (size_t i = 0; i < f->n_explains; i++)
		sheet_wrap(p, i ? "" : "  explains", INDENT, f->explains[i].headline);
	if (f->explains_more)
		buf_printf(p->out, "%*sand %lu more\n", INDENT, "", f->explains_more);
}

static void add_moment(struct buf *out, double time, const char *form)
{
	time_t seconds = (time_t)time;
	char text[64] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), form, &tm))
		buf_str(out, text);
}

/* Within half a day the time of day says which one it is. */
static const char *moment_form(double span)
{
	return span < 86400 / 2.0 ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S";
}

/* Of a recording: when it was so. */
static void add_when(const struct sheet *p, const struct finding *f)
{
	_cleanup_buf_ struct buf text = {};

	if (!(f->until > 0))
		return;
	add_moment(&text, f->since, moment_form(p->span));
	buf_str(&text, " to ");
	add_moment(&text, f->until, moment_form(p->span));
	sheet_wrap(p, "  when", INDENT, text.data ?: "");
}

static void add_finding(const struct sheet *p, const struct finding *f)
{
	sheet_wrap(p, severity_marks[f->severity], INDENT, f->headline);
	add_when(p, f);
	add_evidence(p, f);
	add_consequences(p, f);
	add_list(p, "  it is not", f->ruled_out, f->n_ruled_out);
	add_list(p, "  do", f->advice, f->n_advice);
	buf_printf(p->out, "%-*s%s (rule %s)\n", INDENT, "  how sure", confidence_words[f->confidence], f->rule);
}

void findings_text_one(struct buf *out, const struct finding *f, int width)
{
	const struct sheet p = {.out = out, .width = width};

	add_finding(&p, f);
}

/* ---- findings that are alike ---- */

#define LIKE_SHOWN 3 /* of one rule and severity: the worst */
#define LIKE_NAMES 8 /* of those that are left out */

/* Those of one rule and severity. */
struct alike {
	const struct finding *first;
	size_t n, shown;
};
struct alikes {
	struct alike of[FINDING_RULES_MAX];
	size_t n;
};

static bool is_alike(const struct finding *a, const struct finding *b)
{
	return a->severity == b->severity && strcmp(a->rule, b->rule) == 0;
}

/* NULL: there are too many kinds; then each is shown. */
static struct alike *alike_of(struct alikes *l, const struct finding *f)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_alike(l->of[i].first, f))
			return &l->of[i];
	if (l->n == FINDING_RULES_MAX)
		return NULL;
	l->of[l->n] = (struct alike){.first = f};
	return &l->of[l->n++];
}

/* "and 1,997 more like this", behind the last that is shown, with the names of the next. */
static void add_more(const struct sheet *p, const struct findings *f, size_t last, size_t more)
{
	_cleanup_buf_ struct buf text = {};
	const char *before = "";
	size_t names = 0, of_names = 0;

	buf_printf(&text, "%zu more like this", more);
	for (size_t i = last + 1; i < f->n && names < LIKE_NAMES; i++) {
		if (!is_alike(&f->all[i], &f->all[last]))
			continue;
		of_names++;
		if (!*f->all[i].container || strcmp(f->all[i].container, before) == 0)
			continue;
		before = f->all[i].container;
		buf_printf(&text, "%s%s", names++ ? ", " : ": ", before);
	}
	buf_str(&text, names && of_names < more ? ", ...; --all shows each" : "; --all shows each");
	sheet_wrap(p, "  and", INDENT, text.data ?: "");
}

/* One that is left out alone would save nothing. */
static size_t alike_shown(const struct alike *a, bool all)
{
	return !a || all || a->n <= LIKE_SHOWN + 1 ? SIZE_MAX : LIKE_SHOWN;
}

static void add_findings(const struct sheet *p, const struct findings *f, bool all)
{
	struct alikes alikes = {};

	for (size_t i = 0; i < f->n; i++) {
		struct alike *a = alike_of(&alikes, &f->all[i]);

		if (a)
			a->n++;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct alike *a = alike_of(&alikes, &f->all[i]);
		size_t shown = alike_shown(a, all);

		if (a && a->shown++ >= shown)
			continue;
		add_finding(p, &f->all[i]);
		if (a && a->shown == shown)
			add_more(p, f, i, a->n - shown);
		buf_char(p->out, '\n');
	}
}

/* ---- what stands around them ---- */

#define GAPS_SHOWN 4

/* Where nothing was recorded, between the samples on both sides. */
static void add_gaps(const struct sheet *p, const struct findings *f)
{
	_cleanup_buf_ struct buf text = {};

	for (size_t i = 0; i < f->n_gaps && i < GAPS_SHOWN; i++) {
		buf_str(&text, i ? ", from " : "no samples from ");
		add_moment(&text, f->gaps[i].from, moment_form(p->span));
		buf_str(&text, " to ");
		add_moment(&text, f->gaps[i].to, moment_form(p->span));
	}
	if (f->n_gaps > GAPS_SHOWN)
		buf_printf(&text, ", and %zu times more", f->n_gaps - GAPS_SHOWN);
	if (f->n_gaps)
		sheet_wrap(p, "", 0, text.data ?: "");
}

static void add_head(const struct sheet *p, const struct findings *f, const struct snapshot *s)
{
	struct buf *out = p->out;

	buf_str(out, "host ");
	text_terminal(out, s->hostname ?: "", strlen(s->hostname ?: ""));
	if (f->from > 0) {
		buf_str(out, ", recorded from ");
		add_moment(out, f->from, "%Y-%m-%d %H:%M:%S");
		buf_str(out, " to ");
		add_moment(out, f->time, moment_form(f->time - f->from));
		buf_str(out, ", ");
		add_duration(out, f->time - f->from);
		buf_str(out, "\n");
	} else {
		buf_str(out, ", ");
		add_moment(out, f->time, "%H:%M:%S, watched for ");
		add_duration(out, f->watched_seconds);
	}
	if (f->cuts)
		buf_printf(out, "sysscope was started again %zu %s: %.1f s of this time are known\n", f->cuts,
			   text_noun((double)f->cuts, "time", "times"), f->watched_seconds);
	if (f->from > 0)
		add_gaps(p, f);
	buf_str(out, f->from > 0 ? "\n" : "\n\n");
}

static void add_looked_at(const struct sheet *p, const struct findings *f)
{
	_cleanup_buf_ struct buf text = {};

	double rules = (double)(f->rules - f->n_unjudged);

	buf_printf(&text, "%zu %s, %zu %s, %zu %s, with %.0f %s", f->containers,
		   text_noun((double)f->containers, "container or service", "containers and services"), f->processes,
		   text_noun((double)f->processes, "process", "processes"), f->loops,
		   text_noun((double)f->loops, "event loop", "event loops"), rules, text_noun(rules, "rule", "rules"));
	sheet_wrap(p, "looked at", INDENT, text.data ?: "");
}

static void add_closest(const struct sheet *p, const struct findings *f)
{
	for (size_t i = 0; i < f->n_near; i++) {
		_cleanup_buf_ struct buf text = {};

		buf_printf(&text, "%s%s%s (%.0f %% of the threshold of %s)", f->near[i].container,
			   *f->near[i].container ? ": " : "", f->near[i].text, f->near[i].share * 100, f->near[i].rule);
		sheet_wrap(p, i ? "" : "closest", INDENT, text.data ?: "");
	}
}

static void add_nothing(const struct sheet *p, const struct findings *f)
{
	sheet_wrap(p, "", 0,
		   f->n_unjudged ? "Nothing wrong found by the rules that could judge." : "Nothing wrong found.");
	buf_char(p->out, '\n');
	add_closest(p, f);
}

static void add_unjudged(const struct sheet *p, const struct findings *f)
{
	for (size_t i = 0; i < f->n_unjudged; i++) {
		_cleanup_buf_ struct buf text = {};

		buf_printf(&text, "%s: %s", f->unjudged[i].rule, f->unjudged[i].reason);
		sheet_wrap(p, i ? "" : "not judged", INDENT, text.data ?: "");
	}
}

int findings_text(struct buf *out, const struct findings *f, const struct snapshot *s, bool all)
{
	const struct sheet p = {.out = out, .width = COLUMNS, .span = f->from > 0 ? f->time - f->from : 0};

	add_head(&p, f, s);
	add_findings(&p, f, all);
	if (!f->n)
		add_nothing(&p, f);
	add_looked_at(&p, f);
	add_unjudged(&p, f);
	return out->failed ? -ENOMEM : 0;
}

void findings_text_below(struct buf *out, const struct findings *f, size_t shown, int width)
{
	const struct sheet p = {.out = out, .width = width};
	_cleanup_buf_ struct buf text = {};

	if (!f) {
		sheet_wrap(&p, "", 0, "The watch begins with the next snapshot; nothing is judged yet.");
		return;
	}
	buf_str(&text, f->too_short ? "Watching for " : "Watched for ");
	add_duration(&text, f->watched_seconds);
	if (f->too_short)
		buf_str(&text, ": too short to judge anything.");
	else if (f->n)
		buf_printf(&text, ": %zu %s found%s.", f->n, f->n == 1 ? "finding" : "findings",
			   shown < f->n ? ", some of which are not shown" : "");
	else
		buf_printf(&text, ": nothing wrong found%s.", f->n_unjudged ? " by the rules that could judge" : "");
	sheet_wrap(&p, "", 0, text.data ?: "");
	out->failed |= text.failed;
	if (f->too_short)
		return;
	if (!f->n)
		add_closest(&p, f);
	add_looked_at(&p, f);
	add_unjudged(&p, f);
}

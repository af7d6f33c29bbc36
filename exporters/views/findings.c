/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * findings.c - the view of what is wrong: the findings of the rules, the worst first, and the evidence of each. Judges nothing: it
 * shows what the snapshot has.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "exporters/findings/findings.h"
#include "exporters/table/table.h"
#include "exporters/views/views.h"

enum { SEVERITY, SINCE, RULE_NAME, ABOUT, DONE_BY, HEADLINE };

static const struct finding *finding_at(const struct snapshot *s, uint32_t row)
{
	return &s->findings->all[row];
}

static size_t finding_count(const struct snapshot *s)
{
	return s->findings ? s->findings->n : 0;
}

static const double *finding_metrics(const struct snapshot *s, uint32_t row)
{
	(void)s;
	(void)row;
	return NULL;
}

/* A finding about none of the containers is about the machine. */
static const struct container_row *finding_home(const struct snapshot *s, uint32_t row)
{
	static const struct container_row machine = {
		.name = "machine", .id = "", .image = "", .pod = "", .kind = "host", .cgroup = ""};
	const struct finding *f = finding_at(s, row);

	return f->home ? &s->containers[f->home - 1] : &machine;
}

static const struct container_row *finding_culprit_home(const struct snapshot *s, uint32_t row)
{
	const struct finding *f = finding_at(s, row);

	return f->culprit_home ? &s->containers[f->culprit_home - 1] : NULL;
}

static struct row_id finding_id(const struct snapshot *s, uint32_t row)
{
	const struct finding *f = finding_at(s, row);

	return (struct row_id){.pid = f->pid, .cgroup = f->container_cgroup, .other = f->rule};
}

static const char *finding_severity_text(const struct snapshot *s, uint32_t row)
{
	static const char *const texts[FINDING_SEVERITIES] = {"notice", "WARNING", "CRITICAL"};

	return texts[finding_at(s, row)->severity];
}

static const char *finding_rule(const struct snapshot *s, uint32_t row)
{
	return finding_at(s, row)->rule;
}

static const char *finding_about(const struct snapshot *s, uint32_t row)
{
	const struct finding *f = finding_at(s, row);

	return *f->container ? f->container : "machine";
}

static const char *finding_done_by(const struct snapshot *s, uint32_t row)
{
	const struct finding *f = finding_at(s, row);

	return *f->culprit_container ? f->culprit_container : f->culprit_process;
}

static const char *finding_line(const struct snapshot *s, uint32_t row)
{
	return finding_at(s, row)->headline;
}

/* ---- cells ---- */

static void about_cell(struct buf *out, const struct table_cell *cell)
{
	format_path(out, finding_about(cell->s, cell->row), cell->width);
}

static void done_by_cell(struct buf *out, const struct table_cell *cell)
{
	const struct finding *f = finding_at(cell->s, cell->row);

	if (*f->culprit_container)
		format_path(out, f->culprit_container, cell->width);
	else if (*f->culprit_process)
		format_name(out, f->culprit_process);
	else
		buf_char(out, '-');
}

/* How long it has been so: "12s", "5m", "3h". */
static void since_cell(struct buf *out, const struct table_cell *cell)
{
	double seconds = cell->s->time - finding_at(cell->s, cell->row)->since;

	seconds = seconds > 0 ? seconds : 0;
	if (seconds < 100)
		buf_printf(out, "%.0fs", seconds);
	else if (seconds < 6000)
		buf_printf(out, "%.0fm", floor(seconds / 60));
	else
		buf_printf(out, "%.0fh", floor(seconds / 3600));
}

static double since_number(const struct snapshot *s, uint32_t row)
{
	return finding_at(s, row)->since;
}

/* The worst first, as the rules have put them. */
static int severity_compare(const struct table_choice *c, const struct snapshot *s, uint32_t x, uint32_t y,
			    int direction)
{
	(void)c;
	(void)s;
	return (x < y ? -1 : x > y) * direction;
}

static void finding_csv(struct buf *out, const struct snapshot *s, uint32_t row)
{
	const struct finding *f = finding_at(s, row);

	format_csv(out, finding_severity_names[f->severity]);
	format_csv(out, f->rule);
	format_csv(out, f->container);
	format_csv(out, f->container_cgroup);
	format_csv(out, f->culprit_container);
	format_csv(out, f->culprit_cgroup);
	format_csv(out, f->culprit_process);
	format_csv(out, finding_confidence_names[f->confidence]);
	buf_printf(out, ",%.3f", f->since);
	format_csv(out, f->headline);
}

static void finding_detail(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	findings_text_one(out, finding_at(s, row), width);
}

static void finding_below(struct buf *out, const struct snapshot *s, size_t shown, int width)
{
	findings_text_below(out, s->findings, shown, width);
}

static bool finding_alarming(const struct snapshot *s, uint32_t row, int column)
{
	return column == TEXT_COLUMN(SEVERITY) && finding_at(s, row)->severity > FINDING_NOTICE;
}

static const struct text_column finding_columns[] = {
	[SEVERITY] = {.title = "SEVERITY",
		      .key = "severity",
		      .width = 8,
		      .good = 8,
		      .max = 8,
		      .text = finding_severity_text,
		      .compare = severity_compare},
	[SINCE] = {.title = "FOR",
		   .key = "since",
		   .width = 4,
		   .good = 4,
		   .max = 4,
		   .right = true,
		   .number = since_number,
		   .cell = since_cell},
	[RULE_NAME] = {.title = "RULE", .key = "rule", .width = 18, .good = 18, .max = 24, .text = finding_rule},
	[ABOUT] = {.title = "CONTAINER",
		   .key = "container",
		   .alias = "name",
		   .width = 12,
		   .good = 16,
		   .max = 24,
		   .text = finding_about,
		   .cell = about_cell},
	[DONE_BY] = {.title = "CULPRIT",
		     .key = "culprit",
		     .width = 12,
		     .good = 16,
		     .max = 24,
		     .text = finding_done_by,
		     .cell = done_by_cell},
	[HEADLINE] = {.title = "WHAT IS WRONG",
		      .key = "headline",
		      .width = 10,
		      .good = 70,
		      .max = 400,
		      .fills = true,
		      .text = finding_line},
};
static const int finding_wishes[] = {TEXT_COLUMN(SEVERITY), TEXT_COLUMN(HEADLINE),  TEXT_COLUMN(SINCE),
				     TEXT_COLUMN(ABOUT),    TEXT_COLUMN(RULE_NAME), TEXT_COLUMN(DONE_BY)};

const struct view_desc view_findings = {
	.name = "findings",
	.scope = SCOPE_COUNT,
	.findings = true,
	.loops = true,
	.help = "Findings: what is wrong, the worst first, over the last 10 to 20 seconds; FOR:\n"
		"for how long at least. Enter: evidence, what it is not, and what to do.\n",
	.count = finding_count,
	.values = finding_metrics,
	.row_name = finding_about,
	.home = finding_home,
	.other = finding_culprit_home,
	.id = finding_id,
	.columns = finding_columns,
	.n_columns = ARRAY_SIZE(finding_columns),
	.wishes = finding_wishes,
	.n_wishes = ARRAY_SIZE(finding_wishes),
	.sort = TEXT_COLUMN(SEVERITY),
	.sort_keys = {{'T', TEXT_COLUMN(SINCE)}, {'N', TEXT_COLUMN(ABOUT)}},
	.csv_titles =
		"time,severity,rule,container,container_cgroup,culprit,culprit_cgroup,culprit_process,confidence,since,"
		"headline",
	.csv_values = finding_csv,
	.detail = finding_detail,
	.gone = "It is not so any more.\n",
	.below = finding_below,
	.alarming = finding_alarming,
};

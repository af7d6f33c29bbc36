/* SPDX-License-Identifier: GPL-2.0-or-later */
/* index.c - see index.h. Called by the rules. */
#include <stdlib.h>

#include "diagnose/case/finding.h"
#include "diagnose/case/index.h"

typedef uint32_t row_container(const struct snapshot *s, size_t row);

static uint32_t home_of_process(const struct snapshot *s, size_t row)
{
	return s->processes[row].container;
}

static uint32_t home_of_group(const struct snapshot *s, size_t row)
{
	return s->groups[row].container;
}

static void index_rows_free(struct index_rows *x)
{
	free(x->begin);
	free(x->rows);
	*x = (struct index_rows){};
}

void index_free(struct index *x)
{
	index_rows_free(&x->processes);
	index_rows_free(&x->groups);
	free(x->by_pid);
	x->by_pid = NULL;
}

/* Counts the rows of each container, then puts each row behind those of the containers before. */
static bool index_rows_make(struct index_rows *x, const struct snapshot *s, size_t n, row_container *home)
{
	x->begin = calloc(s->n_containers + 2, sizeof(*x->begin));
	x->rows = calloc(n + 1, sizeof(*x->rows));
	if (!x->begin || !x->rows) {
		index_rows_free(x);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		x->begin[home(s, i) + 2]++;
	for (size_t i = 2; i < s->n_containers + 2; i++)
		x->begin[i] += x->begin[i - 1];
	for (size_t i = 0; i < n; i++)
		x->rows[x->begin[home(s, i) + 1]++] = (uint32_t)i;
	return true;
}

static const uint32_t *index_rows_of(struct judging *j, struct index_rows *x, size_t n, row_container *home,
				     uint32_t container, size_t *ret_n)
{
	*ret_n = 0;
	if (!x->begin && !index_rows_make(x, j->now, n, home)) {
		j->failed = true;
		return NULL;
	}
	*ret_n = x->begin[container + 1] - x->begin[container];
	return x->rows + x->begin[container];
}

const uint32_t *index_processes(struct judging *j, uint32_t container, size_t *ret_n)
{
	return index_rows_of(j, &j->index.processes, j->now->n_processes, home_of_process, container, ret_n);
}

const uint32_t *index_groups(struct judging *j, uint32_t container, size_t *ret_n)
{
	return index_rows_of(j, &j->index.groups, j->now->n_groups, home_of_group, container, ret_n);
}

static int index_pid_order(const void *a, const void *b, void *ctx)
{
	const struct snapshot *s = ctx;
	uint32_t x = s->processes[*(const uint32_t *)a].pid, y = s->processes[*(const uint32_t *)b].pid;

	return x < y ? -1 : x > y;
}

const struct process_row *index_pid(struct judging *j, uint32_t pid)
{
	const struct snapshot *s = j->now;
	size_t low = 0, high = s->n_processes;

	if (!j->index.by_pid) {
		j->index.by_pid = calloc(s->n_processes + 1, sizeof(*j->index.by_pid));
		if (!j->index.by_pid) {
			j->failed = true;
			return NULL;
		}
		for (size_t i = 0; i < s->n_processes; i++)
			j->index.by_pid[i] = (uint32_t)i;
		qsort_r(j->index.by_pid, s->n_processes, sizeof(*j->index.by_pid), index_pid_order,
			(void *)(uintptr_t)s);
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->processes[j->index.by_pid[middle]].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->n_processes || s->processes[j->index.by_pid[low]].pid != pid)
		return NULL;
	return &s->processes[j->index.by_pid[low]];
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * views.c - see views.h.
 */
#include <stdio.h>
#include <string.h>

#include "exporters/views/views.h"

const struct view_desc *const views[VIEWS] = {&view_containers, &view_processes, &view_neighbours, &view_loops,
					      &view_findings,	&view_threads,	 &view_events};

size_t view_index(const struct view_desc *view)
{
	size_t i = 0;

	while (i < VIEWS - 1 && views[i] != view)
		i++;
	return i;
}

const struct view_desc *view_find(const char *name)
{
	for (size_t i = 0; i < VIEWS; i++)
		if (strcmp(views[i]->name, name) == 0)
			return views[i];
	return NULL;
}

const char *view_choices(void)
{
	static char choices[32 * VIEWS];
	size_t used = 0;

	for (size_t i = 0; i < VIEWS && used < sizeof(choices); i++)
		used += (size_t)snprintf(choices + used, sizeof(choices) - used, "%s%s", i ? "|" : "", views[i]->name);
	return choices;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdev.c - see netdev.h. Names are whoever's is root in the namespace: any bytes but blanks, slashes and colons. */
#include <string.h>

#include "base/util.h"
#include "network/netdev.h"

/* The numbers of a line, in its order: those that are wanted, by the offset of their field plus 1. */
#define FIELD(name) (offsetof(struct interface_counters, name) + 1)
static const size_t columns[16] = {
	FIELD(receive_bytes),  FIELD(receive_packets),	FIELD(receive_errors),	FIELD(receive_dropped),	 0, 0, 0, 0,
	FIELD(transmit_bytes), FIELD(transmit_packets), FIELD(transmit_errors), FIELD(transmit_dropped), 0, 0, 0, 0,
};

static int numbers_parse(char *text, struct interface_counters *ret)
{
	char *save = NULL, *word = strtok_r(text, " ", &save);

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++, word = strtok_r(NULL, " ", &save)) {
		uint64_t value;

		if (!word || parse_u64(word, 0, UINT64_MAX, &value) < 0)
			return -1;
		if (columns[i])
			memcpy((char *)ret + columns[i] - 1, &value, sizeof(value));
	}
	return 0;
}

static bool is_ignored(const char *name)
{
	return strcmp(name, "lo") == 0 || strncmp(name, "veth", 4) == 0 || strncmp(name, "docker", 6) == 0;
}

static void counters_sum(struct interface_counters *sum, const struct interface_counters *one)
{
	uint64_t *a = (uint64_t *)sum;
	const uint64_t *b = (const uint64_t *)one;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*a); i++)
		a[i] += b[i];
}

size_t netdev_parse(char *text, struct sample_interface *rows, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *name = line + strspn(line, " "), *colon = strchr(name, ':');
		struct interface_counters counters = {};

		if (!colon || colon == name || colon - name >= SS_INTERFACE_NAME)
			continue;
		*colon = '\0';
		if (is_ignored(name) || numbers_parse(colon + 1, &counters) < 0)
			continue;
		if (n == max) {
			strcpy(rows[n - 1].name, INTERFACE_OTHER);
			counters_sum(&rows[n - 1].counters, &counters);
			continue;
		}
		rows[n] = (struct sample_interface){.counters = counters};
		memcpy(rows[n++].name, name, (size_t)(colon - name) + 1);
	}
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_json.c - JSON as runtimes' files have it: refused or a tree within the bounds, never a crash. */
#include "fuzz.h"
#include "identity/store/hostile_file.h"

static size_t parts(const json_t *j, int depth)
{
	const char *key;
	json_t *value;
	size_t n = 1, i;

	must(depth <= HOSTILE_JSON_DEPTH + 1);
	json_object_foreach ((json_t *)j, key, value)
		n += 1 + parts(value, depth + 1);
	json_array_foreach (j, i, value)
		n += parts(value, depth + 1);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size);
	json_t *j = NULL;

	if (hostile_json(text, size, &j) == 0) {
		must(parts(j, 1) <= HOSTILE_JSON_PARTS + 1);
		json_text(j, "Name");
		json_decref(j);
	}
	free(text);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_recorded_facts.c - a block of events of a recording: nothing is read past its end, and each event that is read can be
 * printed, as one line of JSON and one of text.
 */
#include <jansson.h>

#include "base/util.h"
#include "record/facts/facts.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);
	struct fact_reader r = {0};
	struct fact_room room;

	must(bytes);
	memcpy(bytes, data, size);
	fact_reader_begin(&r, bytes, size);
	while (fact_reader_next(&r, &room) == 1) {
		struct buf json = {0}, text = {0};
		json_t *line;

		must(event_json(&json, &room.event) == 0);
		must(event_text(&text, &room.event) == 0);
		must(memchr(text.data, '\n', text.len) == text.data + text.len - 1);
		line = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
		must(line);
		json_decref(line);
		buf_free(&json);
		buf_free(&text);
	}
	fact_reader_free(&r);
	free(bytes);
	return 0;
}

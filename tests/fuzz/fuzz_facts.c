/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_facts.c - records of the ring: none is read past its end, what is taken can be relied on, and becomes one line of
 * JSON or none.
 */
#include <jansson.h>

#include "events/feed.h"
#include "sample/fact.h"
#include "fuzz.h"
#include "events/redact.h"

static void line_try(const struct ss_fact *f)
{
	static struct redactor *redactor;
	struct event_choice choice = {.types = (1u << EVENT_LOST) - 1, .json = true};
	const struct event_queue *q;
	struct event_feed *feed;
	struct buf error = {0};

	if (!redactor)
		must(redactor_open(&redactor, NULL, 0, &error) == 0);
	choice.redactor = redactor;
	must(event_feed_new(&feed, &choice) == 0);
	event_feed_take(feed, f, NULL, NULL);
	q = event_feed_queue(feed);
	if (q->lines.len) {
		json_t *line = json_loadb(q->lines.data, q->lines.len, JSON_REJECT_DUPLICATES, NULL);

		must(line);
		must(event_queue_lines_waiting(q) == 1);
		json_decref(line);
	}
	event_feed_free(feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);
	struct ss_fact f;

	must(bytes);
	memcpy(bytes, data, size);
	memset(&f, 0xa5, sizeof(f));
	if (fact_decode(bytes, size, &f) < 0) {
		for (size_t i = 0; i < sizeof(f); i++)
			must(((unsigned char *)&f)[i] == 0xa5);
	} else {
		must(f.size <= size);
		must(strnlen(f.comm, sizeof(f.comm)) < sizeof(f.comm));
		switch (f.kind) {
		case SS_FACT_CGROUP_CREATE:
		case SS_FACT_CGROUP_REMOVE:
			must(strnlen(f.cgroup.name, sizeof(f.cgroup.name)) < sizeof(f.cgroup.name));
			break;
		case SS_FACT_OOM_KILL:
			must(f.tid && f.oom.exhausted < SS_OOM_KINDS);
			break;
		case SS_FACT_LOOP_STALL:
			must(f.stall.cause < SS_STALL_CAUSES);
			break;
		case SS_FACT_EXEC:
			must(strnlen(f.exec.path, sizeof(f.exec.path)) < sizeof(f.exec.path));
			must(f.exec.arguments_bytes <= SS_ARGUMENTS_LEN);
			break;
		case SS_FACT_CGROUP_ENTER:
			must(f.cgroup.id);
			break;
		case SS_FACT_PROCESS_START:
		case SS_FACT_THREAD_START:
		case SS_FACT_EXIT:
		case SS_FACT_CAPABILITY_DENIED:
			must(f.tid);
			break;
		case SS_FACT_NAMESPACE:
			must(f.namespaces.how < SS_NS_HOWS);
			must(f.namespaces.kinds && !(f.namespaces.kinds >> SS_NAMESPACES));
			break;
		default:
			must(0);
		}
		line_try(&f);
	}
	free(bytes);
	return 0;
}

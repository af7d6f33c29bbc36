/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json_rows.h - one row of a snapshot as a JSON object: containers in json_container.c, threads and events in json_looks.c, the
 * others in json_rows.c. Used by json.c only; every name from outside goes through writer_text.
 */
#ifndef SYSSCOPE_JSON_ROWS_H
#define SYSSCOPE_JSON_ROWS_H

#include "exporters/json/json_writer.h"
#include "sysscope/view.h"

/* Adds every metric of the scope that has a key; "a.b" becomes key b of object a. */
void json_set_metrics(struct writer *w, json_t *object, enum metric_scope scope, const double *v);

/* What rows of several kinds have. A name may be that of several containers; the path of the cgroup is unique. */
void json_set_container(struct writer *w, json_t *row, const struct container_row *c);
void json_set_device(struct writer *w, json_t *row, uint32_t major, uint32_t minor, bool upon_others, bool flash);
/* Not known: null. */
void json_set_capabilities(struct writer *w, json_t *row, const struct snapshot *s, bool known, uint64_t effective,
			   uint64_t permitted, uint64_t bounding);

json_t *json_container(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_process(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_group(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_disk_neighbour(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_device(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_port(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_neighbour(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_loop(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_oom_kill(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_birth(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_thread(struct writer *w, const struct snapshot *s, uint32_t i);
json_t *json_event(struct writer *w, const struct snapshot *s, uint32_t i);

#endif

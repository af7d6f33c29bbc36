/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_looks.c - rows that are made only while somebody looks: threads and events. See json_rows.h. */
#include "exporters/json/json_rows.h"

json_t *json_thread(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct thread_row *t = &s->looked.threads[i];
	const struct process_row *p = &s->processes[t->process];
	const char state[] = {t->state, '\0'};
	json_t *row = json_object();

	writer_set(w, row, "pid", json_integer(p->pid));
	writer_set(w, row, "tid", json_integer(t->tid));
	writer_set_text(w, row, "comm", p->comm);
	writer_set_text(w, row, "thread", t->comm);
	json_set_container(w, row, &s->containers[t->container]);
	writer_set(w, row, "start_time", writer_real(t->start_time));
	writer_set_text(w, row, "state", state);
	writer_set(w, row, "cpu", json_integer(t->cpu));
	writer_set_text(w, row, "waits_for", t->waits_for);
	json_set_metrics(w, row, SCOPE_THREAD, t->v);
	return row;
}

json_t *json_event(struct writer *w, const struct snapshot *s, uint32_t i)
{
	const struct event_row *e = &s->looked.events[i];
	json_t *row = json_object();

	writer_set(w, row, "number", json_integer((json_int_t)e->number));
	writer_set(w, row, "time", writer_real(e->time));
	writer_set_text(w, row, "type", e->type);
	writer_set_text(w, row, "container", e->container);
	writer_set_text(w, row, "container_cgroup", e->cgroup);
	writer_set_text(w, row, "comm", e->comm);
	writer_set(w, row, "pid", e->pid ? json_integer(e->pid) : json_null());
	writer_set(w, row, "tid", e->tid ? json_integer(e->tid) : json_null());
	writer_set_text(w, row, "text", e->text);
	return row;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fields.h - where each field of an event is, by the number that it has in a recording. Used by pack.c and unpack.c. */
#ifndef SYSSCOPE_RECORD_FIELDS_H
#define SYSSCOPE_RECORD_FIELDS_H

#include "record/facts/facts.h"

/* How a value is written: the lowest bits of the number in front of it. */
enum fact_form { FORM_UNSIGNED, FORM_SIGNED, FORM_REAL, FORM_WORDS };
#define FACT_FORM_BITS 2

struct fact_field {
	const char *name;      /* "event.comm" */
	uint16_t offset, size; /* in struct fact_room; size 0: there is no such field */
	uint8_t form;
	bool array; /* a text in place, else a pointer to it */
};
extern const struct fact_field fact_fields[FACT_FIELDS];

/*
 * Repeated. Of a lost event: the name of a type, and how many of it were lost. Of a stall: the name of a class of waits, and
 * how long it was.
 */
enum { FACT_LOST_TYPE = 140, FACT_LOST_RING, FACT_LOST_UNREAD, FACT_BLOCKED_CLASS, FACT_BLOCKED };

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fields.c - see fields.h. */
#include "record/facts/fields.h"

#define MEMBER(member) (((struct fact_room *)0)->member)
#define FORM_OF(member) \
	_Generic(MEMBER(member),         \
		 bool: FORM_UNSIGNED,    \
		 uint32_t: FORM_UNSIGNED, \
		 uint64_t: FORM_UNSIGNED, \
		 int: FORM_SIGNED,       \
		 double: FORM_REAL,      \
		 char *: FORM_WORDS,     \
		 const char *: FORM_WORDS)
#define IN_PLACE(member) _Generic(MEMBER(member), char * : true, default : false)

const struct fact_field fact_fields[FACT_FIELDS] = {
#define FIELD(number, member)                                                                             \
	[number] = {#member, offsetof(struct fact_room, member), sizeof(MEMBER(member)), FORM_OF(member), \
		    IN_PLACE(member)},
#include "record/facts/fields.def"
#undef FIELD
};

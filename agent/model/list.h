/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list.h - an array that grows: elements, their number and the room there is. The owner embeds it, reserves room before
 * it adds, and frees it. Needs no other file of the model.
 */
#ifndef SYSSCOPE_MODEL_LIST_H
#define SYSSCOPE_MODEL_LIST_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define LIST(type)             \
	struct {               \
		type *at;      \
		size_t n, cap; \
	}

/* Makes room for `count` elements in all. 0 or -ENOMEM; the list is unchanged then. */
#define list_reserve(list, count) array_reserve(&(list)->at, &(list)->cap, (count), sizeof(*(list)->at))

/* Gives the memory back; the list is empty and may be used again. */
#define list_free(list)                      \
	do {                                 \
		free((list)->at);            \
		(list)->at = NULL;           \
		(list)->n = (list)->cap = 0; \
	} while (0)

static inline int array_reserve(void *array, size_t *cap, size_t n, size_t size)
{
	void **p = array;
	size_t want = n + n / 2 + 64;
	void *more;

	if (n <= *cap)
		return 0;
	more = reallocarray(*p, want, size);
	if (!more)
		return -ENOMEM;
	*p = more;
	*cap = want;
	return 0;
}

#endif

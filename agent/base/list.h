/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list.h - memory that its owner frees: arrays that grow and copies of strings. The owner embeds a LIST,
 * reserves room before it adds elements, and frees it. Used by the model and its neighbours.
 */
#ifndef SYSSCOPE_BASE_LIST_H
#define SYSSCOPE_BASE_LIST_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LIST(type)             \
	struct {               \
		type *at;      \
		size_t n, cap; \
	}

/* Makes room for `count` elements in all. 0 or -ENOMEM; the list is unchanged then. Elements may be pointers. */
/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
#define list_reserve(list, count) array_reserve(&(list)->at, &(list)->cap, (count), sizeof(*(list)->at))

/* The same for a list that is filled anew each time: of its elements the first `count` stay. */
/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
#define list_fit(list, count) array_fit(&(list)->at, &(list)->cap, (count), sizeof(*(list)->at))

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

/* The same, and gives back what a burst of elements has left: an array of this size that is filled for less than a quarter. */
#define LIST_LARGE (64UL * 1024)
static inline int array_fit(void *array, size_t *cap, size_t n, size_t size)
{
	void **p = array;
	size_t want = n + n / 2 + 64;
	void *less;

	if (n >= *cap / 4 || want >= *cap || *cap * size < LIST_LARGE)
		return array_reserve(array, cap, n, size);
	less = reallocarray(*p, want, size);
	if (!less)
		return 0;
	*p = less;
	*cap = want;
	return 0;
}

/* Makes *to a copy of `value`; frees what was there. 0 or -ENOMEM; *to is unchanged then. */
static inline int text_keep(char **to, const char *value)
{
	char *copy;

	if (*to && strcmp(*to, value) == 0)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

#endif

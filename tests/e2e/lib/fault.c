/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - preloaded into sysscope by test_fault_*: allocations that fail, and clocks that step. What is to happen
 * comes by the environment:
 *   FAULT_MALLOC_AT=N    the Nth allocation fails; FAULT_MALLOC_TIMES=M: and the M-1 after it (0: all)
 *   FAULT_MALLOC_COUNT=F at exit the number of allocations is written to this file
 *   FAULT_CONTROL=F      three __s64, which may change while it runs: nanoseconds by which CLOCK_REALTIME and
 *                        CLOCK_BOOTTIME are ahead, and N: each Nth allocation fails (0: none)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static unsigned long allocations, fail_at, fail_end;
static const volatile int64_t *control;

static int fails(void)
{
	unsigned long n = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
	unsigned long every = control ? (unsigned long)control[2] : 0;

	if (!(every && n % every == 0) && !(fail_at && n >= fail_at && n < fail_end))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, id, t);
	int64_t ahead = 0, sum;

	if (r < 0 || !control)
		return r;
	if (id == CLOCK_REALTIME)
		ahead = control[0];
	if (id == CLOCK_BOOTTIME)
		ahead = control[1];
	sum = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec + ahead;
	t->tv_sec = sum / 1000000000;
	t->tv_nsec = sum % 1000000000;
	return 0;
}

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_CONTROL");
	unsigned long times = number("FAULT_MALLOC_TIMES");
	int fd;

	if (path && (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		void *map = mmap(NULL, 24, PROT_READ, MAP_SHARED, fd, 0);

		if (map != MAP_FAILED)
			control = map;
		close(fd);
	}
	allocations = 0;
	fail_at = number("FAULT_MALLOC_AT");
	fail_end = fail_at && getenv("FAULT_MALLOC_TIMES") && times == 0 ? (unsigned long)-1
									 : fail_at + (times ? times : 1);
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAULT_MALLOC_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%lu\n", allocations);
	fclose(f);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execs.c - `execs N`: executes itself N times in a row, as fast as it goes: no C library, since most of an exec is starting
 * that. Built by test_events_rate.
 */
#include <stddef.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

__attribute__((used)) static void begin(long *stack)
{
	char *argv[3] = {(char *)stack[1], (char *)stack[2], NULL};
	char text[24], *p = text + sizeof(text);
	long left = 0;

	for (const char *digit = argv[1]; *digit; digit++)
		left = left * 10 + *digit - '0';
	if (left == 0)
		call(SYS_exit, 0, 0, 0);
	left--;
	*--p = '\0';
	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	argv[1] = p;
	call(SYS_execve, (long)argv[0], (long)argv, 0);
	call(SYS_exit, 1, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slow_disk.c - makes a disk that takes so many microseconds for each request, prints its path, and keeps it until it is ended. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/slow_disk.h"

static void on_end(int signal)
{
	exit(signal == SIGTERM ? 0 : 1);
}

int main(int argc, char **argv)
{
	struct test_disk disk;

	signal(SIGTERM, on_end);
	if (argc != 2 || !test_disk_make_slow(&disk, 64UL << 20, (unsigned int)strtoul(argv[1], NULL, 10)))
		return 1;
	printf("%s\n", disk.path);
	fflush(stdout);
	for (;;)
		pause();
}

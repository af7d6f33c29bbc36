/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.c - `names COUNT`: forks COUNT children one after another, each under a name of its own (prctl), which ends at
 * once. For a line on standard input it begins; "done" on standard output, then it waits for the end of its input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;
	char line[16], name[16];

	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			snprintf(name, sizeof(name), "n%d", i);
			prctl(PR_SET_NAME, name);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	puts("done");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}

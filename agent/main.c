/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the table of verbs. Each verb parses its own options and returns the exit code.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "cli/options.h"
#include "cli/verbs.h"

static const struct verb verbs[] = {
	{.name = "top", .summary = "who uses this machine: live screen, plain text, JSON or CSV", .run = cmd_top},
	{.name = "serve", .summary = "metrics for Prometheus over HTTP", .run = cmd_serve},
	{.name = "events",
	 .summary = "what happens as it happens: births, execs, exits, containers, stalls",
	 .run = cmd_events},
	{.name = "capabilities",
	 .summary = "which capabilities containers use, are denied, and could do without",
	 .run = cmd_capabilities},
	{.name = "doctor", .summary = "what this kernel offers, what is missing and how to get it", .run = cmd_doctor},
};

static void print_help(FILE *f)
{
	fprintf(f, "usage: sysscope COMMAND [OPTIONS]\n\n"
		   "Which container and which process uses this machine, from the kernel's own counters.\n\n"
		   "commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(f, "  %-12s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(f, "\n`sysscope COMMAND --help` has each one's options and examples.\n\n"
		   "examples:\n"
		   "  sudo sysscope top\n"
		   "  sudo sysscope top --json -n 1 | jq '.containers[] | {name, cpu_cores}'\n"
		   "  sudo sysscope serve\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	/* A file that is opened must not become what errors or lines are written to. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return EXIT_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("sysscope %s (%s)\n", SYSSCOPE_VERSION, SYSSCOPE_REVISION);
		return EXIT_DONE;
	}
	if (name[0]) {
		_cleanup_buf_ struct buf safe = {};

		text_terminal(&safe, name, strlen(name));
		fprintf(stderr, "sysscope: there is no command '%s'\n\n", safe.data ? safe.data : "");
	}
	print_help(stderr);
	return EXIT_USAGE;
}

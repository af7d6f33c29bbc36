/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the command line from one table: a row per option gives parsing, --help and the man page.
 * Numbers are parsed whole and in range, or refused by the option's name.
 */
#ifndef SYSSCOPE_OPTIONS_H
#define SYSSCOPE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,	/* target: bool, set to true */
	OPTION_UNSET,	/* target: bool, set to false; for --no-... rows */
	OPTION_U64,	/* target: uint64_t, min..max */
	OPTION_SECONDS, /* target: double, min..max */
	OPTION_STRING,	/* target: const char * */
	OPTION_LIST,	/* target: struct option_list; may be given several times */
	OPTION_CHOICE,	/* target: const char *, one of `choices`, separated by '|' */
};

/* The values of an option in the order given. What it holds before is the default, and goes with the first value. */
#define OPTION_LIST_MAX 8
struct option_list {
	const char *values[OPTION_LIST_MAX];
	size_t n;
	bool given;
};

struct option_row {
	const char *name; /* without the dashes */
	char short_name;  /* 0: none */
	enum option_kind kind;
	double min, max;
	const char *choices;
	void *target;	      /* holds the default */
	const char *argument; /* what --help calls it: "SECONDS" */
	const char *help;
};

/* A verb: `sysscope NAME`. */
struct verb {
	const char *name;
	const char *summary;		   /* one line of `sysscope --help` */
	const char *rest;		   /* behind the options in the usage line; NULL: nothing */
	const char *examples;		   /* shown at the end of `sysscope NAME --help` */
	int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
};

/* Exit codes, the contract with scripts. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3 };

/*
 * Parses all of argv. 0: go on. 1: --help or --version was printed, leave with EXIT_DONE. Negative: bad usage, one
 * line about it and how to get help is on stderr, leave with EXIT_USAGE. The rows that all commands share
 * (--log.level, --log.format, --help, --version) are added by itself. `ret_rest`, if not NULL, receives the index
 * of the first argument after `--`; without it, arguments that are no options are refused.
 */
int options_parse(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  int *ret_rest);

#endif

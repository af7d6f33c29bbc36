/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the command line from one table: a row per option gives parsing, defaults and --help. Numbers are parsed whole
 * and in range, or refused with the option's name. Called by run.c; writes to stderr only what is wrong with the usage.
 */
#ifndef SYSSCOPE_OPTIONS_H
#define SYSSCOPE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

enum option_kind {
	OPTION_FLAG,	/* target: bool, set to true */
	OPTION_UNSET,	/* target: bool, set to false; for --no-... rows */
	OPTION_U64,	/* target: uint64_t, min..max */
	OPTION_SECONDS, /* target: double, min..max */
	OPTION_STRING,	/* target: const char * */
	OPTION_LIST,	/* target: struct option_list; may be given several times */
	OPTION_CHOICE,	/* target: const char *, one of `choices`, separated by '|' */
	OPTION_SIZE,	/* target: uint64_t, bytes, min..max; "2G" */
	OPTION_SPAN,	/* target: double, seconds, min..max; "7d" */
	OPTION_PLACE,	/* target: const char *; no option but an argument that has to be there */
	OPTION_ASK,	/* target: bool, set to true; asks for something else than to run: only on the command line */
	OPTION_CONF,	/* target: struct option_conf; the path of a file that has options, too */
};

/* The values of an option in the order given. What it holds before is the default, which the first value replaces. */
#define OPTION_LIST_MAX 8
struct option_list {
	const char *values[OPTION_LIST_MAX];
	size_t n;
	bool given;
	char split[512]; /* the values, if they are from one variable of the environment */
};

struct conf;

/* A file with options: see options_layers.c. Its owner frees the tree when none of its values is in use any more. */
struct option_conf {
	const char *path;		    /* NULL: none */
	struct conf *tree;		    /* NULL: nothing was read */
	const char *log_level, *log_format; /* what all layers say, in force or not */
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
	const char *heading; /* in --help, above this row; NULL: none */
};

/* One row in one line. The compiler refuses a target of another kind's type. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a type cannot stand in parentheses here */
#define OPTION_TARGET(type, target) _Generic((target), type : (target))
#define ROW_FLAG(name, short_name, target, help)                                                                   \
	((struct option_row){name, short_name, OPTION_FLAG, 0, 0, NULL, OPTION_TARGET(bool *, target), NULL, help, \
			     NULL})
#define ROW_UNSET(name, short_name, target, help)                                                                   \
	((struct option_row){name, short_name, OPTION_UNSET, 0, 0, NULL, OPTION_TARGET(bool *, target), NULL, help, \
			     NULL})
#define ROW_U64(name, short_name, min, max, target, argument, help)                                           \
	((struct option_row){name, short_name, OPTION_U64, min, max, NULL, OPTION_TARGET(uint64_t *, target), \
			     argument, help, NULL})
#define ROW_SECONDS(name, short_name, min, max, target, argument, help)                                         \
	((struct option_row){name, short_name, OPTION_SECONDS, min, max, NULL, OPTION_TARGET(double *, target), \
			     argument, help, NULL})
#define ROW_STRING(name, short_name, target, argument, help)                                                    \
	((struct option_row){name, short_name, OPTION_STRING, 0, 0, NULL, OPTION_TARGET(const char **, target), \
			     argument, help, NULL})
#define ROW_LIST(name, short_name, target, argument, help)                                                           \
	((struct option_row){name, short_name, OPTION_LIST, 0, 0, NULL, OPTION_TARGET(struct option_list *, target), \
			     argument, help, NULL})
#define ROW_CHOICE(name, short_name, choices, target, argument, help)                                              \
	((struct option_row){name, short_name, OPTION_CHOICE, 0, 0, choices, OPTION_TARGET(const char **, target), \
			     argument, help, NULL})

#define ROW_SIZE(name, min, max, target, help)                                                                      \
	((struct option_row){name, 0, OPTION_SIZE, min, max, NULL, OPTION_TARGET(uint64_t *, target), "SIZE", help, \
			     NULL})
#define ROW_SPAN(name, min, max, target, help) \
	((struct option_row){name, 0, OPTION_SPAN, min, max, NULL, OPTION_TARGET(double *, target), "TIME", help, NULL})
#define ROW_ASK(name, short_name, target, help) \
	((struct option_row){name, short_name, OPTION_ASK, 0, 0, NULL, OPTION_TARGET(bool *, target), NULL, help, NULL})
#define ROW_CONF(name, target, help)                                                                                \
	((struct option_row){name, 0, OPTION_CONF, 0, 0, NULL, OPTION_TARGET(struct option_conf *, target), "FILE", \
			     help, NULL})
#define ROW_PLACE(name, target) \
	((struct option_row){name, 0, OPTION_PLACE, 0, 0, NULL, OPTION_TARGET(const char **, target), name, "", NULL})

struct run;
struct verb;

/* Shows all rows of a verb, the shared ones included. */
typedef void (*options_show)(const struct verb *verb, const struct option_row *rows, size_t n);

/* What a verb shares with others; see run.h. */
enum {
	VERB_COLLECTORS = 1 << 0,   /* --collector.NAME, --no-collector.NAME, --loop.stall-threshold */
	VERB_DOCKER_ROOTS = 1 << 1, /* --docker.data-root */
	VERB_ARGUMENTS = 1 << 2,    /* a command behind a "--" */
	VERB_DAEMON = 1 << 3,	    /* outlives its terminal */
	VERB_CONFINED = 1 << 4,	    /* --no-seccomp; its body calls run_confine */
};

/* A verb: `sysscope NAME`. */
struct verb {
	const char *name;
	const char *summary;	      /* one line of `sysscope --help` */
	const char *about;	      /* one sentence of `sysscope NAME --help` */
	const char *rest;	      /* behind the options in the usage line; NULL: nothing */
	const char *examples;	      /* at the end of `sysscope NAME --help` */
	unsigned int shares;	      /* VERB_... */
	options_show show;	      /* what --help does; NULL: options_help. Another makes the manual's page of it */
	int (*body)(struct run *run); /* returns the exit code */
};

/* Exit codes, the contract with scripts. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3, EXIT_FOUND = 4 };

/*
 * Parses all of argv. 0: continue. 1: --help or --version was printed, leave with EXIT_DONE. Negative: bad usage, one line
 * about it is on stderr, leave with EXIT_USAGE. Adds the rows that all verbs have: --log.level, --log.format, --help,
 * --version. `ret_rest`, if not NULL, receives the index of the command behind a "--", or argc if there is no "--". Any
 * other argument behind the options is refused, and so is a "--" with nothing behind it.
 */
int options_parse(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  int *ret_rest);

/*
 * The same again, after the file of a ROW_CONF may have changed, into targets that hold the defaults: says nothing, sets up no log.
 * 0, or negative errno with one line in `error`.
 */
int options_again(const struct verb *verb, const struct option_row *rows, size_t n, int argc, char **argv,
		  struct buf *error);

bool option_takes_value(const struct option_row *row);

/* options_value.c: false: it is not what the row takes; `why` then says "is not ...". */
bool option_value_set(const struct option_row *r, const char *value, struct buf *why);
/* Of OPTION_FLAG and OPTION_UNSET: as if its name were said to be so. */
void option_switch_set(const struct option_row *r, bool on);
/* Its name in the environment and in a file: without "no-". */
const char *option_key(const struct option_row *row);
/* Whether two rows of the same kind have the same value. */
bool option_value_same(const struct option_row *a, const struct option_row *b);

/* options_help.c: what `sysscope NAME --help` prints. Shows the targets' values as the defaults. */
void options_help(const struct verb *verb, const struct option_row *rows, size_t n);
/* What a row's option is: its help, the choices, whether it may be repeated, the default. */
void option_text(struct buf *text, const struct option_row *r);

/*
 * options_layers.c: what else than the command line says what an option is: the environment (--web.listen-address as
 * SYSSCOPE_WEB_LISTEN_ADDRESS), and below that a file in YAML (`web: {listen-address: [...]}`). A switch is true or false there,
 * and `--no-NAME` is `NAME: false`. `given[i]`: a layer above has said what row i is.
 */
void options_given(const struct option_row *rows, size_t n, const struct option_row *row, bool *given);
/* 0, or -EINVAL with one line in `error`. */
int options_environment(const struct verb *verb, const struct option_row *rows, size_t n, bool *given,
			struct buf *error);
/* The file of a ROW_CONF, if there is one and it has a path. 0, or negative errno with one line in `error`. */
int options_file(const struct verb *verb, const struct option_row *rows, size_t n, const bool *given,
		 struct buf *error);
/* One line about variables that look like options and are none; nothing if there are none. */
void options_environment_unknown(const struct verb *verb, const struct option_row *rows, size_t n, struct buf *out);

/*
 * "Did you mean": offer each name, then ask for the one that was probably meant. That is the shortest that begins like what
 * was typed, else the nearest by edits; NULL if none is near.
 */
struct nearest {
	const char *typed, *longer, *similar;
	size_t edits;
};
void nearest_begin(struct nearest *n, const char *typed);
void nearest_offer(struct nearest *n, const char *name);
const char *nearest_name(const struct nearest *n);

/* Of what a person typed, for a message: without control characters. */
void option_printable(struct buf *out, const char *typed);

#endif
